/*
 * Rollback (contract in rollback.h).
 */
#include <deploy/rollback.h>

#include <string.h>

#include <base/alloc.h>
#include <deploy/deploy.h>
#include <sys/fs.h>

#define LISTED_MAX 8

struct listing {
	const struct hk_project *p;
	const char *active;
	struct hk_buf text;
	int n;
};

/* Called newest first. */
static int list(void *ctx, const struct hk_release_row *r, struct hk_error *err HK_UNUSED)
{
	struct listing *l = ctx;

	if ((l->active && !strcmp(r->name, l->active)) || l->n == LISTED_MAX ||
	    !hk_fs_is_dir(l->p->releases_fd, r->name))
		return 0;
	hk_buf_addf(&l->text, "%s%s (%s)", l->n++ ? ", " : "", r->name, r->state);
	return 0;
}

/* Ends an error with what could be named instead. */
static int with_list(const struct hk_project *p, struct hk_ledger *l, const char *active,
		     struct hk_error *err)
{
	struct listing listing = { .p = p, .active = active, .text = HK_BUF_INIT };
	struct hk_error ignored;

	if (!hk_ledger_each_release(l, list, &listing, &ignored) && listing.n)
		hk_error_hint(err, "name one: hostkit rollback %s --to RELEASE; there %s %s",
			      p->name, listing.n == 1 ? "is" : "are", listing.text.data);
	else
		hk_error_hint(err, "there is no other release of '%s' on disk", p->name);
	hk_buf_release(&listing.text);
	return err->code;
}

static int check(const struct hk_project *p, struct hk_ledger *l, const char *active,
		 const char *name, struct hk_error *err)
{
	if (active && !strcmp(name, active)) {
		hk_error_set(err, HK_E_RELEASE_FAILED, "release %s is live already", name);
		return with_list(p, l, active, err);
	}
	if (hk_release_is_name(name) && hk_fs_is_dir(p->releases_fd, name))
		return 0;
	hk_error_set(err, HK_E_RELEASE_FAILED, "there is no release '%.64s' of '%s'", name,
		     p->name);
	return with_list(p, l, active, err);
}

int hk_rollback_choose(const struct hk_project *p, struct hk_ledger *l, const char *to,
		       struct hk_release_row *ret, struct hk_error *err)
{
	hk_auto_free char *active = NULL;
	hk_auto_free char *back = NULL;

	if (hk_project_active(p, &active, err))
		return err->code;
	if (to)
		back = hk_xstrdup(to);
	else if (active && hk_ledger_previous_good(l, active, &back, err))
		return err->code;
	if (!back) {
		hk_error_set(err, HK_E_RELEASE_FAILED,
			     "there is no good release of '%s' before the one that is live",
			     p->name);
		return with_list(p, l, active, err);
	}
	if (check(p, l, active, back, err))
		return err->code;
	return hk_ledger_get_release(l, back, ret, err);
}

/* --- The first stage */

static int run(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_release_row target = HK_RELEASE_ROW_INIT;
	const char *name = d->row.release ? d->row.release : "";

	/* Asked for by name, but what is there may have changed while it waited. */
	if (hk_project_active(d->project, &d->old_release, err) ||
	    check(d->project, d->ledger, d->old_release, name, err) ||
	    hk_ledger_get_release(d->ledger, name, &target, err))
		return err->code;
	memcpy(d->release, name, HK_RELEASE_NAME_LEN);
	if (target.commit)
		snprintf(d->commit.oid, sizeof(d->commit.oid), "%s", target.commit);
	hk_deploy_detail(d, "%s -> %s", d->old_release ? d->old_release : "nothing", name);
	hk_release_row_release(&target);
	return 0;
}

/* Nothing was made live by it. */
static void undo(struct hk_deploy *d)
{
	struct hk_error failed;

	if (hk_ledger_set_deployment_release(d->ledger, d->row.id, NULL, &failed))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", failed.message);
}

const struct hk_stage hk_stage_target = {
	.name = "preflight",
	.title = "preflight",
	.run = run,
	.undo = undo,
};
