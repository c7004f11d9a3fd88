/*
 * The ledger's deployments.
 *
 * Every change is one statement that also checks, under the write lock, that the row may still be
 * changed; only when it changed nothing is the reason looked up.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

static const char *const status_names[] = {
	[HK_STATUS_WAITING] = "waiting",	 [HK_STATUS_RUNNING] = "running",
	[HK_STATUS_SUCCEEDED] = "succeeded",	 [HK_STATUS_FAILED] = "failed",
	[HK_STATUS_CANCELLED] = "cancelled",	 [HK_STATUS_SUPERSEDED] = "superseded",
	[HK_STATUS_INTERRUPTED] = "interrupted",
};

/* How a stage ends that was still running when its deployment ended. */
static const char *const stage_ends[] = {
	[HK_STATUS_SUCCEEDED] = "succeeded",	 [HK_STATUS_FAILED] = "failed",
	[HK_STATUS_CANCELLED] = "cancelled",	 [HK_STATUS_SUPERSEDED] = "cancelled",
	[HK_STATUS_INTERRUPTED] = "interrupted",
};

#define SELECT                                                                               \
	"SELECT id, status, trigger_name, ref, object, old_object, commit_id, tag, summary," \
	" pusher, flags, release_name, worker_pid, worker_start, worker_boot, created_at,"   \
	" started_at, finished_at, error_code, error_message, error_hint,"                   \
	" submitter_pid, submitter_start, submitter_boot, reason, source, pusher_key, canceller FROM deployment "

#define NEXT " AND id < ?1 ORDER BY id DESC LIMIT 1"

static const char *const filters[] = {
	[HK_DEPLOYMENTS_ALL] = SELECT "WHERE 1" NEXT,
	[HK_DEPLOYMENTS_FINAL] = SELECT "WHERE finished_at IS NOT NULL" NEXT,
	[HK_DEPLOYMENTS_OPEN] = SELECT "WHERE finished_at IS NULL" NEXT,
	[HK_DEPLOYMENTS_RUNNING] = SELECT "WHERE finished_at IS NULL AND status = 'running'" NEXT,
};

const char *hk_status_name(enum hk_status status)
{
	return status_names[status];
}

bool hk_status_is_final(enum hk_status status)
{
	return status != HK_STATUS_WAITING && status != HK_STATUS_RUNNING;
}

void hk_deployment_release(struct hk_deployment *d)
{
	char *const owned[] = { d->trigger, d->ref,	   d->object,	     d->old_object,
				d->commit,  d->tag,	   d->summary,	     d->pusher,
				d->release, d->error_code, d->error_message, d->error_hint,
				d->reason,  d->source,	   d->pusher_key,    d->canceller };

	for (size_t i = 0; i < HK_ARRAY_LEN(owned); i++)
		free(owned[i]);
	*d = (struct hk_deployment)HK_DEPLOYMENT_INIT;
}

static int read_status(struct hk_ledger *l, sqlite3_stmt *s, int column, enum hk_status *ret,
		       struct hk_error *err)
{
	hk_auto_free char *name = hk_db_text(s, column);

	for (size_t i = 0; name && i < HK_ARRAY_LEN(status_names); i++) {
		if (strcmp(name, status_names[i]))
			continue;
		*ret = (enum hk_status)i;
		return 0;
	}
	return hk_error_set(err, HK_E_LEDGER_FAILED,
			    "the ledger '%s' holds a status that this hostkit does not know",
			    l->path);
}

/* Three columns from c on. */
static void read_process(sqlite3_stmt *s, int c, struct hk_procid *ret)
{
	const char *boot = (const char *)sqlite3_column_text(s, c + 2);

	ret->pid = (pid_t)sqlite3_column_int64(s, c);
	ret->start = (uint64_t)sqlite3_column_int64(s, c + 1);
	snprintf(ret->boot, sizeof(ret->boot), "%s", boot ? boot : "");
}

/* In the order of SELECT. */
static int read_row(struct hk_ledger *l, sqlite3_stmt *s, struct hk_deployment *ret,
		    struct hk_error *err)
{
	int c = 0;

	ret->id = sqlite3_column_int64(s, c++);
	if (read_status(l, s, c++, &ret->status, err))
		return err->code;
	ret->trigger = hk_db_text(s, c++);
	ret->ref = hk_db_text(s, c++);
	ret->object = hk_db_text(s, c++);
	ret->old_object = hk_db_text(s, c++);
	ret->commit = hk_db_text(s, c++);
	ret->tag = hk_db_text(s, c++);
	ret->summary = hk_db_text(s, c++);
	ret->pusher = hk_db_text(s, c++);
	ret->flags = (unsigned)sqlite3_column_int64(s, c++);
	ret->release = hk_db_text(s, c++);
	read_process(s, c, &ret->worker);
	c += 3;
	ret->created_at = sqlite3_column_int64(s, c++);
	ret->started_at = sqlite3_column_int64(s, c++);
	ret->finished_at = sqlite3_column_int64(s, c++);
	ret->error_code = hk_db_text(s, c++);
	ret->error_message = hk_db_text(s, c++);
	ret->error_hint = hk_db_text(s, c++);
	read_process(s, c, &ret->submitter);
	c += 3;
	ret->reason = hk_db_text(s, c++);
	ret->source = hk_db_text(s, c++);
	ret->pusher_key = hk_db_text(s, c++);
	ret->canceller = hk_db_text(s, c++);
	return 0;
}

static int not_found(int64_t id, struct hk_error *err)
{
	hk_error_set(err, HK_E_DEPLOYMENT_NOT_FOUND, "there is no deployment %lld", (long long)id);
	return hk_error_hint(err, "list them with 'hostkit deploy history NAME'");
}

int hk_ledger_get_deployment(struct hk_ledger *l, int64_t id, struct hk_deployment *ret,
			     struct hk_error *err)
{
	HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, SELECT "WHERE id = ?1", HK_DB_VALUES(HK_DB_INT(id)), &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (!row)
		return not_found(id, err);
	rc = read_row(l, s, &d, err);
	if (rc)
		return rc;
	*ret = d;
	d = (struct hk_deployment)HK_DEPLOYMENT_INIT;
	return 0;
}

static int insert(struct hk_ledger *l, const struct hk_deployment_request *req,
		  const struct hk_procid *self, struct hk_error *err)
{
	return hk_db_write(
		l,
		"INSERT INTO deployment (status, trigger_name, ref, object, old_object,"
		" pusher, flags, created_at, submitter_pid, submitter_start,"
		" submitter_boot, release_name, reason, source, pusher_key)"
		" VALUES ('waiting', ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
		HK_DB_VALUES(HK_DB_TEXT(req->trigger), HK_DB_TEXT(req->ref),
			     HK_DB_TEXT(req->object), HK_DB_TEXT(req->old_object),
			     HK_DB_TEXT(req->pusher), HK_DB_INT(req->flags),
			     HK_DB_INT(hk_clock_wall_ms()), HK_DB_INT(self->pid),
			     HK_DB_INT((int64_t)self->start), HK_DB_TEXT(self->boot),
			     HK_DB_TEXT(req->release), HK_DB_TEXT(req->reason),
			     HK_DB_TEXT(req->source), HK_DB_TEXT(req->pusher_key)),
		NULL, err);
}

int hk_ledger_add_deployment(struct hk_ledger *l, const struct hk_deployment_request *req,
			     int64_t *ret_id, struct hk_error *err)
{
	struct hk_procid self;
	int64_t id = 0;
	int rc;

	if (!hk_procid_of(getpid(), &self))
		return hk_error_set(err, HK_E_INTERNAL, "cannot read /proc/self/stat");
	rc = hk_db_begin(l, err);
	if (rc)
		return rc;
	rc = insert(l, req, &self, err);
	if (!rc)
		id = sqlite3_last_insert_rowid(l->db);
	for (size_t i = 0; !rc && i < req->n_seen; i++)
		rc = hk_db_see_ref(l, &req->seen[i], err);
	rc = hk_db_end(l, rc, err);
	if (!rc)
		*ret_id = id;
	return rc;
}

/* Runs an update of one deployment and says why when it changed nothing. */
static int update(struct hk_ledger *l, int64_t id, const char *sql,
		  const struct hk_db_value *values, size_t n, struct hk_error *err)
{
	HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
	int64_t changes;
	int rc;

	rc = hk_db_write(l, sql, values, n, &changes, err);
	if (rc || changes == 1)
		return rc;
	rc = hk_ledger_get_deployment(l, id, &d, err);
	if (rc)
		return rc;
	return hk_error_set(err, HK_E_LEDGER_FAILED,
			    "deployment %lld is '%s' already and cannot be changed so",
			    (long long)id, hk_status_name(d.status));
}

int hk_ledger_set_worker(struct hk_ledger *l, int64_t id, const struct hk_procid *worker,
			 struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET worker_pid = ?2, worker_start = ?3, worker_boot = ?4"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_INT(worker->pid),
				   HK_DB_INT((int64_t)worker->start), HK_DB_TEXT(worker->boot)),
		      err);
}

int hk_ledger_start_deployment(struct hk_ledger *l, int64_t id, struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET status = 'running', started_at = ?2"
		      " WHERE id = ?1 AND status = 'waiting'",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_INT(hk_clock_wall_ms())), err);
}

int hk_ledger_set_commit(struct hk_ledger *l, int64_t id, const char *commit, const char *tag,
			 const char *summary, struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET commit_id = ?2, tag = ?3, summary = ?4"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(commit), HK_DB_TEXT(tag),
				   HK_DB_TEXT(summary)),
		      err);
}

int hk_ledger_set_settings(struct hk_ledger *l, int64_t id, const char *settings,
			   struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET settings = ?2"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(settings)), err);
}

int hk_ledger_set_deployment_release(struct hk_ledger *l, int64_t id, const char *release,
				     struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET release_name = ?2"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(release)), err);
}

int hk_ledger_set_canceller(struct hk_ledger *l, int64_t id, const char *name, struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET canceller = ?2"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(name)), err);
}

int hk_ledger_set_live_before(struct hk_ledger *l, int64_t id, const char *release,
			      struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET live_before = ?2"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(release)), err);
}

static int finish_row(struct hk_ledger *l, int64_t id, enum hk_status status, int64_t now,
		      const struct hk_error *why, struct hk_error *err)
{
	return update(l, id,
		      "UPDATE deployment SET status = ?2, finished_at = ?3, error_code = ?4,"
		      " error_message = ?5, error_hint = ?6"
		      " WHERE id = ?1 AND finished_at IS NULL",
		      HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(hk_status_name(status)),
				   HK_DB_INT(now), HK_DB_TEXT(why ? hk_code_name(why->code) : NULL),
				   HK_DB_TEXT(why ? why->message : NULL),
				   HK_DB_TEXT(why && why->hint[0] ? why->hint : NULL)),
		      err);
}

int hk_ledger_finish_deployment(struct hk_ledger *l, int64_t id, enum hk_status status,
				const struct hk_error *why, struct hk_error *err)
{
	int64_t now = hk_clock_wall_ms();
	int rc;

	if (!hk_status_is_final(status))
		return hk_error_set(err, HK_E_INTERNAL, "'%s' does not end a deployment",
				    hk_status_name(status));
	rc = hk_db_begin(l, err);
	if (rc)
		return rc;
	rc = finish_row(l, id, status, now, why, err);
	if (!rc)
		rc = hk_db_write(l,
				 "UPDATE stage SET status = ?2, ms = max(0, ?3 - started_at)"
				 " WHERE deployment = ?1 AND status = 'running'",
				 HK_DB_VALUES(HK_DB_INT(id), HK_DB_TEXT(stage_ends[status]),
					      HK_DB_INT(now)),
				 NULL, err);
	if (!rc && l->notify & 1U << status)
		rc = hk_db_owe_notification(l, id, now, err);
	return hk_db_end(l, rc, err);
}

int hk_ledger_each_deployment(struct hk_ledger *l, enum hk_deployment_filter filter, int64_t limit,
			      hk_deployment_fn *fn, void *ctx, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	int64_t before = INT64_MAX;
	int rc;

	rc = hk_db_prepare(l, filters[filter], NULL, 0, &s, err);
	for (int64_t n = 0; !rc && (limit < 0 || n < limit); n++) {
		HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
		bool row;

		rc = hk_db_seek(l, s, before, &row, err);
		if (rc || !row)
			return rc;
		rc = read_row(l, s, &d, err);
		/* fn may write: no read transaction may be open then. */
		sqlite3_reset(s);
		before = d.id;
		if (!rc)
			rc = fn(ctx, &d, err);
	}
	return rc;
}

int hk_ledger_is_superseded(struct hk_ledger *l, int64_t id, bool *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT EXISTS (SELECT 1 FROM deployment n WHERE n.id > d.id"
			   " AND n.ref = d.ref AND n.source IS NULL AND d.source IS NULL"
			   " AND n.started_at IS NOT NULL)"
			   " FROM deployment d WHERE d.id = ?1",
			   HK_DB_VALUES(HK_DB_INT(id)), &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (!row)
		return not_found(id, err);
	*ret = sqlite3_column_int(s, 0);
	return 0;
}

/* The oldest that may go: *ret is 0 when there is none, or not more than keep are left. */
static int oldest(struct hk_ledger *l, int64_t keep, int64_t *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT min(id) FROM deployment d WHERE d.finished_at IS NOT NULL"
			   " AND d.id <= (SELECT id FROM deployment ORDER BY id DESC"
			   "  LIMIT 1 OFFSET ?1)"
			   " AND NOT EXISTS (SELECT 1 FROM release r WHERE r.deployment = d.id"
			   "  AND r.state <> 'removed')",
			   HK_DB_VALUES(HK_DB_INT(keep)), &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret = row ? sqlite3_column_int64(s, 0) : 0;
	return rc;
}

static int forget(struct hk_ledger *l, int64_t id, struct hk_error *err)
{
	static const char *const steps[] = {
		"DELETE FROM stage WHERE deployment = ?1",
		"DELETE FROM release WHERE deployment = ?1",
		"DELETE FROM notification WHERE deployment = ?1",
		"UPDATE checkpoint SET deployment = NULL WHERE deployment = ?1",
		"UPDATE restore SET deployment = NULL WHERE deployment = ?1",
		"DELETE FROM deployment WHERE id = ?1",
	};
	int rc = hk_db_begin(l, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < HK_ARRAY_LEN(steps); i++)
		rc = hk_db_write(l, steps[i], HK_DB_VALUES(HK_DB_INT(id)), NULL, err);
	return hk_db_end(l, rc, err);
}

int hk_ledger_forget(struct hk_ledger *l, int64_t keep, hk_deployment_id_fn *fn, void *ctx,
		     struct hk_error *err)
{
	for (;;) {
		int64_t id = 0;
		int rc = oldest(l, keep, &id, err);

		if (!rc && id && fn)
			rc = fn(ctx, id, err);
		if (!rc && id)
			rc = forget(l, id, err);
		if (rc || !id)
			return rc;
	}
}
