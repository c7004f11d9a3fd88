/*
 * Patterns, attribute lines and look-ups. What git itself makes of them is compared in test-export.c;
 * the expectations here were taken from git check-attr and git ls-files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <repo/attrs.h>
#include <repo/glob.h>

static void test_glob(void **state HK_UNUSED)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "a", true },
		{ "a", "", false },
		{ "?", "a", true },
		{ "?", "/", false },
		{ "*", "", true },
		{ "*", "a/b", false },
		{ "a*c*e", "abcde", true },
		{ "a*c*e", "abcd", false },
		{ "*.c", "a.c.c", true },
		{ "*/b", "a/b", true },
		{ "*/b", "x/a/b", false },
		{ "**/b", "b", true },
		{ "**/b", "x/y/b", true },
		{ "**/b", "xb", false },
		{ "a/**", "a/x/y", true },
		{ "a/**", "a", false },
		{ "a/**/b", "a/b", true },
		{ "a/**/b", "a/x/y/b", true },
		{ "a/**/b", "a/xb", false },
		{ "a**b", "axb", true },
		{ "a**b", "a/b", false },
		{ "**/*.txt/**/z", "p/q.txt/r.txt/s/z", true },
		{ "**/a*b/c", "x/a1/aab/c", true },
		{ "**/a*b/c", "x/aab/d/c", false },
		{ "[abc]", "b", true },
		{ "[!abc]", "b", false },
		{ "[^abc]", "d", true },
		{ "[!a]", "/", false },
		{ "[a-c]x", "bx", true },
		{ "[c-a]", "b", false },
		{ "[]a]", "]", true },
		{ "[a-]", "-", true },
		{ "x[--0]", "x.", true },
		{ "[[:digit:]x]", "7", true },
		{ "[[:digit:]x]", "x", true },
		{ "[[:digit:]]", "a", false },
		{ "[![:digit:]]", "a", true },
		{ "[[:nonsense:]a]", "a", false },
		{ "[[:digit]", "d", true },
		{ "[a", "a", false },
		{ "[", "[", false },
		{ "[]", "]", false },
		{ "[\\]]", "]", true },
		{ "[a\\-c]", "b", false },
		{ "[\\a-c]", "b", true },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "a\\", "a\\", false },
		{ "[[:alpha:]-z]", "-", true },
		{ "caf\xe9", "caf\xe9", true },
		{ "[[:alpha:]]", "\xe9", false },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++)
		if (hk_glob_match(rows[i].pattern, rows[i].text) != rows[i].match)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].text);
}

/* A recursive matcher needs longer than anyone waits for this. */
static void test_glob_is_polynomial(void **state HK_UNUSED)
{
	char pattern[401], text[2001];

	for (size_t i = 0; i < 400; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	pattern[399] = 'b';
	pattern[400] = '\0';
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(hk_glob_match(pattern, text));
	for (size_t i = 0; i < 400; i++)
		pattern[i] = "**/a*b/"[i % 7];
	pattern[399] = 'x';
	for (size_t i = 0; i < 2000; i++)
		text[i] = "aab/"[i % 4];
	assert_false(hk_glob_match(pattern, text));
}

static struct hk_attr_value lookup(struct hk_attrs *a, const char *path, enum hk_attr attr)
{
	struct hk_attr_value v[HK_ATTR_COUNT];

	hk_attrs_lookup(a, path, v);
	return v[attr];
}

static void assert_state(struct hk_attrs *a, const char *path, enum hk_attr attr,
			 enum hk_attr_state want)
{
	if (lookup(a, path, attr).state != want)
		fail_msg("'%s': %d", path, lookup(a, path, attr).state);
}

static void push(struct hk_attrs *a, const char *text, const char *base, unsigned flags)
{
	hk_attrs_push(a, text, strlen(text), strlen(base), flags);
}

static void test_lines(void **state HK_UNUSED)
{
	static const char text[] = "# comment text\n"
				   "\n"
				   "  *.a   text -ident\teol=lf \r\n"
				   "*.b text !text\n"
				   "*.c text bad!name\n"
				   "!*.d text\n"
				   "\"x y.e\" text\n"
				   "\"q\\\"\\303\\251\" text\n"
				   "\"open text\n"
				   "folder/ text\n"
				   "*.f text=a=b -filter=x\n"
				   "last ident";
	struct hk_attrs *a = hk_attrs_new();

	assert_true(hk_attrs_empty(a));
	push(a, text, "", HK_ATTRS_MACROS);
	assert_false(hk_attrs_empty(a));
	assert_state(a, "x.a", HK_ATTR_TEXT, HK_ATTR_TRUE);
	assert_state(a, "d/x.a", HK_ATTR_IDENT, HK_ATTR_FALSE);
	assert_string_equal(lookup(a, "x.a", HK_ATTR_EOL).value, "lf");
	assert_state(a, "x.b", HK_ATTR_TEXT, HK_ATTR_UNSPECIFIED);
	assert_state(a, "x.c", HK_ATTR_TEXT, HK_ATTR_UNKNOWN);
	assert_state(a, "x.d", HK_ATTR_TEXT, HK_ATTR_UNKNOWN);
	assert_state(a, "x y.e", HK_ATTR_TEXT, HK_ATTR_TRUE);
	assert_state(a, "q\"\303\251", HK_ATTR_TEXT, HK_ATTR_TRUE);
	assert_state(a, "\"open", HK_ATTR_TEXT, HK_ATTR_TRUE);
	assert_state(a, "folder", HK_ATTR_TEXT, HK_ATTR_UNKNOWN);
	assert_state(a, "folder/x", HK_ATTR_TEXT, HK_ATTR_UNKNOWN);
	assert_string_equal(lookup(a, "x.f", HK_ATTR_TEXT).value, "a=b");
	assert_state(a, "x.f", HK_ATTR_FILTER, HK_ATTR_FALSE);
	assert_state(a, "last", HK_ATTR_IDENT, HK_ATTR_TRUE);
	hk_attrs_pop(a);
	assert_true(hk_attrs_empty(a));
	hk_attrs_free(a);
	hk_attrs_free(NULL);
}

static void test_line_length(void **state HK_UNUSED)
{
	struct hk_attrs *a = hk_attrs_new();
	hk_auto_buf text = HK_BUF_INIT;

	for (size_t len = 2047; len <= 2048; len++) {
		hk_buf_addstr(&text, len == 2047 ? "a text" : "b text");
		for (size_t i = 6; i < len; i++)
			hk_buf_addch(&text, ' ');
		hk_buf_addch(&text, '\n');
	}
	hk_attrs_push(a, text.data, text.len, 0, 0);
	assert_state(a, "a", HK_ATTR_TEXT, HK_ATTR_TRUE);
	assert_state(a, "b", HK_ATTR_TEXT, HK_ATTR_UNKNOWN);
	hk_attrs_free(a);
}

static void test_precedence(void **state HK_UNUSED)
{
	struct hk_attrs *a = hk_attrs_new();

	push(a, "* eol=lf text\n*.c eol=crlf\n", "", HK_ATTRS_MACROS);
	push(a, "*.c -text\n/x.c ident\nsub/*.h text=auto\n", "dir", 0);
	assert_string_equal(lookup(a, "dir/x.c", HK_ATTR_EOL).value, "crlf");
	assert_state(a, "dir/x.c", HK_ATTR_TEXT, HK_ATTR_FALSE);
	assert_state(a, "dir/x.c", HK_ATTR_IDENT, HK_ATTR_TRUE);
	assert_state(a, "dir/sub/x.c", HK_ATTR_IDENT, HK_ATTR_UNKNOWN);
	assert_state(a, "dir/sub/x.h", HK_ATTR_TEXT, HK_ATTR_VALUE);
	push(a, "*.c !eol\n", "", HK_ATTRS_MACROS | HK_ATTRS_INFO);
	assert_state(a, "dir/x.c", HK_ATTR_EOL, HK_ATTR_UNSPECIFIED);
	hk_attrs_pop(a);
	assert_state(a, "dir/x.c", HK_ATTR_TEXT, HK_ATTR_TRUE);
	hk_attrs_free(a);
}

static void test_macros(void **state HK_UNUSED)
{
	struct hk_attrs *a = hk_attrs_new();
	hk_auto_buf chain = HK_BUF_INIT;

	push(a, "[attr]mine -text ident\n[attr]outer mine eol=lf\n*.o outer\n*.b binary\n*.n -mine\n",
	     "", HK_ATTRS_MACROS);
	push(a, "[attr]mine text\n[attr]inner ident\n*.i inner\n", "dir", 0);
	assert_state(a, "dir/x.o", HK_ATTR_TEXT, HK_ATTR_FALSE);
	assert_state(a, "dir/x.o", HK_ATTR_IDENT, HK_ATTR_TRUE);
	assert_state(a, "x.b", HK_ATTR_TEXT, HK_ATTR_FALSE);
	assert_state(a, "x.n", HK_ATTR_TEXT, HK_ATTR_UNKNOWN);
	assert_state(a, "dir/x.i", HK_ATTR_IDENT, HK_ATTR_UNKNOWN);
	push(a, "[attr]mine text\n", "", HK_ATTRS_MACROS | HK_ATTRS_INFO);
	assert_state(a, "dir/x.o", HK_ATTR_TEXT, HK_ATTR_TRUE);
	for (int i = 0; i < 100000; i++)
		hk_buf_addf(&chain, "[attr]m%d m%d\n", i, i + 1);
	hk_buf_addstr(&chain, "* m0\n");
	hk_attrs_push(a, chain.data, chain.len, 0, HK_ATTRS_MACROS);
	assert_state(a, "dir/x.o", HK_ATTR_TEXT, HK_ATTR_TRUE);
	hk_attrs_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob),	    cmocka_unit_test(test_glob_is_polynomial),
		cmocka_unit_test(test_lines),	    cmocka_unit_test(test_line_length),
		cmocka_unit_test(test_precedence),  cmocka_unit_test(test_macros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
