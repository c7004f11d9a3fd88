/*
 * One value of each type: from text, to text, and its release. A row per type.
 *
 * The functions work on the member of conf that an option row names.
 */
#ifndef HK_CONF_PARSE_H
#define HK_CONF_PARSE_H

#include <base/buf.h>
#include <base/error.h>
#include <conf/conf.h>
#include <conf/options.h>

/*
 * Sets the member from text (without blanks around it); what it held is released. Fails with
 * HK_E_CONFIG_INVALID and a message that quotes the text (but no secret) and says what is expected;
 * the member keeps its value then.
 */
int hk_conf_value_parse(const struct hk_conf_option *o, const char *text, struct hk_conf *conf,
			struct hk_error *err) HK_MUST_CHECK;

/* Appends the member in the file's notation: hk_conf_value_parse makes the same value of it. */
void hk_conf_value_format(const struct hk_conf_option *o, const struct hk_conf *conf,
			  struct hk_buf *out);

/* The member is empty afterwards; an empty one is fine. */
void hk_conf_value_release(const struct hk_conf_option *o, struct hk_conf *conf);

/* Appends what the option takes, for people: "a duration, 1s to 24h". */
void hk_conf_value_describe(const struct hk_conf_option *o, struct hk_buf *out);

/*
 * The user and password of a URL, as offset and length in text; 0 when it has none, or is no URL.
 * What is for people does without them.
 */
size_t hk_conf_find_userinfo(const char *text, size_t *ret_start);

/* Whether text has a blank followed by c: for ';', what the INI format takes for a comment. */
bool hk_conf_has_comment(const char *text, char c);

#endif
