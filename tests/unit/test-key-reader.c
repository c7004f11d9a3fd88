/*
 * deploy/key_reader.h: which hints are put otherwise for the holder of a key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <base/alloc.h>
#include <deploy/key_reader.h>

static void check(const char *commands, const char *hint, const char *want)
{
	HK_CLEANUP(hk_key_reader_release) struct hk_key_reader r = HK_KEY_READER_INIT;
	hk_auto_free char *got = NULL;

	if (commands)
		assert_int_equal(setenv("HOSTKIT_KEY_COMMANDS", commands, 1), 0);
	else
		assert_int_equal(unsetenv("HOSTKIT_KEY_COMMANDS"), 0);
	hk_key_reader_find(&r);
	if (commands)
		snprintf(r.to, sizeof(r.to), "shop@vps");
	got = hk_key_reader_say(&r, hint);
	assert_string_equal(got, want);
}

static void test_with_a_shell(void **state HK_UNUSED)
{
	check(NULL, "to go on: hostkit resume shop", "to go on: hostkit resume shop");
}

static void test_allowed(void **state HK_UNUSED)
{
	check("deploy, resume", "to go on: hostkit resume shop",
	      "to go on: ssh shop@vps resume shop");
	check("deploy, resume", "hostkit deploy log shop 3", "ssh shop@vps deploy log shop 3");
	check("checkpoint list", "take another one: hostkit checkpoint list shop",
	      "take another one: ssh shop@vps checkpoint list shop");
	check("env, service restart", "hostkit env list shop (or hostkit service restart shop)",
	      "ssh shop@vps env list shop (or ssh shop@vps service restart shop)");
}

static void test_not_allowed(void **state HK_UNUSED)
{
	check("deploy", "hostkit key add shop FILE", "hostkit key add shop FILE");
	check("checkpoint list", "hostkit checkpoint restore shop 3",
	      "hostkit checkpoint restore shop 3");
	check("service logs", "as root: hostkit service logs shop --journal",
	      "as root: hostkit service logs shop --journal");
	check("deploy", "on the server: hostkit ratelimit reset shop, or hostkit deploy shop",
	      "on the server: hostkit ratelimit reset shop, or hostkit deploy shop");
	check("", "hostkit deploy shop", "hostkit deploy shop");
	check("deploy", "a newer hostkit wrote it: install that one",
	      "a newer hostkit wrote it: install that one");
}

static void test_remote_of_git(void **state HK_UNUSED)
{
	check("deploy", "to try it again: git push hostkit deploy",
	      "to try it again: git push hostkit deploy");
	check("deploy", "/etc/hostkit deploy", "/etc/hostkit deploy");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_a_shell),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_remote_of_git),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
