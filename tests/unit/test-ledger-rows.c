/*
 * The ledger's rows: deployments, stages and releases.
 */
#include "ledger-fixture.h"

static void test_deployment_fields(void **state)
{
	static const char hostile[] = "x'; DROP TABLE deployment; -- \xff\n";
	const struct hk_deployment_request req = {
		.trigger = "cli",
		.ref = hostile,
		.object = "aa",
		.old_object = "bb",
		.pusher = "",
		.pusher_key = hostile,
		.flags = 0x80000001u,
	};
	struct hk_procid worker = { .pid = 4242, .start = UINT64_MAX - 1, .boot = "boot-id" };
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_error why = HK_ERROR_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t before = hk_clock_wall_ms();
	int64_t id;

	(void)state;
	OK(hk_ledger_add_deployment(l, &req, &id, &err));
	OK(hk_ledger_get_deployment(l, id, &d, &err));
	assert_int_equal(d.id, id);
	assert_int_equal(d.status, HK_STATUS_WAITING);
	assert_string_equal(d.trigger, "cli");
	assert_string_equal(d.ref, hostile);
	assert_string_equal(d.object, "aa");
	assert_string_equal(d.old_object, "bb");
	assert_string_equal(d.pusher, "");
	assert_string_equal(d.pusher_key, hostile);
	assert_int_equal(d.flags, 0x80000001u);
	assert_in_range(d.created_at, before, before + 60000);
	assert_true(!d.started_at && !d.finished_at && !d.worker.pid && !d.worker.boot[0]);
	assert_true(!d.commit && !d.tag && !d.summary && !d.release && !d.error_code);
	hk_deployment_release(&d);

	OK(hk_ledger_set_worker(l, id, &worker, &err));
	OK(hk_ledger_set_canceller(l, id, "ben", &err));
	OK(hk_ledger_start_deployment(l, id, &err));
	OK(hk_ledger_set_commit(l, id, "cc", "v1", hostile, &err));
	OK(hk_ledger_set_deployment_release(l, id, "20261124-103000", &err));
	hk_error_set(&why, HK_E_COMMAND_TIMEOUT, "'npm ci' ran over");
	hk_error_hint(&why, "raise it");
	OK(hk_ledger_finish_deployment(l, id, HK_STATUS_FAILED, &why, &err));
	OK(hk_ledger_get_deployment(l, id, &d, &err));
	assert_int_equal(d.status, HK_STATUS_FAILED);
	assert_int_equal(d.worker.pid, 4242);
	assert_true(d.worker.start == UINT64_MAX - 1);
	assert_string_equal(d.worker.boot, "boot-id");
	assert_string_equal(d.commit, "cc");
	assert_string_equal(d.tag, "v1");
	assert_string_equal(d.summary, hostile);
	assert_string_equal(d.release, "20261124-103000");
	assert_string_equal(d.error_code, "COMMAND_TIMEOUT");
	assert_string_equal(d.error_message, "'npm ci' ran over");
	assert_string_equal(d.error_hint, "raise it");
	assert_string_equal(d.canceller, "ben");
	assert_true(d.created_at <= d.started_at && d.started_at <= d.finished_at);
	hk_deployment_release(&d);
	hk_ledger_close(l);
}

static void test_final_is_final(void **state)
{
	const struct hk_procid worker = { .pid = 1, .start = 2, .boot = "b" };
	struct hk_ledger *l = open_ledger();
	struct hk_error why = HK_ERROR_INIT;

	(void)state;
	hk_error_set(&why, HK_E_CANCELLED, "no");
	for (int s = HK_STATUS_SUCCEEDED; s <= HK_STATUS_INTERRUPTED; s++) {
		struct hk_deployment d = HK_DEPLOYMENT_INIT;
		int64_t id = add(l, "refs/heads/main"), stage;

		assert_true(hk_status_is_final((enum hk_status)s));
		OK(hk_ledger_finish_deployment(l, id, (enum hk_status)s, NULL, &err));
		FAILS(HK_E_LEDGER_FAILED, hk_ledger_set_worker(l, id, &worker, &err));
		FAILS(HK_E_LEDGER_FAILED, hk_ledger_start_deployment(l, id, &err));
		FAILS(HK_E_LEDGER_FAILED, hk_ledger_set_commit(l, id, "c", "t", "s", &err));
		FAILS(HK_E_LEDGER_FAILED, hk_ledger_set_deployment_release(l, id, "r", &err));
		FAILS(HK_E_LEDGER_FAILED, hk_ledger_begin_stage(l, id, "build", &stage, &err));
		FAILS(HK_E_LEDGER_FAILED,
		      hk_ledger_finish_deployment(l, id, HK_STATUS_FAILED, &why, &err));
		assert_non_null(strstr(last.message, hk_status_name((enum hk_status)s)));
		OK(hk_ledger_get_deployment(l, id, &d, &err));
		assert_int_equal(d.status, s);
		assert_true(!d.worker.pid && !d.commit && !d.release && !d.error_code);
		hk_deployment_release(&d);
	}
	hk_ledger_close(l);
}

static void test_not_there(void **state)
{
	const struct hk_procid worker = { .pid = 1 };
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t id, stage;
	bool b;

	(void)state;
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_get_deployment(l, 7, &d, &err));
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_set_worker(l, 7, &worker, &err));
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_start_deployment(l, 7, &err));
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_begin_stage(l, 7, "build", &stage, &err));
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_is_superseded(l, 7, &b, &err));
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND,
	      hk_ledger_finish_deployment(l, 7, HK_STATUS_FAILED, NULL, &err));
	/* The failed transaction is over: the next one begins. */
	id = add_running(l, "refs/heads/main");
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_start_deployment(l, id, &err));
	FAILS(HK_E_INTERNAL, hk_ledger_finish_deployment(l, id, HK_STATUS_RUNNING, NULL, &err));
	OK(hk_ledger_finish_deployment(l, id, HK_STATUS_SUCCEEDED, NULL, &err));
	/* A stage, a release, without its deployment. */
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_add_release(l, 7, "r", &err));
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_end_stage(l, 7, "failed", NULL, 1, &err));
	hk_ledger_close(l);
}

struct seen {
	struct hk_ledger *l;
	struct hk_ledger *other;
	char text[512];
	int stop_after; /* 0: never */
};

static int see_deployment(void *ctx, const struct hk_deployment *d, struct hk_error *err)
{
	struct seen *seen = ctx;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%lld:%s ", (long long)d->id,
		 hk_status_name(d->status));
	if (seen->stop_after && !--seen->stop_after)
		return hk_error_set(err, HK_E_CANCELLED, "enough");
	if (seen->other)
		add(seen->other, "refs/heads/other");
	/* As recovery does: ending rows while walking over them. */
	if (seen->l)
		return hk_ledger_finish_deployment(seen->l, d->id, HK_STATUS_INTERRUPTED, NULL,
						   err);
	return 0;
}

static void assert_deployments(struct hk_ledger *l, enum hk_deployment_filter filter, int64_t limit,
			       const char *want)
{
	struct seen seen = { .l = NULL };

	OK(hk_ledger_each_deployment(l, filter, limit, see_deployment, &seen, &err));
	assert_string_equal(seen.text, want);
}

static void test_each_deployment(void **state)
{
	struct seen seen = { .stop_after = 2 };
	struct hk_ledger *l = open_ledger();

	(void)state;
	assert_deployments(l, HK_DEPLOYMENTS_ALL, -1, "");
	OK(hk_ledger_finish_deployment(l, add(l, "a"), HK_STATUS_SUPERSEDED, NULL, &err));
	OK(hk_ledger_finish_deployment(l, add_running(l, "a"), HK_STATUS_SUCCEEDED, NULL, &err));
	add_running(l, "a");
	add(l, "a");
	assert_deployments(l, HK_DEPLOYMENTS_ALL, -1,
			   "4:waiting 3:running 2:succeeded 1:superseded ");
	assert_deployments(l, HK_DEPLOYMENTS_ALL, 2, "4:waiting 3:running ");
	assert_deployments(l, HK_DEPLOYMENTS_ALL, 0, "");
	assert_deployments(l, HK_DEPLOYMENTS_FINAL, -1, "2:succeeded 1:superseded ");
	assert_deployments(l, HK_DEPLOYMENTS_FINAL, 1, "2:succeeded ");
	assert_deployments(l, HK_DEPLOYMENTS_OPEN, -1, "4:waiting 3:running ");
	assert_deployments(l, HK_DEPLOYMENTS_RUNNING, -1, "3:running ");
	FAILS(HK_E_CANCELLED,
	      hk_ledger_each_deployment(l, HK_DEPLOYMENTS_ALL, -1, see_deployment, &seen, &err));
	assert_string_equal(seen.text, "4:waiting 3:running ");
	hk_ledger_close(l);
}

/* fn writes, and just before that somebody else did. */
static void test_each_while_writing(void **state)
{
	struct seen seen = { .l = open_ledger(), .other = open_ledger() };

	(void)state;
	add(seen.l, "a");
	add_running(seen.l, "a");
	OK(hk_ledger_each_deployment(seen.l, HK_DEPLOYMENTS_OPEN, -1, see_deployment, &seen, &err));
	assert_string_equal(seen.text, "2:running 1:waiting ");
	assert_deployments(seen.l, HK_DEPLOYMENTS_OPEN, -1, "4:waiting 3:waiting ");
	assert_deployments(seen.l, HK_DEPLOYMENTS_FINAL, -1, "2:interrupted 1:interrupted ");
	hk_ledger_close(seen.l);
	hk_ledger_close(seen.other);
}

static void assert_superseded(struct hk_ledger *l, int64_t id, bool want)
{
	bool got = !want;

	OK(hk_ledger_is_superseded(l, id, &got, &err));
	assert_int_equal(got, want);
}

/* The branch of another repository is none of the own, though it has the name. */
static void test_source(void **state)
{
	const struct hk_deployment_request req = { .trigger = "cli",
						   .ref = "refs/heads/main",
						   .source = "/srv/other.git" };
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_release_row r = HK_RELEASE_ROW_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t own, other, newer;

	(void)state;
	own = add(l, "refs/heads/main");
	OK(hk_ledger_add_deployment(l, &req, &other, &err));
	OK(hk_ledger_start_deployment(l, other, &err));
	assert_superseded(l, own, false);
	newer = add(l, "refs/heads/main");
	OK(hk_ledger_start_deployment(l, newer, &err));
	assert_superseded(l, own, true);
	assert_superseded(l, other, false);
	OK(hk_ledger_get_deployment(l, other, &d, &err));
	assert_string_equal(d.source, "/srv/other.git");
	assert_null(d.object);
	hk_deployment_release(&d);
	OK(hk_ledger_get_deployment(l, own, &d, &err));
	assert_null(d.source);
	hk_deployment_release(&d);
	OK(hk_ledger_add_release(l, other, "20261124-103000", &err));
	OK(hk_ledger_get_release(l, "20261124-103000", &r, &err));
	assert_string_equal(r.source, "/srv/other.git");
	hk_release_row_release(&r);
	hk_ledger_close(l);
}

static void test_superseded(void **state)
{
	struct hk_ledger *l = open_ledger();
	int64_t first = add(l, "refs/heads/main");
	int64_t second = add(l, "refs/heads/main");
	int64_t third = add(l, "refs/heads/main");

	(void)state;
	add_running(l, "refs/heads/other");
	assert_superseded(l, first, false);
	OK(hk_ledger_start_deployment(l, second, &err));
	assert_superseded(l, first, true);
	assert_superseded(l, second, false);
	OK(hk_ledger_finish_deployment(l, second, HK_STATUS_FAILED, NULL, &err));
	assert_superseded(l, first, true);
	/* One that ended without ever starting overtook nobody. */
	OK(hk_ledger_finish_deployment(l, third, HK_STATUS_CANCELLED, NULL, &err));
	assert_superseded(l, second, false);
	hk_ledger_close(l);
}

static int see_stage(void *ctx, const struct hk_stage_row *row, struct hk_error *err)
{
	struct seen *seen = ctx;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s:%s:%s:%s ", row->name, row->status,
		 row->detail ? row->detail : "-", row->ms < 60000 && row->ms >= 0 ? "ok" : "bad");
	if (seen->stop_after && !--seen->stop_after)
		return hk_error_set(err, HK_E_CANCELLED, "enough");
	return 0;
}

static void assert_stages(struct hk_ledger *l, int64_t id, const char *want)
{
	struct seen seen = { .l = NULL };

	OK(hk_ledger_each_stage(l, id, see_stage, &seen, &err));
	assert_string_equal(seen.text, want);
}

static void test_stages(void **state)
{
	struct hk_ledger *l = open_ledger();
	int64_t id = add_running(l, "a"), other = add_running(l, "b");
	struct seen seen = { .stop_after = 1 };
	int64_t first, second, third;

	(void)state;
	OK(hk_ledger_begin_stage(l, id, "checkout", &first, &err));
	OK(hk_ledger_begin_stage(l, other, "preflight", &third, &err));
	OK(hk_ledger_end_stage(l, first, "succeeded", "12 files", 17, &err));
	OK(hk_ledger_begin_stage(l, id, "install", &second, &err));
	assert_true(first > 0 && second > first);
	assert_stages(l, id, "checkout:succeeded:12 files:ok install:running:-:ok ");
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_end_stage(l, first, "failed", NULL, 1, &err));
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_end_stage(l, second, "nonsense", NULL, 1, &err));
	OK(hk_ledger_end_stage(l, second, "skipped", NULL, 0, &err));
	assert_stages(l, id, "checkout:succeeded:12 files:ok install:skipped:-:ok ");
	assert_stages(l, other, "preflight:running:-:ok ");
	FAILS(HK_E_CANCELLED, hk_ledger_each_stage(l, id, see_stage, &seen, &err));
	assert_string_equal(seen.text, "checkout:succeeded:12 files:ok ");
	hk_ledger_close(l);
}

static void test_finish_ends_stages(void **state)
{
	static const struct {
		enum hk_status status;
		const char *want;
	} rows[] = {
		{ HK_STATUS_SUCCEEDED, "a:failed:-:ok b:succeeded:-:ok " },
		{ HK_STATUS_FAILED, "a:failed:-:ok b:failed:-:ok " },
		{ HK_STATUS_CANCELLED, "a:failed:-:ok b:cancelled:-:ok " },
		{ HK_STATUS_SUPERSEDED, "a:failed:-:ok b:cancelled:-:ok " },
		{ HK_STATUS_INTERRUPTED, "a:failed:-:ok b:interrupted:-:ok " },
	};
	struct hk_ledger *l = open_ledger();
	int64_t other = add_running(l, "other"), stage;

	(void)state;
	OK(hk_ledger_begin_stage(l, other, "build", &stage, &err));
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		int64_t id = add_running(l, "a");

		OK(hk_ledger_begin_stage(l, id, "a", &stage, &err));
		OK(hk_ledger_end_stage(l, stage, "failed", NULL, 1, &err));
		OK(hk_ledger_begin_stage(l, id, "b", &stage, &err));
		OK(hk_ledger_finish_deployment(l, id, rows[i].status, NULL, &err));
		assert_stages(l, id, rows[i].want);
	}
	assert_stages(l, other, "build:running:-:ok ");
	hk_ledger_close(l);
}

static int see_release(void *ctx, const struct hk_release_row *r, struct hk_error *err)
{
	struct seen *seen = ctx;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%s:%s ", r->name, r->state);
	if (seen->other)
		add(seen->other, "refs/heads/other");
	/* As cleanup does: removing while walking over them. */
	if (seen->l && !strcmp(r->state, "failed"))
		return hk_ledger_set_release_state(seen->l, r->name, "removed", err);
	return 0;
}

static void assert_releases(struct hk_ledger *l, const char *want)
{
	struct seen seen = { .l = NULL };

	OK(hk_ledger_each_release(l, see_release, &seen, &err));
	assert_string_equal(seen.text, want);
}

static void set_state(struct hk_ledger *l, const char *name, const char *state)
{
	OK(hk_ledger_set_release_state(l, name, state, &err));
}

/* A release of a deployment of its own, in a final state. */
static void add_release(struct hk_ledger *l, const char *name, const char *state)
{
	int64_t id = add_running(l, "refs/heads/main");

	OK(hk_ledger_add_release(l, id, name, &err));
	set_state(l, name, "ready");
	set_state(l, name, state);
	OK(hk_ledger_finish_deployment(l, id, HK_STATUS_SUCCEEDED, NULL, &err));
}

static void test_release_fields(void **state)
{
	struct hk_release_row r = HK_RELEASE_ROW_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t id = add_running(l, "refs/heads/main");

	(void)state;
	OK(hk_ledger_add_release(l, id, "r1", &err));
	OK(hk_ledger_get_release(l, "r1", &r, &err));
	assert_string_equal(r.state, "building");
	assert_int_equal(r.deployment, id);
	assert_true(r.created_at && !r.activated_at && !r.deployed_at);
	assert_true(!r.type && !r.start && !r.commit);
	assert_string_equal(r.ref, "refs/heads/main");
	hk_release_row_release(&r);

	OK(hk_ledger_set_commit(l, id, "cc", NULL, NULL, &err));
	OK(hk_ledger_describe_release(l, "r1", "node", "[\"node\",\"index.js\"]", &err));
	set_state(l, "r1", "ready");
	OK(hk_ledger_get_release(l, "r1", &r, &err));
	assert_true(!r.activated_at);
	hk_release_row_release(&r);
	set_state(l, "r1", "good");
	OK(hk_ledger_finish_deployment(l, id, HK_STATUS_SUCCEEDED, NULL, &err));
	OK(hk_ledger_get_release(l, "r1", &r, &err));
	assert_string_equal(r.state, "good");
	assert_string_equal(r.type, "node");
	assert_string_equal(r.start, "[\"node\",\"index.js\"]");
	assert_string_equal(r.commit, "cc");
	assert_true(r.activated_at >= r.created_at && r.deployed_at >= r.activated_at);
	hk_release_row_release(&r);

	FAILS(HK_E_LEDGER_FAILED, hk_ledger_set_release_state(l, "r1", "splendid", &err));
	FAILS(HK_E_RELEASE_FAILED, hk_ledger_set_release_state(l, "r2", "good", &err));
	FAILS(HK_E_RELEASE_FAILED, hk_ledger_describe_release(l, "r2", "node", NULL, &err));
	FAILS(HK_E_RELEASE_FAILED, hk_ledger_get_release(l, "r2", &r, &err));
	/* Never live: only given up. */
	OK(hk_ledger_add_release(l, id, "r2", &err));
	set_state(l, "r2", "failed");
	OK(hk_ledger_get_release(l, "r2", &r, &err));
	assert_true(!r.activated_at);
	hk_release_row_release(&r);
	hk_ledger_close(l);
}

static void test_release_names(void **state)
{
	struct hk_release_row r = HK_RELEASE_ROW_INIT;
	struct hk_ledger *l = open_ledger();
	struct seen seen = { .l = l, .other = open_ledger() };
	int64_t id = add_running(l, "a");

	(void)state;
	/* Newest first is by id: names and clocks may say otherwise. */
	add_release(l, "20261124-2", "good");
	add_release(l, "20261124-1", "failed");
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_add_release(l, id, "20261124-1", &err));
	assert_releases(l, "20261124-1:failed 20261124-2:good ");
	OK(hk_ledger_each_release(l, see_release, &seen, &err));
	assert_string_equal(seen.text, "20261124-1:failed 20261124-2:good ");
	assert_releases(l, "20261124-2:good ");
	OK(hk_ledger_get_release(l, "20261124-1", &r, &err));
	assert_string_equal(r.state, "removed");
	hk_release_row_release(&r);
	OK(hk_ledger_add_release(l, id, "20261124-1", &err));
	assert_releases(l, "20261124-1:building 20261124-2:good ");
	set_state(l, "20261124-1", "ready");
	assert_releases(l, "20261124-1:ready 20261124-2:good ");
	hk_ledger_close(l);
	hk_ledger_close(seen.other);
}

static void assert_previous(struct hk_ledger *l, const char *name, const char *want)
{
	hk_auto_free char *got = NULL;

	OK(hk_ledger_previous_good(l, name, &got, &err));
	if (want)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void test_previous_good(void **state)
{
	struct hk_ledger *l = open_ledger();
	char *none = NULL;

	(void)state;
	add_release(l, "r9", "good");
	add_release(l, "r5", "good");
	add_release(l, "r7", "good");
	/* Two rollbacks in a row go back twice, also after the first one was recorded. */
	assert_previous(l, "r7", "r5");
	set_state(l, "r5", "good");
	assert_previous(l, "r5", "r9");
	set_state(l, "r9", "good");
	assert_previous(l, "r9", NULL);
	add_release(l, "r1", "failed");
	add_release(l, "r2", "ready");
	add_release(l, "r3", "good");
	assert_previous(l, "r3", "r7");
	assert_previous(l, "r1", "r7");
	set_state(l, "r7", "removed");
	assert_previous(l, "r3", "r5");
	set_state(l, "r5", "failed");
	assert_previous(l, "r3", "r9");
	FAILS(HK_E_RELEASE_FAILED, hk_ledger_previous_good(l, "unknown", &none, &err));
	assert_null(none);
	hk_ledger_close(l);
}

static void assert_seen(struct hk_ledger *l, const char *name, const char *want)
{
	char *object = NULL;

	OK(hk_ledger_get_seen_ref(l, name, &object, &err));
	if (want)
		assert_string_equal(object, want);
	else
		assert_null(object);
	free(object);
}

static void see(struct hk_ledger *l, const char *name, const char *was, const char *object)
{
	const struct hk_ref_seen ref = { .name = name, .object = object, .was = was };

	OK(hk_ledger_see_refs(l, &ref, 1, &err));
}

static void test_refs(void **state)
{
	struct hk_ledger *l = open_ledger();

	(void)state;
	assert_seen(l, "refs/heads/main", NULL);
	see(l, "refs/heads/main", "0", "a");
	assert_seen(l, "refs/heads/main", "a");
	see(l, "refs/heads/main", "a", "b");
	see(l, "refs/heads/other", "0", "x");
	assert_seen(l, "refs/heads/main", "b");
	/* Back, and forth again. */
	see(l, "refs/heads/main", "b", "a");
	assert_seen(l, "refs/heads/main", "a");
	see(l, "refs/heads/main", "a", "b");
	/* A hook that comes late does not undo what came after it. */
	see(l, "refs/heads/main", "c", "d");
	see(l, "refs/heads/main", "b", "c");
	assert_seen(l, "refs/heads/main", "d");
	/* What was looked up holds in any case. */
	see(l, "refs/heads/main", NULL, "c");
	assert_seen(l, "refs/heads/main", "c");
	see(l, "refs/heads/main", "c", NULL);
	assert_seen(l, "refs/heads/main", NULL);
	assert_seen(l, "refs/heads/other", "x");
	hk_ledger_close(l);
}

/* With a deployment, in one transaction: both, or none. */
static void test_refs_with_deployment(void **state)
{
	const struct hk_ref_seen seen[] = { { .name = "refs/heads/main", .object = "a" },
					    { .name = NULL, .object = "b" } };
	struct hk_deployment_request req = {
		.trigger = "push",
		.ref = "refs/heads/main",
		.object = "a",
		.seen = seen,
	};
	struct hk_ledger *l = open_ledger();
	int64_t id = 0;

	(void)state;
	req.n_seen = 2;
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_add_deployment(l, &req, &id, &err));
	assert_int_equal(id, 0);
	assert_seen(l, "refs/heads/main", NULL);
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_start_deployment(l, 1, &err));
	req.n_seen = 1;
	OK(hk_ledger_add_deployment(l, &req, &id, &err));
	assert_seen(l, "refs/heads/main", "a");
	hk_ledger_close(l);
}

static int note_id(void *ctx, int64_t id, struct hk_error *err)
{
	(void)err;
	*(int64_t *)ctx = *(int64_t *)ctx * 100 + id;
	return 0;
}

static int refuse_id(void *ctx, int64_t id, struct hk_error *err)
{
	(void)ctx;
	return hk_error_set(err, HK_E_IO, "not %d", (int)id);
}

static void test_forget(void **state)
{
	struct hk_ledger *l = open_ledger();
	struct hk_release_row r = HK_RELEASE_ROW_INIT;
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	int64_t ids = 0, stage;

	(void)state;
	for (int i = 1; i <= 6; i++) {
		int64_t id = add_running(l, "refs/heads/main");
		char name[32];

		snprintf(name, sizeof(name), "20261124-00000%d", i);
		OK(hk_ledger_begin_stage(l, id, "build", &stage, &err));
		OK(hk_ledger_add_release(l, id, name, &err));
		OK(hk_ledger_set_release_state(l, name, i == 2 ? "good" : "removed", &err));
		if (i != 3)
			OK(hk_ledger_finish_deployment(l, id, HK_STATUS_SUCCEEDED, NULL, &err));
	}
	FAILS(HK_E_IO, hk_ledger_forget(l, 2, refuse_id, NULL, &err));
	OK(hk_ledger_get_deployment(l, 1, &d, &err));
	hk_deployment_release(&d);
	OK(hk_ledger_forget(l, 6, note_id, &ids, &err));
	assert_int_equal(ids, 0);
	/* Not the one whose release is there, and not the one that is open. */
	OK(hk_ledger_forget(l, 2, note_id, &ids, &err));
	assert_int_equal(ids, 104);
	FAILS(HK_E_DEPLOYMENT_NOT_FOUND, hk_ledger_get_deployment(l, 1, &d, &err));
	FAILS(HK_E_RELEASE_FAILED, hk_ledger_get_release(l, "20261124-000001", &r, &err));
	OK(hk_ledger_get_release(l, "20261124-000002", &r, &err));
	hk_release_row_release(&r);
	assert_int_equal(add(l, "refs/heads/main"), 7);
	hk_ledger_close(l);
}

static void test_adopt(void **state)
{
	struct hk_adopted_release r = { .name = "20200101-000000",
					.state = "good",
					.type = "static",
					.object = "aa",
					.at = 5 };
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_ledger *l = open_ledger();

	(void)state;
	OK(hk_ledger_begin_after(l, 40, &err));
	OK(hk_ledger_adopt_release(l, &r, &err));
	OK(hk_ledger_get_release(l, r.name, &row, &err));
	assert_int_equal(row.deployment, 41);
	assert_string_equal(row.state, "good");
	assert_string_equal(row.commit, "aa");
	hk_release_row_release(&row);
	/* What was there before hostkit comes before everything else. */
	r.name = "20190101-000000";
	r.before_all = true;
	OK(hk_ledger_adopt_release(l, &r, &err));
	OK(hk_ledger_get_release(l, r.name, &row, &err));
	assert_int_equal(row.deployment, -1);
	hk_release_row_release(&row);
	OK(hk_ledger_get_deployment(l, -1, &d, &err));
	assert_int_equal(d.status, HK_STATUS_SUCCEEDED);
	hk_deployment_release(&d);
	assert_int_equal(add(l, "refs/heads/main"), 42);
	hk_ledger_close(l);
}

static void end(struct hk_ledger *l, int64_t id, enum hk_status status)
{
	struct hk_error why = HK_ERROR_INIT;

	hk_error_set(&why, HK_E_CANCELLED, "no");
	OK(hk_ledger_finish_deployment(l, id, status, status == HK_STATUS_SUCCEEDED ? NULL : &why,
				       &err));
}

static int64_t pending(struct hk_ledger *l)
{
	struct hk_notification n = HK_NOTIFICATION_INIT;
	int64_t id;

	OK(hk_ledger_pending_notification(l, &n, &err));
	id = n.deployment;
	assert_true(!id || (n.status == HK_NOTIFIED_PENDING && n.created_at));
	hk_notification_release(&n);
	return id;
}

/* What is owed is what the handle was told to notify of, no more. */
static void test_notifications(void **state)
{
	struct hk_notification n = HK_NOTIFICATION_INIT;
	struct hk_ledger *l = open_ledger();
	int64_t first, second;

	(void)state;
	end(l, add_running(l, "refs/heads/main"), HK_STATUS_FAILED);
	assert_int_equal(pending(l), 0);
	OK(hk_ledger_last_notification(l, &n, &err));
	assert_int_equal(n.deployment, 0);
	hk_ledger_notify_of(l, 1U << HK_STATUS_FAILED | 1U << HK_STATUS_INTERRUPTED);
	end(l, add_running(l, "refs/heads/main"), HK_STATUS_SUCCEEDED);
	assert_int_equal(pending(l), 0);
	first = add(l, "refs/heads/main");
	end(l, first, HK_STATUS_INTERRUPTED);
	second = add_running(l, "refs/heads/main");
	end(l, second, HK_STATUS_FAILED);
	assert_int_equal(pending(l), first);

	n = (struct hk_notification){ .deployment = first,
				      .status = HK_NOTIFIED_FAILED,
				      .attempts = 5,
				      .http_status = 500,
				      .error = hk_xstrdup("status 500") };
	OK(hk_ledger_set_notification(l, &n, &err));
	hk_notification_release(&n);
	assert_int_equal(pending(l), second);
	n = (struct hk_notification){ .deployment = first, .status = HK_NOTIFIED_SENT };
	OK(hk_ledger_set_notification(l, &n, &err)); /* what has ended stays as it is */
	n = (struct hk_notification){
		.deployment = second, .status = HK_NOTIFIED_SENT, .attempts = 1, .http_status = 204
	};
	OK(hk_ledger_set_notification(l, &n, &err));
	assert_int_equal(pending(l), 0);
	OK(hk_ledger_last_notification(l, &n, &err));
	assert_int_equal(n.deployment, second);
	assert_int_equal(n.status, HK_NOTIFIED_SENT);
	assert_int_equal(n.attempts, 1);
	assert_int_equal(n.http_status, 204);
	assert_null(n.error);
	hk_notification_release(&n);
	/* Forgotten with its deployment. */
	OK(hk_ledger_forget(l, 0, NULL, NULL, &err));
	OK(hk_ledger_last_notification(l, &n, &err));
	assert_int_equal(n.deployment, 0);
	hk_ledger_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_deployment_fields),
		TEST(test_final_is_final),
		TEST(test_not_there),
		TEST(test_each_deployment),
		TEST(test_each_while_writing),
		TEST(test_superseded),
		TEST(test_source),
		TEST(test_refs),
		TEST(test_refs_with_deployment),
		TEST(test_forget),
		TEST(test_adopt),
		TEST(test_stages),
		TEST(test_finish_ends_stages),
		TEST(test_release_fields),
		TEST(test_release_names),
		TEST(test_previous_good),
		TEST(test_notifications),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
