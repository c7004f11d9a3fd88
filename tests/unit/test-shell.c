/*
 * host/shell.h and cli/remote.h: what a client of `hostkit shell` may ask for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <base/alloc.h>
#include <cli/cli.h>
#include <cli/remote.h>
#include <conf/options.h>
#include <host/label.h>
#include <host/shell.h>

#define HOME "/home/site/repo.git"

static const struct hk_shell_own own = { "site", HOME };

/* "PROGRAM" of git, or the words of hostkit joined by "|". */
static char *parse(const char *text, struct hk_error *err)
{
	HK_CLEANUP(hk_shell_request_release) struct hk_shell_request r = HK_SHELL_REQUEST_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	if (hk_shell_parse(text, &own, &r, err)) {
		assert_true(!r.git && !r.words.len);
		return NULL;
	}
	hk_buf_addstr(&out, r.git ? r.git : "");
	for (size_t i = 0; i < r.words.len; i++)
		hk_buf_addf(&out, "%s%s", i ? "|" : "", r.words.items[i]);
	return hk_buf_detach(&out);
}

static void test_accepted(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "git-receive-pack '/home/site/repo.git'", "git-receive-pack" },
		{ "git-upload-pack '/home/site/repo.git'", "git-upload-pack" },
		{ "git-upload-pack /home/site/repo.git/", "git-upload-pack" },
		{ "git receive-pack \"/home/site/repo.git\"", "git-receive-pack" },
		{ "git upload-pack 'site'", "git-upload-pack" },
		{ "git-receive-pack 'site.git'", "git-receive-pack" },
		{ "git-receive-pack 'repo.git'", "git-receive-pack" },
		{ "git-receive-pack '/site'", "git-receive-pack" },
		{ "git-receive-pack '/site.git'", "git-receive-pack" },
		{ "git-receive-pack '/repo.git'", "git-receive-pack" },
		{ "git-receive-pack '~/repo.git'", "git-receive-pack" },
		{ "git-receive-pack '~site/repo.git/'", "git-receive-pack" },
		{ "  git-receive-pack   site  ", "git-receive-pack" },
		{ "deploy status", "deploy|status" },
		{ "hostkit deploy status site", "deploy|status|site" },
		{ "env set 'KEY=a b;c' \"D=\\\"x\\\"\"", "env|set|KEY=a b;c|D=\"x\"" },
		{ "sh -c 'id; rm -rf /'", "sh|-c|id; rm -rf /" },
		{ "deploy ''", "deploy|" },
		{ "env set URL=x://h/d?a=b*", "env|set|URL=x://h/d?a=b*" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_free char *got = parse(cases[i].text, &err);

		if (!got)
			fail_msg("%s: %s", cases[i].text, err.message);
		assert_string_equal(got, cases[i].want);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "", "there is no shell here" },
		{ "  ", "there is no shell here" },
		{ "hostkit", "hostkit needs a command here" },
		{ "git-receive-pack", "takes one word" },
		{ "git-receive-pack a b", "takes one word" },
		{ "git-receive-pack site site", "takes one word" },
		{ "git-upload-pack --strict site", "takes one word" },
		{ "git-receive-pack '--upload-pack=x'", "is an option" },
		{ "git-receive-pack -oProxyCommand=x", "is an option" },
		{ "git-receive-pack --", "is an option" },
		{ "git-receive-pack -- site", "takes one word" },
		{ "git-receive-pack ''", "is not the repository of 'site'" },
		{ "git-upload-pack '/other/repo.git'", "'/other/repo.git' is not the repository" },
		{ "git-upload-pack '/home/site/repo.git/..'", "is not the repository" },
		{ "git-upload-pack '/home/site/repo.git//'", "is not the repository" },
		{ "git-upload-pack '/home/site/../other/repo.git'", "is not the repository" },
		{ "git-upload-pack '/home/site/link'", "is not the repository" },
		{ "git-upload-pack '../other/repo.git'", "is not the repository" },
		{ "git-upload-pack '~other/repo.git'", "is not the repository" },
		{ "git-upload-pack 'sites'", "is not the repository" },
		{ "git-upload-pack 'site.git.git'", "is not the repository" },
		{ "git-upload-pack '//site'", "is not the repository" },
		{ "git-upload-pack 'SITE'", "is not the repository" },
		{ "deploy status site; id", "';' needs a shell" },
		{ "deploy status site & id", "'&' needs a shell" },
		{ "env set URL=x?a=b&c=d", "inside of a word, quote it twice: \"'a&b'\"" },
		{ "deploy status site | id", "'|' needs a shell" },
		{ "deploy status < /etc/passwd", "'<' needs a shell" },
		{ "deploy status >x", "'>' needs a shell" },
		{ "deploy status $(id)", "'$' needs a shell" },
		{ "deploy status `id`", "'`' needs a shell" },
		{ "deploy (status)", "'(' needs a shell" },
		{ "deploy status\nid", "a command is one line" },
		{ "deploy 'status\nid'", "a command is one line" },
		{ "deploy\tstatus", "a command is one line" },
		{ "deploy \x1b[2J", "control characters" },
		{ "deploy \x7f", "control characters" },
		{ "deploy '", "a single quote has no end" },
		{ "deploy \"", "a double quote has no end" },
		{ "deploy \\", "a backslash at the end" },
		{ "deploy \xff", "is not UTF-8" },
		{ "deploy \xc0\xaf", "is not UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_free char *got = parse(cases[i].text, &err);

		if (got)
			fail_msg("'%s' is accepted as '%s'", cases[i].text, got);
		assert_int_equal(err.code, HK_E_NOT_ALLOWED);
		if (!strstr(err.message, cases[i].why))
			fail_msg("'%s': %s", cases[i].text, err.message);
	}
}

static void test_length(void **state)
{
	hk_auto_free char *text = hk_xcalloc(1, HK_SHELL_MAX + 2);
	struct hk_error err = HK_ERROR_INIT;
	char *got;

	(void)state;
	memset(text, 'a', HK_SHELL_MAX);
	got = parse(text, &err);
	assert_non_null(got);
	free(got);
	text[HK_SHELL_MAX] = 'a';
	assert_null(parse(text, &err));
	assert_non_null(strstr(err.message, "over 65536 bytes"));
}

/* --- Commands of hostkit */

static void set_list(struct hk_strlist *l, const char *text)
{
	hk_strlist_release(l);
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, ",");
		hk_auto_free char *item = hk_xstrndup(p, n);

		hk_strlist_add(l, item);
		p += n + (p[n] == ',');
	}
}

static char *remote(const char *text, const char *shell, struct hk_error *err)
{
	HK_CLEANUP(hk_shell_request_release) struct hk_shell_request r = HK_SHELL_REQUEST_INIT;
	struct hk_conf conf = HK_CONF_INIT;
	hk_auto_strlist argv = HK_STRLIST_INIT;
	hk_auto_buf out = HK_BUF_INIT;
	int ret;

	set_list(&conf.project_shell, shell);
	set_list(&conf.push_allow, "build,reason");
	assert_int_equal(hk_shell_parse(text, &own, &r, err), 0);
	ret = hk_cli_remote(&r.words, "site", &conf, &argv, err);
	hk_strlist_release(&conf.project_shell);
	hk_strlist_release(&conf.push_allow);
	for (size_t i = 0; i < argv.len; i++)
		hk_buf_addf(&out, "%s%s", i ? "|" : "", argv.items[i]);
	return ret ? NULL : hk_buf_detach(&out);
}

#define SHELL "deploy,env,service logs,doctor,ratelimit show"

static void test_commands(void **state)
{
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "deploy", "deploy|--|site" },
		{ "deploy site", "deploy|--|site" },
		{ "deploy --build", "deploy|--build|--|site" },
		{ "deploy --detach site --build", "deploy|--build|--detach|--|site" },
		{ "deploy -d", "deploy|--detach|--|site" },
		{ "deploy status", "deploy|status|--|site" },
		{ "--json deploy status site", "--json|deploy|status|--|site" },
		{ "deploy status --json", "--json|deploy|status|--|site" },
		{ "deploy log 12", "deploy|log|--|site|12" },
		{ "deploy log site 12 -f", "deploy|log|--follow|--|site|12" },
		{ "deploy history -n 5", "deploy|history|--last=5|--|site" },
		{ "deploy history --last=--root=/", "deploy|history|--last=--root=/|--|site" },
		{ "env get KEY", "env|get|--|site|KEY" },
		{ "env set site A=1 B=2", "env|set|--|site|A=1|B=2" },
		{ "env set -- -A=1", "env|set|--|site|-A=1" },
		{ "env import -", "env|import|--|site|-" },
		{ "service logs --tail 3", "service|logs|--tail=3|--|site" },
		{ "doctor", "doctor|--|site" },
		{ "ratelimit show", "ratelimit|show|--|site" },
		{ "help", "help" },
		{ "help deploy", "help|deploy" },
		{ "deploy log --help", "help|deploy|log" },
		{ "--version", "--version" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_free char *got = remote(cases[i].text, SHELL, &err);

		if (!got)
			fail_msg("%s: %s", cases[i].text, err.message);
		assert_string_equal(got, cases[i].want);
	}
}

static void test_commands_refused(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "sh -c id", "'sh' is not possible with this key" },
		{ "scp -t /", "'scp' is not possible" },
		{ "/usr/lib/openssh/sftp-server", "is not possible" },
		{ "git-upload-archive site", "'git-upload-archive' is not possible" },
		{ "git gc", "'git' is not possible" },
		{ "'' deploy", "'' is not possible" },
		{ "rollback", "'rollback' is not possible with this key" },
		{ "ratelimit reset", "'ratelimit reset' is not possible" },
		{ "service stop", "'service stop' is not possible" },
		{ "project create other", "'project create' is not possible" },
		{ "config set push.mode strict", "'config set' is not possible" },
		{ "key add site -", "'key add' is not possible" },
		{ "shell --key ann", "'shell' is not possible" },
		{ "recover", "'recover' is not possible" },
		{ "deploy other", "this key is for the project 'site', not for 'other'" },
		{ "deploy status other", "not for 'other'" },
		{ "deploy log other 12", "not for 'other'" },
		{ "env get other KEY", "not for 'other'" },
		{ "env unset other", "not for 'other'" },
		{ "doctor other", "not for 'other'" },
		{ "deploy -- other", "not for 'other'" },
		{ "--root /tmp deploy", "--root is only possible on the machine itself" },
		{ "deploy --root=/tmp", "--root is only possible" },
		{ "deploy --ro /tmp", "--root is only possible" },
		{ "deploy --source /etc", "--source is only possible on the machine itself" },
		{ "deploy --sou=/etc", "--source is only possible" },
		{ "deploy --override-ratelimit", "'override-ratelimit' is not allowed here" },
		{ "deploy --no-install", "'no-install' is not allowed here" },
		{ "env import /etc/passwd", "only standard input can be read" },
		{ "env import site /etc/passwd", "only standard input can be read" },
		{ "deploy --nothing", "there is no option '--nothing'" },
		{ "deploy history --last", "needs a value" },
		{ "--json", "hostkit needs a command here" },
	};

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_free char *got = remote(cases[i].text, SHELL, &err);

		if (got)
			fail_msg("'%s' becomes '%s'", cases[i].text, got);
		if (!strstr(err.message, cases[i].why))
			fail_msg("'%s': %s", cases[i].text, err.message);
		assert_true(err.code == HK_E_NOT_ALLOWED || err.code == HK_E_USAGE);
	}
}

static void test_nothing_allowed(void **state)
{
	struct hk_error err = HK_ERROR_INIT;

	(void)state;
	assert_null(remote("deploy status", "", &err));
	assert_null(remote("deploy", "deploy status", &err));
	free(remote("deploy status", "deploy status", &err));
}

/* --- [project] shell and the table of commands say the same */

struct words {
	const char *word;
	bool found;
};

static void find_word(void *ctx, const struct hk_cli_command *c)
{
	struct words *w = ctx;
	hk_auto_free char *name =
		hk_xasprintf("%s%s%s", c->group, c->verb ? " " : "", c->verb ? c->verb : "");

	w->found |= c->remote && (!strcmp(name, w->word) || !strcmp(c->group, w->word));
}

static void check_command(void *ctx, const struct hk_cli_command *c)
{
	hk_auto_free char *name =
		hk_xasprintf("%s%s%s", c->group, c->verb ? " " : "", c->verb ? c->verb : "");
	struct hk_error err = HK_ERROR_INIT;

	(void)ctx;
	if (c->remote && hk_conf_check_value("project", "shell", name, &err))
		fail_msg("[project] shell cannot have '%s': %s", name, err.message);
	if (c->remote && hk_conf_check_value("project", "shell", c->group, &err))
		fail_msg("[project] shell cannot have '%s'", c->group);
}

static void test_option(void **state)
{
	const struct hk_conf_option *o = hk_conf_option_find("project", "shell");
	hk_auto_free char *range = hk_xstrdup(o->range);

	(void)state;
	hk_cli_each_command(check_command, NULL);
	for (char *rest = range, *word; (word = strsep(&rest, "|"));) {
		struct words w = { word, false };

		hk_cli_each_command(find_word, &w);
		if (!w.found)
			fail_msg("[project] shell has '%s', which is no command from afar", word);
	}
}

static void test_labels(void **state)
{
	static const struct {
		const char *comment, *label;
	} cases[] = {
		{ "ann@laptop", "ann@laptop" },
		{ "Ann  B. (work)", "Ann-B.-work" },
		{ "--ann", "ann" },
		{ "", "" },
		{ "\xc3\xa4", "" },
		{ "a\"b c", "a-b-c" },
		{ "a - b", "a-b" },
	};
	char label[HK_LABEL_LEN], large[200] = "";

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(cases); i++) {
		hk_label_from(cases[i].comment, label);
		assert_string_equal(label, cases[i].label);
		assert_int_equal(hk_label_is_valid(label), *label != '\0');
	}
	memset(large, 'a', sizeof(large) - 1);
	hk_label_from(large, label);
	assert_int_equal(strlen(label), HK_LABEL_LEN - 1);
	assert_true(hk_label_is_valid(label));
	assert_false(hk_label_is_valid(large));
	assert_false(hk_label_is_valid("a b"));
	assert_false(hk_label_is_valid("-a"));
	assert_false(hk_label_is_valid("a'"));
	assert_true(hk_label_is_fingerprint("SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"));
	assert_false(hk_label_is_fingerprint("SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY"));
	assert_false(hk_label_is_fingerprint("MD5:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"));
	assert_false(
		hk_label_is_fingerprint("SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5S\n8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),	 cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),		 cmocka_unit_test(test_commands),
		cmocka_unit_test(test_commands_refused), cmocka_unit_test(test_nothing_allowed),
		cmocka_unit_test(test_option),		 cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
