/*
 * base/nearest.h: distances, and which names are kept in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/nearest.h>

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		size_t exact, folded;
	} cases[] = {
		{ "", "", 0, 0 },	  { "", "abc", 3, 3 },	      { "main", "main", 0, 0 },
		{ "main", "mian", 2, 2 }, { "main", "Main", 1, 0 },   { "kitten", "sitting", 3, 3 },
		{ "flaw", "lawn", 2, 2 }, { "MASTER", "main", 6, 4 },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		assert_int_equal(hk_nearest_distance(cases[i].a, cases[i].b, false),
				 cases[i].exact);
		assert_int_equal(hk_nearest_distance(cases[i].b, cases[i].a, false),
				 cases[i].exact);
		assert_int_equal(hk_nearest_distance(cases[i].a, cases[i].b, true),
				 cases[i].folded);
	}
}

/* Long names cost no more than their first 200 bytes, and are no overflow. */
static void test_long(void **state)
{
	char a[5000], b[5000];

	(void)state;
	memset(a, 'x', sizeof(a) - 1);
	memset(b, 'x', sizeof(b) - 1);
	a[sizeof(a) - 1] = b[sizeof(b) - 1] = '\0';
	b[0] = 'y';
	b[300] = 'y';
	assert_int_equal(hk_nearest_distance(a, b, false), 1);
}

static void test_order(void **state)
{
	static const char *const names[] = { "zzz", "mast", "maine", "mein", "main", "moon" };
	struct hk_nearest n = { .what = "main", .max = 3 };

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		hk_nearest_consider(&n, names[i]);
	assert_int_equal(n.len, 3);
	assert_string_equal(n.names[0], "main");
	assert_string_equal(n.names[1], "maine");
	assert_string_equal(n.names[2], "mein");
	hk_nearest_release(&n);
	assert_int_equal(n.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
