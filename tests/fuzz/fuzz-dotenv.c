/*
 * store/dotenv.h: the shared .env.
 */
#include "fuzz.h"

#include <base/alloc.h>
#include <base/buf.h>
#include <store/dotenv.h>

#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

static void check_entries(const struct hk_strlist *l, size_t size)
{
	for (size_t i = 0; i < l->len; i++) {
		const char *entry = l->items[i];
		size_t name = strspn(entry, NAME_CHARS);

		FUZZ_CHECK(name && entry[name] == '=');
		FUZZ_CHECK(*entry < '0' || *entry > '9');
		FUZZ_CHECK(strlen(entry) <= size);
		for (size_t k = 0; k < i; k++)
			FUZZ_CHECK(strncmp(l->items[k], entry, name + 1));
	}
}

static void add_quoted(const char *entry, struct hk_buf *out)
{
	size_t name = strcspn(entry, "=") + 1;

	hk_buf_add(out, entry, name);
	hk_buf_addch(out, '"');
	for (const char *p = entry + name; *p; p++) {
		if (strchr("\\\"$`", *p))
			hk_buf_addch(out, '\\');
		hk_buf_addch(out, *p);
	}
	hk_buf_addstr(out, "\"\n");
}

/* The same assignments in double quotes say the same. */
static void check_quoted(const struct hk_strlist *l)
{
	hk_auto_strlist back = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf text = HK_BUF_INIT;

	for (size_t i = 0; i < l->len; i++)
		add_quoted(l->items[i], &text);
	FUZZ_CHECK(!hk_dotenv_parse(text.data, text.len, ".env", &back, &err));
	FUZZ_CHECK(back.len == l->len);
	for (size_t i = 0; i < l->len; i++)
		FUZZ_CHECK(!strcmp(back.items[i], l->items[i]));
}

/* A list that has entries already: an earlier name keeps its place, a failure changes nothing. */
static void check_appended(const char *data, size_t size, bool valid)
{
	hk_auto_strlist l = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	hk_strlist_add(&l, "A=before");
	hk_strlist_add(&l, "PORT=1");
	FUZZ_CHECK(!hk_dotenv_parse(data, size, ".env", &l, &err) == valid);
	FUZZ_CHECK(!strncmp(l.items[0], "A=", 2) && !strncmp(l.items[1], "PORT=", 5));
	FUZZ_CHECK(valid || (l.len == 2 && !strcmp(l.items[1], "PORT=1")));
}

/* One name gets the value of another, or is removed: nothing else says anything else. */
static void check_edited(const char *data, size_t size, const struct hk_strlist *l)
{
	const char *value = l->len ? strchr(l->items[l->len - 1], '=') + 1 : "it's \"$x\"\n#";
	hk_auto_free char *name =
		l->len ? hk_xstrndup(l->items[0], strcspn(l->items[0], "=")) : hk_xstrdup("A");
	hk_auto_free char *wanted = hk_xasprintf("%s=%s", name, value);
	hk_auto_strlist back = HK_STRLIST_INIT, left = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf text = HK_BUF_INIT;
	bool found;

	hk_buf_add(&text, data, size);
	FUZZ_CHECK(!hk_dotenv_set(&text, name, value, ".env", &err));
	if (text.len > HK_DOTENV_MAX)
		return;
	FUZZ_CHECK(!hk_dotenv_parse(text.data, text.len, ".env", &back, &err));
	FUZZ_CHECK(back.len == (l->len ? l->len : 1) && !strcmp(back.items[0], wanted));
	for (size_t i = 1; i < l->len; i++)
		FUZZ_CHECK(!strcmp(back.items[i], l->items[i]));
	FUZZ_CHECK(!hk_dotenv_unset(&text, name, ".env", &found, &err) && found);
	FUZZ_CHECK(!hk_dotenv_parse(text.data, text.len, ".env", &left, &err));
	FUZZ_CHECK(left.len + 1 == back.len);
	for (size_t i = 0; i < left.len; i++)
		FUZZ_CHECK(!strcmp(left.items[i], back.items[i + 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hk_auto_strlist l = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	bool valid = !hk_dotenv_parse((const char *)data, size, ".env", &l, &err);

	check_appended((const char *)data, size, valid);
	if (!valid) {
		FUZZ_CHECK(err.code == HK_E_CONFIG_INVALID && !l.len);
		FUZZ_CHECK(!strncmp(err.message, ".env:", 5) && !fuzz_has_control(err.message));
		return 0;
	}
	FUZZ_CHECK(err.code == HK_OK && (!size || !memchr(data, '\0', size)));
	check_entries(&l, size);
	check_quoted(&l);
	check_edited((const char *)data, size, &l);
	return 0;
}
