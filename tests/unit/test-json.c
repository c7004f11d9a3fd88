/*
 * base/json.h: what is built, written and read back, and what a broken text is answered with.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/json.h>

static void test_write(void **state)
{
	hk_auto_strlist list = HK_STRLIST_INIT;
	hk_auto_json *j = hk_json_object();
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	hk_strlist_add(&list, "x");
	hk_strlist_add(&list, "\"\n");
	hk_json_set(j, "z", hk_json_int(INT64_MIN));
	hk_json_set(j, "a", hk_json_strlist(&list));
	hk_json_set(j, "t", hk_json_bool(true));
	hk_json_set(j, "n", hk_json_null());
	hk_json_set(j, "s", hk_json_string(NULL));
	hk_json_set(j, "z", hk_json_int(1));
	hk_json_write(j, &out);
	assert_string_equal(out.data,
			    "{\"z\":1,\"a\":[\"x\",\"\\\"\\n\"],\"t\":true,\"n\":null,\"s\":null}");
}

static void test_scalar(void **state)
{
	hk_auto_json *j = hk_json_string("top");
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	hk_buf_addstr(&out, "= ");
	hk_json_write(j, &out);
	assert_string_equal(out.data, "= \"top\"");
}

static void test_invalid_utf8(void **state)
{
	hk_auto_json *j = hk_json_object();
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	hk_json_set(j, "k\xff", hk_json_string("a\xc3(\xed\xa0\x80"));
	hk_json_write(j, &out);
	assert_string_equal(out.data, "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd("
				      "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
}

static void test_parse(void **state)
{
	static const char text[] =
		"\xef\xbb\xbf{\"name\":\"app\",\"n\":7,\"f\":1.5,\"o\":{\"k\":\"v\"},"
		"\"l\":[\"a\",\"b\"],\"m\":[\"a\",1],\"n\":8}";
	hk_auto_strlist list = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_json *j = NULL;

	(void)state;
	assert_int_equal(hk_json_parse(text, sizeof(text) - 1, "x", HK_E_IO, &j, &err), 0);
	assert_true(hk_json_is_object(j));
	assert_string_equal(hk_json_get_string(j, "name"), "app");
	assert_int_equal(hk_json_get_int(j, "n", -1), 8);
	assert_int_equal(hk_json_get_int(j, "f", -1), -1);
	assert_int_equal(hk_json_get_int(j, "none", -1), -1);
	assert_null(hk_json_get_string(j, "n"));
	assert_null(hk_json_get(j, "none"));
	assert_null(hk_json_get_string(hk_json_get(j, "none"), "k"));
	assert_string_equal(hk_json_get_string(hk_json_get(j, "o"), "k"), "v");
	assert_false(hk_json_is_object(hk_json_get(j, "l")));
	assert_false(hk_json_to_strlist(hk_json_get(j, "m"), &list));
	assert_false(hk_json_to_strlist(hk_json_get(j, "o"), &list));
	assert_int_equal(list.len, 0);
	assert_true(hk_json_to_strlist(hk_json_get(j, "l"), &list));
	assert_int_equal(list.len, 2);
	assert_string_equal(list.items[1], "b");
}

static void refuse(const char *text, size_t len, const char *start)
{
	struct hk_json *j = (struct hk_json *)&start;
	struct hk_error err = HK_ERROR_INIT;

	assert_int_equal(hk_json_parse(text, len, "package.json", HK_E_TREE_REFUSED, &j, &err),
			 HK_E_TREE_REFUSED);
	assert_ptr_equal(j, &start);
	assert_memory_equal(err.message, start, strlen(start));
	for (const char *p = err.message; *p; p++)
		assert_true((unsigned char)*p >= 0x20);
}

static void test_refusals(void **state)
{
	char deep[5000];

	(void)state;
	refuse("", 0, "'package.json' is not valid JSON: line 1, column 0: ");
	refuse("{\n \"a\": }", 9, "'package.json' is not valid JSON: line 2, column 7: ");
	refuse("{} x", 4, "'package.json' is not valid JSON: line 1, ");
	refuse("\"\\u0000\"", 8, "'package.json' is not valid JSON: line 1, ");
	refuse("[\"a\xff\"]", 6, "'package.json' is not valid JSON: line 1, ");
	refuse("[\033]0;x\a]", 8, "'package.json' is not valid JSON: line 1, ");
	memset(deep, '[', sizeof(deep));
	refuse(deep, sizeof(deep), "'package.json' is not valid JSON: line 1, ");
}

static void test_free_null(void **state)
{
	(void)state;
	hk_json_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write),	     cmocka_unit_test(test_scalar),
		cmocka_unit_test(test_invalid_utf8), cmocka_unit_test(test_parse),
		cmocka_unit_test(test_refusals),     cmocka_unit_test(test_free_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
