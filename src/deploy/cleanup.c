/*
 * Stage 12: old releases and leftovers go. What goes is taken out of the way here; that it is
 * deleted holds up nobody (see the worker's main).
 */
#include <deploy/deploy.h>

#include <deploy/recover.h>
#include <deploy/retention.h>

static int run(struct hk_deploy *d, struct hk_error *err)
{
	const struct hk_retention r = {
		.project = d->project,
		.ledger = d->ledger,
		.repo = d->repo,
		.keep = d->project->conf.deploy_keep_releases,
		.release = *d->release ? d->release : NULL,
		.failed = d->failed,
	};
	hk_auto_strlist gone = HK_STRLIST_INIT, kept = HK_STRLIST_INIT;
	hk_auto_free char *active = NULL;
	unsigned swept = 0;
	int ret;

	if (hk_recover_sweep(d->project, 0, &swept, err))
		return err->code;
	/* Without knowing what is live, nothing can be known to be old. */
	if (hk_project_active(d->project, &active, err))
		return hk_deploy_skip(d, "what is live is not known");
	ret = hk_retention_prune(&r, &gone, &kept, err);
	for (size_t i = 0; i < kept.len; i++)
		hk_report_say(d->report, HK_REPORT_INFO, "kept old release %s", kept.items[i]);
	if (!ret && gone.len)
		hk_deploy_detail(d, "removed %zu old release%s", gone.len,
				 gone.len == 1 ? "" : "s");
	return ret;
}

const struct hk_stage hk_stage_cleanup = {
	.name = "cleanup",
	.title = "cleanup",
	.run = run,
	.always = true,
};
