/*
 * The ledger's checkpoints and restores, and digests.
 */
#include "ledger-fixture.h"

#include <fcntl.h>

#include <store/checkpoints.h>
#include <store/digest.h>

static const char digest[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static int64_t make(struct hk_ledger *l, int64_t deployment, bool safety)
{
	struct hk_checkpoint c = {
		.kind = (char *)"sqlite",
		.label = (char *)"word",
		.deployment = deployment,
		.safety = safety,
		.size = 12,
		.sha256 = (char *)digest,
		.ms = 5,
	};

	OK(hk_ledger_add_checkpoint(l, &c, &c.id, &err));
	OK(hk_ledger_finish_checkpoint(l, &c, &err));
	return c.id;
}

static void test_states(void **state)
{
	struct hk_checkpoint c = { .kind = (char *)"sqlite", .target = (char *)"app.db" };
	struct hk_checkpoint got = HK_CHECKPOINT_INIT;
	struct hk_ledger *l = open_ledger();
	bool open;

	(void)state;
	OK(hk_ledger_add_checkpoint(l, &c, &c.id, &err));
	OK(hk_ledger_has_open_restore(l, &open, &err));
	assert_true(open);
	FAILS(HK_E_CHECKPOINT_NOT_FOUND, hk_ledger_get_checkpoint(l, c.id, &got, &err));
	/* One that is ready has a digest. */
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_finish_checkpoint(l, &c, &err));
	c.sha256 = (char *)digest;
	c.size = 7;
	OK(hk_ledger_finish_checkpoint(l, &c, &err));
	FAILS(HK_E_CHECKPOINT_NOT_FOUND, hk_ledger_finish_checkpoint(l, &c, &err));
	OK(hk_ledger_get_checkpoint(l, c.id, &got, &err));
	assert_string_equal(got.kind, "sqlite");
	assert_string_equal(got.target, "app.db");
	assert_null(got.label);
	assert_string_equal(got.sha256, digest);
	assert_int_equal(got.size, 7);
	assert_int_equal(got.deployment, 0);
	assert_false(got.kept);
	hk_checkpoint_release(&got);
	OK(hk_ledger_has_open_restore(l, &open, &err));
	assert_false(open);
	OK(hk_ledger_set_checkpoint_deleting(l, c.id, &err));
	FAILS(HK_E_CHECKPOINT_NOT_FOUND, hk_ledger_get_checkpoint(l, c.id, &got, &err));
	OK(hk_ledger_delete_checkpoint(l, c.id, &err));
	FAILS(HK_E_CHECKPOINT_NOT_FOUND, hk_ledger_delete_checkpoint(l, c.id, &err));
	/* A number is given out once. */
	assert_int_equal(make(l, 0, false), c.id + 1);
	hk_ledger_close(l);
}

struct seen {
	size_t n;
	int64_t ids[8];
	bool kept[8];
};

static int see(void *ctx, const struct hk_checkpoint *c, struct hk_error *err)
{
	struct seen *s = ctx;

	(void)err;
	s->ids[s->n] = c->id;
	s->kept[s->n++] = c->kept;
	return 0;
}

static void test_kept(void **state)
{
	struct hk_ledger *l = open_ledger();
	int64_t d = add_running(l, "refs/heads/main"), before, safety, free_one, id = 0;
	struct hk_restore r = { .id = 0 };
	struct seen s = { .n = 0 };

	(void)state;
	before = make(l, d, false);
	safety = make(l, 0, true);
	free_one = make(l, 0, false);
	OK(hk_ledger_checkpoint_before(l, d, &id, &err));
	assert_int_equal(id, before);
	OK(hk_ledger_checkpoint_before(l, d + 1, &id, &err));
	assert_int_equal(id, 0);
	OK(hk_ledger_add_release(l, d, "20261128-100000", &err));
	r.checkpoint = free_one;
	OK(hk_ledger_add_restore(l, &r, &r.id, &err));
	r.safety = safety;
	r.step = HK_RESTORE_LOADING;
	OK(hk_ledger_set_restore(l, &r, NULL, &err));
	OK(hk_ledger_each_checkpoint(l, see, &s, &err));
	assert_int_equal(s.n, 3);
	assert_int_equal(s.ids[0], free_one);
	assert_int_equal(s.ids[2], before);
	assert_true(s.kept[0] && s.kept[1] && s.kept[2]);
	r.step = HK_RESTORE_DONE;
	OK(hk_ledger_set_restore(l, &r, NULL, &err));
	OK(hk_ledger_set_release_state(l, "20261128-100000", "removed", &err));
	s.n = 0;
	OK(hk_ledger_each_checkpoint(l, see, &s, &err));
	assert_false(s.kept[0] || s.kept[1] || s.kept[2]);
	hk_ledger_close(l);
}

static void test_forgotten(void **state)
{
	struct hk_ledger *l = open_ledger();
	struct hk_checkpoint got = HK_CHECKPOINT_INIT;
	int64_t d = add_running(l, "refs/heads/main"), id = make(l, d, false);

	(void)state;
	OK(hk_ledger_finish_deployment(l, d, HK_STATUS_SUCCEEDED, NULL, &err));
	add(l, "refs/heads/main");
	OK(hk_ledger_forget(l, 1, NULL, NULL, &err));
	OK(hk_ledger_get_checkpoint(l, id, &got, &err));
	assert_int_equal(got.deployment, 0);
	hk_checkpoint_release(&got);
	hk_ledger_close(l);
}

static void test_restore(void **state)
{
	struct hk_ledger *l = open_ledger();
	struct hk_restore r = { .checkpoint = 3 }, got;

	(void)state;
	OK(hk_ledger_open_restore(l, &got, &err));
	assert_int_equal(got.id, 0);
	OK(hk_ledger_add_restore(l, &r, &r.id, &err));
	r.step = HK_RESTORE_SWAPPING;
	r.restart = true;
	OK(hk_ledger_set_restore(l, &r, NULL, &err));
	OK(hk_ledger_open_restore(l, &got, &err));
	assert_int_equal(got.id, r.id);
	assert_int_equal(got.checkpoint, 3);
	assert_int_equal(got.step, HK_RESTORE_SWAPPING);
	assert_true(got.restart);
	r.step = HK_RESTORE_UNDONE;
	OK(hk_ledger_set_restore(l, &r, "why", &err));
	OK(hk_ledger_open_restore(l, &got, &err));
	assert_int_equal(got.id, 0);
	FAILS(HK_E_LEDGER_FAILED, hk_ledger_set_restore(l, &r, NULL, &err));
	hk_ledger_close(l);
}

static void test_digest(void **state)
{
	hk_auto_free char *name = hk_xasprintf("%s/file", folder);
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char hex[HK_SHA256_HEX_LEN];
	int64_t size;

	(void)state;
	OK(hk_digest_file(fd, hex, &size, &err));
	assert_string_equal(hex, digest);
	assert_int_equal(size, 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	/* Wherever the descriptor stands. */
	OK(hk_digest_file(fd, hex, &size, &err));
	assert_string_equal(hex,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(size, 3);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(test_states), TEST(test_kept),
					    TEST(test_forgotten), TEST(test_restore),
					    TEST(test_digest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
