/*
 * Settings that the machine's configuration follows: under "/" a project's unit, the right to
 * restart it, and its site are made from them.
 */
#ifndef HK_DEPLOY_APPLY_H
#define HK_DEPLOY_APPLY_H

#include <stdbool.h>

#include <base/error.h>
#include <base/strlist.h>

/*
 * Makes them anew where they differ; *ret_changed tells. Nothing in a private root. notes gets what
 * could not be done here. HK_E_PROJECT_NOT_FOUND, HK_E_CONFIG_INVALID,
 * HK_E_NAME_TAKEN.
 */
int hk_project_apply(const char *root, const char *name, struct hk_strlist *notes,
		     bool *ret_changed, struct hk_error *err) HK_MUST_CHECK;

/* One change of the project's INI file: see hk_conf_edit. */
struct hk_project_change {
	const char *section, *key;
	const char *value; /* NULL: remove it */
};

/* Makes the changes, in turn, and applies them. What was changed before a failure stays. */
int hk_project_change(const char *root, const char *name, const struct hk_project_change *changes,
		      size_t n, struct hk_strlist *notes, struct hk_error *err) HK_MUST_CHECK;

#endif
