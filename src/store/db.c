/*
 * SQLite, wrapped for the ledger: see db.h.
 */
#include <store/db.h>

#include <errno.h>
#include <sys/statvfs.h>

#include <base/alloc.h>

static const char rebuild[] = "to set it aside and make a new one from the releases on disk: "
			      "hostkit recover NAME";

/* By primary result code. What is not listed here is HK_E_LEDGER_FAILED, without a hint. */
static const struct failure {
	int result;
	enum hk_code code;
	const char *hint;
} failures[] = {
	{ SQLITE_BUSY, HK_E_LEDGER_BUSY, "another process is writing to it: try again" },
	{ SQLITE_LOCKED, HK_E_LEDGER_BUSY, "another process is writing to it: try again" },
	{ SQLITE_PROTOCOL, HK_E_LEDGER_BUSY, "another process is writing to it: try again" },
	{ SQLITE_FULL, HK_E_NO_SPACE, "free some space on its filesystem" },
	{ SQLITE_READONLY, HK_E_PERMISSION, "it must be writable for the user that deploys" },
	{ SQLITE_PERM, HK_E_PERMISSION, "it must be writable for the user that deploys" },
	{ SQLITE_CORRUPT, HK_E_LEDGER_DAMAGED, rebuild },
	{ SQLITE_NOTADB, HK_E_LEDGER_DAMAGED, rebuild },
};

static int fail_result(const char *path, int result, const char *text, struct hk_error *err)
{
	const struct failure *f = NULL;

	for (size_t i = 0; i < HK_ARRAY_LEN(failures); i++)
		if (failures[i].result == (result & 0xff))
			f = &failures[i];
	hk_error_set(err, f ? f->code : HK_E_LEDGER_FAILED, "cannot use the ledger '%s': %s", path,
		     text);
	if (f)
		hk_error_hint(err, "%s", f->hint);
	return err->code;
}

int hk_db_damaged(const char *path, const char *text, struct hk_error *err)
{
	hk_error_set(err, HK_E_LEDGER_DAMAGED, "the ledger '%s' is damaged: %s", path, text);
	return hk_error_hint(err, "%s", rebuild);
}

int hk_db_fail_errno(const char *path, int sys_errno, struct hk_error *err)
{
	static const struct {
		int sys_errno;
		int result;
	} known[] = {
		{ ENOSPC, SQLITE_FULL }, { EDQUOT, SQLITE_FULL },    { EACCES, SQLITE_PERM },
		{ EPERM, SQLITE_PERM },	 { EROFS, SQLITE_READONLY },
	};
	int result = SQLITE_ERROR;

	for (size_t i = 0; i < HK_ARRAY_LEN(known); i++)
		if (known[i].sys_errno == sys_errno)
			result = known[i].result;
	fail_result(path, result, strerror(sys_errno), err);
	err->sys_errno = sys_errno;
	return err->code;
}

/*
 * The errno of the last failure. When SQLite cannot create the -wal file it tries to open it for
 * reading, and reports that attempt: ENOENT then hides that the filesystem is full.
 */
static int find_errno(const struct hk_ledger *l)
{
	int sys_errno = sqlite3_system_errno(l->db);
	struct statvfs fs;

	if (sys_errno != ENOENT || access(l->path, F_OK) || statvfs(l->path, &fs))
		return sys_errno;
	return !fs.f_bavail || (fs.f_files && !fs.f_favail) ? ENOSPC : sys_errno;
}

int hk_db_fail(const struct hk_ledger *l, int rc, struct hk_error *err)
{
	int primary = rc & 0xff;
	int sys_errno = find_errno(l);

	if (rc == SQLITE_CANTOPEN_SYMLINK) {
		hk_error_set(err, HK_E_LEDGER_FAILED, "the ledger '%s' is a symbolic link",
			     l->path);
		return hk_error_hint(err, "remove the link: a ledger is a file of its own");
	}
	/* Only these two come from a system call; for others the errno is one of an older failure.
	 */
	if ((primary == SQLITE_CANTOPEN || primary == SQLITE_IOERR) && sys_errno)
		return hk_db_fail_errno(l->path, sys_errno, err);
	return fail_result(l->path, rc, sqlite3_errmsg(l->db), err);
}

void hk_cleanup_stmt(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}

static int bind(sqlite3_stmt *s, int i, const struct hk_db_value *v)
{
	if (v->is_text)
		return sqlite3_bind_text(s, i, v->text, -1, SQLITE_STATIC);
	return sqlite3_bind_int64(s, i, v->number);
}

int hk_db_prepare(struct hk_ledger *l, const char *sql, const struct hk_db_value *values, size_t n,
		  sqlite3_stmt **ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	int rc;

	rc = sqlite3_prepare_v2(l->db, sql, -1, &s, NULL);
	for (size_t i = 0; rc == SQLITE_OK && i < n; i++)
		rc = bind(s, (int)i + 1, &values[i]);
	if (rc != SQLITE_OK)
		return hk_db_fail(l, rc, err);
	*ret = hk_steal_ptr(s);
	return 0;
}

int hk_db_step(struct hk_ledger *l, sqlite3_stmt *s, bool *ret_row, struct hk_error *err)
{
	int rc = sqlite3_step(s);

	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return hk_db_fail(l, rc, err);
	*ret_row = rc == SQLITE_ROW;
	return 0;
}

int hk_db_seek(struct hk_ledger *l, sqlite3_stmt *s, int64_t key, bool *ret_row,
	       struct hk_error *err)
{
	int rc;

	sqlite3_reset(s);
	rc = sqlite3_bind_int64(s, 1, key);
	if (rc != SQLITE_OK)
		return hk_db_fail(l, rc, err);
	return hk_db_step(l, s, ret_row, err);
}

int hk_db_write(struct hk_ledger *l, const char *sql, const struct hk_db_value *values, size_t n,
		int64_t *ret_changes, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, sql, values, n, &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	if (ret_changes)
		*ret_changes = sqlite3_changes64(l->db);
	return 0;
}

int hk_db_exec(struct hk_ledger *l, const char *sql, struct hk_error *err)
{
	int rc = sqlite3_exec(l->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : hk_db_fail(l, rc, err);
}

int hk_db_begin(struct hk_ledger *l, struct hk_error *err)
{
	return hk_db_exec(l, "BEGIN IMMEDIATE", err);
}

int hk_db_end(struct hk_ledger *l, int rc, struct hk_error *err)
{
	if (!rc)
		rc = hk_db_exec(l, "COMMIT", err);
	/* A full disk may have rolled back already: ROLLBACK then fails, and nothing is lost. */
	if (rc)
		sqlite3_exec(l->db, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

char *hk_db_text(sqlite3_stmt *s, int column)
{
	const char *text = (const char *)sqlite3_column_text(s, column);

	return text ? hk_xstrdup(text) : NULL;
}
