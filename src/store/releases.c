/*
 * The ledger's releases.
 *
 * A name belongs to one release at a time; when the folder of a removed one is made anew under the
 * same name (a clock that was set back), the name means the newer row.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

#define SELECT                                                                             \
	"SELECT r.id, r.deployment, r.name, r.state, r.type, d.commit_id, d.ref, r.start," \
	" r.created_at, r.activated_at, d.finished_at, d.settings, d.source"               \
	" FROM release r JOIN deployment d ON d.id = r.deployment "

#define BY_NAME "(SELECT max(id) FROM release WHERE name = ?1)"

void hk_release_row_release(struct hk_release_row *r)
{
	char *const owned[] = { r->name, r->state, r->type,	r->commit,
				r->ref,	 r->start, r->settings, r->source };

	for (size_t i = 0; i < HK_ARRAY_LEN(owned); i++)
		free(owned[i]);
	*r = (struct hk_release_row)HK_RELEASE_ROW_INIT;
}

/* In the order of SELECT. */
static void read_row(sqlite3_stmt *s, struct hk_release_row *ret)
{
	int c = 0;

	ret->id = sqlite3_column_int64(s, c++);
	ret->deployment = sqlite3_column_int64(s, c++);
	ret->name = hk_db_text(s, c++);
	ret->state = hk_db_text(s, c++);
	ret->type = hk_db_text(s, c++);
	ret->commit = hk_db_text(s, c++);
	ret->ref = hk_db_text(s, c++);
	ret->start = hk_db_text(s, c++);
	ret->created_at = sqlite3_column_int64(s, c++);
	ret->activated_at = sqlite3_column_int64(s, c++);
	ret->deployed_at = sqlite3_column_int64(s, c++);
	ret->settings = hk_db_text(s, c++);
	ret->source = hk_db_text(s, c++);
}

static int unknown(const struct hk_ledger *l, const char *name, struct hk_error *err)
{
	return hk_error_set(err, HK_E_RELEASE_FAILED, "release '%s' is not in the ledger '%s'",
			    name, l->path);
}

int hk_ledger_add_release(struct hk_ledger *l, int64_t deployment, const char *name,
			  struct hk_error *err)
{
	return hk_db_write(l,
			   "INSERT INTO release (deployment, name, state, created_at)"
			   " VALUES (?1, ?2, 'building', ?3)",
			   HK_DB_VALUES(HK_DB_INT(deployment), HK_DB_TEXT(name),
					HK_DB_INT(hk_clock_wall_ms())),
			   NULL, err);
}

static int update(struct hk_ledger *l, const char *name, const char *sql,
		  const struct hk_db_value *values, size_t n, struct hk_error *err)
{
	int64_t changes;
	int rc;

	rc = hk_db_write(l, sql, values, n, &changes, err);
	if (rc || changes)
		return rc;
	return unknown(l, name, err);
}

int hk_ledger_describe_release(struct hk_ledger *l, const char *name, const char *type,
			       const char *start, struct hk_error *err)
{
	return update(l, name, "UPDATE release SET type = ?2, start = ?3 WHERE id = " BY_NAME,
		      HK_DB_VALUES(HK_DB_TEXT(name), HK_DB_TEXT(type), HK_DB_TEXT(start)), err);
}

int hk_ledger_set_release_state(struct hk_ledger *l, const char *name, const char *state,
				struct hk_error *err)
{
	return update(l, name,
		      "UPDATE release SET state = ?2, activated_at = CASE"
		      " WHEN ?2 IN ('good', 'failed') AND state IN ('ready', 'good', 'failed')"
		      " THEN ?3 ELSE activated_at END WHERE id = " BY_NAME,
		      HK_DB_VALUES(HK_DB_TEXT(name), HK_DB_TEXT(state),
				   HK_DB_INT(hk_clock_wall_ms())),
		      err);
}

int hk_ledger_get_release(struct hk_ledger *l, const char *name, struct hk_release_row *ret,
			  struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, SELECT "WHERE r.id = " BY_NAME, HK_DB_VALUES(HK_DB_TEXT(name)), &s,
			   err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (!row)
		return unknown(l, name, err);
	read_row(s, ret);
	return 0;
}

int hk_ledger_each_release(struct hk_ledger *l, hk_release_fn *fn, void *ctx, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	int64_t before = INT64_MAX;
	int rc;

	rc = hk_db_prepare(l,
			   SELECT "WHERE r.id < ?1 AND r.state <> 'removed'"
				  " ORDER BY r.id DESC LIMIT 1",
			   NULL, 0, &s, err);
	while (!rc) {
		HK_CLEANUP(hk_release_row_release) struct hk_release_row r = HK_RELEASE_ROW_INIT;
		bool row;

		rc = hk_db_seek(l, s, before, &row, err);
		if (rc || !row)
			return rc;
		read_row(s, &r);
		/* fn may write: no read transaction may be open then. */
		sqlite3_reset(s);
		before = r.id;
		rc = fn(ctx, &r, err);
	}
	return rc;
}

int hk_ledger_previous_good(struct hk_ledger *l, const char *name, char **ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT (SELECT p.name FROM release p WHERE p.id < r.id"
			   " AND p.state = 'good' ORDER BY p.id DESC LIMIT 1)"
			   " FROM release r WHERE r.id = " BY_NAME,
			   HK_DB_VALUES(HK_DB_TEXT(name)), &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (!row)
		return unknown(l, name, err);
	*ret = hk_db_text(s, 0);
	return 0;
}

int hk_ledger_live_before(struct hk_ledger *l, const char *name, char **ret,
			  int64_t *ret_deployment, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT d.live_before, d.id FROM release r"
			   " JOIN deployment d ON d.id = r.deployment WHERE r.id = " BY_NAME,
			   HK_DB_VALUES(HK_DB_TEXT(name)), &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (!row)
		return unknown(l, name, err);
	*ret = hk_db_text(s, 0);
	*ret_deployment = sqlite3_column_int64(s, 1);
	return 0;
}

int hk_ledger_ended_by(struct hk_ledger *l, const char *name, int64_t *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l,
			   "SELECT max(d.id) FROM deployment d JOIN release r"
			   " ON r.deployment = d.id AND r.activated_at IS NOT NULL"
			   " WHERE d.live_before = ?1",
			   HK_DB_VALUES(HK_DB_TEXT(name)), &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret = row ? sqlite3_column_int64(s, 0) : 0;
	return rc;
}
