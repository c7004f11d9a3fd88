/*
 * host/shell.h: what a client of ssh sends as its command.
 */
#include "fuzz.h"

#include <host/shell.h>

#define REPOSITORY "/home/site/repo.git"

/* Whatever git gets is one of these words of the text; anything else is a list of words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct hk_shell_own own = { "site", REPOSITORY };
	struct hk_shell_request r = HK_SHELL_REQUEST_INIT;
	hk_auto_free char *text = hk_xmalloc(size + 1);
	struct hk_error err = HK_ERROR_INIT;
	size_t bytes = 0;

	memcpy(text, data, size);
	text[size] = '\0';
	if (hk_shell_parse(text, &own, &r, &err)) {
		FUZZ_CHECK(err.code == HK_E_NOT_ALLOWED && *err.message && !*err.hint);
		FUZZ_CHECK(!fuzz_has_control(err.message));
		FUZZ_CHECK(!r.git && !r.words.len);
		return 0;
	}
	FUZZ_CHECK(err.code == HK_OK);
	FUZZ_CHECK(strlen(text) <= HK_SHELL_MAX && hk_utf8_valid(text, strlen(text)));
	FUZZ_CHECK(!fuzz_has_control(text) && !strchr(text, '\t'));
	FUZZ_CHECK(!r.git != !r.words.len);
	if (r.git)
		FUZZ_CHECK(strstr(text, "site") || strstr(text, "repo.git") ||
			   strpbrk(text, "'\"\\"));
	for (size_t i = 0; i < r.words.len; i++)
		bytes += strlen(r.words.items[i]);
	FUZZ_CHECK(bytes <= strlen(text));
	hk_shell_request_release(&r);
	return 0;
}
