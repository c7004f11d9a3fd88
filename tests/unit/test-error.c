/*
 * base/error.h: messages, hints, refinement of system errors, and the table of codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>
#include <cmocka.h>

#include <base/error.h>

static void test_set(void **state)
{
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	assert_int_equal(hk_error_set(&err, HK_E_USAGE, "no '%s'", "x"), HK_E_USAGE);
	assert_int_equal(hk_error_hint(&err, "try %d", 7), HK_E_USAGE);
	assert_int_equal(hk_error_prefix(&err, "in '%s'", "f"), HK_E_USAGE);
	assert_string_equal(err.message, "in 'f': no 'x'");
	assert_string_equal(err.hint, "try 7");
	assert_int_equal(hk_error_set(&err, HK_E_IO, "other"), HK_E_IO);
	assert_string_equal(err.message, "other");
	assert_string_equal(err.hint, "");
	assert_int_equal(err.sys_errno, 0);
}

static void test_errno(void **state)
{
	static const struct {
		enum hk_code code;
		int sys_errno;
		enum hk_code want;
	} rows[] = {
		{ HK_E_IO, EIO, HK_E_IO },
		{ HK_E_IO, ENOENT, HK_E_IO },
		{ HK_E_IO, ENOSPC, HK_E_NO_SPACE },
		{ HK_E_IO, EDQUOT, HK_E_NO_SPACE },
		{ HK_E_IO, EACCES, HK_E_PERMISSION },
		{ HK_E_IO, EPERM, HK_E_PERMISSION },
		{ HK_E_IO, EROFS, HK_E_PERMISSION },
		{ HK_E_LEDGER_FAILED, ENOSPC, HK_E_LEDGER_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_error_set_errno(&err, rows[i].code, rows[i].sys_errno, "x"),
				 rows[i].want);
		assert_int_equal(err.code, rows[i].want);
		assert_int_equal(err.sys_errno, rows[i].sys_errno);
	}
}

static void test_errno_text(void **state)
{
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	hk_error_set_errno(&err, HK_E_IO, ENOENT, "cannot open '%s'", "f");
	assert_string_equal(err.message, "cannot open 'f': No such file or directory");
}

/* Texts of any length are cut, never written over the end. */
static void test_long(void **state)
{
	struct {
		struct hk_error err;
		char after[16];
	} guarded = { .after = "untouched" };
	char big[4000];

	(void)state;
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	hk_error_set_errno(&guarded.err, HK_E_IO, EIO, "%s", big);
	assert_int_equal(strlen(guarded.err.message), HK_ERROR_MESSAGE_MAX - 1);
	hk_error_set(&guarded.err, HK_E_IO, "%s", big);
	hk_error_hint(&guarded.err, "%s", big);
	assert_int_equal(strlen(guarded.err.hint), HK_ERROR_HINT_MAX - 1);
	hk_error_prefix(&guarded.err, "file");
	assert_int_equal(strlen(guarded.err.message), HK_ERROR_MESSAGE_MAX - 1);
	assert_memory_equal(guarded.err.message, "file: bbb", 9);
	hk_error_prefix(&guarded.err, "%s", big);
	assert_int_equal(strlen(guarded.err.message), HK_ERROR_MESSAGE_MAX - 1);
	assert_string_equal(guarded.after, "untouched");
}

static const enum hk_code all[] = {
	HK_OK,
#define HK_CODE(name, status, text) HK_E_##name,
#include <base/codes.def>
#undef HK_CODE
};

/* Exit statuses are unique, fit what a shell can tell apart, and names lead back to codes. */
static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(all); i++) {
		assert_true(hk_code_exit(all[i]) >= 0 && hk_code_exit(all[i]) < 126);
		assert_int_equal(hk_code_from_name(hk_code_name(all[i])), all[i]);
		assert_true(*hk_code_text(all[i]));
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(hk_code_exit(all[i]), hk_code_exit(all[k]));
	}
	assert_string_equal(hk_code_name(HK_E_COMMAND_TIMEOUT), "COMMAND_TIMEOUT");
	assert_int_equal(hk_code_exit(HK_E_COMMAND_TIMEOUT), 43);
	assert_string_equal(hk_code_name((enum hk_code) - 999), "INTERNAL");
	assert_string_equal(hk_code_text((enum hk_code) - 999), "unknown error");
	assert_int_equal(hk_code_from_name("NO_SUCH_NAME"), HK_E_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),	   cmocka_unit_test(test_errno),
		cmocka_unit_test(test_errno_text), cmocka_unit_test(test_long),
		cmocka_unit_test(test_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
