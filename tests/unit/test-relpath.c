/*
 * conf/relpath.h: which paths may be shared, and which two of them are in each other's way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <conf/relpath.h>

static void test_accepted(void **state)
{
	static const char *const paths[] = {
		"a",	   "a/b", "a b/c",   ".env.local",   "a/.env",
		"..a/b..", "...", ".github", "a/.gitignore", "-",
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(paths); i++) {
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_relpath_check(paths[i], &err), 0);
		assert_int_equal(err.code, 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *path, *why;
	} cases[] = {
		{ "", "empty component" },
		{ "/", "absolute" },
		{ "/a", "absolute" },
		{ "a/", "empty component" },
		{ "a//b", "empty component" },
		{ ".", "'.'" },
		{ "./a", "'.'" },
		{ "a/./b", "'.'" },
		{ "a/.", "'.'" },
		{ "..", "'..'" },
		{ "../a", "'..'" },
		{ "a/..", "'..'" },
		{ "a/../b", "'..'" },
		{ ".git", "git's" },
		{ ".GIT/x", "git's" },
		{ "a/.git", "git's" },
		{ ".env", "hostkit's" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_relpath_check(cases[i].path, &err), HK_E_CONFIG_INVALID);
		assert_non_null(strstr(err.message, cases[i].why));
	}
}

static void test_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} cases[] = {
		{ "a", "a", true },    { "a", "a/b", true },	 { "a/b", "a/b/c/d", true },
		{ "a", "ab", false },  { "a/b", "a/bc", false }, { "a/b", "a/c", false },
		{ "a", "b/a", false }, { "a.b", "a/b", false },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		assert_int_equal(hk_relpath_overlap(cases[i].a, cases[i].b), cases[i].overlap);
		assert_int_equal(hk_relpath_overlap(cases[i].b, cases[i].a), cases[i].overlap);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
