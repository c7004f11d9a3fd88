/*
 * The JSON edge: the only place that knows the JSON library. Values are opaque; a setter takes over
 * the value that it is given. Building cannot fail (out of memory aborts).
 */
#ifndef HK_BASE_JSON_H
#define HK_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <base/buf.h>
#include <base/error.h>
#include <base/strlist.h>

struct hk_json;

struct hk_json *hk_json_object(void);
struct hk_json *hk_json_array(void);
struct hk_json *hk_json_string(const char *s); /* invalid UTF-8 is replaced; NULL gives null */
struct hk_json *hk_json_int(int64_t v);
struct hk_json *hk_json_bool(bool v);
struct hk_json *hk_json_null(void);
struct hk_json *hk_json_strlist(const struct hk_strlist *l);
void hk_json_free(struct hk_json *j);
void hk_cleanup_json(struct hk_json **j);
#define hk_auto_json HK_CLEANUP(hk_cleanup_json) struct hk_json

/* Take value over; key is copied. */
void hk_json_set(struct hk_json *object, const char *key, struct hk_json *value);
void hk_json_append(struct hk_json *array, struct hk_json *value);

/* Appends the compact text, without a newline; members stay in the order of insertion. */
void hk_json_write(const struct hk_json *j, struct hk_buf *out);

/*
 * Parses len bytes of text; what names the source in messages ("package.json"). Fails with code and
 * the line and column. Nesting and duplicate keys are limited by the library.
 */
int hk_json_parse(const char *text, size_t len, const char *what, enum hk_code code,
		  struct hk_json **ret, struct hk_error *err) HK_MUST_CHECK;

/* Borrowed members: NULL when absent or of another type. */
const struct hk_json *hk_json_get(const struct hk_json *object, const char *key);
const char *hk_json_get_string(const struct hk_json *object, const char *key);
int64_t hk_json_get_int(const struct hk_json *object, const char *key, int64_t otherwise);
bool hk_json_is_object(const struct hk_json *j);

/* Appends the strings of an array to ret; returns false when j is not an array of strings. */
bool hk_json_to_strlist(const struct hk_json *j, struct hk_strlist *ret);

#endif
