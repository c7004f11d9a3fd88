/*
 * service/systemd_unit.h: the states of a unit in words. Which states there are is systemd's to
 * say; tests/t/6011-systemd-driver.sh makes it say them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>

#include <base/cleanup.h>
#include <service/systemd_unit.h>

static struct hk_conf conf;

static const char *describe(struct hk_systemd_unit u)
{
	static char text[160];

	if (!*u.load_state)
		snprintf(u.load_state, sizeof(u.load_state), "loaded");
	if (!*u.result)
		snprintf(u.result, sizeof(u.result), "success");
	hk_systemd_unit_describe(&u, &conf, text, sizeof(text));
	return text;
}

#define SAYS(text, ...) assert_string_equal(describe((struct hk_systemd_unit){ __VA_ARGS__ }), text)

static void test_name(void **state HK_UNUSED)
{
	hk_auto_free char *name = hk_systemd_unit_name("my-shop");

	assert_string_equal(name, "hostkit-my-shop.service");
}

static void test_down(void **state HK_UNUSED)
{
	SAYS("is not running", .active_state = "inactive", .sub_state = "dead");
	SAYS("is not running: it has no unit", .load_state = "not-found");
	SAYS("is not running: its unit is masked", .load_state = "masked");
	SAYS("is not running: its unit has an error", .load_state = "bad-setting");
	SAYS("is not running: a condition of its unit is not met", .active_state = "inactive",
	     .sub_state = "dead", .condition_us = 5);
	SAYS("is not running", .active_state = "inactive", .sub_state = "dead", .condition_us = 5,
	     .condition = 1);
	SAYS("is starting (start-pre)", .active_state = "activating", .sub_state = "start-pre");
	SAYS("is stopping (stop-sigterm)", .active_state = "deactivating",
	     .sub_state = "stop-sigterm");
}

static void test_ended(void **state HK_UNUSED)
{
	SAYS("exited with status 3 after 2.1 s", .active_state = "failed", .result = "exit-code",
	     .exit_code = CLD_EXITED, .exit_status = 3, .started_us = 1000000, .ended_us = 3100000);
	SAYS("exited with status 3 after 0 ms; systemd starts it again",
	     .active_state = "activating", .sub_state = "auto-restart", .result = "exit-code",
	     .exit_code = CLD_EXITED, .exit_status = 3, .started_us = 9, .ended_us = 1);
	SAYS("exited with status 0 after 1 ms; systemd starts it again",
	     .active_state = "activating", .sub_state = "auto-restart", .exit_code = CLD_EXITED,
	     .ended_us = 1000);
	SAYS("was ended by SIGSEGV after 0 ms", .result = "core-dump", .exit_code = CLD_DUMPED,
	     .exit_status = SIGSEGV);
	SAYS("was not started: systemd could not set up its view of the file system",
	     .result = "exit-code", .exit_code = CLD_EXITED, .exit_status = 226);
	SAYS("was ended by SIG? after 0 ms", .result = "signal", .exit_code = CLD_KILLED,
	     .exit_status = 226);
	SAYS("did not start", .result = "exit-code");
	SAYS("failed: systemd says 'of-tomorrow'", .result = "of-tomorrow");
	SAYS("was started too often in a short time: systemd's start limit is hit",
	     .result = "start-limit-hit");
}

static void test_memory(void **state HK_UNUSED)
{
	SAYS("was ended by the kernel: memory had run out", .result = "oom-kill");
	SAYS("was ended by SIGKILL after 0 ms", .result = "signal", .exit_code = CLD_KILLED,
	     .exit_status = SIGKILL);
	conf.service_memory_max = 64 << 20;
	SAYS("was ended by the kernel: it needs more than [service] memory_max = 64.0 MiB",
	     .result = "oom-kill");
	SAYS("was ended by SIGKILL after 0 ms, under [service] memory_max = 64.0 MiB",
	     .result = "signal", .exit_code = CLD_KILLED, .exit_status = SIGKILL);
	SAYS("was ended by SIGTERM after 0 ms", .result = "signal", .exit_code = CLD_KILLED,
	     .exit_status = SIGTERM);
}

/* A short place is filled as far as it goes. */
static void test_short(void **state HK_UNUSED)
{
	const struct hk_systemd_unit u = { .load_state = "loaded",
					   .result = "signal",
					   .exit_code = CLD_KILLED,
					   .exit_status = SIGKILL };
	char text[12];

	conf.service_memory_max = 1;
	hk_systemd_unit_describe(&u, &conf, text, sizeof(text));
	assert_string_equal(text, "was ended b");
}

static void test_runs(void **state HK_UNUSED)
{
	assert_true(hk_systemd_unit_runs(&(struct hk_systemd_unit){ .active_state = "active" }));
	assert_true(hk_systemd_unit_runs(&(struct hk_systemd_unit){ .active_state = "reloading" }));
	assert_false(
		hk_systemd_unit_runs(&(struct hk_systemd_unit){ .active_state = "activating" }));
	assert_false(hk_systemd_unit_runs(&(struct hk_systemd_unit){ .active_state = "" }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),  cmocka_unit_test(test_down),
		cmocka_unit_test(test_ended), cmocka_unit_test(test_memory),
		cmocka_unit_test(test_short), cmocka_unit_test(test_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
