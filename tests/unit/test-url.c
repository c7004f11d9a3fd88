/*
 * repo/url.h: what is fetched from, and that nothing secret is repeated.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/cleanup.h>
#include <repo/url.h>

static void test_accepted(void **state)
{
	static const char *const urls[] = {
		"https://example.org/a/b.git",
		"https://example.org:8443/a@b:c.git",
		"https://example.org",
		"https://[::1]/a.git",
		"ssh://git@example.org/a.git",
		"ssh://example.org:2222/a.git",
		"ssh://git@[::1]:22/~/a.git",
		"git@example.org:a/b.git",
		"example.org:/srv/a.git",
		"file:///srv/a.git",
		"/srv/a.git",
		"/srv/a:b@c.git",
	};
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(urls); i++)
		if (hk_url_check(urls[i], &err))
			fail_msg("'%s': %s", urls[i], err.message);
}

static void test_refused(void **state)
{
	static const struct {
		const char *url, *reason;
	} urls[] = {
		{ "http://example.org/a.git", "neither encrypted nor authenticated" },
		{ "git://example.org/a.git", "neither encrypted nor authenticated" },
		{ "ftp://example.org/a.git", "uses a protocol" },
		{ "HTTPS://example.org/a.git", "uses a protocol" },
		{ "file://example.org/a.git", "uses a protocol" },
		{ "file://", "uses a protocol" },
		{ "ext::sh -c id", "holds a blank" },
		{ "ext::id", "remote helper" },
		{ "https::x", "remote helper" },
		{ "https:///a.git", "names no host" },
		{ "https://", "names no host" },
		{ "https://:443/a", "names no host" },
		{ "ssh://git@/a.git", "names no host" },
		{ "ssh://-oProxyCommand=id/a", "names no host" },
		{ "ssh://git@-oProxyCommand=id/a", "names no host" },
		{ "-oProxyCommand=id:a", "names no host" },
		{ "git@-oProxyCommand=id:a", "names no host" },
		{ ":a", "names no host" },
		{ "a.git", "is none that" },
		{ "./a:b", "is none that" },
		{ "", "is none that" },
		{ "https://example.org/a\n.git", "holds a blank or a control character" },
		{ "/srv/a b", "holds a blank or a control character" },
		{ "https://s3cret@example.org/a.git", "holds a user, password or token" },
		{ "https://ann:s3cret@example.org/a.git", "holds a user, password or token" },
		{ "https://ann:s3@cret@example.org/a.git", "holds a user, password or token" },
		{ "ssh://ann:s3cret@example.org/a.git", "holds a password" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(urls); i++) {
		struct hk_error err = HK_ERROR_INIT;

		if (hk_url_check(urls[i].url, &err) != HK_E_USAGE ||
		    !strstr(err.message, urls[i].reason) || !*err.hint)
			fail_msg("'%s': '%s'", urls[i].url, err.message);
		assert_null(strstr(err.message, "cret"));
		assert_null(strstr(err.hint, "cret"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
