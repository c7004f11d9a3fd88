/*
 * Configuration: the options of options.def, read from INI files. The only folder that knows inih.
 *
 * Two files apply, the later one winning: etc/hostkit/hostkit.ini (defaults for all projects, may
 * be missing) and etc/hostkit/projects/NAME.ini. Unknown sections and keys, a key in a file that
 * its scope forbids, a key twice, bad values, over-long lines and stray continuation lines are
 * errors with file and line; nothing is deployed under a broken file.
 */
#ifndef HK_CONF_CONF_H
#define HK_CONF_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include <base/buf.h>
#include <base/error.h>
#include <base/json.h>
#include <base/strlist.h>

enum hk_auto {
	HK_NO,
	HK_YES,
	HK_AUTO,
};

/* A configured command: "auto" (or empty: none set), argv, or a shell line ("sh: …"). */
struct hk_command {
	bool is_auto; /* the value was "auto" */
	struct hk_strlist
		argv; /* empty when nothing is set; ["/bin/sh", "-c", line] for "sh: line" */
};

struct hk_statuses {
	size_t len;
	struct {
		int from, to;
	} ranges[16];
};

#define HK_CONF_TYPE_BOOL bool
#define HK_CONF_TYPE_AUTO enum hk_auto
#define HK_CONF_TYPE_INT int64_t
#define HK_CONF_TYPE_DURATION int64_t
#define HK_CONF_TYPE_SIZE int64_t
#define HK_CONF_TYPE_STRING char *
#define HK_CONF_TYPE_PATH char *
#define HK_CONF_TYPE_SUBPATH char *
#define HK_CONF_TYPE_LIST struct hk_strlist
#define HK_CONF_TYPE_COMMAND struct hk_command
#define HK_CONF_TYPE_ENUM char * /* one of the names in the range */
#define HK_CONF_TYPE_STATUSES struct hk_statuses

/* One member per option: conf->health_timeout, in ms, and so on. */
struct hk_conf {
#define HK_OPTION(section, key, type, def, range, scope, secret, help) \
	HK_CONF_TYPE_##type section##_##key;
#include <conf/options.def>
#undef HK_OPTION
	char **origins; /* by option: "default" or "FILE:LINE"; see hk_conf_show */
};

#define HK_CONF_INIT            \
	{                       \
		.origins = NULL \
	}
#define hk_auto_conf HK_CLEANUP(hk_conf_release) struct hk_conf

void hk_conf_release(struct hk_conf *conf);

/* Where the value of an option comes from: "default" or "FILE:LINE"; borrowed. */
const char *hk_conf_origin(const struct hk_conf *conf, const char *section, const char *key);

/*
 * Reads the defaults file (missing is fine) and the project file (must exist). Fails with
 * HK_E_CONFIG_INVALID, HK_E_IO when a file cannot be read (sys_errno ENOENT when the project's is
 * missing), or HK_E_PERMISSION when someone else than root and the effective user could have
 * written a file; ret is untouched then. The message is about the first problem, "FILE:LINE: …",
 * and says how many more there are; problems (may be NULL) gets all of them, one line each.
 */
int hk_conf_load(const char *defaults_path, const char *project_path, struct hk_conf *ret,
		 struct hk_strlist *problems, struct hk_error *err) HK_MUST_CHECK;

/*
 * Sets what the hostkit.ini of a pushed tree says, but not where the project's own file (the path
 * that conf was loaded from) has an opinion. Problems as in hk_conf_load, as "LABEL:LINE: …"; conf
 * is unchanged then.
 */
int hk_conf_apply_pushed(struct hk_conf *conf, const char *project_path, const char *label,
			 const char *text, size_t len, struct hk_strlist *problems,
			 struct hk_error *err) HK_MUST_CHECK;

/*
 * The same as hk_conf_load for whoever looks for problems: *ret is always filled, with what is
 * right in the files over the defaults (nothing of a file that cannot be read). fn is called for
 * each problem, in order; hint is "" when there is none.
 */
typedef void hk_conf_problem_fn(void *ctx, const char *message, const char *hint);
void hk_conf_load_anyway(const char *defaults_path, const char *project_path, struct hk_conf *ret,
			 hk_conf_problem_fn *fn, void *ctx);

/* All options as text, in INI form with a comment on each value's origin; secrets are hidden. */
void hk_conf_show(const struct hk_conf *conf, struct hk_buf *out);

/* The same as an object of sections of {value, origin}; values in the file's own notation. */
struct hk_json *hk_conf_to_json(const struct hk_conf *conf);

/*
 * Checks one value as the file parser would, for command line options that end up in a file. Fails
 * with HK_E_CONFIG_INVALID and a message without a file.
 */
int hk_conf_check_value(const char *section, const char *key, const char *value,
			struct hk_error *err) HK_MUST_CHECK;

bool hk_statuses_match(const struct hk_statuses *s, int status);

/* "200-299, 304" */
void hk_statuses_format(const struct hk_statuses *s, struct hk_buf *out);

/* Appends the OPTIONS part of hostkit.ini(5), in man(7) markup, from the rows. */
void hk_conf_man(struct hk_buf *out);

/* Appends a complete commented example INI file for the files of that scope, from the rows. */
void hk_conf_example(bool for_project, struct hk_buf *out);

#endif
