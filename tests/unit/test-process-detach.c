/*
 * Programs that are started to stay, and ending sessions (sys/detach.c, sys/session.c).
 */
#include "process-fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <sys/process.h>
#include <sys/procid.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define STUBBORN(...) ARGV(stubborn_path(), __VA_ARGS__)

static const char *const plain_env[] = { "PATH=/usr/bin:/bin", NULL };

static char *temp_path;
static int temp_fd = -1;
static struct hk_error err;

static int set_up(void **state HK_UNUSED)
{
	temp_fd = make_temp(&temp_path);
	err = (struct hk_error)HK_ERROR_INIT;
	return 0;
}

static int tear_down(void **state HK_UNUSED)
{
	close(temp_fd);
	assert_int_equal(rmdir(temp_path), 0);
	free(temp_path);
	return 0;
}

static int run_detached(const char *const *argv, struct hk_process_detach *spec, pid_t *ret)
{
	spec->argv = argv;
	spec->env = plain_env;
	return hk_process_detach(spec, ret, &err);
}

static void test_detach(void **state HK_UNUSED)
{
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;
	char text[256] = "";
	struct hk_procid id;
	int out[2];
	int leak = dup(temp_fd);
	size_t len = 0;
	pid_t pid;

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	spec.stdout_fd = out[1];
	spec.cwd_fd = temp_fd;
	assert_int_equal(run_detached(STUBBORN("fds", "state", "print", "end"), &spec, &pid), 0);
	close(out[1]);
	assert_true(hk_procid_of(pid, &id));
	while (len < sizeof(text) - 1 && !strstr(text, "end\n")) {
		ssize_t n = read(out[0], text + len, sizeof(text) - 1 - len);

		assert_true(n > 0);
		len += (size_t)n;
	}
	/* No number of a descriptor in front: none but 0, 1, 2 were open. */
	assert_int_equal(strncmp(text, "leader yes\numask 022\ncwd /", 26), 0);
	assert_true(hk_procid_alive(&id));
	assert_int_equal(hk_process_end_session(&id, 5000, &err), 0);
	/* Also reaped, being ours. */
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	close(out[0]);
	close(leak);
}

static int refuse(void *ctx, struct hk_error *e)
{
	assert_int_equal(getsid(0), getpid());
	hk_error_set(e, HK_E_NO_SPACE, "no room for '%s'", (const char *)ctx);
	return hk_error_hint(e, "make some");
}

static void test_detach_failures(void **state HK_UNUSED)
{
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;
	pid_t pid = -5;

	assert_int_equal(run_detached(ARGV("/no/such/program"), &spec, &pid),
			 HK_E_COMMAND_NOT_FOUND);
	assert_string_equal(err.message, "'/no/such/program' does not exist");
	spec.before_exec = refuse;
	spec.ctx = (char *)"records";
	assert_int_equal(run_detached(ARGV("true"), &spec, &pid), HK_E_NO_SPACE);
	assert_string_equal(err.message, "no room for 'records'");
	assert_string_equal(err.hint, "make some");
	assert_int_equal(pid, -5);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Starts a session whose leader says when its members are complete; the lifeline is its stdout. */
static struct hk_procid start_session(const char *const *argv, struct lifeline *life)
{
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;
	struct hk_procid id = { 0 };
	char byte;
	pid_t pid;

	lifeline_open(life);
	spec.stdout_fd = life->writer;
	assert_int_equal(run_detached(argv, &spec, &pid), 0);
	assert_true(hk_procid_of(pid, &id));
	do {
		assert_int_equal(read(life->reader, &byte, 1), 1);
	} while (byte != '\n');
	return id;
}

static void test_end_session(void **state HK_UNUSED)
{
	struct lifeline life;
	struct hk_procid id;
	int64_t start;

	id = start_session(STUBBORN("fork", "3", "print", "ready"), &life);
	start = hk_clock_mono_ms();
	assert_int_equal(hk_process_end_session(&id, 10000, &err), 0);
	assert_true(hk_clock_mono_ms() - start < 5000);
	assert_true(lifeline_ends(&life, 0));

	id = start_session(STUBBORN("ignore-term", "fork", "3", "print", "ready"), &life);
	start = hk_clock_mono_ms();
	assert_int_equal(hk_process_end_session(&id, 150, &err), 0);
	assert_true(hk_clock_mono_ms() - start >= 150);
	assert_true(lifeline_ends(&life, 0));
	/* Once more is no error. */
	assert_int_equal(hk_process_end_session(&id, 150, &err), 0);
}

static void test_end_session_without_leader(void **state HK_UNUSED)
{
	struct lifeline life;
	struct hk_procid id;

	id = start_session(STUBBORN("ignore-term", "fork", "2", "print", "ready"), &life);
	assert_int_equal(kill(id.pid, SIGKILL), 0);
	assert_int_equal(waitpid(id.pid, NULL, 0), id.pid);
	assert_int_equal(hk_process_end_session(&id, 50, &err), 0);
	assert_true(lifeline_ends(&life, 0));
}

/* Not being able to look is not the same as seeing nobody. */
static void test_end_session_blindly(void **state HK_UNUSED)
{
	struct rlimit limit, old;
	struct lifeline life;
	struct hk_procid id;

	id = start_session(STUBBORN("print", "ready"), &life);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(hk_process_end_session(&id, 1000, &err), HK_E_IO);
	assert_int_equal(err.sys_errno, EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_true(hk_procid_alive(&id));
	assert_int_equal(hk_process_end_session(&id, 1000, &err), 0);
	assert_true(lifeline_ends(&life, 0));
}

/* The same number with another start time, or of another boot, is somebody else. */
static void test_end_session_of_another(void **state HK_UNUSED)
{
	struct hk_procid other, id;
	struct lifeline life;

	id = start_session(STUBBORN("fork", "1", "print", "ready"), &life);
	other = id;
	other.start--;
	assert_int_equal(hk_process_end_session(&other, 1000, &err), 0);
	assert_true(hk_procid_alive(&id));
	other = id;
	other.boot[0] ^= 1;
	assert_int_equal(hk_process_end_session(&other, 1000, &err), 0);
	assert_true(hk_procid_alive(&id));
	/* Members that are older than the leader was are not its. */
	assert_int_equal(kill(id.pid, SIGKILL), 0);
	assert_int_equal(waitpid(id.pid, NULL, 0), id.pid);
	other = id;
	other.start += 100000;
	assert_int_equal(hk_process_end_session(&other, 1000, &err), 0);
	close(life.writer);
	life.writer = -1;
	assert_false(lifeline_ends(&(struct lifeline){ dup(life.reader), -1 }, 0));
	assert_int_equal(hk_process_end_session(&id, 1000, &err), 0);
	assert_true(lifeline_ends(&life, 0));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_detach),
		T(test_detach_failures),
		T(test_end_session),
		T(test_end_session_without_leader),
		T(test_end_session_blindly),
		T(test_end_session_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
