/*
 * host/template.h: placeholders, and what is wrong with a template.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <host/template.h>

static const struct hk_template_value values[] = {
	{ "name", "site" },	  { "home", "/home/site" }, { "empty", "" },
	{ "braces", "{{name}}" }, { "lines", "a\nb" },
};

static int fill(const char *text, size_t len, struct hk_buf *out, struct hk_error *err)
{
	return hk_template_fill("t.conf", text, len, values, HK_ARRAY_LEN(values), out, err);
}

static void test_filled(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{ "", "" },
		{ "\n", "\n" },
		{ "no placeholder\n", "no placeholder\n" },
		{ "no end", "no end\n" },
		{ "{{name}}\n", "site\n" },
		{ "a {{name}} b {{home}}/c\nd{{empty}}e\n", "a site b /home/site/c\nde\n" },
		{ "{{name}}{{name}}\n", "sitesite\n" },
		/* A value is not looked through once more. */
		{ "{{braces}}\n", "{{name}}\n" },
		{ "function() { if (x) { y } }\n", "function() { if (x) { y } }\n" },
		{ "}} {\n", "}} {\n" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_buf out = HK_BUF_INIT;

		assert_int_equal(fill(cases[i].text, strlen(cases[i].text), &out, &err), 0);
		assert_string_equal(out.data, cases[i].wanted);
		assert_int_equal(err.code, 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{{nothing}}\n", "t.conf:1: there is no placeholder '{{nothing}}'" },
		{ "a\n\nb {{ name }}\n", "t.conf:3: there is no placeholder '{{ name }}'" },
		{ "{{}}\n", "t.conf:1: there is no placeholder '{{}}'" },
		{ "a\n{{name\n}}\n", "t.conf:2: a placeholder begins" },
		{ "{{", "t.conf:1: a placeholder begins" },
		{ "x\n{{lines}}\n", "t.conf:2: the value of '{{lines}}' has a control character" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_buf out = HK_BUF_INIT;

		hk_buf_addstr(&out, "before");
		assert_int_equal(fill(cases[i].text, strlen(cases[i].text), &out, &err),
				 HK_E_CONFIG_INVALID);
		assert_non_null(strstr(err.message, cases[i].why));
		assert_string_equal(out.data, "before");
	}
}

static void test_hint_and_nul(void **state)
{
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	assert_int_equal(fill("{{x}}", 5, &out, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.hint, "there are: name, home, empty, braces, lines");
	assert_int_equal(fill("a\nb\0c\n", 6, &out, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "t.conf:2: there is a NUL byte");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hint_and_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
