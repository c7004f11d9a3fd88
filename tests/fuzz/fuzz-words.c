/*
 * base/words.h: a command line as it is configured, and any words quoted.
 */
#include "fuzz.h"

#include <base/words.h>

/* The words, quoted and put on a line, come back as they were. */
static void check_quoting(const struct hk_strlist *words)
{
	hk_auto_strlist back = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf line = HK_BUF_INIT;

	for (size_t i = 0; i < words->len; i++) {
		hk_buf_addstr(&line, i ? " " : "");
		hk_words_quote(&line, words->items[i]);
	}
	FUZZ_CHECK(hk_words_split(line.data, &back, &err) == 0);
	FUZZ_CHECK(back.len == words->len);
	for (size_t i = 0; i < back.len; i++)
		FUZZ_CHECK(!strcmp(back.items[i], words->items[i]));
}

static void check_line(const char *line)
{
	hk_auto_strlist words = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	size_t bytes = 0;

	hk_strlist_add(&words, "before");
	if (hk_words_split(line, &words, &err) < 0) {
		FUZZ_CHECK(err.code == HK_E_USAGE && *err.message);
		FUZZ_CHECK(words.len == 1);
		return;
	}
	FUZZ_CHECK(err.code == HK_OK && words.len && !strcmp(words.items[0], "before"));
	for (size_t i = 1; i < words.len; i++)
		bytes += strlen(words.items[i]);
	FUZZ_CHECK(bytes <= strlen(line));
	check_quoting(&words);
}

/* The input is a line to split; with its NUL bytes it is also a list of words to quote. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hk_auto_free char *text = hk_xmalloc(size + 1);
	hk_auto_strlist words = HK_STRLIST_INIT;

	memcpy(text, data, size);
	text[size] = '\0';
	check_line(text);
	for (size_t i = 0; i <= size; i += strlen(text + i) + 1)
		hk_strlist_add(&words, text + i);
	check_quoting(&words);
	return 0;
}
