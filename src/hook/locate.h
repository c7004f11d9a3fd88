/*
 * Which project a hook runs for.
 */
#ifndef HK_HOOK_LOCATE_H
#define HK_HOOK_LOCATE_H

#include <deploy/project.h>

/* HK_E_USAGE when GIT_DIR is not set: git did not start the hook, and there is nothing to read. */
int hk_locate_check(struct hk_error *err) HK_MUST_CHECK;

/*
 * A hook's working folder is the repository (githooks(5)): ROOT/home/NAME/repo.git. Where home is
 * elsewhere (a link to another disk), HOSTKIT_ROOT in the environment names the root. Opens the
 * project. HK_E_USAGE when the folder has no such form, HK_E_PERMISSION when a project under "/" is
 * pushed to by anybody but its user.
 */
int hk_locate_project(struct hk_project *ret, struct hk_error *err) HK_MUST_CHECK;

#endif
