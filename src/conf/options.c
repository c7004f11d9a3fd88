/*
 * The table of options, and the search in it: exact, and nearest for a mistyped name.
 */
#include <conf/options.h>

#include <stdint.h>
#include <string.h>

#include <base/nearest.h>
#include <conf/conf.h>

/* The names that options.def uses for a scope. */
enum {
	DEFAULTS = HK_CONF_DEFAULTS,
	PROJECT = HK_CONF_PROJECT,
	PUSHED = HK_CONF_PUSHED,
};

const struct hk_conf_option hk_conf_options[] = {
#define HK_OPTION(section_, key_, type_, def_, range_, scope_, secret_, help_) \
	{                                                                      \
		.section = #section_,                                          \
		.key = #key_,                                                  \
		.type = HK_CONF_##type_,                                       \
		.def = def_,                                                   \
		.range = range_,                                               \
		.scope = scope_,                                               \
		.secret = secret_,                                             \
		.help = help_,                                                 \
		.offset = offsetof(struct hk_conf, section_##_##key_),         \
	},
#include <conf/options.def>
#undef HK_OPTION
};

const size_t hk_conf_options_len = HK_ARRAY_LEN(hk_conf_options);

const struct hk_conf_option *hk_conf_option_find(const char *section, const char *key)
{
	for (size_t i = 0; i < hk_conf_options_len; i++)
		if (!strcmp(hk_conf_options[i].section, section) &&
		    !strcmp(hk_conf_options[i].key, key))
			return &hk_conf_options[i];
	return NULL;
}

bool hk_conf_section_known(const char *section)
{
	for (size_t i = 0; i < hk_conf_options_len; i++)
		if (!strcmp(hk_conf_options[i].section, section))
			return true;
	return false;
}

/* The nearest name, or NULL when none is so near that it was probably meant. */
static const char *nearest(const char *word, const char *const *names, size_t n)
{
	size_t best = strlen(word) <= 3 ? 1 : strlen(word) <= 8 ? 2 : 3;
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = hk_nearest_distance(word, names[i], true);

		if (d < best || (d == best && !found)) {
			best = d;
			found = names[i];
		}
	}
	return found;
}

void hk_conf_suggest(const char *word, const char *const *names, size_t n, struct hk_buf *out)
{
	const char *name = nearest(word, names, n);

	if (name)
		hk_buf_addf(out, "; did you mean '%s'?", name);
}

/* Names the sections that have exactly that key. */
static void suggest_elsewhere(const char *key, struct hk_buf *out)
{
	const char *before = "; ";
	size_t n = 0;

	for (size_t i = 0; i < hk_conf_options_len; i++) {
		if (strcmp(hk_conf_options[i].key, key))
			continue;
		hk_buf_addf(out, "%s[%s]", before, hk_conf_options[i].section);
		before = ", ";
		n++;
	}
	if (n)
		hk_buf_addstr(out, n > 1 ? " have it" : " has it");
}

void hk_conf_suggest_key(const char *section, const char *key, struct hk_buf *out)
{
	const char *names[HK_ARRAY_LEN(hk_conf_options)];
	size_t before = out->len, n = 0;

	for (size_t i = 0; i < hk_conf_options_len; i++)
		if (!strcmp(hk_conf_options[i].section, section))
			names[n++] = hk_conf_options[i].key;
	hk_conf_suggest(key, names, n, out);
	if (out->len == before)
		suggest_elsewhere(key, out);
}

void hk_conf_suggest_section(const char *section, struct hk_buf *out)
{
	const char *names[HK_ARRAY_LEN(hk_conf_options)];
	const char *name;

	for (size_t i = 0; i < hk_conf_options_len; i++)
		names[i] = hk_conf_options[i].section;
	name = nearest(section, names, hk_conf_options_len);
	if (name)
		hk_buf_addf(out, "; did you mean [%s]?", name);
}
