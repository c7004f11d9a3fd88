/*
 * Copying, checking and replacing databases of SQLite.
 */
#include "ledger-fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include <store/sqlite_file.h>

static char from[4200], to[4200];
static const struct hk_sqlite_limits unlimited = { .cancel_fd = -1, .deadline = INT64_MAX };

static void name_files(void)
{
	hk_auto_free char *real = realpath(folder, NULL);

	snprintf(from, sizeof(from), "%s/app.db", real);
	snprintf(to, sizeof(to), "%s/copy.db", real);
}

static sqlite3 *open_db(const char *name)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(name, &db), SQLITE_OK);
	return db;
}

static void sql(sqlite3 *db, const char *text)
{
	char *message = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &message))
		fail_msg("%s: %s", text, message);
}

static int count(sqlite3 *db)
{
	sqlite3_stmt *s;
	int n;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM t", -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	return n;
}

static int count_in(const char *name)
{
	sqlite3 *db = open_db(name);
	int n = count(db);

	sqlite3_close(db);
	return n;
}

static sqlite3 *fill(const char *mode)
{
	hk_auto_free char *pragma = hk_xasprintf("PRAGMA journal_mode = %s", mode);
	sqlite3 *db = open_db(from);

	sql(db, pragma);
	sql(db, "CREATE TABLE t (x); INSERT INTO t WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL"
		" SELECT i + 1 FROM c WHERE i < 5000) SELECT randomblob(500) FROM c");
	return db;
}

static void make_empty(const char *name)
{
	close(open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
}

static bool is_there(const char *name, const char *suffix)
{
	hk_auto_free char *path_of = hk_xasprintf("%s%s", name, suffix);

	return !access(path_of, F_OK);
}

static void test_copy(void **state)
{
	static const char *const modes[] = { "wal", "delete", "persist" };

	(void)state;
	name_files();
	for (size_t i = 0; i < HK_ARRAY_LEN(modes); i++) {
		sqlite3 *db = fill(modes[i]);

		/* What is not committed is not in it. */
		sql(db, "BEGIN; INSERT INTO t VALUES (1)");
		make_empty(to);
		OK(hk_sqlite_copy(from, to, &unlimited, &err));
		OK(hk_sqlite_check(to, &unlimited, &err));
		assert_false(is_there(to, "-wal") || is_there(to, "-shm"));
		sql(db, "COMMIT");
		assert_int_equal(count(db), 5001);
		sqlite3_close(db);
		assert_int_equal(count_in(to), 5000);
		assert_int_equal(unlink(from), 0);
	}
}

static void test_limits(void **state)
{
	const struct hk_sqlite_limits late = { .cancel_fd = -1, .deadline = 0 };
	struct hk_sqlite_limits cancelled = { .deadline = INT64_MAX };
	int ends[2];
	sqlite3 *db;

	(void)state;
	name_files();
	db = fill("wal");
	make_empty(to);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]);
	cancelled.cancel_fd = ends[0];
	FAILS(HK_E_STAGE_TIMEOUT, hk_sqlite_copy(from, to, &late, &err));
	FAILS(HK_E_CANCELLED, hk_sqlite_copy(from, to, &cancelled, &err));
	OK(hk_sqlite_copy(from, to, &unlimited, &err));
	FAILS(HK_E_STAGE_TIMEOUT, hk_sqlite_check(to, &late, &err));
	close(ends[0]);
	sqlite3_close(db);
}

static void test_refused(void **state)
{
	hk_auto_free char *link_name = NULL;

	(void)state;
	name_files();
	make_empty(to);
	FAILS(HK_E_CHECKPOINT_FAILED, hk_sqlite_copy(from, to, &unlimited, &err));
	sqlite3_close(fill("wal"));
	link_name = hk_xasprintf("%s.link", from);
	assert_int_equal(symlink(from, link_name), 0);
	FAILS(HK_E_CHECKPOINT_FAILED, hk_sqlite_copy(link_name, to, &unlimited, &err));
	assert_non_null(strstr(last.message, "link"));
}

static void test_damaged(void **state)
{
	char garbage[4096];
	int fd;

	(void)state;
	name_files();
	memset(garbage, 'g', sizeof(garbage));
	sqlite3_close(fill("delete"));
	OK(hk_sqlite_check(from, &unlimited, &err));
	fd = open(from, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 4096 * 3), sizeof(garbage));
	FAILS(HK_E_CHECKPOINT_DAMAGED, hk_sqlite_check(from, &unlimited, &err));
	assert_int_equal(pwrite(fd, garbage, sizeof(garbage), 0), sizeof(garbage));
	FAILS(HK_E_CHECKPOINT_DAMAGED, hk_sqlite_check(from, &unlimited, &err));
	close(fd);
}

static void make_new(void)
{
	sqlite3 *db = open_db(to);

	sql(db, "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)");
	sqlite3_close(db);
}

static void test_replace(void **state)
{
	hk_auto_free char *kept = NULL;

	(void)state;
	name_files();
	sqlite3_close(fill("wal"));
	make_new();
	OK(hk_sqlite_replace(from, to, &err));
	assert_int_equal(count_in(from), 2);
	assert_false(is_there(to, ""));
	/* A file that is missing, with what a crash has left of one beside it. */
	assert_int_equal(unlink(from), 0);
	kept = hk_xasprintf("%s-wal", from);
	make_empty(kept);
	make_new();
	OK(hk_sqlite_replace(from, to, &err));
	assert_false(is_there(from, "-wal"));
	assert_int_equal(count_in(from), 2);
}

/* A process that died has left all that it wrote in the -wal file. */
static void test_replace_unclean(void **state)
{
	hk_auto_free char *wal = NULL, *kept_wal = NULL, *kept = NULL;
	sqlite3 *db;

	(void)state;
	name_files();
	wal = hk_xasprintf("%s-wal", from);
	kept_wal = hk_xasprintf("%s.kept-wal", from);
	kept = hk_xasprintf("%s.kept", from);
	db = fill("wal");
	assert_int_equal(link(wal, kept_wal), 0);
	assert_int_equal(link(from, kept), 0);
	/* Closed without its last words. */
	assert_int_equal(sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL), 0);
	sqlite3_close(db);
	assert_true(is_there(from, "-wal"));
	make_new();
	OK(hk_sqlite_replace(from, to, &err));
	assert_false(is_there(from, "-wal") || is_there(from, "-shm"));
	assert_int_equal(count_in(from), 2);
}

static void test_replace_in_use(void **state)
{
	struct stat before, after;
	sqlite3 *db;

	(void)state;
	name_files();
	db = fill("wal");
	make_new();
	assert_int_equal(stat(from, &before), 0);
	FAILS(HK_E_RESTORE_FAILED, hk_sqlite_replace(from, to, &err));
	assert_int_equal(stat(from, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_true(is_there(to, ""));
	assert_int_equal(count(db), 5000);
	sqlite3_close(db);
	OK(hk_sqlite_replace(from, to, &err));
	assert_int_equal(count_in(from), 2);
}

struct counted {
	char text[200];
};

static void note_rows(void *ctx, const char *table, int64_t rows)
{
	struct counted *c = ctx;
	size_t n = strlen(c->text);

	snprintf(c->text + n, sizeof(c->text) - n, "%s=%lld ", table, (long long)rows);
}

static void test_count_rows(void **state)
{
	const struct hk_sqlite_limits over = { .cancel_fd = -1, .deadline = 1 };
	struct counted c = { "" };
	bool more = true;
	sqlite3 *db;

	(void)state;
	name_files();
	db = open_db(from);
	sql(db, "PRAGMA journal_mode = WAL; CREATE TABLE b (n INTEGER PRIMARY KEY AUTOINCREMENT);"
		"CREATE TABLE \"a \"\"odd\"\" one\" (n); CREATE VIEW v AS SELECT * FROM b;"
		"INSERT INTO b DEFAULT VALUES; INSERT INTO b DEFAULT VALUES");
	OK(hk_sqlite_count_rows(from, false, 2, &unlimited, note_rows, &c, &more, &err));
	assert_string_equal(c.text, "a \"odd\" one=0 b=2 ");
	assert_false(more);
	*c.text = '\0';
	OK(hk_sqlite_count_rows(from, false, 1, &unlimited, note_rows, &c, &more, &err));
	assert_string_equal(c.text, "a \"odd\" one=0 ");
	assert_true(more);
	sql(db, "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300000)"
		"INSERT INTO b SELECT i + 10 FROM c");
	FAILS(HK_E_STAGE_TIMEOUT,
	      hk_sqlite_count_rows(from, false, 2, &over, note_rows, &c, &more, &err));
	sqlite3_close(db);
	/* A file that nobody writes is read without a trace. */
	*c.text = '\0';
	OK(hk_sqlite_count_rows(from, true, 9, &unlimited, note_rows, &c, &more, &err));
	assert_string_equal(c.text, "a \"odd\" one=0 b=300002 ");
	assert_false(is_there(from, "-wal") || is_there(from, "-shm"));
}

static void test_replace_damaged(void **state)
{
	hk_auto_free char *journal = NULL;
	char garbage[8192];
	int fd;

	(void)state;
	name_files();
	memset(garbage, 'g', sizeof(garbage));
	fd = open(from, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
	journal = hk_xasprintf("%s-journal", from);
	make_empty(journal);
	make_new();
	OK(hk_sqlite_replace(from, to, &err));
	assert_int_equal(count_in(from), 2);
	assert_false(is_there(from, "-journal"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_copy),	   TEST(test_limits),	       TEST(test_refused),
		TEST(test_damaged),	   TEST(test_replace),	       TEST(test_replace_unclean),
		TEST(test_replace_in_use), TEST(test_replace_damaged), TEST(test_count_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
