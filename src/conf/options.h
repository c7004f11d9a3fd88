/*
 * The rows of options.def as data, for the other files of this folder.
 */
#ifndef HK_CONF_OPTIONS_H
#define HK_CONF_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <base/buf.h>

enum hk_conf_type {
	HK_CONF_BOOL,
	HK_CONF_AUTO,
	HK_CONF_INT,
	HK_CONF_DURATION,
	HK_CONF_SIZE,
	HK_CONF_STRING,
	HK_CONF_PATH,
	HK_CONF_SUBPATH,
	HK_CONF_LIST,
	HK_CONF_COMMAND,
	HK_CONF_ENUM,
	HK_CONF_STATUSES,
};

/* The kinds of file that may set an option, as bits. */
enum hk_conf_scope {
	HK_CONF_DEFAULTS = 1, /* hostkit.ini */
	HK_CONF_PROJECT = 2,  /* NAME.ini */
	HK_CONF_PUSHED = 4,   /* hostkit.ini in the pushed tree */
};

struct hk_conf_option {
	const char *section, *key;
	enum hk_conf_type type;
	const char *def, *range; /* in the file's notation; see options.def */
	unsigned scope;
	bool secret;
	const char *help;
	size_t offset; /* of the member in struct hk_conf */
};

extern const struct hk_conf_option hk_conf_options[];
extern const size_t hk_conf_options_len;

/* NULL when there is none. */
const struct hk_conf_option *hk_conf_option_find(const char *section, const char *key);

bool hk_conf_section_known(const char *section);

/*
 * Appends what was probably meant: "; did you mean 'timeout'?" or "; [health] has it", or nothing.
 * section is "" for a key in front of the first section.
 */
void hk_conf_suggest_key(const char *section, const char *key, struct hk_buf *out);
void hk_conf_suggest_section(const char *section, struct hk_buf *out);

/* Appends the near name among n, "; did you mean 'x'?", or nothing. */
void hk_conf_suggest(const char *word, const char *const *names, size_t n, struct hk_buf *out);

#endif
