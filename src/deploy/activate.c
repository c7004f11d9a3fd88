/*
 * Stage 9: the release becomes what `app` names.
 */
#include <deploy/activate.h>

#include <errno.h>
#include <string.h>

#include <base/alloc.h>
#include <deploy/deploy.h>
#include <deploy/envlink.h>
#include <deploy/hooks.h>
#include <deploy/shared.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

int hk_activate(const struct hk_project *p, const char *release, struct hk_error *err)
{
	hk_auto_free char *target = hk_xasprintf("releases/%s", release);

	/* Of a release that somebody has removed, or put a link in the place of, nothing can be
	 * live. */
	if (!hk_fs_is_dir(p->releases_fd, release))
		return hk_error_set(err, HK_E_ACTIVATE_FAILED, "'%s/releases/%s' is not a folder",
				    p->home_path, release);
	/*
	 * Promise 1 over a power cut: the release's files are on disk before the link can name them
	 * (syncfs), and the link is on disk before anything is told (fsync of its folder).
	 */
	if (hk_fs_sync_filesystem(p->releases_fd, err) || HK_FAILPOINT(activate_synced, err) ||
	    hk_fs_swap_link(p->home_fd, target, "app", err) || HK_FAILPOINT(link_switched, err))
		return err->code;
	return hk_fs_sync_dir(p->home_fd, err);
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	const char *top = d->detected.entry_dir ? d->detected.entry_dir : "";

	if (hk_hooks_pre_activate(d, err) || hk_shared_check(d, d->release_fd, top, err) ||
	    hk_envlink_make(d, err) || hk_deploy_describe_release(d, err) ||
	    hk_ledger_set_live_before(d->ledger, d->row.id, d->old_release, err) ||
	    hk_ledger_set_release_state(d->ledger, d->release, "ready", err) ||
	    hk_activate(d->project, d->release, err))
		return err->code;
	d->activated = true;
	hk_deploy_detail(d, "app -> releases/%s", d->release);
	return 0;
}

/* The rename may have happened although its sync failed: the link is put back to what it was. */
static void undo(struct hk_deploy *d)
{
	const struct hk_project *p = d->project;
	hk_auto_free char *target = NULL;
	hk_auto_free char *active = NULL;
	struct hk_error failed;
	int ret = 0;

	if (hk_project_active(p, &active, &failed) || !active || strcmp(active, d->release))
		return;
	if (d->old_release) {
		target = hk_xasprintf("releases/%s", d->old_release);
		ret = hk_fs_swap_link(p->home_fd, target, "app", &failed);
	} else if (unlinkat(p->home_fd, "app", 0)) {
		ret = hk_error_set_errno(&failed, HK_E_IO, errno, "cannot remove link 'app'");
	}
	if (ret)
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", failed.message);
}

/* Of a rollback: the release is there, and was described when it was made. */
static int run_switch(struct hk_deploy *d, struct hk_error *err)
{
	if (hk_activate(d->project, d->release, err))
		return err->code;
	d->activated = true;
	hk_deploy_detail(d, "app -> releases/%s", d->release);
	return 0;
}

const struct hk_stage hk_stage_activate = {
	.name = "activate",
	.title = "activate",
	.run = run,
	.undo = undo,
	.switches = true,
};

const struct hk_stage hk_stage_switch = {
	.name = "activate",
	.title = "activate",
	.run = run_switch,
	.undo = undo,
	.switches = true,
};
