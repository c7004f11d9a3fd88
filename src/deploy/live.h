/*
 * Stages 10 and 11, and what on_failure = rollback does with the same means.
 */
#ifndef HK_DEPLOY_LIVE_H
#define HK_DEPLOY_LIVE_H

#include <deploy/deploy.h>

/*
 * The release to go back to when the one of this deployment is live and not well: the last good one
 * before it. *ret is the caller's to free, NULL when there is none.
 */
int hk_live_way_back(struct hk_deploy *d, char **ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Makes that release live again: link, restart, health. d->rolled_back_to names it from the moment
 * that the link does. HK_E_ACTIVATE_FAILED when there is none.
 */
int hk_live_go_back(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

#endif
