/*
 * Push options (contract in pushopt.h).
 */
#include <deploy/pushopt.h>

#include <string.h>

#include <base/alloc.h>
#include <base/lines.h>
#include <conf/options.h>
#include <deploy/request.h>

#define REASON_MAX 300
#define SHOWN_MAX 60

/* Those beside the switches of a request. */
static const char *const others[] = { "reason", "dry-run" };

void hk_push_options_release(struct hk_push_options *o)
{
	free(o->reason);
	*o = (struct hk_push_options)HK_PUSH_OPTIONS_INIT;
}

static size_t list_known(const char *names[], size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < hk_request_options_len && n < max; i++)
		names[n++] = hk_request_options[i].name;
	for (size_t i = 0; i < HK_ARRAY_LEN(others) && n < max; i++)
		names[n++] = others[i];
	return n;
}

static int unknown(const char *name, const struct hk_conf *conf, struct hk_error *err)
{
	hk_auto_buf shown = HK_BUF_INIT, known = HK_BUF_INIT, near = HK_BUF_INIT;
	const char *names[32];
	size_t n = list_known(names, HK_ARRAY_LEN(names));

	hk_lines_plain(&shown, name, strlen(name), SHOWN_MAX);
	for (size_t i = 0; i < n; i++)
		if (hk_strlist_has(&conf->push_allow, names[i]))
			hk_buf_addf(&known, "%s%s%s", known.len ? ", " : "", names[i],
				    strcmp(names[i], "reason") ? "" : "=TEXT");
	hk_conf_suggest(name, names, n, &near);
	hk_error_set(err, HK_E_USAGE, "unknown push option '%s'%s", shown.data, near.data);
	return hk_error_hint(err, "the push options here are: %s", known.data);
}

static int set_reason(struct hk_push_options *o, const char *value, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;

	if (!value || !*value) {
		hk_error_set(err, HK_E_USAGE, "the push option 'reason' needs a text");
		return hk_error_hint(err, "git push -o reason=\"why this is deployed\" ...");
	}
	hk_lines_plain(&text, value, strlen(value), REASON_MAX);
	free(o->reason);
	o->reason = hk_buf_detach(&text);
	return 0;
}

static int set_flag(struct hk_push_options *o, const struct hk_request_option *option,
		    struct hk_error *err)
{
	const char *other = hk_request_contradicts(option, o->flags);

	if (other)
		return hk_error_set(err, HK_E_USAGE,
				    "the push options '%s' and '%s' exclude each other", other,
				    option->name);
	o->flags |= option->flag;
	return 0;
}

int hk_push_option_add(struct hk_push_options *o, const char *text, const struct hk_conf *conf,
		       struct hk_error *err)
{
	size_t len = strcspn(text, "=");
	const char *value = text[len] ? text + len + 1 : NULL;
	hk_auto_free char *name = hk_xstrndup(text, len);
	const struct hk_request_option *option = hk_request_option_find(name);
	bool is_reason = !strcmp(name, "reason"), is_dry_run = !strcmp(name, "dry-run");

	if (!option && !is_reason && !is_dry_run)
		return unknown(name, conf, err);
	if (!hk_strlist_has(&conf->push_allow, name)) {
		hk_error_set(err, HK_E_NOT_ALLOWED, "the push option '%s' is not allowed here",
			     name);
		return hk_error_hint(err, "the administrator allows it: [push] allow");
	}
	if (is_reason)
		return set_reason(o, value, err);
	if (value)
		return hk_error_set(err, HK_E_USAGE, "the push option '%s' takes no value", name);
	if (option)
		return set_flag(o, option, err);
	o->dry_run = true;
	return 0;
}
