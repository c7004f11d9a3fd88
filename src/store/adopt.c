/*
 * Filling a new ledger from what is on disk, after the old one was lost.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <store/db.h>

/* Ids below zero come before all others and are never given out otherwise. */
static int add_deployment(struct hk_ledger *l, const struct hk_adopted_release *r,
			  struct hk_error *err)
{
	return hk_db_write(l,
			   "INSERT INTO deployment (id, status, trigger_name, ref, object,"
			   " commit_id, release_name, created_at, started_at, finished_at,"
			   " source)"
			   " VALUES (CASE WHEN ?5 THEN (SELECT min(coalesce(min(id), 0), 0) - 1"
			   "  FROM deployment) END,"
			   " 'succeeded', 'recovery', ?1, ?2, ?2, ?3, ?4, ?4, ?4, ?6)",
			   HK_DB_VALUES(HK_DB_TEXT(r->ref), HK_DB_TEXT(r->object),
					HK_DB_TEXT(r->name), HK_DB_INT(r->at),
					HK_DB_INT(r->before_all), HK_DB_TEXT(r->source)),
			   NULL, err);
}

int hk_ledger_adopt_release(struct hk_ledger *l, const struct hk_adopted_release *r,
			    struct hk_error *err)
{
	int rc = hk_db_begin(l, err);

	if (rc)
		return rc;
	rc = add_deployment(l, r, err);
	if (!rc)
		rc = hk_db_write(l,
				 "INSERT INTO release (deployment, name, state, type, start,"
				 " created_at, activated_at)"
				 " VALUES (last_insert_rowid(), ?1, ?2, ?3, ?4, ?5, ?5)",
				 HK_DB_VALUES(HK_DB_TEXT(r->name), HK_DB_TEXT(r->state),
					      HK_DB_TEXT(r->type), HK_DB_TEXT(r->start),
					      HK_DB_INT(r->at)),
				 NULL, err);
	return hk_db_end(l, rc, err);
}

int hk_ledger_begin_after(struct hk_ledger *l, int64_t id, struct hk_error *err)
{
	int rc = hk_db_begin(l, err);

	if (rc)
		return rc;
	/* SQLite's own table for AUTOINCREMENT, which it allows to be written (autoinc.html). */
	rc = hk_db_write(l, "DELETE FROM sqlite_sequence WHERE name = 'deployment'", NULL, 0, NULL,
			 err);
	if (!rc)
		rc = hk_db_write(
			l, "INSERT INTO sqlite_sequence (name, seq) VALUES ('deployment', ?1)",
			HK_DB_VALUES(HK_DB_INT(id)), NULL, err);
	return hk_db_end(l, rc, err);
}
