/*
 * Process identity, and the signals that become a descriptor.
 */
#include "process-fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sys/procid.h>
#include <sys/signals.h>

/* A child that waits to be killed. */
static pid_t start_child(void (*first)(void))
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (first)
			first();
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void wait_zombie(pid_t pid)
{
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

static void test_self(void **state HK_UNUSED)
{
	struct hk_procstat st;
	struct hk_procid id;

	assert_true(hk_procstat_read(getpid(), &st));
	assert_int_equal(st.pid, getpid());
	assert_int_equal(st.ppid, getppid());
	assert_int_equal(st.pgrp, getpgrp());
	assert_int_equal(st.session, getsid(0));
	assert_int_equal(st.state, 'R');
	assert_true(st.start > 0);
	assert_true(hk_procid_of(getpid(), &id));
	assert_int_equal(id.pid, getpid());
	assert_true(id.start == st.start);
	assert_int_equal(strlen(id.boot), 36);
	assert_true(hk_procid_alive(&id));
}

static void test_nobody(void **state HK_UNUSED)
{
	static const pid_t numbers[] = { 0, -1, 0x7ffffff };
	struct hk_procstat st;
	struct hk_procid id = { .pid = 42 };

	for (size_t i = 0; i < HK_ARRAY_LEN(numbers); i++) {
		st.start = 1;
		assert_false(hk_procstat_read(numbers[i], &st));
		assert_int_equal(st.start, 0);
		assert_false(hk_procid_of(numbers[i], &id));
	}
	assert_int_equal(id.pid, 42);
	id = (struct hk_procid){ 0 };
	assert_false(hk_procid_alive(&id));
	assert_int_equal(hk_procid_open(&id), -1);
}

static void take_hostile_name(void)
{
	FILE *f = fopen("/proc/self/comm", "we");

	if (!f || fputs("a) R 1 (b\n", f) < 0 || fclose(f))
		_exit(1);
}

static void test_hostile_name(void **state HK_UNUSED)
{
	pid_t pid = start_child(take_hostile_name);
	struct hk_procstat st;

	assert_true(hk_procstat_read(pid, &st));
	assert_int_equal(st.ppid, getpid());
	end_child(pid);
}

static void test_end_is_seen(void **state HK_UNUSED)
{
	pid_t pid = start_child(NULL);
	struct pollfd p = { .events = POLLIN };
	struct hk_procid id;
	struct hk_procstat st;

	assert_true(hk_procid_of(pid, &id));
	p.fd = hk_procid_open(&id);
	assert_true(p.fd >= 0);
	assert_int_equal(fcntl(p.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(poll(&p, 1, 0), 0);
	assert_true(hk_procid_alive(&id));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	close(p.fd);
	/* A zombie is there, but not alive. */
	wait_zombie(pid);
	assert_true(hk_procstat_read(pid, &st));
	assert_int_equal(st.state, 'Z');
	assert_false(hk_procid_alive(&id));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(hk_procid_alive(&id));
	assert_int_equal(hk_procid_open(&id), -1);
}

static void test_other_identity(void **state HK_UNUSED)
{
	struct hk_procid id, other;

	assert_true(hk_procid_of(getpid(), &id));
	other = id;
	other.start++;
	assert_false(hk_procid_alive(&other));
	assert_int_equal(hk_procid_open(&other), -1);
	other = id;
	other.boot[3] = other.boot[3] == 'a' ? 'b' : 'a';
	assert_false(hk_procid_alive(&other));
	assert_int_equal(hk_procid_open(&other), -1);
}

static void *second_thread(void *ready)
{
	if (write(*(int *)ready, "r", 1) != 1)
		_exit(1);
	for (;;)
		pause();
	return NULL;
}

static void test_main_thread_gone(void **state HK_UNUSED)
{
	struct hk_procstat st;
	struct hk_procid id;
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, second_thread, &ready[1]))
			_exit(1);
		syscall(SYS_exit, 0); /* of this thread alone */
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_true(hk_procid_of(pid, &id));
	for (int i = 0; i < 100; i++) {
		assert_true(hk_procstat_read(pid, &st));
		assert_int_not_equal(st.state, 'Z');
	}
	assert_true(hk_procid_alive(&id));
	close(ready[0]);
	end_child(pid);
}

/* The last test: what it sets up stays. */
static void test_cancel_fd(void **state HK_UNUSED)
{
	struct hk_error err = HK_ERROR_INIT;
	struct pollfd p = { .events = POLLIN };

	hk_signals_ignore_pipe();
	assert_int_equal(hk_signals_cancel_fd(&p.fd, &err), 0);
	assert_int_equal(fcntl(p.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(poll(&p, 1, 0), 0);
	/* More than a pipe holds, and still no handler blocks. */
	for (int i = 0; i < 70000; i++)
		raise(i % 2 ? SIGTERM : SIGINT);
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_int_equal(poll(&p, 1, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_self),	       cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_hostile_name),   cmocka_unit_test(test_end_is_seen),
		cmocka_unit_test(test_other_identity), cmocka_unit_test(test_main_thread_gone),
		cmocka_unit_test(test_cancel_fd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
