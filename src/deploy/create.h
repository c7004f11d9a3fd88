/*
 * Making a project: under a private root, or under "/" with a user, a service unit and a site of
 * its own.
 */
#ifndef HK_DEPLOY_CREATE_H
#define HK_DEPLOY_CREATE_H

#include <stdbool.h>

#include <base/error.h>
#include <base/strlist.h>

/* Values as the user gave them; NULL where the option was not given. */
struct hk_create_spec {
	const char *name;
	const char *port;
	const char *domain;
	const char *runtime;
	const char *branch;
	const char *driver;
	bool strict; /* [push] mode = strict */
};

/*
 * Makes the user (under "/"), folders, the bare repository with its hooks, the ledger, the
 * machine's configuration (under "/"), and last the INI file, which is what makes the project
 * exist. What is there already and is the project's is taken over: what an interrupted run left is
 * completed by the next, and a home that `project remove` left is used again. A failure undoes what
 * this run has made. notes gets what could not be done here and is no failure.
 *
 * Without a port the first one from 3000 that neither another project's INI file has nor anything
 * listens on is taken. HK_E_PROJECT_EXISTS, HK_E_NAME_INVALID, HK_E_CONFIG_INVALID (a value); under
 * "/" HK_E_NAME_TAKEN for a user, group, unit or folder of
 * the name that is not the project's.
 */
int hk_project_create(const char *root, const struct hk_create_spec *spec, struct hk_strlist *notes,
		      struct hk_error *err) HK_MUST_CHECK;

#endif
