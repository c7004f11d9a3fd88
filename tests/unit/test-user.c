/*
 * sys/user.h: users are found, become, and work is done as one of them.
 */
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <sys/user.h>

static struct hk_user find(const char *name)
{
	struct hk_error err = HK_ERROR_INIT;
	struct hk_user u = HK_USER_INIT;
	bool found = false;

	assert_int_equal(hk_user_find(name, &found, &u, &err), 0);
	assert_true(found);
	return u;
}

/* Only root can become another; any other user is themselves. */
static struct hk_user somebody(void)
{
	const struct passwd *pw = geteuid() ? getpwuid(geteuid()) : getpwnam("nobody");

	if (!pw)
		skip(); /* a number without a name, as in some containers */
	return find(pw->pw_name);
}

static void test_find(void **state)
{
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_user u = find("root"), none = HK_USER_INIT;
	bool found = true;

	(void)state;
	assert_int_equal(u.uid, 0);
	assert_string_equal(u.name, "root");
	assert_int_equal(hk_user_find("no-such-user-here", &found, &none, &err), 0);
	assert_false(found);
	assert_null(none.name);
}

static int say_who(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	uid_t ruid, euid, suid;
	mode_t mask = umask(0);

	(void)err;
	getresuid(&ruid, &euid, &suid);
	hk_buf_addf(out, "%u %u %u %03o %s %s", ruid, euid, suid, (unsigned)mask, getenv("HOME"),
		    getenv((const char *)ctx) ? getenv((const char *)ctx) : "-");
	return 0;
}

static void test_run(void **state)
{
	hk_auto_user u = somebody();
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT, wanted = HK_BUF_INIT;
	char secret[] = "SECRET_OF_THE_CALLER", kept[] = "HOSTKIT_KEPT";

	(void)state;
	setenv(secret, "x", 1);
	setenv(kept, "y", 1);
	assert_int_equal(hk_user_run(&u, say_who, secret, &out, &err), 0);
	hk_buf_addf(&wanted, "%u %u %u 022 %s -", u.uid, u.uid, u.uid, u.home);
	assert_string_equal(out.data, wanted.data);
	hk_buf_reset(&out);
	assert_int_equal(hk_user_run(&u, say_who, kept, &out, &err), 0);
	assert_non_null(strstr(out.data, " y"));
	/* The caller is who they were. */
	assert_string_equal(getenv(secret), "x");
	unsetenv(secret);
	unsetenv(kept);
}

static int refuse(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	(void)ctx;
	hk_buf_addstr(out, "so far");
	hk_error_set(err, HK_E_LOCKED, "it is locked");
	return hk_error_hint(err, "wait");
}

static int die(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	(void)ctx;
	(void)out;
	(void)err;
	raise(SIGKILL);
	return 0;
}

static int talk_much(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	(void)ctx;
	(void)err;
	for (int i = 0; i < 100000; i++)
		hk_buf_addstr(out, "0123456789");
	return 0;
}

static void test_answers(void **state)
{
	hk_auto_user u = somebody();
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	assert_int_equal(hk_user_run(&u, refuse, NULL, &out, &err), HK_E_LOCKED);
	assert_string_equal(err.message, "it is locked");
	assert_string_equal(err.hint, "wait");
	assert_string_equal(out.data, "so far");
	hk_buf_reset(&out);
	err = (struct hk_error)HK_ERROR_INIT;
	assert_int_equal(hk_user_run(&u, die, NULL, &out, &err), HK_E_INTERNAL);
	assert_non_null(strstr(err.message, "died"));
	/* More than a pipe holds. */
	assert_int_equal(hk_user_run(&u, talk_much, NULL, &out, &err), 0);
	assert_int_equal(out.len, 1000000);
}

static int try_root(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	(void)ctx;
	(void)err;
	hk_buf_addf(out, "%d %d %d", setuid(0), seteuid(0),
		    open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0);
	return 0;
}

static void test_no_way_back(void **state)
{
	hk_auto_user u = somebody();
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	if (geteuid() || !u.uid)
		skip();
	assert_int_equal(hk_user_run(&u, try_root, NULL, &out, &err), 0);
	assert_string_equal(out.data, "-1 -1 0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_no_way_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
