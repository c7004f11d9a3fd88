/*
 * The JSON edge: struct hk_json is jansson's json_t under another name.
 */
#include <base/json.h>

#include <jansson.h>
#include <string.h>

#include <base/lines.h>
#include <base/utf8.h>

#define BOM "\xef\xbb\xbf" /* editors put it there, and npm accepts it */

static json_t *unwrap(const struct hk_json *j)
{
	return (json_t *)(uintptr_t)j;
}

/* Building fails only when memory is out. */
static struct hk_json *wrap(json_t *j)
{
	if (!j)
		abort();
	return (struct hk_json *)j;
}

struct hk_json *hk_json_object(void)
{
	return wrap(json_object());
}

struct hk_json *hk_json_array(void)
{
	return wrap(json_array());
}

struct hk_json *hk_json_string(const char *s)
{
	hk_auto_buf repaired = HK_BUF_INIT;

	if (!s)
		return wrap(json_null());
	hk_utf8_repair(&repaired, s, strlen(s));
	return wrap(json_stringn_nocheck(repaired.data, repaired.len));
}

struct hk_json *hk_json_int(int64_t v)
{
	return wrap(json_integer(v));
}

struct hk_json *hk_json_bool(bool v)
{
	return wrap(json_boolean(v));
}

struct hk_json *hk_json_null(void)
{
	return wrap(json_null());
}

struct hk_json *hk_json_strlist(const struct hk_strlist *l)
{
	struct hk_json *j = hk_json_array();

	for (size_t i = 0; i < l->len; i++)
		hk_json_append(j, hk_json_string(l->items[i]));
	return j;
}

void hk_json_free(struct hk_json *j)
{
	json_decref(unwrap(j));
}

void hk_cleanup_json(struct hk_json **j)
{
	hk_json_free(*j);
}

void hk_json_set(struct hk_json *object, const char *key, struct hk_json *value)
{
	hk_auto_buf repaired = HK_BUF_INIT;

	hk_utf8_repair(&repaired, key, strlen(key));
	if (json_object_set_new_nocheck(unwrap(object), repaired.data, unwrap(value)))
		abort();
}

void hk_json_append(struct hk_json *array, struct hk_json *value)
{
	if (json_array_append_new(unwrap(array), unwrap(value)))
		abort();
}

static int add_text(const char *data, size_t len, void *out)
{
	hk_buf_add(out, data, len);
	return 0;
}

void hk_json_write(const struct hk_json *j, struct hk_buf *out)
{
	if (json_dump_callback(unwrap(j), add_text, out, JSON_COMPACT | JSON_ENCODE_ANY))
		abort();
}

int hk_json_parse(const char *text, size_t len, const char *what, enum hk_code code,
		  struct hk_json **ret, struct hk_error *err)
{
	size_t skip = len >= sizeof(BOM) - 1 && !memcmp(text, BOM, sizeof(BOM) - 1) ? 3 : 0;
	hk_auto_buf safe = HK_BUF_INIT;
	json_error_t why;
	json_t *j;

	j = json_loadb(text + skip, len - skip, JSON_DECODE_ANY, &why);
	if (!j) {
		/* The library quotes the text, which may come from a pushed file. */
		hk_lines_sanitize(&safe, why.text, strlen(why.text), sizeof(why.text));
		return hk_error_set(err, code, "'%s' is not valid JSON: line %d, column %d: %s",
				    what, why.line, why.column, safe.data);
	}
	*ret = wrap(j);
	return 0;
}

const struct hk_json *hk_json_get(const struct hk_json *object, const char *key)
{
	return (const struct hk_json *)json_object_get(unwrap(object), key);
}

const char *hk_json_get_string(const struct hk_json *object, const char *key)
{
	return json_string_value(json_object_get(unwrap(object), key));
}

int64_t hk_json_get_int(const struct hk_json *object, const char *key, int64_t otherwise)
{
	const json_t *v = json_object_get(unwrap(object), key);

	return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

bool hk_json_is_object(const struct hk_json *j)
{
	return json_is_object(unwrap(j));
}

bool hk_json_to_strlist(const struct hk_json *j, struct hk_strlist *ret)
{
	json_t *array = unwrap(j);

	if (!json_is_array(array))
		return false;
	for (size_t i = 0; i < json_array_size(array); i++)
		if (!json_is_string(json_array_get(array, i)))
			return false;
	for (size_t i = 0; i < json_array_size(array); i++)
		hk_strlist_add(ret, json_string_value(json_array_get(array, i)));
	return true;
}
