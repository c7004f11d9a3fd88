/*
 * A pushed commit, looked at before git accepts it: `hostkit-worker ROOT NAME check|plan REF OLD
 * NEW FLAGS`, for pre-receive, which has no libgit2.
 */
#ifndef HK_DEPLOY_INSPECT_H
#define HK_DEPLOY_INSPECT_H

#include <deploy/project.h>
#include <deploy/report.h>

#define HK_INSPECT_CHECK "check"
#define HK_INSPECT_PLAN "plan"

struct hk_inspection {
	const char *ref, *old_oid, *new_oid; /* as git gives them to hooks */
	unsigned flags;			     /* enum hk_request_flags */
	bool plan;			     /* tell what a deployment would do, too */
};

/*
 * HK_E_NOT_ALLOWED for a forced update that [deploy] force forbids; what is wrong with a pushed
 * hostkit.ini; HK_E_TREE_REFUSED for a tree that could not be deployed. p->conf has the pushed
 * settings afterwards.
 */
int hk_inspect(struct hk_project *p, const struct hk_inspection *what, struct hk_report *report,
	       struct hk_error *err) HK_MUST_CHECK;

#endif
