/*
 * The ledger's file: creation, migration, damage, refusals, and other processes.
 */
#include "ledger-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <store/db.h>

#define NOBODY 65534

static void raw_sql(const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void write_file(const char *name, const void *data, size_t len)
{
	hk_auto_fclose FILE *f = fopen(name, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
}

static mode_t mode_of(const char *suffix)
{
	hk_auto_free char *name = hk_xasprintf("%s%s", path, suffix);
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode;
}

static void assert_pragma(struct hk_ledger *l, const char *sql, const char *want)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	hk_auto_free char *got = NULL;
	bool row = false;

	OK(hk_db_prepare(l, sql, NULL, 0, &s, &err));
	OK(hk_db_step(l, s, &row, &err));
	assert_true(row);
	got = hk_db_text(s, 0);
	assert_string_equal(got, want);
}

static int64_t root_page(struct hk_ledger *l, const char *table)
{
	hk_auto_stmt sqlite3_stmt *s = NULL;
	bool row = false;

	OK(hk_db_prepare(l, "SELECT rootpage FROM sqlite_schema WHERE name = ?1",
			 HK_DB_VALUES(HK_DB_TEXT(table)), &s, &err));
	OK(hk_db_step(l, s, &row, &err));
	assert_true(row);
	return sqlite3_column_int64(s, 0);
}

static void test_create(void **state)
{
	mode_t mask = umask(0);
	struct hk_ledger *l = open_ledger();

	(void)state;
	add(l, "refs/heads/main");
	umask(mask);
	assert_int_equal(mode_of(""), S_IFREG | 0600);
	assert_int_equal(mode_of("-wal"), S_IFREG | 0600);
	assert_int_equal(mode_of("-shm"), S_IFREG | 0600);
	assert_pragma(l, "PRAGMA user_version", "9");
	assert_pragma(l, "PRAGMA journal_mode", "wal");
	assert_pragma(l, "PRAGMA synchronous", "2");
	assert_pragma(l, "PRAGMA foreign_keys", "1");
	hk_ledger_close(l);
	hk_ledger_close(NULL);
	l = open_ledger();
	assert_int_equal(add(l, "refs/heads/main"), 2);
	assert_pragma(l, "PRAGMA integrity_check", "ok");
	assert_pragma(l, "PRAGMA synchronous", "2");
	hk_ledger_close(l);
}

static void test_migrate_empty(void **state)
{
	struct hk_ledger *l;

	(void)state;
	write_file(path, "", 0);
	l = open_ledger();
	assert_pragma(l, "PRAGMA user_version", "9");
	assert_int_equal(add(l, "refs/heads/main"), 1);
	hk_ledger_close(l);
	/* Whatever changed the journal mode, the next open sets it right. */
	raw_sql("PRAGMA journal_mode = DELETE");
	l = open_ledger();
	assert_pragma(l, "PRAGMA journal_mode", "wal");
	hk_ledger_close(l);
}

/* A ledger of version 1 is one without what the later steps added. */
static void test_migrate_first(void **state)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t id = add(l, "refs/heads/main");

	(void)state;
	hk_ledger_close(l);
	raw_sql("DROP TABLE notification; DROP TABLE ref; DROP TABLE pause; DROP TABLE forgiven;"
		"ALTER TABLE deployment DROP COLUMN reason;"
		"ALTER TABLE deployment DROP COLUMN settings;"
		"ALTER TABLE deployment DROP COLUMN submitter_pid;"
		"ALTER TABLE deployment DROP COLUMN submitter_start;"
		"ALTER TABLE deployment DROP COLUMN submitter_boot;"
		"DROP TABLE checkpoint; DROP TABLE restore; "
		"ALTER TABLE deployment DROP COLUMN live_before;"
		"ALTER TABLE deployment DROP COLUMN source;"
		"ALTER TABLE deployment DROP COLUMN pusher_key;"
		"ALTER TABLE deployment DROP COLUMN canceller; PRAGMA user_version = 1");
	l = open_ledger();
	assert_pragma(l, "PRAGMA user_version", "9");
	OK(hk_ledger_get_deployment(l, id, &d, &err));
	assert_string_equal(d.ref, "refs/heads/main");
	assert_int_equal(d.submitter.pid, 0);
	hk_deployment_release(&d);
	assert_int_equal(add(l, "refs/heads/main"), id + 1);
	hk_ledger_close(l);
}

static void test_check(void **state)
{
	struct hk_ledger *l = open_ledger();
	static const char garbage[4096] = "garbage";
	int fd;

	(void)state;
	for (int i = 0; i < 200; i++)
		add(l, "refs/heads/main");
	OK(hk_ledger_check(l, &err));
	hk_ledger_close(l);
	fd = open(path, O_WRONLY);
	for (off_t page = 2; page < 8; page++)
		assert_int_equal(pwrite(fd, garbage, sizeof(garbage), page * 4096), 4096);
	close(fd);
	l = open_ledger();
	FAILS(HK_E_LEDGER_DAMAGED, hk_ledger_check(l, &err));
	assert_non_null(strstr(last.message, path));
	assert_non_null(strstr(last.hint, "hostkit recover"));
	hk_ledger_close(l);
}

static void test_newer_version(void **state)
{
	static const char *const versions[] = { "PRAGMA user_version = 10",
						"PRAGMA user_version = 99",
						"PRAGMA user_version = -1" };
	struct hk_ledger *l = NULL;

	(void)state;
	hk_ledger_close(open_ledger());
	for (size_t i = 0; i < HK_ARRAY_LEN(versions); i++) {
		raw_sql(versions[i]);
		FAILS(HK_E_LEDGER_FAILED, hk_ledger_open(path, &l, &err));
		assert_null(l);
		assert_non_null(strstr(last.message, path));
		assert_non_null(strstr(last.message, "versions up to 9"));
		assert_string_not_equal(last.hint, "");
	}
	raw_sql("PRAGMA user_version = 9");
	hk_ledger_close(open_ledger());
}

static void test_corrupt(void **state)
{
	char garbage[8192];
	struct hk_ledger *l = NULL;
	int64_t id, page;
	int fd;

	(void)state;
	memset(garbage, 'g', sizeof(garbage));
	write_file(path, garbage, sizeof(garbage));
	FAILS(HK_E_LEDGER_DAMAGED, hk_ledger_open(path, &l, &err));
	assert_null(l);
	assert_non_null(strstr(last.message, path));
	assert_non_null(strstr(last.hint, "aside"));

	/* Damage behind a good schema shows when the page is needed. */
	assert_int_equal(unlink(path), 0);
	l = open_ledger();
	add(l, "refs/heads/main");
	page = root_page(l, "deployment");
	hk_ledger_close(l);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, garbage, 4096, (page - 1) * 4096), 4096);
	close(fd);
	l = open_ledger();
	FAILS(HK_E_LEDGER_DAMAGED,
	      hk_ledger_add_deployment(l, &(struct hk_deployment_request){ .ref = "x" }, &id,
				       &err));
	assert_non_null(strstr(last.message, path));
	assert_non_null(strstr(last.hint, "aside"));
	hk_ledger_close(l);
}

static void test_wrong_places(void **state)
{
	hk_auto_free char *target = hk_xasprintf("%s/target.db", folder);
	hk_auto_free char *linked = hk_xasprintf("%s/linked", folder);
	hk_auto_free char *below = hk_xasprintf("%s/linked/ledger.db", folder);
	hk_auto_free char *missing = hk_xasprintf("%s/missing/ledger.db", folder);
	struct hk_ledger *l = NULL;

	(void)state;
	assert_int_equal(symlink(target, path), 0);
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_open(path, &l, &err));
	assert_non_null(strstr(last.message, "symbolic link"));
	assert_int_equal(access(target, F_OK), -1);
	write_file(target, "", 0);
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_open(path, &l, &err));
	assert_int_equal(unlink(path), 0);

	assert_int_equal(symlink(".", linked), 0);
	OK(hk_ledger_open(below, &l, &err));
	hk_ledger_close(l);
	l = NULL;

	FAILS(HK_E_LEDGER_FAILED, hk_ledger_open(missing, &l, &err));
	assert_non_null(strstr(last.message, missing));
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_open(folder, &l, &err));
	assert_null(l);
}

static void as_nobody(void)
{
	if (!geteuid() && setresuid(NOBODY, NOBODY, NOBODY))
		_exit(99);
}

/* Runs fn in a child without privileges; the result is 0 when it is the code that is wanted. */
static int code_in_child(enum hk_code want)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct hk_error err = HK_ERROR_INIT;
		struct hk_ledger *l = NULL;
		int64_t id;
		int rc;

		as_nobody();
		rc = hk_ledger_open(path, &l, &err);
		if (!rc)
			rc = hk_ledger_add_deployment(l,
						      &(struct hk_deployment_request){ .ref = "x" },
						      &id, &err);
		if (rc != (int)want)
			fprintf(stderr, "%s: %s\n", hk_code_name(rc), err.message);
		_exit(rc != (int)want || !strstr(err.message, path) || !err.hint[0]);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void test_permission(void **state)
{
	struct hk_ledger *l;

	(void)state;
	assert_int_equal(chmod(folder, 0555), 0);
	assert_int_equal(code_in_child(HK_E_PERMISSION), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	l = open_ledger();
	add(l, "refs/heads/main");
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(code_in_child(HK_E_PERMISSION), 0);
	/* Readable only, while another process has it open, and after. */
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(code_in_child(HK_E_PERMISSION), 0);
	hk_ledger_close(l);
	assert_int_equal(code_in_child(HK_E_PERMISSION), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static void test_no_space(void **state)
{
	struct hk_ledger *l = open_ledger();
	hk_auto_free char *text = hk_xmalloc(100001);
	struct hk_deployment_request req = { .ref = text };
	int64_t id;

	(void)state;
	memset(text, 'x', 100000);
	text[100000] = '\0';
	OK(hk_db_exec(l, "PRAGMA max_page_count = 1", &err));
	FAILS(HK_E_NO_SPACE, hk_ledger_add_deployment(l, &req, &id, &err));
	assert_non_null(strstr(last.message, path));
	assert_string_not_equal(last.hint, "");
	OK(hk_db_exec(l, "PRAGMA max_page_count = 100000", &err));
	OK(hk_ledger_add_deployment(l, &req, &id, &err));
	assert_int_equal(id, 1);
	hk_ledger_close(l);
	/* The same from the system. */
	FAILS(HK_E_NO_SPACE, hk_db_fail_errno(path, ENOSPC, &err));
	FAILS(HK_E_NO_SPACE, hk_db_fail_errno(path, EDQUOT, &err));
	FAILS(HK_E_PERMISSION, hk_db_fail_errno(path, EROFS, &err));
	FAILS(HK_E_LEDGER_FAILED, hk_db_fail_errno(path, EIO, &err));
	assert_int_equal(last.sys_errno, EIO);
}

/* In a child process, where a failed assertion would run the other tests a second time. */
static int open_and_add(void)
{
	struct hk_error err = HK_ERROR_INIT;
	struct hk_ledger *l = NULL;
	int64_t id;
	int rc;

	rc = hk_ledger_open(path, &l, &err);
	if (!rc)
		rc = hk_ledger_add_deployment(l, &(struct hk_deployment_request){ .ref = "x" }, &id,
					      &err);
	if (rc)
		fprintf(stderr, "%s\n", err.message);
	hk_ledger_close(l);
	return rc ? 1 : 0;
}

/* Many processes find no ledger at the same instant: all succeed, and every row is there. */
static void test_open_at_once(void **state)
{
	enum { PROCESSES = 6, ROUNDS = 8 };

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pids[PROCESSES];
		struct hk_ledger *l;
		int64_t count = 0;
		struct hk_counting counted = { INT64_MAX, 0, INT64_MAX, 0 };
		int gate[2], status;
		char c;

		snprintf(path, sizeof(path), "%s/at-once-%d.db", folder, round);
		assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
		for (int i = 0; i < PROCESSES; i++) {
			pids[i] = fork();
			if (pids[i])
				continue;
			close(gate[1]);
			_exit(read(gate[0], &c, 1) ? 1 : open_and_add());
		}
		close(gate[0]);
		close(gate[1]);
		for (int i = 0; i < PROCESSES; i++) {
			assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
			assert_int_equal(status, 0);
		}
		l = open_ledger();
		OK(hk_ledger_count_accepted(l, &counted, &count, &err));
		assert_int_equal(count, PROCESSES);
		assert_int_equal(add(l, "refs/heads/main"), PROCESSES + 1);
		hk_ledger_close(l);
	}
}

/* A child that begins a transaction, changes a row, says so, and holds it for hold_ms (< 0: on). */
static pid_t hold(int64_t id, int hold_ms)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		struct hk_error err = HK_ERROR_INIT;
		struct hk_ledger *l = NULL;
		int rc;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rc = hk_ledger_open(path, &l, &err);
		if (!rc)
			rc = hk_db_begin(l, &err);
		if (!rc)
			rc = hk_ledger_set_commit(l, id, "half", NULL, NULL, &err);
		if (rc || write(ready[1], "r", 1) != 1)
			_exit(1);
		poll(NULL, 0, hold_ms);
		_exit(hk_db_end(l, 0, &err) ? 1 : 0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_busy_and_killed(void **state)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t id = add(l, "refs/heads/main");
	pid_t pid;

	(void)state;
	hk_ledger_close(l);
	pid = hold(id, -1);
	/* Opening and reading do not wait for a writer. */
	l = open_ledger();
	sqlite3_busy_timeout(l->db, 50);
	OK(hk_ledger_get_deployment(l, id, &d, &err));
	assert_null(d.commit);
	hk_deployment_release(&d);
	FAILS(HK_E_LEDGER_BUSY, hk_ledger_start_deployment(l, id, &err));
	assert_non_null(strstr(last.message, path));
	FAILS(HK_E_LEDGER_BUSY,
	      hk_ledger_finish_deployment(l, id, HK_STATUS_CANCELLED, NULL, &err));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* What the dead one had not committed never was. */
	OK(hk_ledger_start_deployment(l, id, &err));
	OK(hk_ledger_get_deployment(l, id, &d, &err));
	assert_null(d.commit);
	assert_int_equal(d.status, HK_STATUS_RUNNING);
	hk_deployment_release(&d);
	assert_pragma(l, "PRAGMA integrity_check", "ok");
	hk_ledger_close(l);
}

static void test_waits(void **state)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t id = add(l, "refs/heads/main");
	int64_t from;
	int status;
	pid_t pid;

	(void)state;
	hk_ledger_close(l);
	pid = hold(id, 250);
	l = open_ledger();
	from = hk_clock_mono_ms();
	OK(hk_ledger_start_deployment(l, id, &err));
	assert_true(hk_clock_mono_ms() - from < 9000);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	OK(hk_ledger_get_deployment(l, id, &d, &err));
	assert_string_equal(d.commit, "half");
	hk_deployment_release(&d);
	hk_ledger_close(l);
}

/* A process that has just made the file, and has not yet got as far as WAL mode. */
static pid_t hold_new_file(int hold_ms)
{
	int ready[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		sqlite3 *db;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (sqlite3_open(path, &db) ||
		    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
		    write(ready[1], "r", 1) != 1)
			_exit(1);
		poll(NULL, 0, hold_ms);
		_exit(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	return pid;
}

static void test_waits_for_creator(void **state)
{
	pid_t pid = hold_new_file(250);
	struct hk_ledger *l = open_ledger();
	int status;

	(void)state;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_pragma(l, "PRAGMA journal_mode", "wal");
	assert_int_equal(add(l, "refs/heads/main"), 1);
	hk_ledger_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create),
		TEST(test_migrate_empty),
		TEST(test_migrate_first),
		TEST(test_check),
		TEST(test_newer_version),
		TEST(test_corrupt),
		TEST(test_wrong_places),
		TEST(test_permission),
		TEST(test_no_space),
		TEST(test_open_at_once),
		TEST(test_busy_and_killed),
		TEST(test_waits),
		TEST(test_waits_for_creator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
