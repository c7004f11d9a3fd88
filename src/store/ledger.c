/*
 * The ledger's file: creation, opening and migration.
 *
 * This runs in a hook while a client waits: an existing ledger is opened with three statements and
 * no write. Two processes may create or migrate the same file at once.
 */
#include <store/ledger.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/db.h>

#define BUSY_MS 10000
#define BUSY_RETRY_MS 10

/* The step at index N takes a ledger from version N to version N + 1. Never change one: add. */
static const char *const migrations[] = {
	"CREATE TABLE deployment ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" status TEXT NOT NULL CHECK (status IN ('waiting', 'running', 'succeeded', 'failed',"
	"  'cancelled', 'superseded', 'interrupted')),"
	" trigger_name TEXT, ref TEXT, object TEXT, old_object TEXT,"
	" commit_id TEXT, tag TEXT, summary TEXT, pusher TEXT,"
	" flags INTEGER NOT NULL DEFAULT 0,"
	" release_name TEXT,"
	" worker_pid INTEGER NOT NULL DEFAULT 0,"
	" worker_start INTEGER NOT NULL DEFAULT 0,"
	" worker_boot TEXT,"
	" created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,"
	" error_code TEXT, error_message TEXT, error_hint TEXT,"
	" CHECK ((finished_at IS NULL) = (status IN ('waiting', 'running'))),"
	" CHECK (status <> 'running' OR started_at IS NOT NULL)"
	") STRICT;"
	"CREATE INDEX deployment_open ON deployment (id) WHERE finished_at IS NULL;"
	"CREATE INDEX deployment_created ON deployment (created_at);"
	"CREATE INDEX deployment_ref ON deployment (ref);"

	"CREATE TABLE stage ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" deployment INTEGER NOT NULL REFERENCES deployment (id),"
	" name TEXT NOT NULL,"
	" status TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'skipped',"
	"  'cancelled', 'interrupted')),"
	" detail TEXT,"
	" started_at INTEGER NOT NULL,"
	" ms INTEGER NOT NULL DEFAULT 0"
	") STRICT;"
	"CREATE INDEX stage_deployment ON stage (deployment);"

	"CREATE TABLE release ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" deployment INTEGER NOT NULL REFERENCES deployment (id),"
	" name TEXT NOT NULL,"
	" state TEXT NOT NULL CHECK (state IN ('building', 'ready', 'good', 'failed', 'removed')),"
	" type TEXT, start TEXT,"
	" created_at INTEGER NOT NULL, activated_at INTEGER"
	") STRICT;"
	"CREATE INDEX release_name ON release (name);"
	"CREATE UNIQUE INDEX release_present ON release (name) WHERE state <> 'removed';"
	"CREATE INDEX release_deployment ON release (deployment);"

	"PRAGMA user_version = 1;",

	/*
	 * Who adds a row is known before its worker is; refs that hooks have seen (refs.c); whether
	 * the project is paused (pause.c).
	 */
	"ALTER TABLE deployment ADD COLUMN submitter_pid INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deployment ADD COLUMN submitter_start INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deployment ADD COLUMN submitter_boot TEXT;"
	"CREATE TABLE ref ("
	" name TEXT PRIMARY KEY,"
	" object TEXT NOT NULL, was TEXT,"
	" seen_at INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"CREATE TABLE pause ("
	" id INTEGER PRIMARY KEY CHECK (id = 1),"
	" reason TEXT, author TEXT,"
	" created_at INTEGER NOT NULL"
	") STRICT;"
	"PRAGMA user_version = 2;",

	/*
	 * Why somebody deploys; the hostkit.ini of the pushed tree; up to which deployment
	 * something is forgiven (limits.c).
	 */
	"ALTER TABLE deployment ADD COLUMN reason TEXT;"
	"ALTER TABLE deployment ADD COLUMN settings TEXT;"
	"CREATE TABLE forgiven ("
	" what TEXT PRIMARY KEY,"
	" up_to INTEGER NOT NULL"
	") STRICT, WITHOUT ROWID;"
	"PRAGMA user_version = 3;",

	/* What is owed to [notify] url, and what came of it (notifications.c). */
	"CREATE TABLE notification ("
	" deployment INTEGER PRIMARY KEY REFERENCES deployment (id),"
	" status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed')),"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" http_status INTEGER NOT NULL DEFAULT 0,"
	" error TEXT,"
	" created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL"
	") STRICT;"
	"CREATE INDEX notification_pending ON notification (deployment) WHERE status = 'pending';"
	"PRAGMA user_version = 4;",

	/* Deployments of a folder or of another repository than the project's own. */
	("ALTER TABLE deployment ADD COLUMN source TEXT;"
	 "PRAGMA user_version = 5;"),

	/* The fingerprint of the ssh key that a deployment was asked for with; who cancelled it. */
	("ALTER TABLE deployment ADD COLUMN pusher_key TEXT;"
	 "ALTER TABLE deployment ADD COLUMN canceller TEXT;"
	 "PRAGMA user_version = 6;"),

	/* Database checkpoints, and what is done with them (checkpoints.c, restores.c). */
	"CREATE TABLE checkpoint ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" state TEXT NOT NULL DEFAULT 'making' CHECK (state IN ('making', 'ready', 'deleting')),"
	" kind TEXT NOT NULL, label TEXT,"
	" deployment INTEGER REFERENCES deployment (id),"
	" safety INTEGER NOT NULL DEFAULT 0,"
	" size INTEGER NOT NULL DEFAULT 0, sha256 TEXT,"
	" ms INTEGER NOT NULL DEFAULT 0,"
	" created_at INTEGER NOT NULL,"
	" CHECK (state <> 'ready' OR sha256 IS NOT NULL)"
	") STRICT;"
	"CREATE INDEX checkpoint_deployment ON checkpoint (deployment);"
	"CREATE TABLE restore ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" step TEXT NOT NULL CHECK (step IN ('begun', 'loading', 'swapping', 'swapped', 'done',"
	"  'undone')),"
	" checkpoint INTEGER, safety INTEGER,"
	" deployment INTEGER REFERENCES deployment (id),"
	" environment INTEGER,"
	" restart INTEGER NOT NULL DEFAULT 0,"
	" error TEXT,"
	" created_at INTEGER NOT NULL, finished_at INTEGER,"
	" CHECK ((finished_at IS NULL) = (step NOT IN ('done', 'undone')))"
	") STRICT;"
	"CREATE INDEX restore_open ON restore (id) WHERE finished_at IS NULL;"
	"ALTER TABLE deployment ADD COLUMN live_before TEXT;"
	"PRAGMA user_version = 7;",

	/* Which database a restore was begun on. */
	("ALTER TABLE restore ADD COLUMN target TEXT;"
	 "PRAGMA user_version = 8;"),

	/* Which database a checkpoint was made of. */
	("ALTER TABLE checkpoint ADD COLUMN target TEXT;"
	 "PRAGMA user_version = 9;"),
};

/*
 * Makes the file when it is missing. SQLite gives its -wal and -shm files the mode of this one.
 * An existing file is not opened here: closing that descriptor would drop the POSIX locks that
 * another handle of this process holds on it.
 */
static int create_file(const char *path, const char *dir, struct hk_error *err)
{
	hk_auto_close int fd = -1, dirfd = -1;

	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno == EEXIST ? 0 : hk_db_fail_errno(path, errno, err);
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0 || fsync(dirfd))
		return hk_db_fail_errno(path, errno, err);
	return 0;
}

/*
 * Resolves links above the file, but not one in its place: SQLITE_OPEN_NOFOLLOW refuses a link in
 * any component, and a root below a link is legitimate.
 */
static int resolve(const char *path, char **ret_path, char **ret_dir, struct hk_error *err)
{
	const char *slash = strrchr(path, '/');
	hk_auto_free char *dir = NULL, *real = NULL;

	dir = slash ? hk_xstrndup(path, (size_t)(slash - path) + 1) : hk_xstrdup(".");
	real = realpath(dir, NULL);
	if (!real)
		return hk_db_fail_errno(path, errno, err);
	*ret_path = hk_xasprintf("%s/%s", strcmp(real, "/") ? real : "", slash ? slash + 1 : path);
	*ret_dir = hk_steal_ptr(real);
	return 0;
}

static int connect_file(struct hk_ledger *l, struct hk_error *err)
{
	int rc;

	rc = sqlite3_open_v2(l->path, &l->db,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX |
				     SQLITE_OPEN_EXRESCODE,
			     NULL);
	if (!l->db)
		return hk_error_set(err, HK_E_LEDGER_FAILED, "cannot use the ledger '%s': %s",
				    l->path, sqlite3_errstr(rc));
	if (rc != SQLITE_OK)
		return hk_db_fail(l, rc, err);
	/* SQLite falls back on reading, and then fails later with a less telling error. */
	if (sqlite3_db_readonly(l->db, "main") == 1)
		return hk_db_fail_errno(l->path,
					faccessat(AT_FDCWD, l->path, W_OK, AT_EACCESS) ? errno
										       : EACCES,
					err);
	sqlite3_busy_timeout(l->db, BUSY_MS);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_ENABLE_FKEY, 1, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(l->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return 0;
}

static int read_version(struct hk_ledger *l, int *ret, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row;
	int rc;

	rc = hk_db_prepare(l, "PRAGMA user_version", NULL, 0, &s, err);
	if (rc)
		return rc;
	rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	*ret = sqlite3_column_int(s, 0);
	if (*ret >= 0 && *ret <= (int)HK_ARRAY_LEN(migrations))
		return 0;
	hk_error_set(err, HK_E_LEDGER_FAILED,
		     "the ledger '%s' has version %d, and this hostkit knows versions up to %d",
		     l->path, *ret, (int)HK_ARRAY_LEN(migrations));
	return hk_error_hint(err, "a newer hostkit wrote it: install that one again");
}

/*
 * SQLite does not call the busy handler when two processes switch a new file to WAL at once (one of
 * them has to give way), so the wait is here.
 */
static int use_wal(struct hk_ledger *l, struct hk_error *err)
{
	int64_t deadline = hk_clock_deadline(BUSY_MS);
	int rc;

	while ((rc = sqlite3_exec(l->db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
				  NULL, NULL, NULL)) != SQLITE_OK) {
		if ((rc & 0xff) != SQLITE_BUSY || !hk_clock_left(deadline))
			return hk_db_fail(l, rc, err);
		poll(NULL, 0, BUSY_RETRY_MS);
	}
	return 0;
}

static int migrate(struct hk_ledger *l, struct hk_error *err)
{
	int version;
	int rc;

	rc = hk_db_begin(l, err);
	if (rc)
		return rc;
	/* Another process may have done it while this one waited for the lock. */
	rc = read_version(l, &version, err);
	for (; !rc && version < (int)HK_ARRAY_LEN(migrations); version++)
		rc = hk_db_exec(l, migrations[version], err);
	return hk_db_end(l, rc, err);
}

int hk_ledger_open(const char *path, struct hk_ledger **ret, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *l = hk_xcalloc(1, sizeof(*l));
	hk_auto_free char *dir = NULL;
	int version;
	int rc;

	rc = resolve(path, &l->path, &dir, err);
	if (rc)
		return rc;
	rc = create_file(l->path, dir, err);
	if (rc)
		return rc;
	rc = connect_file(l, err);
	if (rc)
		return rc;
	rc = read_version(l, &version, err);
	if (rc)
		return rc;
	rc = use_wal(l, err);
	if (rc)
		return rc;
	if (version < (int)HK_ARRAY_LEN(migrations)) {
		rc = migrate(l, err);
		if (rc)
			return rc;
	}
	*ret = hk_steal_ptr(l);
	return 0;
}

int hk_ledger_look(const char *path, struct hk_ledger **ret, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *l = hk_xcalloc(1, sizeof(*l));
	hk_auto_free char *dir = NULL;
	int version;
	int rc;

	rc = resolve(path, &l->path, &dir, err);
	if (!rc)
		rc = connect_file(l, err);
	/* Not opened for reading only, which would leave files of SQLite's behind. */
	if (!rc)
		rc = hk_db_exec(l, "PRAGMA query_only = 1", err);
	if (!rc)
		rc = read_version(l, &version, err);
	if (rc)
		return rc;
	if (version < (int)HK_ARRAY_LEN(migrations))
		return hk_error_set(err, HK_E_NOT_SUPPORTED,
				    "the ledger '%s' has version %d; the next command or push "
				    "brings it to %d",
				    l->path, version, (int)HK_ARRAY_LEN(migrations));
	*ret = hk_steal_ptr(l);
	return 0;
}

int hk_ledger_check(struct hk_ledger *l, struct hk_error *err)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	const char *found;
	bool row;
	int rc;

	rc = hk_db_prepare(l, "PRAGMA quick_check(1)", NULL, 0, &s, err);
	if (!rc)
		rc = hk_db_step(l, s, &row, err);
	if (rc)
		return rc;
	found = row ? (const char *)sqlite3_column_text(s, 0) : NULL;
	if (found && !strcmp(found, "ok"))
		return 0;
	return hk_db_damaged(l->path, found ? found : "no answer", err);
}

void hk_ledger_close(struct hk_ledger *l)
{
	if (!l)
		return;
	sqlite3_close(l->db);
	free(l->path);
	free(l);
}

void hk_cleanup_ledger(struct hk_ledger **l)
{
	hk_ledger_close(*l);
}
