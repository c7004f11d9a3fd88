/*
 * The ledger's counts for limits.
 */
#include "ledger-fixture.h"

/* One that ends as failed or succeeded, after its preflight. */
static int64_t add_done(struct hk_ledger *l, enum hk_status status, bool accepted)
{
	int64_t id = add_running(l, "refs/heads/main");
	int64_t stage;

	OK(hk_ledger_begin_stage(l, id, "preflight", &stage, &err));
	OK(hk_ledger_end_stage(l, stage, accepted ? "succeeded" : "failed", NULL, 1, &err));
	OK(hk_ledger_finish_deployment(l, id, status, NULL, &err));
	return id;
}

static void assert_counts(struct hk_ledger *l, int64_t accepted, int64_t failed, int64_t in_a_row)
{
	struct hk_counting c = { INT64_MAX, 0, hk_clock_wall_ms(), 64 };
	int64_t n, last_at;

	OK(hk_ledger_count_accepted(l, &c, &n, &err));
	assert_int_equal(n, accepted);
	OK(hk_ledger_count_failed(l, &c, &n, &err));
	assert_int_equal(n, failed);
	OK(hk_ledger_failures_in_a_row(l, &c, &n, &last_at, &err));
	assert_int_equal(n, in_a_row);
	assert_int_equal(last_at > 0, in_a_row > 0);
	c.from = c.to + 60000;
	c.to = c.from + 1;
	OK(hk_ledger_count_accepted(l, &c, &n, &err));
	assert_int_equal(n, 0);
}

static void test_counting(void **state)
{
	struct hk_ledger *l = open_ledger();
	struct hk_counting c = { INT64_MAX, 0, INT64_MAX, 64 };
	struct hk_deployment_request req = {
		.trigger = "rollback", .ref = "refs/hostkit/releases/x", .object = "x", .flags = 64
	};
	int64_t id, at, first;

	(void)state;
	assert_counts(l, 0, 0, 0);
	first = add_done(l, HK_STATUS_FAILED, true);
	add_done(l, HK_STATUS_FAILED, false); /* refused: it counts nowhere */
	assert_counts(l, 1, 1, 1);
	add_done(l, HK_STATUS_SUCCEEDED, true);
	assert_counts(l, 2, 1, 0);
	add_done(l, HK_STATUS_FAILED, true);
	add_done(l, HK_STATUS_CANCELLED, true);
	add_done(l, HK_STATUS_FAILED, true);
	assert_counts(l, 5, 3, 2);
	OK(hk_ledger_add_deployment(l, &req, &id, &err));
	assert_counts(l, 5, 3, 2);
	add(l, "refs/heads/main"); /* one that waits has been accepted */
	assert_counts(l, 6, 3, 2);
	c.before = first + 1;
	OK(hk_ledger_nth_accepted(l, &c, 1, &at, &err));
	assert_true(at > 0);
	OK(hk_ledger_nth_accepted(l, &c, 2, &at, &err));
	assert_int_equal(at, 0);
	OK(hk_ledger_forgive(l, HK_FORGIVE_FAILURES, &err));
	assert_counts(l, 6, 0, 0);
	OK(hk_ledger_forgive(l, HK_FORGIVE_DEPLOYMENTS | HK_FORGIVE_FAILURES, &err));
	assert_counts(l, 0, 0, 0);
	add_done(l, HK_STATUS_FAILED, true);
	assert_counts(l, 1, 1, 1);
	hk_ledger_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_counting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
