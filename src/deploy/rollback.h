/*
 * Going back to a release that is there: which one, and the first stage of doing so.
 */
#ifndef HK_DEPLOY_ROLLBACK_H
#define HK_DEPLOY_ROLLBACK_H

#include <base/buf.h>
#include <deploy/project.h>
#include <deploy/release.h>

/*
 * Chooses the release to go back to: `to` if it is not NULL (any that is on disk), else the last
 * good one before the active one, by the order of the ledger. *ret is the caller's to release.
 * HK_E_RELEASE_FAILED, with the releases that there are as the hint.
 */
int hk_rollback_choose(const struct hk_project *p, struct hk_ledger *l, const char *to,
		       struct hk_release_row *ret, struct hk_error *err) HK_MUST_CHECK;

#endif
