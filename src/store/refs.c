/*
 * The ledger's memory of refs: what the hooks have seen of the repository.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

int hk_db_see_ref(struct hk_ledger *l, const struct hk_ref_seen *ref, struct hk_error *err)
{
	if (!ref->object)
		return hk_db_write(l, "DELETE FROM ref WHERE name = ?1",
				   HK_DB_VALUES(HK_DB_TEXT(ref->name)), NULL, err);
	/* A hook that comes after that of the next update of its ref must not undo it. */
	return hk_db_write(l,
			   "INSERT INTO ref (name, object, was, seen_at) VALUES (?1, ?2, ?3, ?4)"
			   " ON CONFLICT (name) DO UPDATE SET object = ?2, was = ?3, seen_at = ?4"
			   " WHERE ?3 IS NULL OR NOT (ref.was IS ?2 AND ref.object IS NOT ?3)",
			   HK_DB_VALUES(HK_DB_TEXT(ref->name), HK_DB_TEXT(ref->object),
					HK_DB_TEXT(ref->was), HK_DB_INT(hk_clock_wall_ms())),
			   NULL, err);
}

int hk_ledger_see_refs(struct hk_ledger *l, const struct hk_ref_seen *refs, size_t n,
		       struct hk_error *err)
{
	int rc;

	if (!n)
		return 0;
	rc = hk_db_begin(l, err);
	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < n; i++)
		rc = hk_db_see_ref(l, &refs[i], err);
	return hk_db_end(l, rc, err);
}

int hk_ledger_get_seen_ref(struct hk_ledger *l, const char *name, char **ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, "SELECT object FROM ref WHERE name = ?1",
			   HK_DB_VALUES(HK_DB_TEXT(name)), &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret = row ? hk_db_text(s, 0) : NULL;
	return rc;
}
