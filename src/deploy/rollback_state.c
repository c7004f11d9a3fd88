/*
 * Rolling .env and database back (contract in rollback_state.h), and the stage that does it. It is
 * one restore, which once the databases have changed places is finished by whoever comes: .env, and
 * the link. Before that, everything is as it was.
 */
#include <deploy/rollback_state.h>

#include <string.h>

#include <base/alloc.h>
#include <deploy/deploy.h>
#include <deploy/request.h>
#include <deploy/restore.h>
#include <deploy/snapshot.h>

static int not_kept(const struct hk_project *p, const char *what, const char *release,
		    struct hk_error *err)
{
	hk_error_set(err, HK_E_CHECKPOINT_NOT_FOUND,
		     "there is no %s from the end of release %s's time", what, release);
	return hk_error_hint(err, "for the code alone: hostkit rollback %s --to %s", p->name,
			     release);
}

static int find_environment(const struct hk_project *p, const char *release,
			    struct hk_rollback_state *state, struct hk_error *err)
{
	HK_CLEANUP(hk_snapshot_release) struct hk_snapshot s = HK_SNAPSHOT_INIT;
	struct hk_error failed = HK_ERROR_INIT;

	if (!hk_snapshot_read(p, state->undone, &s, &failed)) {
		state->environment = state->undone;
		return 0;
	}
	if (failed.code == HK_E_CHECKPOINT_NOT_FOUND)
		return not_kept(p, "snapshot of .env", release, err);
	*err = failed;
	return err->code;
}

/* What is live was made by the deployment to undo, or that is another release's way. */
static int find_undone(struct hk_ledger *l, const char *active, const char *release, int64_t *ret,
		       struct hk_error *err)
{
	hk_auto_free char *before = NULL;

	if (active && hk_ledger_live_before(l, active, &before, ret, err))
		return err->code;
	if (before && !strcmp(before, release))
		return 0;
	return hk_ledger_ended_by(l, release, ret, err);
}

int hk_rollback_open_state(const struct hk_project *p, struct hk_ledger *l, int64_t deployment,
			   const struct hk_rollback_state *state, struct hk_checkpoints *ret,
			   struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint c = HK_CHECKPOINT_INIT;
	struct hk_restore r = { .deployment = deployment, .environment = state->environment };
	hk_auto_free char *what =
		hk_xasprintf("checkpoint %lld is of", (long long)state->checkpoint);

	if (!state->checkpoint)
		return hk_checkpoints_open(p, l, deployment, NULL, ret, err);
	if (hk_ledger_get_checkpoint(l, state->checkpoint, &c, err))
		return err->code;
	snprintf(r.target, sizeof(r.target), "%s", c.target ? c.target : "");
	return hk_checkpoints_open_target(p, l, &r, what, ret, err);
}

/* Nothing that it needs changes by looking. */
static int check_database(const struct hk_project *p, struct hk_ledger *l,
			  const struct hk_rollback_state *state, struct hk_error *err)
{
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;

	if (!state->checkpoint || !hk_rollback_open_state(p, l, 0, state, &c, err))
		return 0;
	if (!*err->hint)
		hk_error_hint(err,
			      "the code and .env without the database: hostkit rollback %s "
			      "--with-env",
			      p->name);
	return err->code;
}

int hk_rollback_find_state(const struct hk_project *p, struct hk_ledger *l, const char *release,
			   unsigned flags, struct hk_rollback_state *ret, struct hk_error *err)
{
	struct hk_rollback_state state = { .undone = 0 };
	hk_auto_free char *active = NULL;

	if (hk_project_active(p, &active, err) ||
	    find_undone(l, active, release, &state.undone, err))
		return err->code;
	if (!state.undone)
		return not_kept(p, "state", release, err);
	if (flags & HK_REQUEST_WITH_ENV && find_environment(p, release, &state, err))
		return err->code;
	if (flags & HK_REQUEST_WITH_DATABASE &&
	    hk_ledger_checkpoint_before(l, state.undone, &state.checkpoint, err))
		return err->code;
	if (flags & HK_REQUEST_WITH_DATABASE && !state.checkpoint)
		return not_kept(p, "checkpoint", release, err);
	*ret = state;
	return check_database(p, l, &state, err);
}

int hk_rollback_find_before(const struct hk_project *p, struct hk_ledger *l, char **ret,
			    struct hk_error *err)
{
	hk_auto_free char *active = NULL;
	int64_t deployment;

	if (hk_project_active(p, &active, err) ||
	    (active && hk_ledger_live_before(l, active, ret, &deployment, err)))
		return err->code;
	if (active && *ret)
		return 0;
	hk_error_set(err, HK_E_RELEASE_FAILED, "nothing of '%s' is on record as live before %s",
		     p->name, active ? active : "now");
	return hk_error_hint(err, "for the code alone: hostkit rollback %s", p->name);
}

/* --- The stage */

static bool applies(const struct hk_deploy *d)
{
	return d->row.flags & (HK_REQUEST_WITH_ENV | HK_REQUEST_WITH_DATABASE);
}

static int run(struct hk_deploy *d, struct hk_error *err)
{
	struct hk_restore_outcome outcome = { .safety = 0 };
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;
	struct hk_rollback_state state;

	if (hk_rollback_find_state(d->project, d->ledger, d->release, d->row.flags, &state, err) ||
	    hk_rollback_open_state(d->project, d->ledger, d->row.id, &state, &c, err))
		return err->code;
	c.db.cancel_fd = d->cancel_fd;
	c.db.on_line = hk_deploy_output;
	c.db.ctx = d;
	/* What is given up can be looked at, and gone back to. */
	if (state.environment && hk_snapshot_take(d->project, d->row.id, err))
		return hk_error_prefix(err, "the snapshot of .env");
	if (hk_restore_run(&c,
			   &(struct hk_restore_request){ .checkpoint = state.checkpoint,
							 .deployment = d->row.id,
							 .environment = state.environment,
							 .release = d->release },
			   &outcome, err))
		return err->code;
	if (outcome.safety)
		hk_report_say(d->report, HK_REPORT_INFO,
			      "what was in the database: hostkit checkpoint restore %s %lld",
			      d->project->name, (long long)outcome.safety);
	if (*outcome.left)
		hk_report_say(d->report, HK_REPORT_WARNING,
			      "what the database was is still beside it: %s", outcome.left);
	hk_deploy_detail(d, "%s%s%s, before deployment %lld", state.checkpoint ? "database" : "",
			 state.checkpoint && state.environment ? " and " : "",
			 state.environment ? ".env" : "", (long long)state.undone);
	return 0;
}

const struct hk_stage hk_stage_restore = {
	.name = "restore",
	.title = "restore",
	.applies = applies,
	.run = run,
};
