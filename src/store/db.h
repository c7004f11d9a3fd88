/*
 * The ledger's edge to SQLite: statements, transactions and the translation of its errors.
 * Private to the ledger's own files.
 *
 * A statement is prepared, its values are bound, and it is finalized in one scope (hk_auto_stmt).
 * Values never become part of the text of a statement.
 */
#ifndef HK_STORE_DB_H
#define HK_STORE_DB_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include <base/error.h>

struct hk_ledger {
	sqlite3 *db;
	char *path;
	unsigned notify; /* see hk_ledger_notify_of */
};

/* A value to bind, borrowed until the statement is finalized; a NULL text is bound as NULL. */
struct hk_db_value {
	bool is_text;
	int64_t number;
	const char *text;
};

/* clang-format off */
#define HK_DB_INT(v)  { .number = (v) }
#define HK_DB_TEXT(v) { .is_text = true, .text = (v) }

/* Two arguments: the values and their number. */
#define HK_DB_VALUES(...)                             \
	(const struct hk_db_value[]){ __VA_ARGS__ },  \
	HK_ARRAY_LEN(((const struct hk_db_value[]){ __VA_ARGS__ }))
/* clang-format on */

void hk_cleanup_stmt(sqlite3_stmt **s);
#define hk_auto_stmt HK_CLEANUP(hk_cleanup_stmt)

/* Fills err from the connection's last failure, whose extended result code is rc. */
int hk_db_fail(const struct hk_ledger *l, int rc, struct hk_error *err);

/* The same for damage that a check has found. */
int hk_db_damaged(const char *path, const char *text, struct hk_error *err);

/* The same for a failed system call on the ledger's file. */
int hk_db_fail_errno(const char *path, int sys_errno, struct hk_error *err);

int hk_db_prepare(struct hk_ledger *l, const char *sql, const struct hk_db_value *values, size_t n,
		  sqlite3_stmt **ret, struct hk_error *err) HK_MUST_CHECK;

/* Moves on to the next row; *ret_row is false when there is none. */
int hk_db_step(struct hk_ledger *l, sqlite3_stmt *s, bool *ret_row,
	       struct hk_error *err) HK_MUST_CHECK;

/*
 * Starts a prepared statement over with another first value, and moves on to its first row. Walking
 * a table this way keeps no read transaction open between two rows.
 */
int hk_db_seek(struct hk_ledger *l, sqlite3_stmt *s, int64_t key, bool *ret_row,
	       struct hk_error *err) HK_MUST_CHECK;

/* Runs a statement that returns no rows. *ret_changes (may be NULL): the rows that it changed. */
int hk_db_write(struct hk_ledger *l, const char *sql, const struct hk_db_value *values, size_t n,
		int64_t *ret_changes, struct hk_error *err) HK_MUST_CHECK;

/* Runs the statements of a constant text. */
int hk_db_exec(struct hk_ledger *l, const char *sql, struct hk_error *err) HK_MUST_CHECK;

/* A transaction that has the write lock from the start, and so cannot meet a newer snapshot. */
int hk_db_begin(struct hk_ledger *l, struct hk_error *err) HK_MUST_CHECK;

/* Commits when rc is 0, otherwise rolls back and returns rc with err as it is. */
int hk_db_end(struct hk_ledger *l, int rc, struct hk_error *err) HK_MUST_CHECK;

/* Records one ref, within the caller's transaction. */
struct hk_ref_seen;
int hk_db_see_ref(struct hk_ledger *l, const struct hk_ref_seen *ref,
		  struct hk_error *err) HK_MUST_CHECK;

/* Records that the end of a deployment is to be reported, within the caller's transaction. */
int hk_db_owe_notification(struct hk_ledger *l, int64_t deployment, int64_t now,
			   struct hk_error *err) HK_MUST_CHECK;

/* A copy of a text column, the caller's to free; NULL for NULL. */
char *hk_db_text(sqlite3_stmt *s, int column);

#endif
