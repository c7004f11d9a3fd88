/*
 * The .env grammar: what is read, and what is refused with which line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <store/dotenv.h>

#define LIST(...)                               \
	(const char *const[])                   \
	{                                       \
		__VA_ARGS__ __VA_OPT__(, ) NULL \
	}

static const struct {
	const char *text;
	const char *const *want;
} accepted[] = {
	/* clang-format off */
	{ "", LIST() },
	{ "\n\n", LIST() },
	{ "# a comment\n  # another\n\t\n", LIST() },
	{ "A=1", LIST("A=1") },
	{ "A=1\nB=2\n", LIST("A=1", "B=2") },
	{ "  A=1\n\tB=2", LIST("A=1", "B=2") },
	{ "_a9Z=x", LIST("_a9Z=x") },
	{ "export A=1\nexport\t B=2", LIST("A=1", "B=2") },
	{ "export=1\nexported=2", LIST("export=1", "exported=2") },
	{ "A=", LIST("A=") },
	{ "A=   \nB=1", LIST("A=", "B=1") },
	{ "A= # nothing\nB=1", LIST("A=", "B=1") },
	{ "A=two words  \t\n", LIST("A=two words") },
	{ "A=x # comment", LIST("A=x") },
	{ "A=x\t# comment", LIST("A=x") },
	{ "A=x#y", LIST("A=x#y") },
	{ "A=#y", LIST("A=#y") },
	{ "A=x #", LIST("A=x") },
	{ "A=it's \"so\"", LIST("A=it's \"so\"") },
	{ "A=$HOME `id` $(id) \\n", LIST("A=$HOME `id` $(id) \\n") },
	{ "A=b=c==", LIST("A=b=c==") },
	{ "A=''", LIST("A=") },
	{ "A=' x '", LIST("A= x ") },
	{ "A='a\\n\"$b # c'", LIST("A=a\\n\"$b # c") },
	{ "A='one\ntwo'\nB=1", LIST("A=one\ntwo", "B=1") },
	{ "A=\"\"", LIST("A=") },
	{ "A=\"x\" # comment\nB=1", LIST("A=x", "B=1") },
	{ "A='x'#comment", LIST("A=x") },
	{ "A=\"\\n\\r\\t\\\\\\\"\\$\\`\"", LIST("A=\n\r\t\\\"$`") },
	{ "A=\"\\a\\'\\x41\"", LIST("A=\\a\\'\\x41") },
	{ "A=\"$B ${C} `d`\"", LIST("A=$B ${C} `d`") },
	{ "A=\"one\ntwo\\\nthree\"\nB=1", LIST("A=one\ntwo\\\nthree", "B=1") },
	{ "A=\"it's\"", LIST("A=it's") },
	{ "A=gr\xc3\xbc\xc3\x9f \xff", LIST("A=gr\xc3\xbc\xc3\x9f \xff") },
	{ "A=1\r\n\r\nB='2'\r\n# c\r\nC=3 # d\r\n", LIST("A=1", "B=2", "C=3") },
	{ "A=a\rb", LIST("A=a\rb") },
	{ "A=1\nB=2\nA=3", LIST("A=3", "B=2") },
	{ "A=1\nAB=2\nAB=3\nA=4", LIST("A=4", "AB=3") },
	/* clang-format on */
};

static const struct {
	const char *text;
	const char *message;
} refused[] = {
	{ "A", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "\n\nA=1\n=x", "f:4: this is neither NAME=VALUE nor a comment" },
	{ "1A=x", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "A-B=x", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "A.B=x", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "\xc3\xbc=x", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "export\nA=1", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "export A", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "export A B=1", "f:1: this is neither NAME=VALUE nor a comment" },
	{ "A=1\nB\nC=3", "f:2: this is neither NAME=VALUE nor a comment" },
	{ "A =1", "f:1: no blanks may stand before '='" },
	{ "X=1\nA= 1", "f:2: no blanks may stand behind '='" },
	{ "A= 'x'", "f:1: no blanks may stand behind '='" },
	{ "A='x", "f:1: the quote that opens here is never closed" },
	{ "B=1\nA=\"x\n\n\ny", "f:2: the quote that opens here is never closed" },
	{ "A=\"x\\\"", "f:1: the quote that opens here is never closed" },
	{ "A=\"", "f:1: the quote that opens here is never closed" },
	{ "A='x'y", "f:1: only a comment may stand behind a closing quote" },
	{ "A='1\n2\n3' y", "f:3: only a comment may stand behind a closing quote" },
	{ "A='x''y'", "f:1: only a comment may stand behind a closing quote" },
	{ "A='1\n2'\nB", "f:3: this is neither NAME=VALUE nor a comment" },
	{ "\xef\xbb\xbf"
	  "A=1",
	  "f:1: the file begins with a byte-order mark" },
};

static int parse(const char *text, size_t len, struct hk_strlist *ret, struct hk_error *err)
{
	/* Its own allocation, without a NUL behind it, so that a sanitizer sees every overrun. */
	hk_auto_free char *exact = hk_xmalloc(len ? len : 1);

	memcpy(exact, text, len);
	return hk_dotenv_parse(exact, len, "f", ret, err);
}

static void test_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(accepted); i++) {
		hk_auto_strlist got = HK_STRLIST_INIT;
		struct hk_error err = HK_ERROR_INIT;
		size_t n = 0;

		if (parse(accepted[i].text, strlen(accepted[i].text), &got, &err))
			fail_msg("row %zu: %s", i, err.message);
		for (; accepted[i].want[n]; n++) {
			assert_true(n < got.len);
			assert_string_equal(got.items[n], accepted[i].want[n]);
		}
		if (got.len != n)
			fail_msg("row %zu: %zu assignments, not %zu", i, got.len, n);
		assert_int_equal(err.code, HK_OK);
	}
}

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(refused); i++) {
		hk_auto_strlist got = HK_STRLIST_INIT;
		struct hk_error err = HK_ERROR_INIT;

		hk_strlist_add(&got, "A=before");
		assert_int_equal(parse(refused[i].text, strlen(refused[i].text), &got, &err),
				 HK_E_CONFIG_INVALID);
		assert_int_equal(err.code, HK_E_CONFIG_INVALID);
		assert_string_equal(err.message, refused[i].message);
		assert_int_equal(got.len, 1);
		assert_string_equal(got.items[0], "A=before");
	}
}

static void test_nul(void **state)
{
	static const char text[] = "A=1\nB=2\0\nC=3";
	hk_auto_strlist got = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &got, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "f:2: there is a NUL byte");
	assert_int_equal(got.len, 0);
}

static void test_replaces(void **state)
{
	hk_auto_strlist got = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	hk_strlist_add(&got, "PATH=/bin");
	hk_strlist_add(&got, "HOME=/");
	assert_int_equal(parse("PATH=/x\nA=1", 11, &got, &err), 0);
	assert_int_equal(got.len, 3);
	assert_string_equal(got.items[0], "PATH=/x");
	assert_string_equal(got.items[1], "HOME=/");
	assert_string_equal(got.items[2], "A=1");
}

static void test_limits(void **state)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	hk_buf_addstr(&text, "\nA=");
	while (text.len < HK_DOTENV_MAX)
		hk_buf_addch(&text, 'x');
	for (int over = 0; over <= 1; over++) {
		hk_auto_strlist got = HK_STRLIST_INIT;

		assert_int_equal(parse(text.data, text.len, &got, &err),
				 over ? HK_E_CONFIG_INVALID : 0);
		assert_int_equal(got.len, over ? 0 : 1);
		hk_buf_addch(&text, 'x');
	}
	assert_string_equal(err.message, "f:2: the file is larger than 1 MiB");
}

static void test_many_names(void **state)
{
	hk_auto_strlist got = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf text = HK_BUF_INIT;

	(void)state;
	for (int i = 0; i < HK_DOTENV_NAMES_MAX; i++)
		hk_buf_addf(&text, "A%d=\n", i);
	assert_int_equal(parse(text.data, text.len, &got, &err), 0);
	assert_int_equal(got.len, HK_DOTENV_NAMES_MAX);
	hk_buf_addstr(&text, "A0=again\nB=1\n");
	assert_int_equal(parse(text.data, text.len, &got, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "f:4098: there are too many names: 4096 are allowed");
}

/* Every prefix of a text with everything in it: no overrun, and either a result or one error. */
static void test_prefixes(void **state)
{
	static const char text[] = "export A=\"x\\n\" # c\r\nB='1\n2'\nC=a b # d\n# e\nD=\"\\";

	(void)state;
	for (size_t len = 0; len <= sizeof(text) - 1; len++) {
		hk_auto_strlist got = HK_STRLIST_INIT;
		struct hk_error err = HK_ERROR_INIT;
		int rc = parse(text, len, &got, &err);

		assert_int_equal(rc, err.code);
		assert_true(!rc || !got.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nul),	 cmocka_unit_test(test_replaces),
		cmocka_unit_test(test_limits),	 cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
