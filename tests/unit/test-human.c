/*
 * base/human.h: numbers for people, both ways, with their edges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/human.h>

struct shown {
	int64_t v;
	const char *want;
};

static void test_duration(void **state)
{
	static const struct shown rows[] = {
		{ 0, "0 ms" },
		{ 3, "3 ms" },
		{ 999, "999 ms" },
		{ 1000, "1.0 s" },
		{ 1299, "1.2 s" },
		{ 59999, "59.9 s" },
		{ 60000, "1 m 00 s" },
		{ 125000, "2 m 05 s" },
		{ 3599999, "59 m 59 s" },
		{ 3600000, "1 h 00 m" },
		{ 3720000, "1 h 02 m" },
		{ 360000000, "100 h 00 m" },
		{ INT64_MAX, "2562047788015 h 12 m" },
	};
	char out[HK_HUMAN_LEN];

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++)
		assert_string_equal(hk_human_duration(rows[i].v, out), rows[i].want);
}

static void test_size(void **state)
{
	static const struct shown rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 12595, "12.3 KiB" },
		{ (1 << 20) - 1, "1.0 MiB" },
		{ 1 << 20, "1.0 MiB" },
		{ 1610612736, "1.5 GiB" },
		{ INT64_C(1) << 40, "1.0 TiB" },
		{ INT64_C(5000) << 40, "5000.0 TiB" },
	};
	char out[HK_HUMAN_LEN];

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++)
		assert_string_equal(hk_human_size(rows[i].v, out), rows[i].want);
}

static void test_int(void **state)
{
	static const struct {
		const char *s;
		int64_t want;
	} rows[] = {
		{ "0", 0 },
		{ "007", 7 },
		{ "-5", -5 },
		{ "9223372036854775807", INT64_MAX },
		{ "-9223372036854775808", INT64_MIN },
	};
	struct hk_error err = HK_ERROR_INIT;
	int64_t v;

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		assert_int_equal(hk_human_parse_int(rows[i].s, INT64_MIN, INT64_MAX, &v, &err), 0);
		assert_true(v == rows[i].want);
	}
	assert_int_equal(err.code, HK_OK);
}

static void test_int_refusals(void **state)
{
	static const struct {
		const char *s, *message;
	} rows[] = {
		{ "", "'' is not a whole number" },
		{ "-", "'-' is not a whole number" },
		{ "+1", "'+1' is not a whole number" },
		{ " 1", "' 1' is not a whole number" },
		{ "1 ", "'1 ' is not a whole number" },
		{ "1.0", "'1.0' is not a whole number" },
		{ "0x1", "'0x1' is not a whole number" },
		{ "11", "'11' is out of range: -2 to 10" },
		{ "-3", "'-3' is out of range: -2 to 10" },
		{ "9223372036854775808", "'9223372036854775808' is out of range: -2 to 10" },
		{ "18446744073709551620", "'18446744073709551620' is out of range: -2 to 10" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		struct hk_error err = HK_ERROR_INIT;
		int64_t v = 77;

		assert_int_equal(hk_human_parse_int(rows[i].s, -2, 10, &v, &err), HK_E_USAGE);
		assert_string_equal(err.message, rows[i].message);
		assert_int_equal(v, 77);
	}
}

typedef int parse_fn(const char *s, int64_t *ret, struct hk_error *err);

static void accept_value(parse_fn *parse, const char *s, int64_t want)
{
	struct hk_error err = HK_ERROR_INIT;
	int64_t v;

	assert_int_equal(parse(s, &v, &err), 0);
	assert_true(v == want);
}

static void refuse_value(parse_fn *parse, const char *s, const char *message)
{
	struct hk_error err = HK_ERROR_INIT;
	int64_t v = 77;

	assert_int_equal(parse(s, &v, &err), HK_E_USAGE);
	assert_string_equal(err.message, message);
	assert_int_equal(v, 77);
}

static void test_parse_duration(void **state)
{
	parse_fn *parse = hk_human_parse_duration;

	(void)state;
	accept_value(parse, "0", 0);
	accept_value(parse, "250ms", 250);
	accept_value(parse, "5", 5000);
	accept_value(parse, "5s", 5000);
	accept_value(parse, "10m", 600000);
	accept_value(parse, "24h", 86400000);
	refuse_value(parse, "", "'' is not a duration: write 250ms, 30s, 10m or 1h");
	refuse_value(parse, "1.5s", "'1.5s' is not a duration: write 250ms, 30s, 10m or 1h");
	refuse_value(parse, "5 s", "'5 s' is not a duration: write 250ms, 30s, 10m or 1h");
	refuse_value(parse, "-5s", "'-5s' is not a duration: write 250ms, 30s, 10m or 1h");
	refuse_value(parse, "5M", "'5M' is not a duration: write 250ms, 30s, 10m or 1h");
	refuse_value(parse, "9223372036854775807h", "'9223372036854775807h' is too large");
	refuse_value(parse, "99999999999999999999ms", "'99999999999999999999ms' is too large");
}

static void test_parse_size(void **state)
{
	parse_fn *parse = hk_human_parse_size;

	(void)state;
	accept_value(parse, "512", 512);
	accept_value(parse, "64K", 65536);
	accept_value(parse, "200M", INT64_C(200) << 20);
	accept_value(parse, "1024G", INT64_C(1) << 40);
	refuse_value(parse, "", "'' is not a size: write 512, 64K, 200M or 2G");
	refuse_value(parse, "5k", "'5k' is not a size: write 512, 64K, 200M or 2G");
	refuse_value(parse, "5KB", "'5KB' is not a size: write 512, 64K, 200M or 2G");
	refuse_value(parse, "99999999999G", "'99999999999G' is too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_int),
		cmocka_unit_test(test_int_refusals),
		cmocka_unit_test(test_parse_duration),
		cmocka_unit_test(test_parse_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
