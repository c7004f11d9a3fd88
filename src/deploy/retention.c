/*
 * Retention (contract in retention.h).
 */
#include <deploy/retention.h>

#include <string.h>

#include <base/alloc.h>
#include <base/log.h>
#include <deploy/checkpoint.h>
#include <deploy/limits.h>
#include <deploy/release.h>
#include <deploy/running.h>
#include <deploy/snapshot.h>
#include <deploy/submit.h>
#include <sys/failpoint.h>
#include <sys/fs.h>
#include <sys/inuse.h>

#define GONE ".gone-" /* in front of the name of what is to be deleted */

struct pruning {
	const struct hk_retention *r;
	const char *active;
	const char *previous;
	char running[HK_RELEASE_NAME_LEN]; /* what the service runs from; "" not known */
	int64_t good_left;
	int64_t failed_left;
	struct hk_strlist victims;
	struct hk_strlist used; /* of the victims */
	struct hk_strlist *kept;
};

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* Called newest first. */
static int select_victim(void *ctx, const struct hk_release_row *r, struct hk_error *err HK_UNUSED)
{
	struct pruning *p = ctx;

	if (is(p->r->release, r->name))
		return 0;
	if (!strcmp(r->state, "good") && p->good_left > 0)
		p->good_left--;
	else if (!strcmp(r->state, "failed") && p->failed_left > 0)
		p->failed_left--;
	else if (!is(p->active, r->name) && !is(p->previous, r->name) &&
		 strcmp(r->name, p->running))
		hk_strlist_add(&p->victims, r->name);
	return 0;
}

static void note_use(void *ctx, const char *name, const struct hk_inuse *use)
{
	struct pruning *p = ctx;

	if (!hk_strlist_has(&p->victims, name) || hk_strlist_has(&p->used, name))
		return;
	hk_strlist_add(&p->used, name);
	if (p->kept)
		hk_strlist_addf(p->kept, "%s: process %d (%s) has its %s there", name,
				(int)use->pid, use->program, use->as);
}

/* After --no-restart the service still runs from an older release. */
static void find_running(const struct hk_retention *r, char ret[HK_RELEASE_NAME_LEN])
{
	hk_auto_running running = HK_RUNNING_INIT;
	struct hk_service_state state = { .known = false };
	struct hk_error ignored;

	ret[0] = '\0';
	if (!hk_running_prepare(r->project, r->ledger, NULL, NULL, NULL, &running, &ignored) &&
	    !running.driver->status(&running.service, &state, &ignored) && state.running &&
	    hk_release_is_name(state.release))
		memcpy(ret, state.release, HK_RELEASE_NAME_LEN);
}

/* A row without a folder, after a crash in between, is put right by recovery. */
static int take_out(const struct hk_retention *r, const char *name, struct hk_error *err)
{
	hk_auto_free char *ref = hk_xasprintf("refs/hostkit/releases/%s", name);
	hk_auto_free char *aside = hk_xasprintf(GONE "%s", name);
	int fd = r->project->releases_fd;

	if (hk_fs_remove_tree(fd, aside, err) ||
	    (hk_fs_is_dir(fd, name) && hk_fs_move(fd, name, fd, aside, err)) ||
	    HK_FAILPOINT(prune_removed, err) ||
	    (r->repo && hk_repo_delete_ref(r->repo, ref, NULL, err)))
		return err->code;
	return hk_ledger_set_release_state(r->ledger, name, "removed", err);
}

static int remove_log(void *ctx, int64_t id, struct hk_error *err)
{
	const struct hk_retention *r = ctx;
	hk_auto_free char *name = hk_xasprintf("log/%lld.log", (long long)id);

	return hk_fs_remove_tree(r->project->state_fd, name, err)
		       ? err->code
		       : hk_snapshot_remove(r->project, id, err);
}

/* Limits are counted from what is remembered. */
static int64_t history(const struct hk_conf *conf)
{
	int64_t limits = hk_limits_history(conf);

	return limits > conf->deploy_keep_history ? limits : conf->deploy_keep_history;
}

static int take_out_all(struct pruning *p, struct hk_strlist *ret_gone, struct hk_error *err)
{
	for (size_t i = 0; i < p->victims.len; i++) {
		const char *name = p->victims.items[i];

		if (hk_strlist_has(&p->used, name))
			continue;
		if (take_out(p->r, name, err))
			return err->code;
		if (ret_gone)
			hk_strlist_add(ret_gone, name);
	}
	return 0;
}

int hk_retention_prune(const struct hk_retention *r, struct hk_strlist *ret_gone,
		       struct hk_strlist *ret_kept, struct hk_error *err)
{
	hk_auto_free char *active = NULL;
	hk_auto_free char *previous = NULL;
	struct pruning p = { .r = r, .kept = ret_kept };
	struct hk_retention own = *r;
	hk_auto_free char *releases = hk_xasprintf("%s/releases", r->project->home_path);
	int ret;

	if (hk_ledger_forget(r->ledger, history(&r->project->conf), remove_log, &own, err) ||
	    hk_project_active(r->project, &active, err) ||
	    (active && hk_ledger_previous_good(r->ledger, active, &previous, err)))
		return err->code;
	find_running(r, p.running);
	p.active = active;
	p.previous = previous;
	/* The release of this deployment is not yet recorded as good or failed. */
	p.failed_left = r->release && r->failed ? 0 : 1;
	p.good_left = r->keep - (r->release && !r->failed ? 1 : 0);
	ret = hk_ledger_each_release(r->ledger, select_victim, &p, err);
	if (!ret && p.victims.len)
		hk_inuse_each(releases, note_use, &p);
	if (!ret)
		ret = take_out_all(&p, ret_gone, err);
	/* Afterwards: those of releases that are gone are not needed any more. */
	if (!ret)
		ret = hk_checkpoint_prune(r->project, r->ledger, NULL, err);
	hk_strlist_release(&p.victims);
	hk_strlist_release(&p.used);
	return ret;
}

static bool is_gone(const char *name)
{
	return !strncmp(name, GONE, sizeof(GONE) - 1);
}

bool hk_retention_is_due(const struct hk_project *p)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (hk_fs_list(p->releases_fd, ".", &names, &ignored))
		return false;
	for (size_t i = 0; i < names.len; i++)
		if (is_gone(names.items[i]))
			return true;
	return false;
}

int hk_retention_delete(const struct hk_project *p, int64_t *ret_bytes, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	int64_t total = 0;

	if (hk_fs_list(p->releases_fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		int64_t bytes = 0, entries = 0;

		if (!is_gone(names.items[i]))
			continue;
		if (ret_bytes)
			hk_fs_usage(p->releases_fd, names.items[i], &bytes, &entries);
		if (hk_fs_remove_tree(p->releases_fd, names.items[i], err))
			return err->code;
		total += bytes;
	}
	if (ret_bytes)
		*ret_bytes = total;
	return 0;
}

void hk_retention_start_deleting(const struct hk_project *p)
{
	struct hk_procid worker;
	struct hk_error err;

	if (hk_retention_is_due(p) && hk_submit_worker(p, "delete", -1, &worker, &err))
		hk_log_debug("%s", err.message);
}
