/*
 * What a deployment is going to do, in two or three lines, before it does it.
 */
#ifndef HK_DEPLOY_PLAN_H
#define HK_DEPLOY_PLAN_H

#include <stdbool.h>

#include <deploy/project.h>
#include <deploy/report.h>
#include <repo/repo.h>

/*
 * Tells how the commit differs from the live one (commits forwards or back, files, the lockfile),
 * and which stages run and how long they usually take, by the ledger. detailed adds the disk space,
 * which takes time to find out. What runs is an estimate: a build may have been pushed.
 */
int hk_plan_tell(const struct hk_project *p, struct hk_ledger *l, struct hk_repo *repo,
		 const char *commit, unsigned flags, bool detailed, struct hk_report *report,
		 struct hk_error *err) HK_MUST_CHECK;

#endif
