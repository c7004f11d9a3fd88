/*
 * Removing a project: exactly what `project create` has made, and what was deployed to it.
 */
#ifndef HK_DEPLOY_REMOVE_H
#define HK_DEPLOY_REMOVE_H

#include <stdbool.h>

#include <base/error.h>
#include <base/strlist.h>

/*
 * What hk_project_remove would take away, a line for people each, and what it would leave.
 * HK_E_PROJECT_NOT_FOUND when there is nothing, HK_E_NAME_TAKEN.
 */
int hk_project_remove_look(const char *root, const char *name, bool purge, struct hk_strlist *goes,
			   struct hk_strlist *stays, struct hk_error *err) HK_MUST_CHECK;

/*
 * Stops the service, and removes the machine's configuration, the keys and the settings. With purge
 * also home, state and user; without, a later `project create` uses them again. The INI file goes
 * last, so that a run that was interrupted is finished by the next. A purge also works for what a
 * removal without it has left. HK_E_LOCKED, and nothing is changed, while something is deployed.
 */
int hk_project_remove(const char *root, const char *name, bool purge, struct hk_strlist *notes,
		      struct hk_error *err) HK_MUST_CHECK;

#endif
