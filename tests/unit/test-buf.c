/*
 * base/buf.h and base/strlist.h: growth, ownership, and lists that serve as argv.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/buf.h>
#include <base/strlist.h>

static void test_empty(void **state)
{
	struct hk_buf b = HK_BUF_INIT;
	char *s;

	(void)state;
	assert_string_equal(b.data, "");
	hk_buf_add(&b, NULL, 0);
	hk_buf_addstr(&b, "");
	hk_buf_addf(&b, "%s", "");
	hk_buf_cut(&b, 0);
	hk_buf_reset(&b);
	assert_int_equal(b.cap, 0);
	s = hk_buf_detach(&b);
	assert_string_equal(s, "");
	s[0] = '\0'; /* its own memory, not the shared "" */
	assert_ptr_not_equal(s, hk_buf_empty);
	free(s);
	hk_buf_release(&b);
	hk_buf_release(&b);
}

static void test_growth(void **state)
{
	hk_auto_buf b = HK_BUF_INIT;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		hk_buf_addch(&b, (char)('a' + i % 26));
		assert_int_equal(b.data[b.len], '\0');
		assert_true(b.cap > b.len);
	}
	assert_int_equal(b.len, 10000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(b.data[i], 'a' + i % 26);
	hk_buf_reserve(&b, 1 << 20);
	assert_true(b.cap > b.len + (1 << 20));
}

static void test_edit(void **state)
{
	hk_auto_buf b = HK_BUF_INIT;
	const char *before;
	char *s;

	(void)state;
	hk_buf_addf(&b, "%s-%d", "x", 5);
	hk_buf_add(&b, "\0y", 2);
	assert_int_equal(b.len, 5);
	assert_memory_equal(b.data, "x-5\0y", 6);
	hk_buf_cut(&b, 9);
	assert_int_equal(b.len, 5);
	hk_buf_cut(&b, 2);
	assert_string_equal(b.data, "x-");
	before = b.data;
	hk_buf_reset(&b);
	assert_ptr_equal(b.data, before);
	assert_string_equal(b.data, "");
	hk_buf_addf(&b, "%0500d", 1);
	assert_int_equal(b.len, 500);
	assert_int_equal(b.data[499], '1');
	s = hk_buf_detach(&b);
	assert_int_equal(strlen(s), 500);
	assert_int_equal(b.len, 0);
	assert_string_equal(b.data, "");
	free(s);
}

static void test_list(void **state)
{
	hk_auto_strlist l = HK_STRLIST_INIT;
	char text[] = "item";

	(void)state;
	assert_non_null(hk_strlist_argv(&l));
	assert_null(hk_strlist_argv(&l)[0]);
	assert_false(hk_strlist_has(&l, ""));
	hk_strlist_sort(&l);
	hk_strlist_add(&l, text);
	text[0] = 'X';
	assert_string_equal(l.items[0], "item");
	for (int i = 0; i < 100; i++) {
		hk_strlist_addf(&l, "%d", i);
		assert_null(l.items[l.len]);
	}
	assert_int_equal(l.len, 101);
	assert_true(hk_strlist_has(&l, "99"));
	assert_false(hk_strlist_has(&l, "9 9"));
	assert_ptr_equal(hk_strlist_argv(&l), l.items);
}

static void test_list_copies(void **state)
{
	hk_auto_strlist a = HK_STRLIST_INIT, b = HK_STRLIST_INIT;

	(void)state;
	hk_strlist_add(&a, "b");
	hk_strlist_add(&a, "\xc3\xbc");
	hk_strlist_add(&a, "B");
	hk_strlist_add_list(&b, &a);
	hk_strlist_release(&a);
	assert_null(a.items);
	hk_strlist_add_list(&b, &a);
	hk_strlist_add_list(&b, &b);
	assert_int_equal(b.len, 6);
	hk_strlist_sort(&b);
	assert_string_equal(b.items[0], "B");
	assert_string_equal(b.items[2], "b");
	assert_string_equal(b.items[5], "\xc3\xbc");
	assert_null(b.items[6]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	    cmocka_unit_test(test_growth),
		cmocka_unit_test(test_edit),	    cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
