/*
 * Whose a project is: under "/" what lies in its folders is its user's alone to write, and root
 * only works on it as that user. In a private root it is whoever may write there.
 */
#ifndef HK_DEPLOY_OWNER_H
#define HK_DEPLOY_OWNER_H

#include <base/error.h>
#include <sys/user.h>

/* Of a project under "/". HK_E_PERMISSION when there is no such user, or it is root. */
int hk_owner_find(const char *name, struct hk_user *ret, struct hk_error *err) HK_MUST_CHECK;

/* HK_E_PERMISSION unless the process is the project's user; nothing to check in a private root. */
int hk_owner_check(const char *root, const char *name, struct hk_error *err) HK_MUST_CHECK;

#endif
