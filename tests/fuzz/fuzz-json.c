/*
 * base/json.h: package.json as it was pushed.
 */
#include "fuzz.h"

#include <base/json.h>

#define BOM "\xef\xbb\xbf"

static void check_members(const struct hk_json *j)
{
	const char *name = hk_json_get_string(j, "name");
	const struct hk_json *scripts = hk_json_get(j, "scripts");
	hk_auto_strlist files = HK_STRLIST_INIT;

	FUZZ_CHECK(!name || hk_utf8_valid(name, strlen(name)));
	FUZZ_CHECK(!scripts || hk_json_is_object(j));
	hk_json_get_string(scripts, "build");
	hk_json_get_int(j, "version", -1);
	FUZZ_CHECK(hk_json_to_strlist(hk_json_get(j, "files"), &files) || !files.len);
}

/* What is written is read back, and written again as the same. */
static void check_written(const struct hk_json *j)
{
	hk_auto_buf first = HK_BUF_INIT, second = HK_BUF_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_json *back = NULL;

	hk_json_write(j, &first);
	FUZZ_CHECK(hk_utf8_valid(first.data, first.len) && !strchr(first.data, '\n'));
	FUZZ_CHECK(!hk_json_parse(first.data, first.len, "written", HK_E_INTERNAL, &back, &err));
	hk_json_write(back, &second);
	FUZZ_CHECK(!strcmp(first.data, second.data));
}

/* A byte-order mark in front makes no difference. */
static void check_marked(const uint8_t *data, size_t size, bool valid)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_json *j = NULL;

	if (size >= 3 && !memcmp(data, BOM, 3))
		return;
	hk_buf_addstr(&text, BOM);
	hk_buf_add(&text, data, size);
	FUZZ_CHECK(!hk_json_parse(text.data, text.len, "marked", HK_E_INTERNAL, &j, &err) == valid);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_json *j = NULL;

	if (hk_json_parse((const char *)data, size, "package.json", HK_E_CONFIG_INVALID, &j,
			  &err)) {
		FUZZ_CHECK(err.code == HK_E_CONFIG_INVALID && !j);
		FUZZ_CHECK(!fuzz_has_control(err.message));
		FUZZ_CHECK(hk_utf8_valid(err.message, strlen(err.message)));
		check_marked(data, size, false);
		return 0;
	}
	FUZZ_CHECK(j && err.code == HK_OK);
	check_members(j);
	check_written(j);
	check_marked(data, size, true);
	return 0;
}
