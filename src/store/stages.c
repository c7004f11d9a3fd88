/*
 * The ledger's stages: a row before a stage runs, completed after it.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

/* Says why no stage row was added to a deployment. */
static int refuse_stage(struct hk_ledger *l, int64_t deployment, const char *name,
			struct hk_error *err)
{
	HK_CLEANUP(hk_deployment_release) struct hk_deployment d = HK_DEPLOYMENT_INIT;
	int rc;

	rc = hk_ledger_get_deployment(l, deployment, &d, err);
	if (rc)
		return rc;
	return hk_error_set(err, HK_E_LEDGER_FAILED,
			    "stage '%s' cannot begin: deployment %lld is '%s' already", name,
			    (long long)deployment, hk_status_name(d.status));
}

int hk_ledger_begin_stage(struct hk_ledger *l, int64_t deployment, const char *name,
			  int64_t *ret_id, struct hk_error *err)
{
	int64_t changes;
	int rc;

	rc = hk_db_write(l,
			 "INSERT INTO stage (deployment, name, status, started_at)"
			 " SELECT id, ?2, 'running', ?3 FROM deployment"
			 " WHERE id = ?1 AND finished_at IS NULL",
			 HK_DB_VALUES(HK_DB_INT(deployment), HK_DB_TEXT(name),
				      HK_DB_INT(hk_clock_wall_ms())),
			 &changes, err);
	if (rc)
		return rc;
	if (!changes)
		return refuse_stage(l, deployment, name, err);
	*ret_id = sqlite3_last_insert_rowid(l->db);
	return 0;
}

int hk_ledger_end_stage(struct hk_ledger *l, int64_t stage_id, const char *status,
			const char *detail, int64_t ms, struct hk_error *err)
{
	int64_t changes;
	int rc;

	rc = hk_db_write(l,
			 "UPDATE stage SET status = ?2, detail = ?3, ms = ?4"
			 " WHERE id = ?1 AND status = 'running'",
			 HK_DB_VALUES(HK_DB_INT(stage_id), HK_DB_TEXT(status), HK_DB_TEXT(detail),
				      HK_DB_INT(ms)),
			 &changes, err);
	if (rc || changes)
		return rc;
	return hk_error_set(err, HK_E_LEDGER_FAILED, "stage row %lld of '%s' is not running",
			    (long long)stage_id, l->path);
}

/* Reads a row and lets go of the statement before fn, which may write, is called. */
static int visit(sqlite3_stmt *s, int64_t *ret_id, hk_stage_fn *fn, void *ctx, struct hk_error *err)
{
	hk_auto_free char *name = hk_db_text(s, 1);
	hk_auto_free char *status = hk_db_text(s, 2);
	hk_auto_free char *detail = hk_db_text(s, 3);
	struct hk_stage_row row = {
		.name = name,
		.status = status,
		.detail = detail,
		.ms = sqlite3_column_int64(s, 4),
	};

	*ret_id = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	return fn(ctx, &row, err);
}

int hk_ledger_each_stage(struct hk_ledger *l, int64_t deployment, hk_stage_fn *fn, void *ctx,
			 struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	int64_t after = 0;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT id, name, status, detail, ms FROM stage"
			   " WHERE id > ?1 AND deployment = ?2 ORDER BY id LIMIT 1",
			   HK_DB_VALUES(HK_DB_INT(after), HK_DB_INT(deployment)), &s, err);
	while (!rc) {
		rc = hk_db_seek(l, s, after, &row, err);
		if (rc || !row)
			return rc;
		rc = visit(s, &after, fn, ctx, err);
	}
	return rc;
}

int hk_ledger_usual_stage(struct hk_ledger *l, const char *name, int64_t *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	/* Of two in the middle the smaller one. */
	rc = hk_db_prepare(
		l,
		"WITH last AS (SELECT ms FROM stage WHERE name = ?1 AND status = 'succeeded'"
		"  ORDER BY id DESC LIMIT 5)"
		" SELECT ms FROM last ORDER BY ms"
		" LIMIT 1 OFFSET (SELECT (count(*) - 1) / 2 FROM last)",
		HK_DB_VALUES(HK_DB_TEXT(name)), &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret = row ? sqlite3_column_int64(s, 0) : -1;
	return rc;
}
