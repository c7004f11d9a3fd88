/*
 * The ledger's counts for limits.
 *
 * A refused deployment has a row, but no preflight that succeeded.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <store/db.h>

#define ACCEPTED                                                                                 \
	" d.id > 0 AND d.id < ?1 AND (d.flags & ?2) = 0"                                         \
	" AND (d.finished_at IS NULL OR EXISTS (SELECT 1 FROM stage s WHERE s.deployment = d.id" \
	"  AND s.name = 'preflight' AND s.status = 'succeeded'))"

#define NOT_FORGIVEN(what) \
	" AND d.id > coalesce((SELECT up_to FROM forgiven WHERE what = '" what "'), 0)"

#define CREATED " AND d.created_at BETWEEN ?3 AND ?4"

static const char *const names[] = { "deployments", "failures" };

/* The number in the first column of the first row; 0 when there is none. */
static int one(struct hk_ledger *l, const char *sql, const struct hk_db_value *values, size_t n,
	       int64_t *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, sql, values, n, &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (!rc)
		*ret = row ? sqlite3_column_int64(s, 0) : 0;
	return rc;
}

int hk_ledger_count_accepted(struct hk_ledger *l, const struct hk_counting *c, int64_t *ret,
			     struct hk_error *err)
{
	return one(l,
		   "SELECT count(*) FROM deployment d WHERE" ACCEPTED CREATED NOT_FORGIVEN(
			   "deployments"),
		   HK_DB_VALUES(HK_DB_INT(c->before), HK_DB_INT(c->left_out), HK_DB_INT(c->from),
				HK_DB_INT(c->to)),
		   ret, err);
}

int hk_ledger_nth_accepted(struct hk_ledger *l, const struct hk_counting *c, int64_t n,
			   int64_t *ret, struct hk_error *err)
{
	return one(l,
		   "SELECT d.created_at FROM deployment d WHERE" ACCEPTED CREATED NOT_FORGIVEN(
			   "deployments") " ORDER BY d.created_at DESC LIMIT 1 OFFSET ?5",
		   HK_DB_VALUES(HK_DB_INT(c->before), HK_DB_INT(c->left_out), HK_DB_INT(c->from),
				HK_DB_INT(c->to), HK_DB_INT(n - 1)),
		   ret, err);
}

int hk_ledger_count_failed(struct hk_ledger *l, const struct hk_counting *c, int64_t *ret,
			   struct hk_error *err)
{
	return one(l,
		   "SELECT count(*) FROM deployment d WHERE d.status = 'failed' AND" ACCEPTED
			   CREATED NOT_FORGIVEN("failures"),
		   HK_DB_VALUES(HK_DB_INT(c->before), HK_DB_INT(c->left_out), HK_DB_INT(c->from),
				HK_DB_INT(c->to)),
		   ret, err);
}

/* Failures with larger ids than any success; NULL ids compare as "there is none". */
#define IN_A_ROW                                                                                                    \
	" FROM deployment d WHERE d.status = 'failed' AND" ACCEPTED NOT_FORGIVEN(                                   \
		"failures") " AND d.id > coalesce((SELECT max(g.id) FROM deployment g WHERE g.status = 'succeeded'" \
			    "  AND g.id < ?1 AND (g.flags & ?2) = 0), 0)"

int hk_ledger_failures_in_a_row(struct hk_ledger *l, const struct hk_counting *c, int64_t *ret,
				int64_t *ret_last, struct hk_error *err)
{
	int64_t n, last;

	if (one(l, "SELECT count(*)" IN_A_ROW,
		HK_DB_VALUES(HK_DB_INT(c->before), HK_DB_INT(c->left_out)), &n, err) ||
	    one(l, "SELECT max(d.finished_at)" IN_A_ROW,
		HK_DB_VALUES(HK_DB_INT(c->before), HK_DB_INT(c->left_out)), &last, err))
		return err->code;
	*ret = n;
	*ret_last = last;
	return 0;
}

int hk_ledger_forgive(struct hk_ledger *l, unsigned what, struct hk_error *err)
{
	int rc = hk_db_begin(l, err);

	if (rc)
		return rc;
	for (size_t i = 0; !rc && i < HK_ARRAY_LEN(names); i++)
		if (what & 1u << i)
			rc = hk_db_write(l,
					 "INSERT INTO forgiven (what, up_to) VALUES (?1,"
					 " (SELECT coalesce(max(id), 0) FROM deployment))"
					 " ON CONFLICT (what) DO UPDATE SET up_to = excluded.up_to",
					 HK_DB_VALUES(HK_DB_TEXT(names[i])), NULL, err);
	return hk_db_end(l, rc, err);
}
