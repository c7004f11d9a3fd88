/*
 * The ledger's restores (contract in checkpoints.h): each step is on record before it begins.
 */
#include <store/checkpoints.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

static const char *const steps[] = {
	[HK_RESTORE_BEGUN] = "begun",	    [HK_RESTORE_LOADING] = "loading",
	[HK_RESTORE_SWAPPING] = "swapping", [HK_RESTORE_SWAPPED] = "swapped",
	[HK_RESTORE_DONE] = "done",	    [HK_RESTORE_UNDONE] = "undone",
};

int hk_ledger_add_restore(struct hk_ledger *l, const struct hk_restore *r, int64_t *ret_id,
			  struct hk_error *err)
{
	int rc = hk_db_write(l,
			     "INSERT INTO restore (step, checkpoint, safety, deployment,"
			     " environment, restart, created_at, target)"
			     " VALUES ('begun', nullif(?1, 0), nullif(?2, 0), nullif(?3, 0),"
			     " nullif(?4, 0), ?5, ?6, nullif(?7, ''))",
			     HK_DB_VALUES(HK_DB_INT(r->checkpoint), HK_DB_INT(r->safety),
					  HK_DB_INT(r->deployment), HK_DB_INT(r->environment),
					  HK_DB_INT(r->restart), HK_DB_INT(hk_clock_wall_ms()),
					  HK_DB_TEXT(r->target)),
			     NULL, err);

	if (!rc)
		*ret_id = sqlite3_last_insert_rowid(l->db);
	return rc;
}

int hk_ledger_set_restore(struct hk_ledger *l, const struct hk_restore *r, const char *why,
			  struct hk_error *err)
{
	bool over = r->step == HK_RESTORE_DONE || r->step == HK_RESTORE_UNDONE;
	int64_t changes;
	int rc;

	rc = hk_db_write(l,
			 "UPDATE restore SET step = ?2, safety = nullif(?3, 0), restart = ?4,"
			 " error = ?5, finished_at = nullif(?6, 0)"
			 " WHERE id = ?1 AND finished_at IS NULL",
			 HK_DB_VALUES(HK_DB_INT(r->id), HK_DB_TEXT(steps[r->step]),
				      HK_DB_INT(r->safety), HK_DB_INT(r->restart), HK_DB_TEXT(why),
				      HK_DB_INT(over ? hk_clock_wall_ms() : 0)),
			 &changes, err);
	if (rc || changes)
		return rc;
	return hk_error_set(err, HK_E_LEDGER_FAILED, "restore %lld is over, or not on record",
			    (long long)r->id);
}

static enum hk_restore_step read_step(sqlite3_stmt *s, int column)
{
	hk_auto_free char *name = hk_db_text(s, column);

	for (size_t i = 0; name && i < HK_ARRAY_LEN(steps); i++)
		if (!strcmp(name, steps[i]))
			return (enum hk_restore_step)i;
	return HK_RESTORE_BEGUN; /* the table's own check knows no other */
}

int hk_ledger_open_restore(struct hk_ledger *l, struct hk_restore *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	hk_auto_free char *target = NULL;
	int c = 0;
	bool row;
	int rc;

	rc = hk_db_prepare(
		l,
		"SELECT id, step, checkpoint, safety, deployment, environment, restart,"
		" created_at, target FROM restore WHERE finished_at IS NULL ORDER BY id LIMIT 1",
		NULL, 0, &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	*ret = (struct hk_restore){ .id = 0 };
	if (!row)
		return 0;
	ret->id = sqlite3_column_int64(s, c++);
	ret->step = read_step(s, c++);
	ret->checkpoint = sqlite3_column_int64(s, c++);
	ret->safety = sqlite3_column_int64(s, c++);
	ret->deployment = sqlite3_column_int64(s, c++);
	ret->environment = sqlite3_column_int64(s, c++);
	ret->restart = sqlite3_column_int(s, c++);
	ret->created_at = sqlite3_column_int64(s, c++);
	target = hk_db_text(s, c++);
	snprintf(ret->target, sizeof(ret->target), "%s", target ? target : "");
	return 0;
}

int hk_ledger_has_open_restore(struct hk_ledger *l, bool *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT EXISTS (SELECT 1 FROM restore WHERE finished_at IS NULL)"
			   " OR EXISTS (SELECT 1 FROM checkpoint WHERE state <> 'ready')",
			   NULL, 0, &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret = row && sqlite3_column_int(s, 0);
	return rc;
}
