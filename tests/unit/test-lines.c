/*
 * base/lines.h: lines from a byte stream, and what is made of hostile bytes. Random streams must
 * give the same lines however they are chunked, and only harmless ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/lines.h>
#include <base/strlist.h>
#include <base/utf8.h>

#define LIMIT 40

static void collect(void *ctx, const char *line, size_t len)
{
	assert_int_equal(strlen(line), len);
	hk_strlist_add(ctx, line);
}

static void feed(struct hk_strlist *ret, const char *data, size_t len, size_t chunk, size_t limit)
{
	struct hk_lines l = HK_LINES_INIT(limit);

	for (size_t i = 0; i < len; i += chunk)
		hk_lines_feed(&l, data + i, len - i < chunk ? len - i : chunk, collect, ret);
	hk_lines_finish(&l, collect, ret);
	hk_lines_release(&l);
}

/* The lines of text, each followed by '|', are want, whole and byte by byte. */
static void check(const char *text, const char *want)
{
	for (int whole = 0; whole < 2; whole++) {
		hk_auto_strlist lines = HK_STRLIST_INIT;
		hk_auto_buf got = HK_BUF_INIT;

		feed(&lines, text, strlen(text), whole ? strlen(text) + 1 : 1, LIMIT);
		for (size_t i = 0; i < lines.len; i++)
			hk_buf_addf(&got, "%s|", lines.items[i]);
		assert_string_equal(got.data, want);
	}
}

static void test_ends(void **state)
{
	(void)state;
	check("", "");
	check("a\nb\r\nc", "a|b|c|");
	check("a\n\n\r\nb\n", "a|||b|");
	check("\n", "|");
	check("a\r\r\nb\n", "a|b|");
	check("a\n\r", "a|");
}

static void test_redraws(void **state)
{
	(void)state;
	check("1%\r2%\r3%\n", "1%|2%|3%|");
	check("\r1%\r1%\r2%\r", "1%|2%|");
	check("\033[2K\r   \r\033[31m \033[0m\r1%\r\n", "1%|");
	check("done\rdone\n", "done|");
	check("done\rdone\ndone\n", "done|done|");
	check("a\nb\na\na\n", "a|b|a|a|");
	check("1%\rx\n1%\r", "1%|x|1%|");
}

static void test_safe(void **state)
{
	(void)state;
	check("a\tb\a\b\f\v\x7f"
	      "c\n",
	      "a\tbc|");
	check("\033[1;31mred\033[0m \033[2J\033[10;5Hx\n", "\033[1;31mred\033[0m x|");
	check("\033]0;title\ax\033]8;;http://a\033\\y\033]8;;\033\\\n", "xy|");
	check("\033]0;no end\n", "]0;no end|");
	check("\033Pq#0\033\\a\033(Bb\033cc\033\n", "abc|");
	check("\033[31\nx\033[3\001m\n", "|xm|");
	check("\033[?25lx\033[38:5:1my\033[>4mz\n", "xyz|");
	check("\xc2\x9b"
	      "31mx\xe2\x80\xae"
	      "y\xe2\x81\xa6z\xe2\x80\x8f\n",
	      "31mxyz|");
	check("\xff"
	      "a\xc3\nb\xe2\x82\n\xed\xa0\x80\n\xc0\xaf\n",
	      "\xef\xbf\xbd"
	      "a\xef\xbf\xbd|b\xef\xbf\xbd|"
	      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd|");
	check("gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80\n", "gr\xc3\xbc\xc3\x9f \xf0\x9f\x9a\x80|");
}

static void test_nul(void **state)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;

	(void)state;
	feed(&lines, "a\0b\n", 4, 4, LIMIT);
	assert_int_equal(lines.len, 1);
	assert_string_equal(lines.items[0], "ab");
}

static void test_colour_reset(void **state)
{
	(void)state;
	check("\033[32mok\n", "\033[32mok\033[0m|");
	check("\033[32mok\033[39m\n", "\033[32mok\033[39m|");
	check("\033[1;32mok\033[39m\n", "\033[1;32mok\033[39m\033[0m|");
	check("\033[38;5;0mok\n", "\033[38;5;0mok\033[0m|");
	check("\033[38;2;0;0;0mok\033[m\n", "\033[38;2;0;0;0mok\033[m|");
	check("\033[53mok\033[0m\n", "\033[53mok\033[0m|");
}

#define A10 "aaaaaaaaaa"

static void test_cut(void **state)
{
	(void)state;
	check(A10 A10 A10 A10 "\n", A10 A10 A10 A10 "|");
	check(A10 A10 A10 A10 "b\nx\n", A10 A10 A10 "aaaaaaa\xe2\x80\xa6|x|");
	/* The cut does not split a character, and what is on is reset within the limit. */
	check(A10 A10 A10 "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\n",
	      A10 A10 A10 "\xc3\xbc\xc3\xbc\xc3\xbc\xe2\x80\xa6|");
	check("\033[31m" A10 A10 A10 A10 "\n", "\033[31m" A10 A10 "aaaaaaaa\xe2\x80\xa6\033[0m|");
}

/* A line far over the limit takes no memory and is still one line. */
static void test_endless(void **state)
{
	struct hk_lines l = HK_LINES_INIT(LIMIT);
	hk_auto_strlist lines = HK_STRLIST_INIT;

	(void)state;
	for (int i = 0; i < 10000; i++)
		hk_lines_feed(&l, "\033[1m\033[0m", 8, collect, &lines);
	assert_true(l.line.cap < 8 * LIMIT);
	assert_int_equal(lines.len, 0);
	hk_lines_feed(&l, "\nnext\n", 6, collect, &lines);
	assert_int_equal(lines.len, 2);
	assert_non_null(strstr(lines.items[0], "\xe2\x80\xa6"));
	assert_true(strlen(lines.items[0]) <= LIMIT);
	assert_string_equal(lines.items[1], "next");
	hk_lines_release(&l);
}

/* The raw bytes are cut within a character: no replacement character appears. */
static void test_raw_cut(void **state)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;
	hk_auto_buf in = HK_BUF_INIT;

	(void)state;
	for (int i = 0; i < LIMIT * 4 - 1; i++)
		hk_buf_addch(&in, '\a');
	hk_buf_addstr(&in, "\xc3\xbc\n");
	feed(&lines, in.data, in.len, 7, LIMIT);
	assert_int_equal(lines.len, 1);
	assert_string_equal(lines.items[0], "\xe2\x80\xa6");
}

static void test_sanitize(void **state)
{
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	hk_buf_addstr(&out, "> ");
	hk_lines_sanitize(&out, "a\nb\033[2Jc", 8, 100);
	assert_string_equal(out.data, "> abc");
	hk_buf_reset(&out);
	hk_lines_sanitize(&out, "abcdef", 6, 5);
	assert_string_equal(out.data, "ab\xe2\x80\xa6");
	hk_buf_reset(&out);
	hk_lines_sanitize(&out, "abcdef", 6, 2);
	assert_string_equal(out.data, "");
}

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Bytes that are likely to form the sequences that matter. */
static void hostile(struct hk_buf *out, size_t len, uint32_t *seed)
{
	static const char *const pieces[] = {
		"\r",		"\n",
		"\r\n",		"\033[",
		"\033]",	"\033",
		";31",		"m",
		"\033[0m",	"\033[1;38;5;7m",
		"\\",		"\xc2\x9b",
		"\xe2\x80\xae", "\xf0\x9f\x9a\x80",
		"\xe2",		"\x80",
		"\xff",		"a",
		"bc",		" ",
		"\t",
	};

	while (out->len < len) {
		if (rnd(seed) % 3)
			hk_buf_addstr(out, pieces[rnd(seed) % HK_ARRAY_LEN(pieces)]);
		else
			hk_buf_addch(out, (char)rnd(seed));
	}
}

static void assert_harmless(const char *line)
{
	size_t len = strlen(line), n;
	uint32_t c;

	assert_true(len <= LIMIT);
	assert_true(hk_utf8_valid(line, len));
	for (size_t i = 0; i < len; i += n) {
		n = hk_utf8_decode(line + i, len - i, &c);
		if (c == 0x1b) {
			assert_int_equal(line[i + 1], '[');
			n = 2 + strspn(line + i + 2, "0123456789;") + 1;
			assert_int_equal(line[i + n - 1], 'm');
			continue;
		}
		assert_true(c == '\t' || c >= 0x20);
		assert_false(c >= 0x7f && c <= 0x9f);
		assert_false((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
	}
}

static void test_random(void **state)
{
	uint32_t seed = 20261124;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		hk_auto_strlist whole = HK_STRLIST_INIT, parts = HK_STRLIST_INIT;
		struct hk_lines l = HK_LINES_INIT(LIMIT);
		hk_auto_buf in = HK_BUF_INIT;
		size_t n;

		hostile(&in, 1 + rnd(&seed) % 300, &seed);
		feed(&whole, in.data, in.len, in.len, LIMIT);
		for (size_t i = 0; i < in.len; i += n) {
			n = 1 + rnd(&seed) % 9;
			n = n < in.len - i ? n : in.len - i;
			hk_lines_feed(&l, in.data + i, n, collect, &parts);
		}
		hk_lines_finish(&l, collect, &parts);
		hk_lines_release(&l);
		assert_int_equal(whole.len, parts.len);
		for (size_t i = 0; i < whole.len; i++) {
			assert_string_equal(whole.items[i], parts.items[i]);
			assert_harmless(whole.items[i]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),	     cmocka_unit_test(test_redraws),
		cmocka_unit_test(test_safe),	     cmocka_unit_test(test_nul),
		cmocka_unit_test(test_colour_reset), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_endless),	     cmocka_unit_test(test_raw_cut),
		cmocka_unit_test(test_sanitize),     cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
