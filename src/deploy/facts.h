/*
 * Facts of the ledger as JSON, in the form that commands answer and notifications carry.
 */
#ifndef HK_DEPLOY_FACTS_H
#define HK_DEPLOY_FACTS_H

#include <base/json.h>
#include <deploy/project.h>

/*
 * Sets id, status, trigger, ref, commit, tag, summary, pusher, key, cancelled_by, release,
 * created_at, started_at, finished_at and error {code, message, hint}; null for what is not known.
 * Times are RFC 3339.
 */
void hk_facts_deployment(struct hk_json *j, const struct hk_deployment *d);

/*
 * What is live: {release, commit, ref, type, state, deployed_at}, or null. err says why it cannot
 * be told.
 */
int hk_facts_active(const struct hk_project *p, struct hk_ledger *l, struct hk_json **ret,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
