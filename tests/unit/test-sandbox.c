/*
 * Sandboxes: what a confined command can and cannot do, by each layer that the kernel has.
 */
#include "process-fixture.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <sys/fs.h>
#include <sys/process.h>
#include <sys/sandbox.h>

static struct hk_sandbox_kernel kernel;

/* A tree "T" with open/, staging/ and hidden/, where hidden/kept is readable all the same. */
struct fixture {
	char *path;
	int fd;
	struct hk_sandbox s;
	char *text;
};

static int set_up(void **state)
{
	struct fixture *f = hk_xcalloc(1, sizeof(*f));

	f->fd = make_temp(&f->path);
	f->s = (struct hk_sandbox)HK_SANDBOX_INIT;
	f->s.confine = true;
	f->s.kernel = kernel;
	for (size_t i = 0; i < 4; i++) {
		static const char *const dirs[] = { "open", "staging", "hidden", "hidden/kept" };
		hk_auto_free char *file = hk_xasprintf("%s/file", dirs[i]);

		assert_int_equal(mkdirat(f->fd, dirs[i], 0755), 0);
		make_file(f->fd, file, "text\n", 0644);
	}
	make_file(f->fd, "file", "text\n", 0644);
	hk_sandbox_addf(&f->s, HK_ACCESS_NONE, "%s/hidden", f->path);
	hk_sandbox_addf(&f->s, HK_ACCESS_READ, "%s/hidden/kept", f->path);
	hk_sandbox_addf(&f->s, HK_ACCESS_NONE, "%s/later", f->path);
	hk_sandbox_addf(&f->s, HK_ACCESS_WRITE, "%s/staging", f->path);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	struct hk_error ignored;

	hk_sandbox_release(&f->s);
	close(f->fd);
	assert_int_equal(hk_fs_remove_tree(AT_FDCWD, f->path, &ignored), 0);
	free(f->path);
	free(f->text);
	free(f);
	return 0;
}

static void require_files(const struct fixture *f)
{
	if (!hk_sandbox_confines_files(&f->s.kernel))
		skip();
}

static int compile(struct fixture *f)
{
	struct hk_error err = HK_ERROR_INIT;
	int ret = hk_sandbox_compile(&f->s, &err);

	if (ret)
		print_message("%s\n", err.message);
	return ret;
}

/* A line of shell in staging/, where T is the tree; its exit status, or a negative code. */
static int sh(struct fixture *f, const char *line)
{
	hk_auto_free char *tree = hk_xasprintf("T=%s", f->path);
	const char *const argv[] = { "/bin/sh", "-c", line, NULL };
	const char *const env[] = { "PATH=/usr/bin:/bin", tree, NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_close int cwd = openat(f->fd, "staging", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hk_process_result result;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	spec.argv = argv;
	spec.env = env;
	spec.cwd_fd = cwd;
	spec.sandbox = &f->s;
	spec.timeout_ms = PATIENCE_MS;
	spec.on_line = collect_line;
	spec.ctx = &out;
	if (hk_process_run(&spec, &result, &err) && result.exit_status < 0)
		print_message("%s\n", err.message);
	free(f->text);
	f->text = hk_buf_detach(&out);
	return result.exit_status;
}

#define works(f, line) assert_int_equal(sh(f, line), 0)
#define fails(f, line) assert_int_not_equal(sh(f, line), 0)

static void check_files(struct fixture *f)
{
	works(f, "cat file $T/open/file $T/file /etc/passwd >/dev/null");
	works(f, "echo more >>file; mkdir d; echo x >d/x; mv d/x y; ln -s y l; rm -r d file");
	works(f, "cat $T/hidden/kept/file");
	fails(f, "cat $T/hidden/file");
	fails(f, "ls $T/hidden | grep file");
	fails(f, "echo x >>$T/hidden/kept/file");
	fails(f, "echo x >>$T/open/file");
	fails(f, "echo x >$T/open/new");
	fails(f, "rm $T/open/file");
	fails(f, "mv $T/open ./");
	fails(f, "mv $T/open/file ./");
	fails(f, "ln $T/open/file ./");
	fails(f, "echo x >$T/new");
	fails(f, "ln -s $T/hidden/file h; cat h");
	works(f, "echo x >/dev/null; head -c 1 /dev/urandom >/dev/null; echo x >/dev/stderr");
	works(f, "f=$(mktemp -p .); echo x >$f; test -s $f");
}

static void both_layers(void **state)
{
	struct fixture *f = *state;

	require_files(f);
	assert_int_equal(compile(f), 0);
	check_files(f);
	if (kernel.landlock_abi >= HK_LANDLOCK_TRUNCATE || kernel.mounts_readonly)
		fails(f, "truncate -s 0 $T/open/file");
	/* Made since: it was not there to be given. */
	assert_int_equal(mkdirat(f->fd, "later", 0755), 0);
	make_file(f->fd, "later/file", "text\n", 0644);
	fails(f, "cat $T/later/file");
}

static void landlock_alone(void **state)
{
	struct fixture *f = *state;

	if (!kernel.landlock_abi)
		skip();
	f->s.kernel.mounts = f->s.kernel.mounts_readonly = false;
	f->s.kernel.syscall_filter = false;
	assert_int_equal(compile(f), 0);
	check_files(f);
}

/* As the kernel of Debian 12 has it, and older ones. */
static void old_landlock(void **state)
{
	struct fixture *f = *state;

	if (kernel.landlock_abi < 2)
		skip();
	f->s.kernel.mounts = f->s.kernel.mounts_readonly = false;
	f->s.kernel.landlock_abi = 2;
	assert_int_equal(compile(f), 0);
	check_files(f);
	f->s.kernel.landlock_abi = 1;
	hk_cleanup_close(&f->s.ruleset);
	assert_int_equal(compile(f), 0);
	fails(f, "cat $T/hidden/file");
	fails(f, "echo x >>$T/open/file");
	works(f, "echo x >x");
}

static void mounts_alone(void **state)
{
	struct fixture *f = *state;

	if (!kernel.mounts_readonly)
		skip();
	f->s.kernel.landlock_abi = 0;
	assert_int_equal(compile(f), 0);
	check_files(f);
	fails(f, "truncate -s 0 $T/open/file");
	/* What the caller cannot, an own namespace inside cannot either. */
	fails(f, "unshare -Urm umount $T/hidden");
	fails(f, "unshare -Urm mount -o remount,bind,rw / && echo x >$T/new");
	fails(f, "umount $T/hidden");
}

static void folder_is_kept(void **state)
{
	struct fixture *f = *state;
	hk_auto_free char *wanted = hk_xasprintf("%s/staging\n", f->path);

	assert_int_equal(compile(f), 0);
	works(f, "pwd -P");
	assert_string_equal(f->text, wanted);
	works(f, "cat ../file");
	fails(f, "cat ../hidden/file");
}

static void others_are_safe(void **state)
{
	struct fixture *f = *state;
	hk_auto_free char *line = hk_xasprintf("kill -9 %d", (int)getpid());
	hk_auto_free char *limits = hk_xasprintf("prlimit --pid %d --cpu=1000", (int)getpid());
	hk_auto_free char *look = hk_xasprintf("cat /proc/%d/environ", (int)getpid());

	assert_int_equal(compile(f), 0);
	if (kernel.landlock_abi)
		fails(f, look);
	if (kernel.syscall_filter) {
		works(f, "ulimit -n 100; ulimit -n");
		fails(f, limits);
	}
	if (kernel.landlock_abi < HK_LANDLOCK_SCOPE)
		skip();
	fails(f, line);
	works(f, "sleep 60 & kill -9 $!");
}

static void no_privileges(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(compile(f), 0);
	works(f, "grep -x 'NoNewPrivs:.1' /proc/self/status");
	works(f, "grep -x 'CapEff:.000000[0-9a-f]*' /proc/self/status");
	if (!geteuid() && kernel.landlock_abi)
		fails(f, "for d in $(ls /sys/block); do head -c 1 /dev/$d && exit 0; done; exit 1");
}

static void listen_at(const char *path, int *ret_fd)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	*ret_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(bind(*ret_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(*ret_fd, 1), 0);
}

static void sockets(void **state)
{
	static const char connects[] =
		"python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' ";
	struct fixture *f = *state;
	hk_auto_free char *hidden = hk_xasprintf("%s/hidden/sock", f->path);
	hk_auto_free char *open = hk_xasprintf("%s/open/sock", f->path);
	hk_auto_close int a = -1, b = -1;
	hk_auto_free char *to_hidden = hk_xasprintf("%s%s", connects, hidden);
	hk_auto_free char *to_open = hk_xasprintf("%s%s", connects, open);

	if (!kernel.mounts || access("/usr/bin/python3", X_OK))
		skip();
	listen_at(hidden, &a);
	listen_at(open, &b);
	assert_int_equal(compile(f), 0);
	works(f, to_open);
	fails(f, to_hidden);
}

/* Another folder, memory, and what other processes share, in places that all know. */
static void linked(void **state)
{
	struct fixture *f = *state;

	require_files(f);
	assert_int_equal(symlinkat("../staging", f->fd, "hidden/link"), 0);
	assert_int_equal(symlinkat("open", f->fd, "link"), 0);
	hk_sandbox_addf(&f->s, HK_ACCESS_WRITE, "%s/hidden/link", f->path);
	hk_sandbox_addf(&f->s, HK_ACCESS_NONE, "%s/link", f->path);
	assert_int_equal(compile(f), 0);
	works(f, "cat $T/hidden/link/file; echo x >$T/hidden/link/x; test -s x");
	fails(f, "cat $T/open/file");
	fails(f, "cat $T/link/file");
	fails(f, "echo x >$T/hidden/x");
}

static void replaced(void **state)
{
	struct fixture *f = *state;
	hk_auto_free char *open = hk_xasprintf("%s/open", f->path);
	hk_auto_free char *staging = hk_xasprintf("%s/staging", f->path);

	if (!kernel.mounts)
		skip();
	hk_sandbox_replace(&f->s, open, staging);
	hk_sandbox_replace(&f->s, "/dev/shm", "");
	f->s.memory_max = 1 << 20;
	assert_int_equal(compile(f), 0);
	works(f, "echo x >$T/open/new; test -s $T/staging/new");
	works(f, "test -z \"$(ls -A /dev/shm)\"; echo x >/dev/shm/hk-test; cat /dev/shm/hk-test");
	fails(f, "test -e /dev/shm/hk-test");
	fails(f, "head -c 2M /dev/zero >/dev/shm/hk-test");
	works(f, "test \"$(readlink /proc/self/ns/ipc)\" != \"$(readlink /proc/$PPID/ns/ipc)\"");
	assert_int_equal(faccessat(f->fd, "open/new", F_OK, 0), -1);
	assert_int_equal(access("/dev/shm/hk-test", F_OK), -1);
}

static void network(void **state)
{
	struct fixture *f = *state;

	f->s.no_network = true;
	if (!kernel.no_network) {
		struct hk_error err;

		assert_int_equal(hk_sandbox_compile(&f->s, &err), HK_E_NOT_SUPPORTED);
		return;
	}
	assert_int_equal(compile(f), 0);
	works(f, "test \"$(grep -c : /proc/net/dev)\" = 1");
	works(f, "grep 'lo:' /proc/net/dev");
	/* Without anything else. */
	f->s.confine = false;
	works(f, "test \"$(grep -c : /proc/net/dev)\" = 1; echo x >>$T/open/file");
}

static void limits(void **state)
{
	struct fixture *f = *state;

	f->s.memory_max = 64 << 20;
	f->s.tasks_max = 20;
	f->s.cpu_quota = 50;
	assert_int_equal(compile(f), 0);
	works(f, "ulimit -c");
	assert_string_equal(f->text, "0\n");
	works(f, "nice");
	assert_string_equal(f->text, "10\n");
	fails(f, "head -c 100M /dev/zero | tail -c 100M >/dev/null");
	/* No such limit counts root's tasks: 2091-confinement.sh has another user try. */
	if (geteuid())
		fails(f, "for i in $(seq 40); do sleep 5 & done; wait");
}

static unsigned admit(void *ctx, pid_t supervisor)
{
	*(pid_t *)ctx = supervisor;
	return HK_COVERS_MEMORY | HK_COVERS_CPU;
}

static void admitted(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = { "/bin/sh", "-c",
				     "test $(ulimit -d) = unlimited -a $(nice) = 0", NULL };
	const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct hk_error err = HK_ERROR_INIT;
	struct hk_process_result result;
	pid_t supervisor = 0;

	f->s.memory_max = 64 << 20;
	f->s.cpu_quota = 50;
	assert_int_equal(compile(f), 0);
	spec.argv = argv;
	spec.env = env;
	spec.sandbox = &f->s;
	spec.admit = admit;
	spec.ctx = &supervisor;
	assert_int_equal(hk_process_run(&spec, &result, &err), 0);
	assert_true(supervisor > 0);
	assert_int_equal(result.covered, HK_COVERS_MEMORY | HK_COVERS_CPU);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(both_layers),	   T(landlock_alone),  T(old_landlock),	 T(mounts_alone),
		T(folder_is_kept), T(others_are_safe), T(no_privileges), T(sockets),
		T(linked),	   T(replaced),	       T(network),	 T(limits),
		T(admitted),
	};
	struct hk_error err;

	if (hk_sandbox_probe(&kernel, &err))
		return 1;
	print_message("# landlock %d, user namespace %d, mounts %d, readonly %d, network %d\n",
		      kernel.landlock_abi, kernel.user_namespace, kernel.mounts,
		      kernel.mounts_readonly, kernel.no_network);
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
