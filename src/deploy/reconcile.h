/*
 * Making the service run what `app` names.
 */
#ifndef HK_DEPLOY_RECONCILE_H
#define HK_DEPLOY_RECONCILE_H

#include <deploy/project.h>

/*
 * Restarts the service on the active release when it runs from another one, or has died; with
 * pending (a worker died that was to restart it) also when the driver cannot tell. Then asks for
 * its health, shortly, and records a release that is well as good. A service that cannot be started
 * is a note, not an error. The caller holds the lock.
 */
int hk_reconcile_service(const struct hk_project *p, struct hk_ledger *l, const char *active,
			 bool pending, struct hk_strlist *notes,
			 struct hk_error *err) HK_MUST_CHECK;

/* The same for whatever is active, unless it was deployed with --no-restart. */
int hk_reconcile_if_due(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
			struct hk_error *err) HK_MUST_CHECK;

#endif
