/*
 * Which names of a tree may be written, and how paths are shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <base/cleanup.h>
#include <repo/entry_name.h>

#define ZWNJ "\xe2\x80\x8c"
#define BOM "\xef\xbb\xbf"

static void test_refused(void **state HK_UNUSED)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		"a/b",
		"/",
		".git",
		".GIT",
		".gIt",
		".git.",
		".git ",
		".git . .",
		"git~1",
		"GIT~1",
		"git~1 .",
		".git:x",
		".git::$INDEX_ALLOCATION",
		".git.:x",
		"git~1:",
		".g" ZWNJ "it",
		ZWNJ ".git",
		".git" BOM,
		".git" ZWNJ " .",
		".G" BOM "I" ZWNJ "T",
		".git\\x",
		"a\\.git",
		"a\\git~1\\b",
		"\\.git",
		".git\xe2\x80\xae",
		".git\xe2\x81\xaf",
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		if (!hk_entry_name_refusal(names[i], strlen(names[i]), false))
			fail_msg("'%s' is allowed", names[i]);
	assert_string_equal(hk_entry_name_refusal("a\0b", 3, false), "has a NUL in its name");
}

static void test_allowed(void **state HK_UNUSED)
{
	static const char *const names[] = {
		".gitignore", ".gitattributes", ".gitmodules", ".github",  "git",  "git~2",
		"xgit~1",     ".gitx",		".git~1",      "...",	   ".. ",  " ",
		"-rf",	      "a\nb",		"caf\xe9",     "CON",	   "a:b",  "a\\b",
		"dot.",	      "space ",		".git-hooks",  "\xe2\x80", "\xff", ".gi",
		ZWNJ,	      "...git",		".git_",       "x.git",	   "\\",   ":",
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++) {
		const char *why = hk_entry_name_refusal(names[i], strlen(names[i]), false);

		if (why)
			fail_msg("'%s' %s", names[i], why);
	}
}

static void test_links(void **state HK_UNUSED)
{
	assert_non_null(hk_entry_name_refusal(".gitmodules", 11, true));
	assert_non_null(hk_entry_name_refusal(".GITmodules ", 12, true));
	assert_non_null(hk_entry_name_refusal(".git", 4, true));
	assert_null(hk_entry_name_refusal(".gitattributes", 14, true));
	assert_null(hk_entry_name_refusal("link", 4, true));
	/* The short names that NTFS may give '.gitmodules', and what is nearly one. */
	assert_non_null(hk_entry_name_refusal("GITMOD~1", 8, true));
	assert_non_null(hk_entry_name_refusal("gitmod~4 .", 10, true));
	assert_non_null(hk_entry_name_refusal("a\\gi7EBA~1", 10, true));
	assert_non_null(hk_entry_name_refusal("gi7eb~12:x", 10, true));
	assert_non_null(hk_entry_name_refusal("~1000000", 8, true));
	assert_null(hk_entry_name_refusal("gitmod~5", 8, true));
	assert_null(hk_entry_name_refusal("gi7eba~0", 8, true));
	assert_null(hk_entry_name_refusal("gi7eba~12", 9, true));
	assert_null(hk_entry_name_refusal("gi7eba~1", 8, false));
}

static void test_label(void **state HK_UNUSED)
{
	char out[HK_ENTRY_LABEL_LEN], path[2000];

	assert_string_equal(hk_entry_label("a/b \xc3\xa9", out), "a/b \xc3\xa9");
	assert_string_equal(hk_entry_label("a\nerror: b\033[m\x7f", out),
			    "a\\012error: b\\033[m\\177");
	memset(path, '\n', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[sizeof(path) - 2] = 'z';
	hk_entry_label(path, out);
	assert_true(strlen(out) < sizeof(out));
	assert_memory_equal(out, "...\\012", 7);
	assert_string_equal(out + strlen(out) - 5, "\\012z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_allowed),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
