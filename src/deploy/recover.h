/*
 * Bringing the ledger back to the truth after a worker that died without recording its end.
 */
#ifndef HK_DEPLOY_RECOVER_H
#define HK_DEPLOY_RECOVER_H

#include <deploy/project.h>
#include <store/ledger.h>

/*
 * Ends every open row whose worker is gone as interrupted. The caller holds the project's lock, so
 * a running row other than keep (an id, 0 for none) has no worker; a waiting row is judged by its
 * worker's identity, or, when none has started yet, by its age.
 */
int hk_recover_rows(const struct hk_project *p, struct hk_ledger *l, int64_t keep,
		    struct hk_error *err) HK_MUST_CHECK;

/* The same if the lock is free; does nothing when a deployment is running. */
int hk_recover_if_idle(const struct hk_project *p, struct hk_ledger *l,
		       struct hk_error *err) HK_MUST_CHECK;

#endif
