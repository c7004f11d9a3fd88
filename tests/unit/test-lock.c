/*
 * The project lock, between processes.
 */
#include "process-fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include <sys/lock.h>
#include <sys/signals.h>

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
	unlinkat(temp_fd, "lock", 0);
	unlinkat(temp_fd, "target", 0);
	close(temp_fd);
	assert_int_equal(rmdir(temp_path), 0);
	free(temp_path);
	return 0;
}

/* A process that holds the lock until it is killed or told to let go. */
struct holder {
	pid_t pid;
	int let_go;
};

static void hold(int ready, int wait_fd)
{
	struct hk_lock lock = HK_LOCK_INIT;
	bool held = false;
	char byte;

	if (hk_lock_try(&lock, temp_fd, "lock", &held, &err) || !held)
		_exit(1);
	if (hk_lock_describe(&lock, "deployment 7, pid 1234", &err))
		_exit(2);
	if (write(ready, "r", 1) != 1 || read(wait_fd, &byte, 1) != 0)
		_exit(3);
	hk_lock_release(&lock);
	/* Alive still: release has to do without the end of the process. */
	for (;;)
		pause();
}

static struct holder start_holder(void)
{
	struct holder h;
	int ready[2], go[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	h.pid = fork();
	if (h.pid == 0) {
		close(go[1]);
		hold(ready[1], go[0]);
	}
	close(ready[1]);
	close(go[0]);
	h.let_go = go[1];
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return h;
}

static void kill_holder(const struct holder *h)
{
	assert_int_equal(kill(h->pid, SIGKILL), 0);
	assert_int_equal(waitpid(h->pid, NULL, 0), h->pid);
}

static void test_unlocked(void **state HK_UNUSED)
{
	struct hk_lock lock = HK_LOCK_INIT;
	bool held = false;

	hk_lock_release(&lock);
	assert_int_equal(hk_lock_try(&lock, temp_fd, "lock", &held, &err), 0);
	assert_true(held);
	assert_true(lock.fd >= 0);
	assert_int_equal(fcntl(lock.fd, F_GETFD), FD_CLOEXEC);
	hk_lock_release(&lock);
	assert_int_equal(lock.fd, -1);
	assert_int_equal(faccessat(temp_fd, "lock", F_OK, 0), 0);
	assert_int_equal(hk_lock_wait(&lock, temp_fd, "lock", &err), 0);
	hk_lock_release(&lock);
}

static void test_exclusion(void **state HK_UNUSED)
{
	struct holder h = start_holder();
	struct hk_lock lock = HK_LOCK_INIT;
	hk_auto_buf text = HK_BUF_INIT;
	bool held = true;

	assert_int_equal(hk_lock_try(&lock, temp_fd, "lock", &held, &err), 0);
	assert_false(held);
	assert_int_equal(lock.fd, -1);
	assert_int_equal(hk_lock_describe(&lock, "x", &err), HK_E_INTERNAL);
	hk_lock_read_holder(temp_fd, "lock", &text);
	assert_string_equal(text.data, "deployment 7, pid 1234");
	/* Waits for the release. */
	close(h.let_go);
	assert_int_equal(hk_lock_wait(&lock, temp_fd, "lock", &err), 0);
	kill_holder(&h);
	hk_lock_release(&lock);
}

static void test_killed_holder(void **state HK_UNUSED)
{
	struct holder h = start_holder();
	struct hk_lock lock = HK_LOCK_INIT;
	bool held = false;

	kill_holder(&h);
	close(h.let_go);
	assert_int_equal(hk_lock_try(&lock, temp_fd, "lock", &held, &err), 0);
	assert_true(held);
	hk_lock_release(&lock);
}

/* A child between fork and exec shares the lock's open file; release must not wait for it. */
static void test_release_beats_children(void **state HK_UNUSED)
{
	struct hk_lock lock = HK_LOCK_INIT;
	struct hk_lock again = HK_LOCK_INIT;
	bool held = false;
	pid_t pid;

	assert_int_equal(hk_lock_try(&lock, temp_fd, "lock", &held, &err), 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	hk_lock_release(&lock);
	assert_int_equal(hk_lock_try(&again, temp_fd, "lock", &held, &err), 0);
	assert_true(held);
	hk_lock_release(&again);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_describe_again(void **state HK_UNUSED)
{
	struct hk_lock lock = HK_LOCK_INIT;
	hk_auto_buf text = HK_BUF_INIT;
	char longer[3000];

	hk_lock_read_holder(temp_fd, "lock", &text);
	assert_string_equal(text.data, "");
	assert_int_equal(hk_lock_wait(&lock, temp_fd, "lock", &err), 0);
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(hk_lock_describe(&lock, longer, &err), 0);
	hk_lock_read_holder(temp_fd, "lock", &text);
	assert_int_equal(text.len, 1023);
	hk_buf_reset(&text);
	assert_int_equal(hk_lock_describe(&lock, "short", &err), 0);
	hk_lock_read_holder(temp_fd, "lock", &text);
	assert_string_equal(text.data, "short");
	hk_lock_release(&lock);
	/* The last holder can still be read. */
	hk_buf_reset(&text);
	hk_lock_read_holder(temp_fd, "lock", &text);
	assert_string_equal(text.data, "short");
}

static void test_link_is_refused(void **state HK_UNUSED)
{
	struct hk_lock lock = HK_LOCK_INIT;
	hk_auto_buf text = HK_BUF_INIT;
	bool held = false;

	make_file(temp_fd, "target", "secret\n", 0600);
	assert_int_equal(symlinkat("target", temp_fd, "lock"), 0);
	assert_int_equal(hk_lock_try(&lock, temp_fd, "lock", &held, &err), HK_E_IO);
	assert_int_equal(err.sys_errno, ELOOP);
	assert_false(held);
	hk_lock_read_holder(temp_fd, "lock", &text);
	assert_string_equal(text.data, "");
}

/* Whether the process sleeps in flock: nothing but the kernel can tell. */
static bool waits_in_flock(pid_t pid)
{
	char number[24];
	char line[256] = "";
	bool waits = false;
	FILE *f;

	/* A waiter is a line with "->": "1: -> FLOCK  ADVISORY  WRITE 4711 08:01:123 0 EOF". */
	snprintf(number, sizeof(number), " %d ", (int)pid);
	f = fopen("/proc/locks", "re");
	assert_non_null(f);
	while (!waits && fgets(line, sizeof(line), f))
		waits = strstr(line, "->") && strstr(line, number);
	fclose(f);
	return waits;
}

static void test_cancelled_wait(void **state HK_UNUSED)
{
	struct holder h = start_holder();
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		struct hk_lock lock = HK_LOCK_INIT;
		int fd;

		if (hk_signals_cancel_fd(&fd, &err))
			_exit(1);
		_exit(hk_lock_wait(&lock, temp_fd, "lock", &err) == HK_E_CANCELLED ? 42 : 2);
	}
	while (!waits_in_flock(pid))
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	close(h.let_go);
	kill_holder(&h);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(test_unlocked),	T(test_exclusion),
		T(test_killed_holder),	T(test_release_beats_children),
		T(test_describe_again), T(test_link_is_refused),
		T(test_cancelled_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
