/*
 * Making a project under a private root.
 */
#ifndef HK_DEPLOY_CREATE_H
#define HK_DEPLOY_CREATE_H

#include <base/error.h>

/* Values as the user gave them; NULL where the option was not given. */
struct hk_create_spec {
	const char *name;
	const char *port;
	const char *runtime;
	const char *branch;
	const char *driver;
};

/*
 * Makes folders, the bare repository with its hooks, the ledger, and last the INI file, which is
 * what makes the project exist; what an interrupted run left is completed by the next. Without a
 * port the first one from 3000 that neither another project's INI file has nor anything listens on
 * is taken. HK_E_PROJECT_EXISTS, HK_E_NAME_INVALID, HK_E_CONFIG_INVALID (a value),
 * HK_E_NOT_SUPPORTED under /.
 */
int hk_project_create(const char *root, const struct hk_create_spec *spec,
		      struct hk_error *err) HK_MUST_CHECK;

/* What makes a repository deploy: hooks that are links to our programs, and settings of git. */
extern const char *const hk_create_hooks[]; /* up to NULL */

struct hk_create_config {
	const char *key, *value;
};
extern const struct hk_create_config hk_create_config[]; /* up to a row without a key */

#endif
