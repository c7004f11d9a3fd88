/*
 * Restoring (contract in restore.h).
 */
#include <deploy/restore.h>

#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/activate.h>
#include <deploy/environment.h>
#include <deploy/running.h>
#include <deploy/snapshot.h>
#include <sys/failpoint.h>
#include <sys/process.h>

struct operation {
	struct hk_checkpoints *c;
	struct hk_restore row;
	const struct hk_database_kind *kind;
	const char *release;		    /* to make live with it; NULL: the live one stays */
	bool in_pipeline;		    /* its caller starts the service on the release */
	bool tried;			    /* to let the databases change places */
	char service[HK_ERROR_MESSAGE_MAX]; /* why it could not be started again; "" otherwise */
	char left[HK_ERROR_MESSAGE_MAX];    /* why something is left beside it; "" otherwise */
};

static int record(struct operation *o, enum hk_restore_step step, const char *why,
		  struct hk_error *err)
{
	o->row.step = step;
	return hk_ledger_set_restore(o->c->ledger, &o->row, why, err);
}

/* --- The service */

/* *ret tells whether it ran. */
static int look_at_service(struct operation *o, bool *ret, struct hk_error *err)
{
	struct hk_service_state state = { .known = false };
	hk_auto_running r = HK_RUNNING_INIT;

	if (hk_running_prepare_stop(o->c->project, o->c->db.on_line, o->c->db.ctx, &r, err) ||
	    r.driver->status(&r.service, &state, err))
		return err->code;
	*ret = state.known ? state.running : r.driver->has_process;
	return 0;
}

static int stop_service(struct operation *o, struct hk_error *err)
{
	hk_auto_running r = HK_RUNNING_INIT;

	if (hk_running_prepare_stop(o->c->project, o->c->db.on_line, o->c->db.ctx, &r, err))
		return err->code;
	return r.driver->stop(&r.service, err);
}

/* That it does not start is no reason to call the database anything else than it is. */
static void start_service(struct operation *o)
{
	hk_auto_running r = HK_RUNNING_INIT;
	struct hk_error why = HK_ERROR_INIT;
	int ret = hk_running_prepare(o->c->project, o->c->ledger, NULL, o->c->db.on_line,
				     o->c->db.ctx, &r, &why);

	if (!ret && r.release)
		ret = r.driver->start(&r.service, &why);
	if (ret)
		snprintf(o->service, sizeof(o->service), "%s", why.message);
}

/* --- Ends */

/*
 * From here on everything goes on to its end, and each part can be done again. What the database
 * was is removed when the next one is loaded, if it cannot be now.
 */
static int finish(struct operation *o, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	if (HK_FAILPOINT(restore_clean, &why) ||
	    (o->kind && o->kind->clean && o->kind->clean(&o->c->db, &why)))
		snprintf(o->left, sizeof(o->left), "%s", why.message);
	else if (o->kind) /* it may be the second try */
		o->left[0] = '\0';
	if (o->row.environment && hk_snapshot_restore(o->c->project, o->row.environment, err))
		return err->code;
	if (HK_FAILPOINT(restore_environment, err) ||
	    (o->release && hk_activate(o->c->project, o->release, err)))
		return err->code;
	if (o->row.restart && !o->in_pipeline)
		start_service(o);
	if (HK_FAILPOINT(restore_started, err))
		return err->code;
	return record(o, HK_RESTORE_DONE, *o->service ? o->service : NULL, err);
}

static int undo(struct operation *o, const char *why, struct hk_error *err)
{
	if (o->kind && o->kind->clean && o->kind->clean(&o->c->db, err))
		return err->code;
	if (o->row.restart)
		start_service(o);
	return record(o, HK_RESTORE_UNDONE, why, err);
}

/*
 * What is there decides, not what the ledger says was to come next. *ret_finished is false when the
 * live database is the one before.
 */
static int settle(struct operation *o, const char *why, bool *ret_finished, struct hk_error *err)
{
	bool beside = true;

	o->c->db.cancel_fd = -1;
	o->c->db.deadline = hk_clock_deadline(o->c->project->conf.database_timeout);
	if (o->row.step == HK_RESTORE_SWAPPING && o->kind && o->kind->look &&
	    o->kind->look(&o->c->db, &beside, err))
		return err->code;
	if (!beside && record(o, HK_RESTORE_SWAPPED, NULL, err))
		return err->code;
	*ret_finished = o->row.step == HK_RESTORE_SWAPPED;
	return *ret_finished ? finish(o, err) : undo(o, why, err);
}

/* --- Running one */

static int make_safety(struct operation *o, struct hk_error *err)
{
	const struct hk_checkpoint what = { .label = NULL, .safety = true };
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint made = HK_CHECKPOINT_INIT;

	if (!hk_checkpoints_has_database(o->c))
		return 0;
	if (hk_checkpoint_make(o->c, &what, &made, err)) {
		hk_error_prefix(err, "the checkpoint of what is there now");
		if (!*err->hint)
			hk_error_hint(err,
				      "to restore without one: hostkit checkpoint restore %s "
				      "%lld --no-safety",
				      o->c->project->name, (long long)o->row.checkpoint);
		return err->code;
	}
	o->row.safety = made.id;
	return hk_ledger_set_restore(o->c->ledger, &o->row, NULL, err);
}

static int load(struct operation *o, const struct hk_dump *d, struct hk_error *err)
{
	if (record(o, HK_RESTORE_LOADING, NULL, err))
		return err->code;
	o->c->db.deadline = hk_clock_deadline(o->c->project->conf.database_timeout);
	if (o->kind->load && o->kind->load(&o->c->db, d, err))
		return err->code;
	return HK_FAILPOINT(restore_loaded, err);
}

static int swap(struct operation *o, const struct hk_dump *d, struct hk_error *err)
{
	bool running = false;

	if (o->kind->stops_service && look_at_service(o, &running, err))
		return err->code;
	o->row.restart = running;
	if (record(o, HK_RESTORE_SWAPPING, NULL, err) || (running && stop_service(o, err)) ||
	    HK_FAILPOINT(restore_stopped, err))
		return err->code;
	o->c->db.deadline = hk_clock_deadline(o->c->project->conf.database_timeout);
	o->tried = true;
	if (o->kind->swap(&o->c->db, d, err) || HK_FAILPOINT(restore_swapped, err))
		return err->code;
	return record(o, HK_RESTORE_SWAPPED, NULL, err);
}

/* A kind that cannot look has perhaps done half of it. */
static void tell_unknown(const struct operation *o, struct hk_error *err)
{
	hk_error_prefix(err, "what the restore command has left is not known");
	if (o->row.safety)
		hk_error_hint(err, "what was there before: hostkit checkpoint restore %s %lld",
			      o->c->project->name, (long long)o->row.safety);
}

static int fail(struct operation *o, struct hk_error *why, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;
	bool finished = false;

	if (o->row.step == HK_RESTORE_SWAPPING && o->tried && !o->kind->look)
		tell_unknown(o, why);
	if (settle(o, why->message, &finished, &failed)) {
		*err = failed;
		hk_error_prefix(err, "%.300s; and that cannot be settled yet", why->message);
		return hk_error_hint(err, "when that is mended: hostkit recover %s",
				     o->c->project->name);
	}
	if (*o->service)
		hk_error_hint(why,
			      "the service could not be started again: %.200s; "
			      "hostkit service start %s",
			      o->service, o->c->project->name);
	/* It was told that it failed after it had not. */
	if (finished)
		return 0;
	*err = *why;
	return err->code;
}

static int refuse_second(const struct hk_checkpoints *c, struct hk_error *err)
{
	struct hk_restore open;

	if (hk_ledger_open_restore(c->ledger, &open, err))
		return err->code;
	if (!open.id)
		return 0;
	hk_error_set(err, HK_E_RESTORE_FAILED, "the restore of checkpoint %lld is not over",
		     (long long)open.checkpoint);
	return hk_error_hint(err, "hostkit recover %s", c->project->name);
}

int hk_restore_check_target(const struct hk_checkpoints *c, int64_t checkpoint,
			    struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint row = HK_CHECKPOINT_INIT;
	hk_auto_free char *what = hk_xasprintf("checkpoint %lld is of", (long long)checkpoint);

	if (hk_ledger_get_checkpoint(c->ledger, checkpoint, &row, err))
		return err->code;
	/* Of another kind it is not at all for what the settings name. */
	if (!c->kind || strcmp(row.kind, c->kind->name) ||
	    !hk_checkpoints_check_target(c, what, row.target, err))
		return 0;
	return hk_error_hint(err,
			     "to restore it there all the same: hostkit checkpoint restore %s %lld "
			     "--elsewhere",
			     c->project->name, (long long)checkpoint);
}

static int restore_database(struct operation *o, const struct hk_restore_request *req,
			    const struct hk_dump *d, struct hk_error *err)
{
	if ((!req->no_safety && make_safety(o, err)) || load(o, d, err))
		return err->code;
	return swap(o, d, err);
}

int hk_restore_run(struct hk_checkpoints *c, const struct hk_restore_request *req,
		   struct hk_restore_outcome *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint checkpoint = HK_CHECKPOINT_INIT;
	HK_CLEANUP(hk_dump_release) struct hk_dump d = { .fd = -1 };
	struct operation o = {
		.c = c,
		.row = { .checkpoint = req->checkpoint,
			 .deployment = req->deployment,
			 .environment = req->environment },
		.kind = req->checkpoint ? c->kind : NULL,
		.release = req->release,
		.in_pipeline = req->deployment != 0,
	};
	int64_t began = hk_clock_mono_ms();
	struct hk_error why = HK_ERROR_INIT;

	if (refuse_second(c, err) ||
	    (req->checkpoint && !req->elsewhere &&
	     hk_restore_check_target(c, req->checkpoint, err)) ||
	    (req->checkpoint && hk_checkpoint_open(c, req->checkpoint, &checkpoint, &d, err)) ||
	    (req->checkpoint && hk_checkpoints_target(c, o.row.target, err)) ||
	    hk_ledger_add_restore(c->ledger, &o.row, &o.row.id, err))
		return err->code;
	if (HK_FAILPOINT(restore_begun, &why) ||
	    (req->checkpoint ? restore_database(&o, req, &d, &why)
			     : record(&o, HK_RESTORE_SWAPPED, NULL, &why)) ||
	    finish(&o, &why)) {
		if (fail(&o, &why, err))
			return err->code;
	}
	*ret = (struct hk_restore_outcome){
		.safety = o.row.safety,
		.ms = hk_clock_mono_ms() - began,
		.service_stopped = o.row.restart,
	};
	snprintf(ret->service, sizeof(ret->service), "%s", o.service);
	snprintf(ret->left, sizeof(ret->left), "%s", o.left);
	return 0;
}

/* --- Recovery */

/* Of the kind that it was begun with, whatever the settings say now. */
static int find_kind(struct hk_checkpoints *c, const struct hk_restore *row,
		     const struct hk_database_kind **ret, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint checkpoint = HK_CHECKPOINT_INIT;

	*ret = NULL;
	if (!row->checkpoint)
		return 0;
	if (hk_ledger_get_checkpoint(c->ledger, row->checkpoint, &checkpoint, err))
		return err->code;
	*ret = hk_database_kind(checkpoint.kind);
	if (*ret && *ret == c->kind)
		return 0;
	return hk_error_set(err, HK_E_CONFIG_INVALID,
			    "it is of a database of the kind %s, and [database] kind is %s",
			    checkpoint.kind, c->project->conf.database_kind);
}

/*
 * Only the database that it was begun on tells which one is live. When that is known, one that the
 * settings do not name any more (.env has gone back, say) is in nobody's way.
 */
static int find_database(struct operation *o, const struct hk_project *p, struct hk_ledger *l,
			 struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	if (!hk_checkpoints_open_target(p, l, &o->row, "it was begun on", o->c, &why) &&
	    !find_kind(o->c, &o->row, &o->kind, &why))
		return 0;
	if (o->row.step == HK_RESTORE_SWAPPING || why.code != HK_E_CONFIG_INVALID) {
		*err = why;
		return err->code;
	}
	o->kind = NULL;
	snprintf(o->left, sizeof(o->left), "%s", why.message);
	return 0;
}

static void tell(const struct operation *o, bool unknown, bool finished, struct hk_strlist *notes)
{
	hk_auto_free char *what =
		o->row.deployment
			? hk_xasprintf("rollback of deployment %lld", (long long)o->row.deployment)
			: hk_xasprintf("restore of checkpoint %lld", (long long)o->row.checkpoint);
	const char *end = "the database is as it was before";

	if (unknown)
		end = "what its command has left is not known";
	else if (finished)
		end = o->row.deployment ? "it was finished" : "the restored database is live";
	hk_strlist_addf(notes, "the %s was interrupted: %s", what, end);
	if (*o->left)
		hk_strlist_addf(notes, "what is left beside the database is not removed: %s",
				o->left);
	if (*o->service)
		hk_strlist_addf(notes, "the service could not be started again: %s", o->service);
}

static int recover_one(const struct hk_project *p, struct hk_ledger *l,
		       const struct hk_restore *row, struct hk_strlist *notes, struct hk_error *err)
{
	HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;
	hk_auto_free char *mark = hk_environment_mark(p, row->deployment);
	struct operation o = { .c = &c, .row = *row };
	bool unknown, finished = false;

	if (hk_process_end_marked(mark, NULL, err) || find_database(&o, p, l, err) ||
	    (row->deployment && hk_ledger_get_deployment(l, row->deployment, &d, err)))
		return err->code;
	o.release = d.release;
	unknown = row->step == HK_RESTORE_SWAPPING && o.kind && !o.kind->look;
	if (settle(&o,
		   unknown ? "it was interrupted: what it has left is not known"
			   : "it was interrupted",
		   &finished, err))
		return err->code;
	tell(&o, unknown, finished, notes);
	return 0;
}

int hk_restore_recover(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
		       struct hk_error *err)
{
	struct hk_restore row;

	for (;;) {
		struct hk_error why = HK_ERROR_INIT;

		if (hk_ledger_open_restore(l, &row, err))
			return err->code;
		if (!row.id)
			break;
		if (!recover_one(p, l, &row, notes, &why))
			continue;
		hk_strlist_addf(notes, "restore %lld, which died, cannot be settled yet: %s",
				(long long)row.id, why.message);
		break;
	}
	return hk_checkpoint_sweep(p, l, notes, err);
}
