/*
 * base/words.h: splitting and quoting, compared with what sh(1) makes of the same text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>

#include <base/words.h>

static void check(const char *s, const char *want)
{
	hk_auto_strlist words = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf got = HK_BUF_INIT;

	assert_int_equal(hk_words_split(s, &words, &err), 0);
	for (size_t i = 0; i < words.len; i++)
		hk_buf_addf(&got, "<%s>", words.items[i]);
	assert_string_equal(got.data, want);
	assert_int_equal(err.code, HK_OK);
}

static void refuse(const char *s, const char *message, const char *hint)
{
	hk_auto_strlist words = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	hk_strlist_add(&words, "before");
	assert_int_equal(hk_words_split(s, &words, &err), HK_E_USAGE);
	assert_int_equal(err.code, HK_E_USAGE);
	assert_string_equal(err.message, message);
	assert_string_equal(err.hint, hint);
	assert_int_equal(words.len, 1);
}

static void test_split(void **state)
{
	(void)state;
	check("", "");
	check("  \t ", "");
	check("npm run  build", "<npm><run><build>");
	check("a'b c'\"d e\"f", "<ab cd ef>");
	check("'' \"\" x", "<><><x>");
	check("\"a\\\"b\\\\c\\$d\\`e\\n\"", "<a\"b\\c$d`e\\n>");
	check("'a\\b|c' \"x;y\"", "<a\\b|c><x;y>");
	check("a\\ b \\' \\; \\$x", "<a b><'><;><$x>");
	check("--x=~/a #b [c]", "<--x=~/a><#b><[c]>");
	check("\"line\nend\"", "<line\nend>");
}

static void test_refusals(void **state)
{
	(void)state;
	refuse("a 'b", "a single quote has no end", "");
	refuse("a \"b", "a double quote has no end", "");
	refuse("a \"b\\", "a double quote has no end", "");
	refuse("a\\", "a backslash at the end quotes nothing", "");
	refuse("a && b", "'&' needs a shell", "quote it, or write a shell line: sh: a && b");
	refuse("a\nb", "a command is one line",
	       "quote the line end, or put the lines into a script");
	for (const char *c = "|&;<>()$`*?"; *c; c++) {
		char line[] = { 'x', *c, '\0' };
		hk_auto_strlist words = HK_STRLIST_INIT;
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_words_split(line, &words, &err), HK_E_USAGE);
	}
}

static void test_quote(void **state)
{
	static const struct {
		const char *word, *want;
	} rows[] = {
		{ "npm", "npm" },
		{ "", "''" },
		{ "a b", "'a b'" },
		{ "it's", "'it'\\''s'" },
		{ "--x=1", "--x=1" },
		{ "A=1", "'A=1'" },
		{ "if", "'if'" },
		{ "~root", "'~root'" },
		{ "#c", "'#c'" },
		{ "$HOME", "'$HOME'" },
		{ "\xc3\xbc", "'\xc3\xbc'" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		hk_auto_buf out = HK_BUF_INIT;

		hk_words_quote(&out, rows[i].word);
		assert_string_equal(out.data, rows[i].want);
	}
}

/* What sh makes of the words of a line: printf '%s\0' for each. */
static void run_sh(const char *line, struct hk_buf *out)
{
	hk_auto_buf script = HK_BUF_INIT;
	char chunk[4096];
	int fds[2], status;
	ssize_t n;
	pid_t pid;

	hk_buf_addf(&script, "printf '%%s\\0' %s", line);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execl("/bin/sh", "sh", "-c", script.data, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	while ((n = read(fds[0], chunk, sizeof(chunk))) > 0)
		hk_buf_add(out, chunk, (size_t)n);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Random words, quoted: sh and hk_words_split both read them back. */
static void test_round_trip(void **state)
{
	static const char bytes[] = "ab '\"\\$`|&;<>()*?\n\t#~=!{}[]-\xc3\xbc";
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 60; round++) {
		hk_auto_strlist words = HK_STRLIST_INIT, back = HK_STRLIST_INIT;
		hk_auto_buf line = HK_BUF_INIT, want = HK_BUF_INIT, got = HK_BUF_INIT;
		struct hk_error err = HK_ERROR_INIT;

		for (int i = 0; i < 40; i++) {
			char word[9] = "";
			size_t len = rnd(&seed) % sizeof(word);

			for (size_t k = 0; k < len; k++)
				word[k] = bytes[rnd(&seed) % (sizeof(bytes) - 1)];
			hk_strlist_add(&words, word);
			hk_buf_addch(&line, ' ');
			hk_words_quote(&line, word);
			hk_buf_add(&want, word, strlen(word) + 1);
		}
		assert_int_equal(hk_words_split(line.data, &back, &err), 0);
		assert_int_equal(back.len, words.len);
		for (size_t i = 0; i < words.len; i++)
			assert_string_equal(back.items[i], words.items[i]);
		run_sh(line.data, &got);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
	}
}

/* Lines as people write them split as sh splits them. */
static void test_like_sh(void **state)
{
	static const char *const lines[] = {
		"npm run build -- --mode \"a b\"",
		"'it'\\''s' \"\\\"q\\\" \\\\ \\x\" a\\\\b \\ x",
		"node --eval 'a(1); b(2)' '' end",
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(lines); i++) {
		hk_auto_strlist words = HK_STRLIST_INIT;
		hk_auto_buf want = HK_BUF_INIT, got = HK_BUF_INIT;
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_words_split(lines[i], &words, &err), 0);
		for (size_t k = 0; k < words.len; k++)
			hk_buf_add(&got, words.items[k], strlen(words.items[k]) + 1);
		run_sh(lines[i], &want);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),	cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_quote),	cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_like_sh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
