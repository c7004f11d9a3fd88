/*
 * Files of the machine's configuration that are a project's, made from templates. Their first line
 * says whose they are, and only such files are ever replaced or removed. It has a digest of the
 * rest: what somebody has changed by hand (or certbot, in a site) is left as it is.
 */
#ifndef HK_HOST_FILE_H
#define HK_HOST_FILE_H

#include <host/host.h>

struct hk_host_file {
	const char *what;     /* for people: "unit" */
	const char *dir;      /* absolute; made when it is missing */
	const char *prefix;   /* of the file's name, before the project's */
	const char *suffix;   /* behind it */
	const char *template; /* see template.h */
	const char *comment;  /* how a comment line begins: "# " */
};

enum hk_host_file_state {
	HK_HOST_FILE_MISSING,
	HK_HOST_FILE_FOREIGN,  /* it is not ours */
	HK_HOST_FILE_CHANGED,  /* by hand, since hostkit made it */
	HK_HOST_FILE_OUTDATED, /* it is not what the template and the settings say now */
	HK_HOST_FILE_AS_MADE,
	HK_HOST_FILE_UNREADABLE, /* not for this user to see */
};

/* The caller frees. */
char *hk_host_file_path(const struct hk_host_file *f, const char *name);

/* HK_E_NAME_TAKEN when there is one that is not ours. */
int hk_host_file_check(const struct hk_host_file *f, const char *name,
		       struct hk_error *err) HK_MUST_CHECK;

/* Appends what the file should hold now. Errors as hk_template_render. */
int hk_host_file_render(const struct hk_host_file *f, const struct hk_host_project *hp,
			struct hk_buf *out, struct hk_error *err) HK_MUST_CHECK;

/* Compares what is there with what should be; changes nothing. */
int hk_host_file_look(const struct hk_host_file *f, const struct hk_host_project *hp,
		      enum hk_host_file_state *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Writes it (root's, 0644), unless it is as it should be, or was changed by hand, which becomes a
 * note.
 */
int hk_host_file_make(const struct hk_host_file *f, const struct hk_host_project *hp,
		      bool *ret_made, struct hk_error *err) HK_MUST_CHECK;

/* Removes it when it is ours; *ret_removed (may be NULL) tells. */
int hk_host_file_remove(const struct hk_host_file *f, const char *name, bool *ret_removed,
			struct hk_error *err) HK_MUST_CHECK;

#endif
