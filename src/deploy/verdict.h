/*
 * The last lines of a deployment: what happened, what is live now, the next command.
 */
#ifndef HK_DEPLOY_VERDICT_H
#define HK_DEPLOY_VERDICT_H

#include <deploy/deploy.h>

/* Reports the end; why is NULL for success. ms is how long the deployment took. */
void hk_verdict_report(struct hk_deploy *d, const struct hk_error *why, int64_t ms);

/* "release 20261124-103000 (1a2b3c4)" of what `app` names, or "nothing"; appended to out. */
void hk_verdict_describe_live(const struct hk_project *p, struct hk_ledger *l, struct hk_buf *out);

#endif
