/*
 * Stages 10 and 11, and what on_failure = rollback does with the same means.
 */
#ifndef HK_DEPLOY_LIVE_H
#define HK_DEPLOY_LIVE_H

#include <deploy/deploy.h>

/*
 * Makes the release before this deployment live again: link, restart, health. On success
 * d->rolled_back_to names it. Fails with HK_E_ACTIVATE_FAILED when there is none.
 */
int hk_live_go_back(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

#endif
