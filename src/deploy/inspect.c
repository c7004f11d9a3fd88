/*
 * Inspection of a push (contract in inspect.h).
 */
#include <deploy/inspect.h>

#include <stdlib.h>
#include <string.h>

#include <base/clock.h>
#include <deploy/content.h>
#include <deploy/plan.h>
#include <deploy/pushed_ini.h>
#include <deploy/refrule.h>
#include <repo/compare.h>
#include <repo/repo.h>

#define LOOK_MS 30000

static int open_repo(const struct hk_project *p, struct hk_repo **ret, struct hk_error *err)
{
	const char *quarantine = getenv("GIT_OBJECT_DIRECTORY");

	if (hk_repo_open(p->repo_path, p->home_path, ret, err))
		return err->code;
	return quarantine ? hk_repo_add_objects(*ret, quarantine, err) : 0;
}

static int check_force(const struct hk_project *p, struct hk_repo *repo,
		       const struct hk_inspection *what, const char *commit, struct hk_error *err)
{
	hk_auto_buf name = HK_BUF_INIT;
	bool contains;

	if (p->conf.deploy_force || hk_ref_is_null_oid(what->old_oid) ||
	    hk_ref_classify(&p->conf, what->ref) != HK_REF_BRANCH)
		return 0;
	if (hk_repo_contains(repo, commit, what->old_oid, &contains, err))
		return err->code;
	if (contains)
		return 0;
	hk_ref_describe(what->ref, &name);
	hk_error_set(err, HK_E_NOT_ALLOWED,
		     "this push would take commits away from %s, which is at %.7s", name.data,
		     what->old_oid);
	return hk_error_hint(err,
			     "git pull --rebase first; the administrator allows forced pushes by "
			     "[deploy] force");
}

int hk_inspect(struct hk_project *p, const struct hk_inspection *what, struct hk_report *report,
	       struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	hk_auto_buf settings = HK_BUF_INIT;
	struct hk_commit commit;

	if (open_repo(p, &repo, err) || hk_repo_resolve(repo, what->new_oid, &commit, err) ||
	    check_force(p, repo, what, commit.oid, err) ||
	    hk_pushed_ini_apply(p, repo, commit.oid, &settings, err) ||
	    hk_content_check(p, repo, commit.oid, -1, hk_clock_deadline(LOOK_MS), err))
		return err->code;
	if (!what->plan)
		return 0;
	if (hk_project_open_ledger(p, &ledger, err))
		return err->code;
	return hk_plan_tell(p, ledger, repo, commit.oid, what->flags, true, report, err);
}
