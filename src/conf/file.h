/*
 * One INI file, read into entries; what is wrong with it is collected, not stopped at. The only
 * place that knows inih.
 */
#ifndef HK_CONF_FILE_H
#define HK_CONF_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include <base/buf.h>
#include <base/error.h>
#include <conf/options.h>

/* An assignment; a list that is continued over lines is one entry. */
struct hk_conf_entry {
	const struct hk_conf_option *option;
	char *value;
	int line;
};

struct hk_conf_problem {
	int line;
	char *text; /* "[section] key: text" */
	char *hint; /* "" when there is none */
};

struct hk_conf_file {
	const char *path; /* borrowed; for messages */
	unsigned scope;	  /* the scopes of which an option must have one */
	struct hk_conf_entry *entries;
	size_t len, cap;
	struct hk_conf_problem *problems;
	size_t problems_len, problems_cap;
};

void hk_conf_file_release(struct hk_conf_file *f);
#define hk_auto_conf_file HK_CLEANUP(hk_conf_file_release) struct hk_conf_file

/*
 * Reads the file at f->path. Fails only when there is nothing to parse: HK_E_IO (sys_errno ENOENT
 * when it is missing), HK_E_PERMISSION when others could have written it (it names commands that
 * are run), HK_E_CONFIG_INVALID when it is larger than 256 KiB.
 */
int hk_conf_file_read(struct hk_conf_file *f, struct hk_error *err) HK_MUST_CHECK;

/* Adds the entries and problems of a text. */
void hk_conf_file_parse(struct hk_conf_file *f, const char *text, size_t len);

/* o may be NULL for a problem of the line as such; hint may be NULL. */
void hk_conf_file_problem(struct hk_conf_file *f, int line, const struct hk_conf_option *o,
			  const char *hint, const char *fmt, ...) HK_PRINTF(5, 6);

/* Puts the problems into the order of their lines. */
void hk_conf_file_sort(struct hk_conf_file *f);

#endif
