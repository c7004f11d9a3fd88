/*
 * Running programs: outcomes, what a child gets, and that no tree outlives its command.
 */
#include "process-fixture.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <sys/process.h>
#include <sys/procid.h>

#define ARGV(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define STUBBORN(...) ARGV(stubborn_path(), __VA_ARGS__)

static const char *const plain_env[] = { "PATH=/usr/bin:/bin", NULL };

static char *temp_path;
static int temp_fd = -1;
static struct hk_buf output = HK_BUF_INIT;
static struct hk_process_result result;
static struct hk_error err;

static int set_up(void **state HK_UNUSED)
{
	temp_fd = make_temp(&temp_path);
	hk_buf_reset(&output);
	err = (struct hk_error)HK_ERROR_INIT;
	memset(&result, 0x55, sizeof(result));
	return 0;
}

static int tear_down(void **state HK_UNUSED)
{
	static const char *const names[] = { "script", "local-tool", "pids", "bin/tool", "out" };

	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		unlinkat(temp_fd, names[i], 0);
	unlinkat(temp_fd, "bin", AT_REMOVEDIR);
	close(temp_fd);
	assert_int_equal(rmdir(temp_path), 0);
	free(temp_path);
	hk_buf_release(&output);
	return 0;
}

static struct hk_process_spec spec_of(const char *const *argv)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;

	spec.argv = argv;
	spec.env = plain_env;
	spec.on_line = collect_line;
	spec.ctx = &output;
	return spec;
}

static int run(const struct hk_process_spec *spec)
{
	return hk_process_run(spec, &result, &err);
}

static void test_success(void **state HK_UNUSED)
{
	struct hk_process_spec spec =
		spec_of(STUBBORN("print", "one", "error", "two", "exit", "0"));

	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "one\ntwo\n");
	assert_int_equal(result.exit_status, 0);
	assert_int_equal(result.signal, 0);
	assert_int_equal(result.leftovers, 0);
	assert_false(result.timed_out);
	assert_false(result.cancelled);
	assert_int_equal(err.code, HK_OK);
}

static void test_failure(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(ARGV("sh", "-c", "exit 7"));

	assert_int_equal(run(&spec), HK_E_COMMAND_FAILED);
	assert_int_equal(result.exit_status, 7);
	assert_string_equal(err.message, "'sh -c exit 7' exited with status 7");
}

static void test_signal(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("signal", "11"));

	assert_int_equal(run(&spec), HK_E_COMMAND_SIGNALLED);
	assert_int_equal(result.signal, SIGSEGV);
	assert_int_equal(result.exit_status, -1);
	assert_non_null(strstr(err.message, "was ended by SIGSEGV"));
}

static void test_last_line_without_end(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(ARGV("printf", "a\\nb"));

	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "a\nb\n");
}

static void expect_no_exec(const char *program, const char *message)
{
	const char *env[] = { NULL, NULL };
	hk_auto_free char *path = hk_xasprintf("PATH=%s/bin:/usr/bin", temp_path);
	struct hk_process_spec spec = spec_of(ARGV(program));

	env[0] = path;
	spec.env = env;
	spec.cwd_fd = temp_fd;
	assert_int_equal(run(&spec), HK_E_COMMAND_NOT_FOUND);
	if (!strstr(err.message, message))
		fail_msg("'%s' does not say '%s'", err.message, message);
	assert_int_equal(result.exit_status, -1);
	assert_int_equal(result.signal, 0);
}

static void test_exec_failures(void **state HK_UNUSED)
{
	expect_no_exec("no-such-program-here", "'no-such-program-here' was not found in PATH=");
	expect_no_exec("./script", "'./script' does not exist");
	expect_no_exec("", "the command is empty");
	expect_no_exec("/usr/bin", "'/usr/bin' is a folder");
	make_file(temp_fd, "script", "#!/bin/sh\n", 0644);
	expect_no_exec("./script", "'./script' is not executable");
	assert_non_null(strstr(err.hint, "git update-index --chmod=+x ./script"));
	assert_int_equal(fchmodat(temp_fd, "script", 0755, 0), 0);
	make_file(temp_fd, "script", "#! /no/such/interpreter -x\n", 0755);
	expect_no_exec("./script", "needs the interpreter '/no/such/interpreter', which does not");
	make_file(temp_fd, "script", "#!/bin/sh\r\n", 0755);
	expect_no_exec("./script", "'./script' has Windows line ends");
	make_file(temp_fd, "script", "echo no\n", 0755);
	expect_no_exec("./script", "neither a program nor a script with a #! line");
}

/* The search passes over what cannot run, and blames it only when nothing else is there. */
static void test_path_search(void **state HK_UNUSED)
{
	const char *env[] = { NULL, NULL };
	hk_auto_free char *path = hk_xasprintf("PATH=::/no/such:%s/bin:/usr/bin", temp_path);
	struct hk_process_spec spec = spec_of(ARGV("true"));

	assert_int_equal(mkdirat(temp_fd, "bin", 0755), 0);
	make_file(temp_fd, "bin/tool", "", 0644);
	expect_no_exec("tool", "/bin/tool' is not executable");
	assert_int_equal(renameat(temp_fd, "bin/tool", temp_fd, "bin/true"), 0);
	env[0] = path;
	spec.env = env;
	assert_int_equal(run(&spec), 0);
	assert_int_equal(unlinkat(temp_fd, "bin/true", 0), 0);
	/* An empty entry is not the working folder. */
	make_file(temp_fd, "local-tool", "#!/bin/sh\n", 0755);
	spec.cwd_fd = temp_fd;
	spec.argv = ARGV("local-tool");
	assert_int_equal(run(&spec), HK_E_COMMAND_NOT_FOUND);
}

static void test_environment_is_exact(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("env", "exit", "0"));

	setenv("GIT_DIR", "/leaked", 1);
	spec.env = ARGV("B=2", "A=1 x");
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "B=2\nA=1 x\n");
	hk_buf_reset(&output);
	spec.env = NULL;
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "");
	unsetenv("GIT_DIR");
}

static void test_child_state(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("state", "exit", "0"));
	hk_auto_free char *expected = hk_xasprintf("leader yes\numask 022\ncwd %s\n", temp_path);
	mode_t mask = umask(077);
	sigset_t block, old;

	/* All of this must not reach the child. */
	sigemptyset(&block);
	sigaddset(&block, SIGUSR2);
	sigprocmask(SIG_BLOCK, &block, &old);
	signal(SIGPIPE, SIG_IGN);
	spec.cwd_fd = temp_fd;
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, expected);
	hk_buf_reset(&output);
	spec.cwd_fd = -1;
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "leader yes\numask 022\ncwd /\n");
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
	umask(mask);
}

static void test_no_descriptor_leaks(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("fds", "exit", "0"));
	int leak = dup(temp_fd); /* not O_CLOEXEC */

	spec.cwd_fd = temp_fd;
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "");
	close(leak);
}

static unsigned count_fds_of(pid_t pid)
{
	char path[40];
	hk_auto_closedir DIR *dir = NULL;
	const struct dirent *e;
	unsigned n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	assert_non_null(dir);
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	return n;
}

static void test_caller_keeps_nothing(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("exit", "0"));
	unsigned before = count_fds_of(getpid());
	siginfo_t info;

	assert_int_equal(run(&spec), 0);
	spec.argv = ARGV("/no/such/program");
	assert_int_equal(run(&spec), HK_E_COMMAND_NOT_FOUND);
	assert_int_equal(count_fds_of(getpid()), before);
	assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_given_descriptors(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("cat", "error", "to stderr", "exit", "0"));
	char text[16] = "";
	int in[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "through", 7), 7);
	close(in[1]);
	spec.stdin_fd = in[0];
	spec.stdout_fd = openat(temp_fd, "out", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(spec.stdout_fd >= 0);
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "to stderr\n");
	assert_int_equal(pread(spec.stdout_fd, text, sizeof(text) - 1, 0), 7);
	assert_string_equal(text, "through");
	close(spec.stdout_fd);
	close(in[0]);
}

/* Without a reader at 0, 1, 2 in the caller, the new descriptors land there. */
static void test_caller_without_stdio(void **state HK_UNUSED)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		struct hk_process_spec spec = spec_of(STUBBORN("print", "x", "fds", "exit", "3"));

		close(0);
		close(1);
		close(2);
		_exit(run(&spec) == HK_E_COMMAND_FAILED && result.exit_status == 3 &&
				      !strcmp(output.data, "x\n")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Runs a tree that never ends by itself; its stdin is the lifeline. */
static void expect_timeout_after(int64_t ms, const char *const *argv, int64_t grace_ms)
{
	struct hk_process_spec spec = spec_of(argv);
	struct lifeline life;

	lifeline_open(&life);
	spec.stdin_fd = life.writer;
	spec.timeout_ms = ms;
	spec.grace_ms = grace_ms;
	assert_int_equal(run(&spec), HK_E_COMMAND_TIMEOUT);
	assert_true(result.timed_out);
	assert_true(result.ms >= ms);
	assert_non_null(strstr(err.message, "ran past its limit of "));
	assert_true(lifeline_ends(&life, 0));
}

static void expect_timeout(const char *const *argv, int64_t grace_ms)
{
	expect_timeout_after(150, argv, grace_ms);
}

static void test_timeout(void **state HK_UNUSED)
{
	expect_timeout(STUBBORN("print", "ready"), 10000);
	assert_true(result.ms < 5000); /* TERM was enough: no grace period passed */
	assert_string_equal(output.data, "ready\n");
}

static void test_timeout_stubborn_tree(void **state HK_UNUSED)
{
	expect_timeout(STUBBORN("ignore-term", "fork", "3", "session", "orphan", "print", "ready"),
		       100);
	assert_true(result.ms >= 250);
	assert_int_equal(result.signal, SIGKILL);
	assert_string_equal(output.data, "ready\n");
}

static void test_timeout_stopped_child(void **state HK_UNUSED)
{
	/* Long enough for the child to have stopped itself; what stops later is for KILL. */
	expect_timeout_after(2000, STUBBORN("fork", "1", "signal", "19"), 60000);
	assert_true(result.ms < 30000);
}

static void test_timeout_without_grace(void **state HK_UNUSED)
{
	expect_timeout(STUBBORN("ignore-term", "fork", "2"), 0);
}

/* Ended at different moments of its growth. */
static void test_fork_storm(void **state HK_UNUSED)
{
	for (int64_t ms = 2; ms <= 32; ms *= 2)
		expect_timeout_after(ms, STUBBORN("ignore-term", "storm", "200"), 0);
}

/* A chain of processes that fork and exit is what one walk over the tree never catches up with. */
static void test_hopping_child(void **state HK_UNUSED)
{
	expect_timeout(STUBBORN("ignore-term", "hop", "50000"), 50);
}

static void test_flood_does_not_delay_timeout(void **state HK_UNUSED)
{
	expect_timeout(STUBBORN("ignore-term", "flood"), 50);
	assert_true(result.ms < 5000);
}

/* TERM has to reach children whose parent dies of it at once; with that, no KILL is needed. */
static void test_term_reaches_everybody(void **state HK_UNUSED)
{
	expect_timeout(ARGV("sh", "-c", "sh -c 'sh -c \"sleep 1000; :\"; :'; :"), 15000);
	assert_true(result.ms < 10000);
}

static void test_cancel(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("ignore-term", "orphan", "flood"));
	struct lifeline life;
	uint64_t value = 0;

	lifeline_open(&life);
	spec.stdin_fd = life.writer;
	spec.grace_ms = 50;
	spec.cancel_fd = eventfd(1, EFD_CLOEXEC);
	assert_int_equal(run(&spec), HK_E_CANCELLED);
	assert_true(result.cancelled);
	assert_false(result.timed_out);
	assert_non_null(strstr(err.message, "' was cancelled"));
	assert_true(lifeline_ends(&life, 0));
	/* It was looked at, not read. */
	assert_int_equal(read(spec.cancel_fd, &value, sizeof(value)), sizeof(value));
	close(spec.cancel_fd);
}

static void test_leftovers_are_ended(void **state HK_UNUSED)
{
	struct hk_process_spec spec =
		spec_of(STUBBORN("fork", "2", "orphan", "session", "print", "done", "exit", "0"));
	struct lifeline life;

	lifeline_open(&life);
	spec.stdin_fd = life.writer;
	spec.grace_ms = 10000;
	assert_int_equal(run(&spec), 0);
	assert_int_equal(result.leftovers, 4);
	assert_true(result.ms < 5000);
	assert_string_equal(output.data, "done\n");
	assert_true(lifeline_ends(&life, 0));
}

/* The deadline is for the command; what it leaves has the grace period. */
static void test_stubborn_leftovers_do_not_time_out(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("ignore-term", "orphan", "exit", "4"));

	spec.timeout_ms = 1000;
	spec.grace_ms = 1100;
	assert_int_equal(run(&spec), HK_E_COMMAND_FAILED);
	assert_int_equal(result.exit_status, 4);
	assert_int_equal(result.leftovers, 1);
	assert_false(result.timed_out);
}

static void test_closed_output(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("close-output", "exit", "5"));

	assert_int_equal(run(&spec), HK_E_COMMAND_FAILED);
	assert_int_equal(result.exit_status, 5);
	expect_timeout(STUBBORN("close-output"), 1000);
}

static pid_t last_pid(void)
{
	FILE *f = NULL;
	int fd = openat(temp_fd, "pids", O_RDONLY | O_CLOEXEC);
	pid_t pid = 0;
	pid_t last = 0;

	assert_true(fd >= 0);
	f = fdopen(fd, "r");
	while (fscanf(f, "%d", &pid) == 1)
		last = pid;
	fclose(f);
	return last;
}

static void test_may_daemonize(void **state HK_UNUSED)
{
	hk_auto_free char *pids = hk_xasprintf("%s/pids", temp_path);
	struct hk_process_spec spec =
		spec_of(STUBBORN("pids", pids, "orphan", "print", "started", "exit", "0"));
	struct hk_procid daemon;

	spec.flags = HK_PROCESS_MAY_DAEMONIZE;
	spec.timeout_ms = PATIENCE_MS;
	/* The daemon holds the output pipe; only its start command is waited for. */
	assert_int_equal(run(&spec), 0);
	assert_string_equal(output.data, "started\n");
	assert_int_equal(result.leftovers, 0);
	assert_true(hk_procid_of(last_pid(), &daemon));
	assert_true(hk_procid_alive(&daemon));
	assert_int_equal(hk_process_end_session(&daemon, 5000, &err), 0);
	assert_false(hk_procid_alive(&daemon));
}

/* What the daemon goes on writing is not waited for, however fast it comes. */
static void test_may_daemonize_flood(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(ARGV("sh", "-c", "yes & exit 0"));

	spec.flags = HK_PROCESS_MAY_DAEMONIZE;
	assert_int_equal(run(&spec), 0);
}

static void test_may_daemonize_timeout(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(ARGV("sh", "-c", "(sleep 1000 & ) ; sleep 1000"));
	struct lifeline life;

	lifeline_open(&life);
	spec.flags = HK_PROCESS_MAY_DAEMONIZE;
	spec.stdin_fd = life.writer;
	spec.timeout_ms = 150;
	assert_int_equal(run(&spec), HK_E_COMMAND_TIMEOUT);
	assert_true(lifeline_ends(&life, 0));
}

static void say_ready(void *ctx, const char *line HK_UNUSED, size_t len HK_UNUSED)
{
	assert_int_equal(write(*(int *)ctx, "r", 1), 1);
}

/* A caller in a process of its own, killed once its command's tree is complete. */
static void run_and_kill_caller(const char *const *argv, unsigned flags, struct lifeline *life)
{
	int ready[2];
	char byte;
	pid_t pid;

	lifeline_open(life);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		struct hk_process_spec spec = spec_of(argv);

		spec.flags = flags;
		spec.stdin_fd = life->writer;
		spec.grace_ms = 50;
		spec.on_line = say_ready;
		spec.ctx = &ready[1];
		_exit(run(&spec) ? 1 : 0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(ready[0]);
}

static void test_caller_killed(void **state HK_UNUSED)
{
	struct lifeline life;

	run_and_kill_caller(STUBBORN("ignore-term", "fork", "2", "orphan", "session", "print",
				     "ready"),
			    0, &life);
	assert_true(lifeline_ends(&life, PATIENCE_MS));
	run_and_kill_caller(STUBBORN("ignore-term", "fork", "2", "print", "ready"),
			    HK_PROCESS_MAY_DAEMONIZE, &life);
	assert_true(lifeline_ends(&life, PATIENCE_MS));
}

static pid_t supervisor_pid(void)
{
	char path[64];
	int pid = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getpid(), (int)getpid());
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	return pid;
}

struct look {
	unsigned fds;
	int go_on; /* closed when the command may end, and the supervisor with it */
};

static void look_at_supervisor(void *ctx, const char *line HK_UNUSED, size_t len HK_UNUSED)
{
	int64_t deadline = hk_clock_deadline(PATIENCE_MS);
	pid_t pid = supervisor_pid();
	struct look *look = ctx;
	struct hk_procstat st;
	char path[40];
	char name[24] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(name, sizeof(name), f));
	fclose(f);
	assert_string_equal(name, "hostkit-super\n");
	assert_true(hk_procstat_read(pid, &st));
	assert_int_equal(st.session, pid);
	/* It closes them while the command starts already. */
	do {
		look->fds = count_fds_of(pid);
	} while (look->fds != 5 && hk_clock_left(deadline));
	close(look->go_on);
}

/* It is not to hold a pipe open, or a lock: 0, 1, 2, the socket and the signals are all it has. */
static void test_supervisor_holds_nothing(void **state HK_UNUSED)
{
	struct hk_process_spec spec = spec_of(STUBBORN("print", "look", "cat", "exit", "0"));
	struct look look = { .fds = 0 };
	int leak = dup(temp_fd);
	int in[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	look.go_on = in[1];
	spec.stdin_fd = in[0];
	spec.on_line = look_at_supervisor;
	spec.ctx = &look;
	assert_int_equal(run(&spec), 0);
	assert_int_equal(look.fds, 5);
	close(in[0]);
	close(leak);
}

static void kill_supervisor(void *ctx HK_UNUSED, const char *line HK_UNUSED, size_t len HK_UNUSED)
{
	pid_t pid = supervisor_pid();

	/* It ignores what a process group or an impatient administrator sends it. */
	kill(pid, SIGTERM);
	kill(pid, SIGINT);
	kill(pid, SIGHUP);
	kill(pid, SIGKILL);
}

static void test_supervisor_killed(void **state HK_UNUSED)
{
	struct hk_process_spec spec =
		spec_of(STUBBORN("ignore-term", "fork", "2", "print", "ready"));
	struct lifeline life;

	lifeline_open(&life);
	spec.stdin_fd = life.writer;
	spec.grace_ms = 50;
	spec.on_line = kill_supervisor;
	assert_int_equal(run(&spec), HK_E_IO);
	assert_non_null(strstr(err.message, "the supervisor of"));
	assert_true(lifeline_ends(&life, PATIENCE_MS));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig HK_UNUSED)
{
	alarms++;
}

/* Signals that the caller handles interrupt every wait, and change nothing. */
static void test_interrupted_waits(void **state HK_UNUSED)
{
	const struct itimerval often = { .it_interval = { 0, 3000 }, .it_value = { 0, 3000 } };
	const struct itimerval never = { .it_value = { 0, 0 } };
	struct sigaction action = { .sa_handler = on_alarm };
	struct hk_process_spec spec =
		spec_of(ARGV("sh", "-c", "for i in 1 2 3; do sleep 0.05; echo $i; done"));

	alarms = 0;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	assert_int_equal(run(&spec), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	assert_string_equal(output.data, "1\n2\n3\n");
	assert_true(alarms > 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_success),
		T(test_failure),
		T(test_signal),
		T(test_last_line_without_end),
		T(test_exec_failures),
		T(test_path_search),
		T(test_environment_is_exact),
		T(test_child_state),
		T(test_no_descriptor_leaks),
		T(test_caller_keeps_nothing),
		T(test_given_descriptors),
		T(test_caller_without_stdio),
		T(test_timeout),
		T(test_timeout_stubborn_tree),
		T(test_timeout_stopped_child),
		T(test_timeout_without_grace),
		T(test_fork_storm),
		T(test_hopping_child),
		T(test_flood_does_not_delay_timeout),
		T(test_term_reaches_everybody),
		T(test_cancel),
		T(test_leftovers_are_ended),
		T(test_stubborn_leftovers_do_not_time_out),
		T(test_closed_output),
		T(test_may_daemonize),
		T(test_may_daemonize_flood),
		T(test_may_daemonize_timeout),
		T(test_caller_killed),
		T(test_supervisor_holds_nothing),
		T(test_supervisor_killed),
		T(test_interrupted_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
