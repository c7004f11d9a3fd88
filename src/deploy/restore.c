/*
 * Restoring (contract in restore.h).
 */
#include <deploy/restore.h>

#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/environment.h>
#include <deploy/running.h>
#include <sys/failpoint.h>
#include <sys/process.h>

struct operation {
	struct hk_checkpoints *c;
	struct hk_restore row;
	const struct hk_database_kind *kind;
	bool tried;			    /* to let the databases change places */
	char service[HK_ERROR_MESSAGE_MAX]; /* why it could not be started again; "" otherwise */
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

static int finish(struct operation *o, struct hk_error *err)
{
	if (o->kind->clean && o->kind->clean(&o->c->db, err))
		return err->code;
	if (o->row.restart)
		start_service(o);
	if (HK_FAILPOINT(restore_started, err))
		return err->code;
	return record(o, HK_RESTORE_DONE, *o->service ? o->service : NULL, err);
}

static int undo(struct operation *o, const char *why, struct hk_error *err)
{
	if (o->kind->clean && o->kind->clean(&o->c->db, err))
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
	if (o->row.step == HK_RESTORE_SWAPPING && o->kind->look &&
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

int hk_restore_run(struct hk_checkpoints *c, const struct hk_restore_request *req,
		   struct hk_restore_outcome *ret, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint checkpoint = HK_CHECKPOINT_INIT;
	HK_CLEANUP(hk_dump_release) struct hk_dump d = { .fd = -1 };
	struct operation o = { .c = c, .row = { .checkpoint = req->checkpoint }, .kind = c->kind };
	int64_t began = hk_clock_mono_ms();
	struct hk_error why = HK_ERROR_INIT;

	if (refuse_second(c, err) || hk_checkpoint_open(c, req->checkpoint, &checkpoint, &d, err) ||
	    hk_ledger_add_restore(c->ledger, &o.row, &o.row.id, err))
		return err->code;
	if (HK_FAILPOINT(restore_begun, &why) || (!req->no_safety && make_safety(&o, &why)) ||
	    load(&o, &d, &why) || swap(&o, &d, &why) || finish(&o, &why)) {
		if (fail(&o, &why, err))
			return err->code;
	}
	*ret = (struct hk_restore_outcome){
		.safety = o.row.safety,
		.ms = hk_clock_mono_ms() - began,
		.service_stopped = o.row.restart,
	};
	snprintf(ret->service, sizeof(ret->service), "%s", o.service);
	return 0;
}

/* --- Recovery */

/* Of the kind that it was begun with, whatever the settings say now. */
static int prepare(const struct hk_project *p, struct hk_ledger *l, const struct hk_restore *row,
		   struct hk_checkpoints *c, struct operation *o, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint checkpoint = HK_CHECKPOINT_INIT;

	if (hk_checkpoints_open(p, l, row->deployment, c, err) ||
	    hk_ledger_get_checkpoint(l, row->checkpoint, &checkpoint, err))
		return err->code;
	*o = (struct operation){ .c = c, .row = *row, .kind = hk_database_kind(checkpoint.kind) };
	if (o->kind && o->kind == c->kind)
		return 0;
	hk_error_set(err, HK_E_CONFIG_INVALID,
		     "it is of a database of the kind %s, and [database] "
		     "kind is %s",
		     checkpoint.kind, p->conf.database_kind);
	return err->code;
}

static int recover_one(const struct hk_project *p, struct hk_ledger *l,
		       const struct hk_restore *row, struct hk_strlist *notes, struct hk_error *err)
{
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;
	hk_auto_free char *mark = hk_environment_mark(p, row->deployment);
	struct operation o;
	bool unknown, finished = false;

	if (hk_process_end_marked(mark, NULL, err) || prepare(p, l, row, &c, &o, err))
		return err->code;
	unknown = row->step == HK_RESTORE_SWAPPING && !o.kind->look;
	if (settle(&o,
		   unknown ? "it was interrupted: what it has left is not known"
			   : "it was interrupted",
		   &finished, err))
		return err->code;
	hk_strlist_addf(notes, "the restore of checkpoint %lld was interrupted: %s",
			(long long)row->checkpoint,
			finished  ? "the restored database is live"
			: unknown ? "what its command has left is not known"
				  : "the database is as it was before");
	if (*o.service)
		hk_strlist_addf(notes, "the service could not be started again: %s", o.service);
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
		hk_strlist_addf(notes, "the restore of checkpoint %lld cannot be settled yet: %s",
				(long long)row.checkpoint, why.message);
		break;
	}
	return hk_checkpoint_sweep(p, l, notes, err);
}
