/*
 * The ledger's notifications: which ends of deployments are to be reported, and what came of it.
 */
#include <store/ledger.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

#define SELECT                                                                            \
	"SELECT deployment, status, attempts, http_status, error, created_at, updated_at" \
	" FROM notification "

static const char *const names[] = {
	[HK_NOTIFIED_PENDING] = "pending",
	[HK_NOTIFIED_SENT] = "sent",
	[HK_NOTIFIED_FAILED] = "failed",
};

void hk_ledger_notify_of(struct hk_ledger *l, unsigned statuses)
{
	l->notify = statuses;
}

const char *hk_notified_name(enum hk_notified status)
{
	return names[status];
}

void hk_notification_release(struct hk_notification *n)
{
	free(n->error);
	*n = (struct hk_notification)HK_NOTIFICATION_INIT;
}

int hk_db_owe_notification(struct hk_ledger *l, int64_t deployment, int64_t now,
			   struct hk_error *err)
{
	return hk_db_write(l,
			   "INSERT INTO notification (deployment, created_at, updated_at)"
			   " VALUES (?1, ?2, ?2)",
			   HK_DB_VALUES(HK_DB_INT(deployment), HK_DB_INT(now)), NULL, err);
}

static enum hk_notified read_status(sqlite3_stmt *s, int column)
{
	hk_auto_free char *name = hk_db_text(s, column);

	for (size_t i = 0; name && i < HK_ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return (enum hk_notified)i;
	return HK_NOTIFIED_FAILED; /* the table's own check knows no other */
}

/* In the order of SELECT. */
static int read_first(struct hk_ledger *l, const char *sql, struct hk_notification *ret,
		      struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, sql, NULL, 0, &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	*ret = (struct hk_notification)HK_NOTIFICATION_INIT;
	if (!row)
		return 0;
	ret->deployment = sqlite3_column_int64(s, 0);
	ret->status = read_status(s, 1);
	ret->attempts = sqlite3_column_int64(s, 2);
	ret->http_status = sqlite3_column_int64(s, 3);
	ret->error = hk_db_text(s, 4);
	ret->created_at = sqlite3_column_int64(s, 5);
	ret->updated_at = sqlite3_column_int64(s, 6);
	return 0;
}

int hk_ledger_pending_notification(struct hk_ledger *l, struct hk_notification *ret,
				   struct hk_error *err)
{
	return read_first(l, SELECT "WHERE status = 'pending' ORDER BY deployment LIMIT 1", ret,
			  err);
}

int hk_ledger_last_notification(struct hk_ledger *l, struct hk_notification *ret,
				struct hk_error *err)
{
	return read_first(l, SELECT "ORDER BY deployment DESC LIMIT 1", ret, err);
}

int hk_ledger_set_notification(struct hk_ledger *l, const struct hk_notification *n,
			       struct hk_error *err)
{
	return hk_db_write(l,
			   "UPDATE notification SET status = ?2, attempts = ?3, http_status = ?4,"
			   " error = ?5, updated_at = ?6"
			   " WHERE deployment = ?1 AND status = 'pending'",
			   HK_DB_VALUES(HK_DB_INT(n->deployment), HK_DB_TEXT(names[n->status]),
					HK_DB_INT(n->attempts), HK_DB_INT(n->http_status),
					HK_DB_TEXT(n->error), HK_DB_INT(hk_clock_wall_ms())),
			   NULL, err);
}
