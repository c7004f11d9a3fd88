/*
 * Stage 12: old releases and leftovers go. Kept are the newest good releases, the active one, the
 * one before it, and the newest failed one for a look. What the ledger does not know is not ours
 * and stays.
 */
#include <deploy/deploy.h>

#include <string.h>

#include <base/alloc.h>
#include <deploy/limits.h>
#include <deploy/recover.h>
#include <deploy/running.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

struct pruning {
	struct hk_deploy *d;
	const char *active;
	const char *previous;
	char running[HK_RELEASE_NAME_LEN]; /* what the service runs from; "" not known */
	int64_t good_left;
	int64_t failed_left;
	struct hk_strlist victims;
};

/* Called newest first. */
static int select_victim(void *ctx, const struct hk_release_row *r, struct hk_error *err HK_UNUSED)
{
	struct pruning *p = ctx;

	if (!strcmp(r->state, "good") && p->good_left > 0)
		p->good_left--;
	else if (!strcmp(r->state, "failed") && p->failed_left > 0)
		p->failed_left--;
	else if ((!p->active || strcmp(r->name, p->active)) && strcmp(r->name, p->running) &&
		 (!p->previous || strcmp(r->name, p->previous)) && strcmp(r->name, p->d->release))
		hk_strlist_add(&p->victims, r->name);
	return 0;
}

static int remove_release(struct hk_deploy *d, const char *name, struct hk_error *err)
{
	hk_auto_free char *ref = hk_xasprintf("refs/hostkit/releases/%s", name);

	if (hk_fs_remove_tree(d->project->releases_fd, name, err) ||
	    HK_FAILPOINT(prune_removed, err) ||
	    (d->repo && hk_repo_delete_ref(d->repo, ref, NULL, err)))
		return err->code;
	return hk_ledger_set_release_state(d->ledger, name, "removed", err);
}

static int remove_log(void *ctx, int64_t id, struct hk_error *err)
{
	const struct hk_deploy *d = ctx;
	hk_auto_free char *name = hk_xasprintf("log/%lld.log", (long long)id);

	return hk_fs_remove_tree(d->project->state_fd, name, err);
}

/* After --no-restart the service still runs from an older release. */
static void find_running(struct hk_deploy *d, char ret[HK_RELEASE_NAME_LEN])
{
	hk_auto_running r = HK_RUNNING_INIT;
	struct hk_service_state state = { .known = false };
	struct hk_error ignored;

	ret[0] = '\0';
	if (!hk_running_prepare(d->project, d->ledger, NULL, NULL, NULL, &r, &ignored) &&
	    !r.driver->status(&r.service, &state, &ignored) && state.running &&
	    hk_release_is_name(state.release))
		memcpy(ret, state.release, HK_RELEASE_NAME_LEN);
}

/* Limits are counted from what is remembered. */
static int64_t history(const struct hk_conf *conf)
{
	int64_t limits = hk_limits_history(conf);

	return limits > conf->deploy_keep_history ? limits : conf->deploy_keep_history;
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *active = NULL;
	hk_auto_free char *previous = NULL;
	struct pruning p = { .d = d, .victims = HK_STRLIST_INIT };
	unsigned swept = 0;
	int ret = 0;

	if (hk_recover_sweep(d->project, 0, &swept, err) ||
	    hk_ledger_forget(d->ledger, history(&d->project->conf), remove_log, d, err))
		return err->code;
	/* Without knowing what is live, nothing can be known to be old. */
	if (hk_project_active(d->project, &active, err))
		return hk_deploy_skip(d, "what is live is not known");
	if (active)
		ret = hk_ledger_previous_good(d->ledger, active, &previous, err);
	find_running(d, p.running);
	p.active = active;
	p.previous = previous;
	/* The release of this deployment, if it has one, is not yet recorded as good or failed. */
	p.failed_left = *d->release && d->failed ? 0 : 1;
	p.good_left = d->project->conf.deploy_keep_releases - (*d->release && !d->failed ? 1 : 0);
	if (!ret)
		ret = hk_ledger_each_release(d->ledger, select_victim, &p, err);
	for (size_t i = 0; !ret && i < p.victims.len; i++)
		ret = remove_release(d, p.victims.items[i], err);
	if (!ret && p.victims.len)
		hk_deploy_detail(d, "removed %zu old release%s", p.victims.len,
				 p.victims.len == 1 ? "" : "s");
	hk_strlist_release(&p.victims);
	return ret;
}

const struct hk_stage hk_stage_cleanup = {
	.name = "cleanup",
	.title = "cleanup",
	.run = run,
	.always = true,
};
