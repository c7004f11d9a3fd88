/*
 * Sandboxes: their paths, what the kernel has for them, and the way in (contract in sandbox.h).
 */
#include <sys/sandbox.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/alloc.h>
#include <sys/failpoint.h>
#include <sys/landlock.h>
#include <sys/namespaces.h>
#include <sys/privileges.h>

#define NICENESS 10

static void release_path(struct hk_sandbox_path *p)
{
	free(p->path);
	free(p->link);
	free(p->instead);
}

void hk_sandbox_release(struct hk_sandbox *s)
{
	for (size_t i = 0; i < s->len; i++)
		release_path(&s->paths[i]);
	free(s->paths);
	hk_cleanup_close(&s->ruleset);
	*s = (struct hk_sandbox)HK_SANDBOX_INIT;
}

void hk_sandbox_add(struct hk_sandbox *s, const char *path, enum hk_access access)
{
	if (s->len == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 32;
		s->paths = hk_xreallocarray(s->paths, s->cap, sizeof(*s->paths));
	}
	s->paths[s->len++] = (struct hk_sandbox_path){ .path = hk_xstrdup(path), .access = access };
}

void hk_sandbox_addf(struct hk_sandbox *s, enum hk_access access, const char *fmt, ...)
{
	hk_auto_free char *path = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&path, fmt, ap) < 0)
		abort();
	va_end(ap);
	hk_sandbox_add(s, path, access);
}

void hk_sandbox_replace(struct hk_sandbox *s, const char *path, const char *instead)
{
	hk_sandbox_add(s, path, HK_ACCESS_NONE);
	s->paths[s->len - 1].instead = hk_xstrdup(instead);
}

/* --- What the kernel has */

/* The child's exit status. */
enum {
	TRIED_USER = 1 << 0,
	TRIED_MOUNTS = 1 << 1,
	TRIED_READONLY = 1 << 2,
	TRIED_NETWORK = 1 << 3,
};

static void try_namespaces(void)
{
	struct hk_sandbox_kernel k = { .landlock_abi = 0 };

	hk_namespaces_try(&k);
	_exit((k.user_namespace ? TRIED_USER : 0) | (k.mounts ? TRIED_MOUNTS : 0) |
	      (k.mounts_readonly ? TRIED_READONLY : 0) | (k.no_network ? TRIED_NETWORK : 0));
}

int hk_sandbox_probe(struct hk_sandbox_kernel *ret, struct hk_error *err)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot start a process");
	if (pid == 0)
		try_namespaces();
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot wait for a process");
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
	*ret = (struct hk_sandbox_kernel){
		.landlock_abi = hk_landlock_abi(),
		.user_namespace = status & TRIED_USER,
		.mounts = status & TRIED_MOUNTS,
		.mounts_readonly = status & TRIED_READONLY,
		.no_network = status & TRIED_NETWORK,
		.syscall_filter = hk_privileges_can_filter(),
	};
	return 0;
}

bool hk_sandbox_confines_files(const struct hk_sandbox_kernel *k)
{
	return k->landlock_abi > 0 || k->mounts_readonly;
}

/* --- Preparation */

/* Without links; what does not exist, as the name that it would have in its folder. NULL: nowhere.
 */
static char *resolve(const char *path, bool *ret_exists)
{
	hk_auto_free char *parent = hk_xstrdup(path);
	char *slash = strrchr(parent, '/'), *resolved = realpath(path, NULL);
	hk_auto_free char *folder = NULL;

	*ret_exists = resolved != NULL;
	if (resolved || !slash || slash == parent)
		return resolved;
	*slash = '\0';
	folder = realpath(parent, NULL);
	return folder ? hk_xasprintf("%s/%s", folder[1] ? folder : "", slash + 1) : NULL;
}

/* Of several entries for a path the last one stays: a stable sort, by insertion. */
static void insert(struct hk_sandbox *s, struct hk_sandbox_path *p)
{
	size_t at = 0;

	while (at < s->len && strcmp(s->paths[at].path, p->path) < 0)
		at++;
	if (at < s->len && !strcmp(s->paths[at].path, p->path)) {
		release_path(&s->paths[at]);
		s->paths[at] = *p;
		return;
	}
	memmove(&s->paths[at + 1], &s->paths[at], (s->len - at) * sizeof(*p));
	s->paths[at] = *p;
	s->len++;
}

/* Sorted, so that a folder comes before what is in it. */
static void resolve_paths(struct hk_sandbox *s)
{
	size_t n = s->len;

	s->len = 0;
	for (size_t i = 0; i < n; i++) {
		struct hk_sandbox_path p = { .access = s->paths[i].access,
					     .instead = s->paths[i].instead };
		char *given = s->paths[i].path;
		struct stat st;
		bool exists;

		p.path = resolve(given, &exists);
		p.link = given;
		if (p.path && !strcmp(p.path, given)) {
			p.link = NULL;
			free(given);
		}
		p.is_dir = exists && !stat(p.path, &st) && S_ISDIR(st.st_mode);
		/* What is to be hidden may come into being: its folder is not given as a whole. */
		if (p.path && (exists || !p.access))
			insert(s, &p);
		else
			release_path(&p);
	}
}

/* Processes and threads of the user, which count for its limit. */
static int64_t count_tasks(void)
{
	hk_auto_closedir DIR *dir = opendir("/proc");
	const struct dirent *e;
	int64_t tasks = 0;

	while (dir && (e = readdir(dir))) {
		hk_auto_free char *name = hk_xasprintf("%s/task", e->d_name);
		struct stat st;

		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' &&
		    !fstatat(dirfd(dir), name, &st, 0) && st.st_uid == geteuid())
			tasks += (int64_t)st.st_nlink - 2;
	}
	return tasks;
}

int hk_sandbox_compile(struct hk_sandbox *s, struct hk_error *err)
{
	bool namespaces = s->no_network || (s->confine && s->kernel.mounts);

	if (s->no_network && !s->kernel.no_network)
		return hk_error_set(err, HK_E_NOT_SUPPORTED,
				    "the kernel does not let this user make a network namespace");
	/* A new user namespace counts its own tasks only. */
	if (s->tasks_max && !(namespaces && s->kernel.user_namespace))
		s->tasks_present = count_tasks();
	if (!s->confine)
		return 0;
	resolve_paths(s);
	return s->kernel.landlock_abi ? hk_landlock_compile(s, &s->ruleset, err) : 0;
}

/* --- The way in */

static int set_limit(int resource, int64_t value, const char *what, struct hk_error *err)
{
	struct rlimit now, wanted = { .rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value };

	/* One that is stricter already stays. */
	if (!getrlimit((__rlimit_resource_t)resource, &now) && now.rlim_max < wanted.rlim_max)
		wanted.rlim_cur = wanted.rlim_max = now.rlim_max;
	if (!setrlimit((__rlimit_resource_t)resource, &wanted))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot limit %s", what);
}

static int set_limits(const struct hk_sandbox *s, unsigned covered, struct hk_error *err)
{
	int64_t tasks = s->tasks_max + s->tasks_present;

	if (set_limit(RLIMIT_CORE, 0, "core dumps", err))
		return err->code;
	if (s->memory_max && !(covered & HK_COVERS_MEMORY) &&
	    set_limit(RLIMIT_DATA, s->memory_max, "memory", err))
		return err->code;
	if (s->tasks_max && !(covered & HK_COVERS_TASKS) &&
	    set_limit(RLIMIT_NPROC, tasks, "tasks", err))
		return err->code;
	if (s->cpu_quota && !(covered & HK_COVERS_CPU))
		setpriority(PRIO_PROCESS, 0, NICENESS);
	return 0;
}

static int enter_landlock(const struct hk_sandbox *s, struct hk_error *err)
{
	/* Folders that were made in memory just now had no rule yet. */
	for (size_t i = 0; i < s->len; i++)
		if (s->paths[i].instead && !*s->paths[i].instead &&
		    hk_landlock_add(s->ruleset, s->kernel.landlock_abi, s->paths[i].path, err))
			return err->code;
	return hk_landlock_enter(s->ruleset, err);
}

int hk_sandbox_enter(const struct hk_sandbox *s, unsigned covered, struct hk_error *err)
{
	/* Mounts first, which Landlock forbids; limits after the user namespace that counts them.
	 */
	if (hk_namespaces_enter(s, err) || set_limits(s, covered, err))
		return err->code;
	if (!s->confine)
		return 0;
	if (hk_privileges_drop(err) || (s->ruleset >= 0 && enter_landlock(s, err)))
		return err->code;
	return s->kernel.syscall_filter ? hk_privileges_filter(err) : 0;
}
