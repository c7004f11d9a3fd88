/*
 * repo/submodule_url: which URLs of a .gitmodules may be fetched from.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <base/cleanup.h>
#include <repo/submodule_url.h>

#define OPTION "begins with '-', like an option"
#define NAME_OPTION "has a name that begins with '-', like an option"
#define PATH_OPTION "has a path that begins with '-', like an option"
#define PASSWORD "has a password in it, which does not belong into a commit"
#define SCHEME "is neither https nor ssh"
#define HELPER "names a remote helper, which could run any command"
#define LOCAL "is a path of this machine, which git refuses for submodules"
#define RELATIVE "is relative, and what was pushed has no remote that it could be relative to"
#define NO_PATH "is no absolute path and no URL"

static const struct {
	const char *url, *reason; /* when paths of this machine are not allowed */
} rows[] = {
	{ "https://example.org/lib.git", NULL },
	{ "https://example.org:8443/lib", NULL },
	{ "https://ann@example.org/lib", NULL },
	{ "https://example.org/a b/lib", NULL },
	{ "https://example.org/x::y@-z", NULL },
	{ "https://[::1]/lib", NULL },
	{ "ssh://git@example.org:22/lib.git", NULL },
	{ "ssh://example.org/~/lib.git", NULL },
	{ "git@example.org:lib.git", NULL },
	{ "example.org:group/lib.git", NULL },
	{ "host:/srv/lib.git", NULL },
	{ "host:~ann/lib.git", NULL },
	{ "", "is empty" },
	{ "https://example.org/a\nb", "has a control character" },
	{ "https://example.org/\x1b[2J", "has a control character" },
	{ "host:lib\x7f", "has a control character" },
	{ "-u./program", OPTION },
	{ "--upload-pack=touch /tmp/x", OPTION },
	{ "ssh://-oProxyCommand=x/lib", NAME_OPTION },
	{ "ssh://git@-oProxyCommand=x/lib", NAME_OPTION },
	{ "ssh://-x@example.org/lib", NAME_OPTION },
	{ "git@-oProxyCommand=x:lib", NAME_OPTION },
	{ "-x@host:lib", OPTION },
	{ "host:-oProxyCommand=x", PATH_OPTION },
	{ "ssh:///lib", "names no host" },
	{ "https://", "names no host" },
	{ "https://ann@/lib", "names no host" },
	{ "ssh://:22/lib", "names no host" },
	{ ":lib", "names no host" },
	{ "host:", "names no path" },
	{ "https://ann:secret@example.org/lib", PASSWORD },
	{ "ssh://ann:secret@example.org/lib", PASSWORD },
	{ "http://example.org/lib", SCHEME },
	{ "HTTPS://example.org/lib", SCHEME },
	{ "git://example.org/lib", SCHEME },
	{ "ftp://example.org/lib", SCHEME },
	{ "ext::sh -c 'touch x'", HELPER },
	{ "fd::17", HELPER },
	{ "ext::https://example.org/lib", HELPER },
	{ "file::/srv/lib", HELPER },
	{ "file:///srv/lib.git", LOCAL },
	{ "/srv/lib.git", LOCAL },
	{ "/srv/a:b", LOCAL },
	{ "../lib.git", RELATIVE },
	{ "./lib.git", RELATIVE },
	{ "..", RELATIVE },
	{ ".", RELATIVE },
	{ "../ext::sh", RELATIVE },
	{ "lib.git", NO_PATH },
	{ "file://srv/lib.git", NO_PATH },
	{ "~/lib.git", NO_PATH },
};

static void assert_reason(const char *url, const char *got, const char *want)
{
	if ((got && want) ? strcmp(got, want) : got != want)
		fail_msg("'%s': %s, not %s", url, got ? got : "fine", want ? want : "fine");
}

static void test_urls(void **state HK_UNUSED)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++)
		assert_reason(rows[i].url, hk_submodule_url_refusal(rows[i].url, false),
			      rows[i].reason);
}

/* Only what is refused for that reason alone. */
static void test_local_allowed(void **state HK_UNUSED)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		const char *reason = rows[i].reason;
		bool local = reason && !strcmp(reason, LOCAL);

		assert_reason(rows[i].url, hk_submodule_url_refusal(rows[i].url, true),
			      local ? NULL : reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_local_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
