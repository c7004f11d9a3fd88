/*
 * One option as text, for show.c and its test.
 */
#ifndef HK_CONF_SHOW_H
#define HK_CONF_SHOW_H

#include <base/buf.h>
#include <base/json.h>
#include <conf/conf.h>
#include <conf/options.h>

/* Appends the origin as a comment and "key = value"; a secret is a comment without its value. */
void hk_conf_show_option(const struct hk_conf_option *o, const struct hk_conf *conf,
			 const char *origin, struct hk_buf *out);

/* {"value": text, "origin": text}; for a secret, value is null and there is "secret": true. */
struct hk_json *hk_conf_option_to_json(const struct hk_conf_option *o, const struct hk_conf *conf,
				       const char *origin);

#endif
