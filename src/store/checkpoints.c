/*
 * The ledger's checkpoints (contract in checkpoints.h).
 */
#include <store/checkpoints.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

#define SELECT                                                                                     \
	"SELECT id, state, kind, target, label, deployment, safety, size, sha256, ms, created_at," \
	" (EXISTS (SELECT 1 FROM release r WHERE r.deployment = c.deployment"                      \
	"  AND r.state <> 'removed')"                                                              \
	" OR EXISTS (SELECT 1 FROM restore o WHERE o.finished_at IS NULL"                          \
	"  AND c.id IN (o.checkpoint, o.safety))) FROM checkpoint c "

static const char *const states[] = {
	[HK_CHECKPOINT_MAKING] = "making",
	[HK_CHECKPOINT_READY] = "ready",
	[HK_CHECKPOINT_DELETING] = "deleting",
};

void hk_checkpoint_release(struct hk_checkpoint *c)
{
	free(c->kind);
	free(c->target);
	free(c->label);
	free(c->sha256);
	*c = (struct hk_checkpoint)HK_CHECKPOINT_INIT;
}

static enum hk_checkpoint_state read_state(sqlite3_stmt *s, int column)
{
	hk_auto_free char *name = hk_db_text(s, column);

	for (size_t i = 0; name && i < HK_ARRAY_LEN(states); i++)
		if (!strcmp(name, states[i]))
			return (enum hk_checkpoint_state)i;
	return HK_CHECKPOINT_DELETING; /* the table's own check knows no other */
}

/* In the order of SELECT. */
static void read_row(sqlite3_stmt *s, struct hk_checkpoint *ret)
{
	int c = 0;

	ret->id = sqlite3_column_int64(s, c++);
	ret->state = read_state(s, c++);
	ret->kind = hk_db_text(s, c++);
	ret->target = hk_db_text(s, c++);
	ret->label = hk_db_text(s, c++);
	ret->deployment = sqlite3_column_int64(s, c++);
	ret->safety = sqlite3_column_int(s, c++);
	ret->size = sqlite3_column_int64(s, c++);
	ret->sha256 = hk_db_text(s, c++);
	ret->ms = sqlite3_column_int64(s, c++);
	ret->created_at = sqlite3_column_int64(s, c++);
	ret->kept = sqlite3_column_int(s, c++);
}

static int not_found(int64_t id, struct hk_error *err)
{
	hk_error_set(err, HK_E_CHECKPOINT_NOT_FOUND, "there is no checkpoint %lld", (long long)id);
	return hk_error_hint(err, "list them with 'hostkit checkpoint list NAME'");
}

int hk_ledger_add_checkpoint(struct hk_ledger *l, const struct hk_checkpoint *c, int64_t *ret_id,
			     struct hk_error *err)
{
	int rc = hk_db_write(l,
			     "INSERT INTO checkpoint (kind, target, label, deployment, safety,"
			     " created_at) VALUES (?1, ?2, ?3, nullif(?4, 0), ?5, ?6)",
			     HK_DB_VALUES(HK_DB_TEXT(c->kind), HK_DB_TEXT(c->target),
					  HK_DB_TEXT(c->label), HK_DB_INT(c->deployment),
					  HK_DB_INT(c->safety), HK_DB_INT(hk_clock_wall_ms())),
			     NULL, err);

	if (!rc)
		*ret_id = sqlite3_last_insert_rowid(l->db);
	return rc;
}

int hk_ledger_adopt_checkpoint(struct hk_ledger *l, const struct hk_checkpoint *c,
			       struct hk_error *err)
{
	return hk_db_write(l,
			   "INSERT INTO checkpoint (id, state, kind, label, safety, size, sha256,"
			   " ms, created_at, target)"
			   " VALUES (?1, 'ready', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
			   HK_DB_VALUES(HK_DB_INT(c->id), HK_DB_TEXT(c->kind), HK_DB_TEXT(c->label),
					HK_DB_INT(c->safety), HK_DB_INT(c->size),
					HK_DB_TEXT(c->sha256), HK_DB_INT(c->ms),
					HK_DB_INT(c->created_at), HK_DB_TEXT(c->target)),
			   NULL, err);
}

static int update(struct hk_ledger *l, int64_t id, const char *sql,
		  const struct hk_db_value *values, size_t n, struct hk_error *err)
{
	int64_t changes;
	int rc = hk_db_write(l, sql, values, n, &changes, err);

	return rc || changes ? rc : not_found(id, err);
}

int hk_ledger_finish_checkpoint(struct hk_ledger *l, const struct hk_checkpoint *c,
				struct hk_error *err)
{
	return update(l, c->id,
		      "UPDATE checkpoint SET state = 'ready', size = ?2, sha256 = ?3, ms = ?4"
		      " WHERE id = ?1 AND state = 'making'",
		      HK_DB_VALUES(HK_DB_INT(c->id), HK_DB_INT(c->size), HK_DB_TEXT(c->sha256),
				   HK_DB_INT(c->ms)),
		      err);
}

int hk_ledger_set_checkpoint_deleting(struct hk_ledger *l, int64_t id, struct hk_error *err)
{
	return update(l, id, "UPDATE checkpoint SET state = 'deleting' WHERE id = ?1",
		      HK_DB_VALUES(HK_DB_INT(id)), err);
}

int hk_ledger_delete_checkpoint(struct hk_ledger *l, int64_t id, struct hk_error *err)
{
	return update(l, id, "DELETE FROM checkpoint WHERE id = ?1", HK_DB_VALUES(HK_DB_INT(id)),
		      err);
}

int hk_ledger_get_checkpoint(struct hk_ledger *l, int64_t id, struct hk_checkpoint *ret,
			     struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, SELECT "WHERE id = ?1 AND state = 'ready'",
			   HK_DB_VALUES(HK_DB_INT(id)), &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (!row)
		return not_found(id, err);
	read_row(s, ret);
	return 0;
}

int hk_ledger_checkpoint_before(struct hk_ledger *l, int64_t deployment, int64_t *ret_id,
				struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT max(id) FROM checkpoint WHERE deployment = ?1"
			   " AND state = 'ready' AND NOT safety",
			   HK_DB_VALUES(HK_DB_INT(deployment)), &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret_id = row ? sqlite3_column_int64(s, 0) : 0;
	return rc;
}

int hk_ledger_each_checkpoint(struct hk_ledger *l, hk_checkpoint_fn *fn, void *ctx,
			      struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	int64_t before = INT64_MAX;
	int rc;

	rc = hk_db_prepare(l, SELECT "WHERE id < ?1 ORDER BY id DESC LIMIT 1", NULL, 0, &s, err);
	while (!rc) {
		HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint c = HK_CHECKPOINT_INIT;
		bool row;

		rc = hk_db_seek(l, s, before, &row, err);
		if (rc || !row)
			return rc;
		read_row(s, &c);
		/* fn may write: no read transaction may be open then. */
		sqlite3_reset(s);
		before = c.id;
		rc = fn(ctx, &c, err);
	}
	return rc;
}
