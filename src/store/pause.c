/*
 * The ledger's word on whether a project is paused: one row, or none.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

void hk_pause_release(struct hk_pause *p)
{
	free(p->reason);
	free(p->author);
	*p = (struct hk_pause)HK_PAUSE_INIT;
}

int hk_ledger_pause(struct hk_ledger *l, const char *reason, const char *author,
		    struct hk_error *err)
{
	return hk_db_write(l,
			   "INSERT INTO pause (id, reason, author, created_at)"
			   " VALUES (1, ?1, ?2, ?3) ON CONFLICT (id) DO UPDATE"
			   " SET reason = ?1, author = ?2, created_at = ?3",
			   HK_DB_VALUES(HK_DB_TEXT(reason), HK_DB_TEXT(author),
					HK_DB_INT(hk_clock_wall_ms())),
			   NULL, err);
}

int hk_ledger_resume(struct hk_ledger *l, bool *ret_was, struct hk_error *err)
{
	int64_t changes = 0;
	int rc = hk_db_write(l, "DELETE FROM pause", NULL, 0, &changes, err);

	if (!rc)
		*ret_was = changes > 0;
	return rc;
}

int hk_ledger_get_pause(struct hk_ledger *l, struct hk_pause *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, "SELECT reason, author, created_at FROM pause", NULL, 0, &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	*ret = (struct hk_pause)HK_PAUSE_INIT;
	if (row) {
		ret->reason = hk_db_text(s, 0);
		ret->author = hk_db_text(s, 1);
		ret->at = sqlite3_column_int64(s, 2);
	}
	return 0;
}
