/*
 * Databases of applications (contract in sqlite_file.h).
 */
#include <store/sqlite_file.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/clock.h>
#include <sys/failpoint.h>
#include <sys/inuse.h>

#define BUSY_MS 10000
#define PAGES_A_STEP 512
#define OPS_A_LOOK 10000 /* of SQLite's virtual machine */

static void cleanup_db(sqlite3 **db)
{
	sqlite3_close(*db);
}
#define auto_db HK_CLEANUP(cleanup_db) sqlite3

static bool is_damage(int rc)
{
	return (rc & 0xff) == SQLITE_CORRUPT || (rc & 0xff) == SQLITE_NOTADB;
}

static int fail(sqlite3 *db, int rc, enum hk_code code, const char *path, struct hk_error *err)
{
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(rc);
	int sys_errno = db ? sqlite3_system_errno(db) : 0;
	int primary = rc & 0xff;

	if (primary == SQLITE_FULL)
		return hk_error_set(err, HK_E_NO_SPACE, "'%s': %s", path, text);
	if ((primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN) &&
	    (sys_errno == ENOSPC || sys_errno == EDQUOT))
		return hk_error_set_errno(err, HK_E_NO_SPACE, sys_errno, "'%s'", path);
	if (primary == SQLITE_CANTOPEN && sys_errno)
		return hk_error_set_errno(err, code, sys_errno, "cannot open the database '%s'",
					  path);
	return hk_error_set(err, code, "the database '%s': %s", path, text);
}

static int open_db(const char *path, int flags, sqlite3 **ret, enum hk_code code,
		   struct hk_error *err)
{
	int rc = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				 NULL);

	if (rc == SQLITE_CANTOPEN_SYMLINK)
		return hk_error_set(err, code, "'%s' is a link, or lies behind one", path);
	if (rc != SQLITE_OK)
		return fail(*ret, rc, code, path, err);
	sqlite3_busy_timeout(*ret, BUSY_MS);
	/* What is in the schema is the application's, not to be run here. */
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	return 0;
}

static int exec(sqlite3 *db, const char *sql, enum hk_code code, const char *path,
		struct hk_error *err)
{
	int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(db, rc, code, path, err);
}

/* --- Limits */

static bool is_cancelled(const struct hk_sqlite_limits *limits)
{
	struct pollfd p = { .fd = limits->cancel_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static int check_limits(const struct hk_sqlite_limits *limits, struct hk_error *err)
{
	if (is_cancelled(limits))
		return hk_error_set(err, HK_E_CANCELLED, "it was cancelled");
	if (hk_clock_left(limits->deadline))
		return 0;
	return hk_error_set(err, HK_E_STAGE_TIMEOUT, "the database took too long");
}

static int on_progress(void *ctx)
{
	const struct hk_sqlite_limits *limits = ctx;

	return is_cancelled(limits) || !hk_clock_left(limits->deadline);
}

/* --- Copying */

static int copy_pages(sqlite3 *from, sqlite3 *to, const char *path,
		      const struct hk_sqlite_limits *limits, struct hk_error *err)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");
	int rc = SQLITE_OK, ret = 0;

	if (!b)
		return fail(to, sqlite3_errcode(to), HK_E_CHECKPOINT_FAILED, path, err);
	do {
		ret = check_limits(limits, err);
		if (!ret)
			ret = HK_FAILPOINT(sqlite_copying, err);
		if (!ret)
			rc = sqlite3_backup_step(b, PAGES_A_STEP);
	} while (!ret && rc == SQLITE_OK);
	sqlite3_backup_finish(b);
	if (!ret && rc != SQLITE_DONE)
		ret = fail(to, rc, HK_E_CHECKPOINT_FAILED, path, err);
	return ret;
}

int hk_sqlite_copy(const char *from, const char *to, const struct hk_sqlite_limits *limits,
		   struct hk_error *err)
{
	auto_db *source = NULL, *copy = NULL;

	if (open_db(from, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, &source,
		    HK_E_CHECKPOINT_FAILED, err) ||
	    open_db(to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, &copy, HK_E_CHECKPOINT_FAILED,
		    err))
		return err->code;
	/*
	 * One read transaction for all steps: without it, a step begins all over again whenever
	 * another process has written, and may never come to an end.
	 */
	if (exec(source, "BEGIN; SELECT count(*) FROM sqlite_schema", HK_E_CHECKPOINT_FAILED, from,
		 err) ||
	    exec(copy, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF",
		 HK_E_CHECKPOINT_FAILED, to, err))
		return err->code;
	return copy_pages(source, copy, from, limits, err);
}

/* --- Checking */

static char *immutable_uri(const char *path)
{
	hk_auto_buf uri = HK_BUF_INIT;

	hk_buf_addstr(&uri, "file:");
	for (const char *p = path; *p; p++)
		if (strchr("?#%", *p))
			hk_buf_addf(&uri, "%%%02X", (unsigned)*p);
		else
			hk_buf_addch(&uri, *p);
	hk_buf_addstr(&uri, "?immutable=1");
	return hk_buf_detach(&uri);
}

static int take_finding(void *ctx, int n, char **values, char **names HK_UNUSED)
{
	char *first = ctx;

	if (n && values[0] && !*first)
		snprintf(first, 160, "%s", values[0]);
	for (char *p = first; (p = strchr(p, '\n'));)
		*p = ' ';
	return 0;
}

int hk_sqlite_check(const char *path, const struct hk_sqlite_limits *limits, struct hk_error *err)
{
	hk_auto_free char *uri = immutable_uri(path);
	struct hk_sqlite_limits copy = *limits;
	char found[160] = "";
	auto_db *db = NULL;
	int rc;

	if (check_limits(limits, err) ||
	    open_db(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, &db, HK_E_CHECKPOINT_DAMAGED, err))
		return err->code;
	sqlite3_progress_handler(db, OPS_A_LOOK, on_progress, &copy);
	rc = sqlite3_exec(db, "PRAGMA integrity_check(1)", take_finding, found, NULL);
	if (rc == SQLITE_INTERRUPT && check_limits(limits, err))
		return err->code;
	if (rc != SQLITE_OK)
		return fail(db, rc, HK_E_CHECKPOINT_DAMAGED, path, err);
	if (!strcmp(found, "ok"))
		return 0;
	return hk_error_set(err, HK_E_CHECKPOINT_DAMAGED, "it is not sound: %s", found);
}

/* --- Counting */

static int count_table(sqlite3 *db, const char *table, int64_t *ret)
{
	/* count(*) is one step of its machine, which no limit ends. */
	char *sql = sqlite3_mprintf("SELECT count(1) FROM \"%w\"", table);
	sqlite3_stmt *s = NULL;
	int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &s, NULL) : SQLITE_NOMEM;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_free(sql);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* Virtual tables, which have no root page, would run code of others. */
static const char tables_sql[] =
	"SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0"
	" AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

static int count_tables(sqlite3 *db, size_t max, hk_sqlite_rows_fn *fn, void *ctx, bool *ret_more)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(db, tables_sql, -1, &s, NULL);

	for (size_t n = 0; rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW; n++) {
		const char *table = (const char *)sqlite3_column_text(s, 0);
		int64_t rows = 0;

		*ret_more = n == max;
		rc = *ret_more || !table ? SQLITE_DONE : count_table(db, table, &rows);
		if (rc == SQLITE_OK)
			fn(ctx, table, rows);
	}
	sqlite3_finalize(s);
	return rc;
}

int hk_sqlite_count_rows(const char *path, bool still, size_t max,
			 const struct hk_sqlite_limits *limits, hk_sqlite_rows_fn *fn, void *ctx,
			 bool *ret_more, struct hk_error *err)
{
	hk_auto_free char *uri = still ? immutable_uri(path) : hk_xstrdup(path);
	int flags = still ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
	struct hk_sqlite_limits copy = *limits;
	auto_db *db = NULL;
	bool more = false;
	int rc;

	if (open_db(uri, flags | SQLITE_OPEN_NOFOLLOW, &db, HK_E_CHECKPOINT_FAILED, err))
		return err->code;
	sqlite3_progress_handler(db, OPS_A_LOOK, on_progress, &copy);
	if (exec(db, "PRAGMA query_only = ON; BEGIN", HK_E_CHECKPOINT_FAILED, path, err))
		return err->code;
	rc = count_tables(db, max, fn, ctx, &more);
	if (rc == SQLITE_INTERRUPT && check_limits(limits, err))
		return err->code;
	if (rc != SQLITE_DONE)
		return fail(db, rc, HK_E_CHECKPOINT_FAILED, path, err);
	*ret_more = more;
	return 0;
}

/* --- Replacing */

static const char *const side_files[] = { "-wal", "-shm", "-journal" };

static int in_use(const char *path, const struct hk_inuse *use, struct hk_error *err)
{
	if (use)
		hk_error_set(err, HK_E_RESTORE_FAILED,
			     "the database '%s' is in use by process %d (%s)", path, (int)use->pid,
			     use->program);
	else
		hk_error_set(err, HK_E_RESTORE_FAILED, "the database '%s' is in use", path);
	return hk_error_hint(err, "end what has it open beside the service, and try it again");
}

/*
 * Leaving the WAL mode takes that nobody else has the database open, and empties and removes the
 * -wal file: a later -wal can only be the new database's.
 */
static int take_alone(sqlite3 *db, const char *path, char mode[160], struct hk_error *err)
{
	int rc = sqlite3_exec(db, "PRAGMA journal_mode", take_finding, mode, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db,
				  "SELECT count(*) FROM sqlite_schema;"
				  "PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE",
				  NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		return 0;
	if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
		return in_use(path, NULL, err);
	fail(db, rc, HK_E_RESTORE_FAILED, path, err);
	return is_damage(rc) ? HK_E_CHECKPOINT_DAMAGED : err->code;
}

static int remove_side_files(const char *path, struct hk_error *err)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(side_files); i++) {
		hk_auto_free char *side = hk_xasprintf("%s%s", path, side_files[i]);

		if (unlink(side) && errno != ENOENT)
			return hk_error_set_errno(err, HK_E_RESTORE_FAILED, errno,
						  "cannot remove '%s'", side);
	}
	return 0;
}

static int rename_over(const char *path, const char *with, struct hk_error *err)
{
	if (HK_FAILPOINT(sqlite_replacing, err))
		return err->code;
	if (rename(with, path))
		return hk_error_set_errno(err, HK_E_RESTORE_FAILED, errno, "cannot replace '%s'",
					  path);
	return 0;
}

/* It goes on as it was: the mode is a part of the database. */
static void let_go(sqlite3 *db, const char *mode)
{
	sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	if (!strcmp(mode, "wal"))
		sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
}

static int replace(sqlite3 *db, const char *path, const char *with, const struct stat *st,
		   struct hk_error *err)
{
	struct hk_error locked = HK_ERROR_INIT;
	char mode[160] = "";
	struct hk_inuse use;
	int ret = take_alone(db, path, mode, &locked);

	if (ret && ret != HK_E_CHECKPOINT_DAMAGED) {
		*err = locked;
		return err->code;
	}
	/* Connections that only wait hold no lock that would tell. */
	if (hk_inuse_find_file(st, &use))
		in_use(path, &use, err);
	else if (!ret || !remove_side_files(path, err))
		rename_over(path, with, err);
	if (err->code)
		let_go(db, mode);
	return err->code;
}

int hk_sqlite_replace(const char *path, const char *with, struct hk_error *err)
{
	struct hk_error failed = HK_ERROR_INIT;
	auto_db *db = NULL;
	struct stat st;
	bool there = !lstat(path, &st);

	if (!there && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_RESTORE_FAILED, errno, "cannot look at '%s'",
					  path);
	if (there && open_db(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, &db,
			     HK_E_RESTORE_FAILED, err))
		return err->code;
	if (there ? replace(db, path, with, &st, &failed)
		  : remove_side_files(path, &failed) || rename_over(path, with, &failed)) {
		*err = failed;
		return err->code;
	}
	return 0;
}
