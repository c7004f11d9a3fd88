/*
 * What the ledger's tests share: a folder with a ledger of its own for every test, and calls that
 * must succeed or fail in one way.
 */
#ifndef LEDGER_FIXTURE_H
#define LEDGER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <store/ledger.h>

static char folder[4096];
static char path[4200];
static HK_UNUSED struct hk_error last;

static int remove_entry(const char *name, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(name);
}

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/hk-ledger-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/ledger.db", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* A call that must succeed; its failure shows the message. */
#define OK(call)                                                \
	do {                                                    \
		struct hk_error err = HK_ERROR_INIT;            \
		if (call)                                       \
			fail_msg("%s: %s", #call, err.message); \
		assert_int_equal(err.code, HK_OK);              \
	} while (0)

/* A call that must fail with that code; the error is in last. */
#define FAILS(want, call)                                                              \
	do {                                                                           \
		struct hk_error err = HK_ERROR_INIT;                                   \
		int got_ = call;                                                       \
		if (got_ != (want))                                                    \
			fail_msg("%s: %s %s", #call, hk_code_name(got_), err.message); \
		assert_int_equal(err.code, want);                                      \
		last = err;                                                            \
	} while (0)

static HK_UNUSED struct hk_ledger *open_ledger(void)
{
	struct hk_ledger *l = NULL;

	OK(hk_ledger_open(path, &l, &err));
	return l;
}

static HK_UNUSED int64_t add(struct hk_ledger *l, const char *ref)
{
	const struct hk_deployment_request req = {
		.trigger = "push",
		.ref = ref,
		.object = "1111111111111111111111111111111111111111",
		.pusher = "ann",
		.flags = 5,
	};
	int64_t id = 0;

	OK(hk_ledger_add_deployment(l, &req, &id, &err));
	assert_true(id > 0);
	return id;
}

static HK_UNUSED int64_t add_running(struct hk_ledger *l, const char *ref)
{
	int64_t id = add(l, ref);

	OK(hk_ledger_start_deployment(l, id, &err));
	return id;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

#endif
