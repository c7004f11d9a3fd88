/*
 * conf/: what is shown reads back, JSON, the example files and the manual page.
 */
#include "conf-fixture.h"

#include <conf/options.h>
#include <conf/parse.h>
#include <conf/show.h>

/* A value of its own for every option, in forms that are hard to write back. */
static const char rich[] =
	"[project]\nruntime = node\nport = 1\ndomain = www.a-b.example\npath = /a b:/c;d\nshell = env get\n"
	"[push]\nmode = strict\nallow = reason, build\nrefs = refs/heads/*, refs/d?\nstall = 90s\n"
	"missed = report\n"
	"[deploy]\nforce = no\npushed_ini = off\nfreeze = until  Monday, \\\"or\\\"\n"
	"branches = a, b*\ntags =\nconcurrency = latest\nmax_log = 65K\nkeep_history = 11\n"
	"keep_releases = 1000\nmin_free = 1500K\n"
	"min_inodes = 0\n"
	"subdirectory = apps/my web\n"
	"[source]\ntimeout = 299s\nexcludes = *.psd, /data\n"
	"[checkout]\ntimeout = 1h\nsubmodules = recursive\nlfs = yes\n"
	"[install]\nenabled = yes\ncommand = sh: a; b \"c\" && d\ntimeout = 1500ms\n"
	"[build]\nenabled = no\ncommand = 'sh:' a\\ \\;b 'it'\\''s' '' \"x\ty\" c\n"
	"timeout = 24h\ngrace = 0\nconfine = yes\nwritable = /srv/a, /b c\nmemory_max = 1G\n"
	"cpu_quota = 150\ntasks_max = 0\nnetwork = no\n"
	"[service]\ndriver = command\nstart = /bin/sh -c 'x;y '\nstop = 'auto' ''\\;\n"
	"restart = /bin/sh -c ';'\nstatus = /bin/sh -c x\\ \\;y\ntimeout = 61s\n"
	"stop_timeout = 100ms\n"
	"memory_max = 64M\n"
	"cpu_quota = 50\n"
	"tasks_max = 100\n"
	"[health]\nenabled = off\npath = /\ninterval = 601ms\ntimeout = 60m\n"
	"expect = 100-199, 304,500-599\non_failure = rollback\n"
	"[ratelimit]\nenabled = no\nmax = 1\nwindow = 90m\nfailure_limit = 0\ncooldown = 720h\n"
	"[autopause]\nenabled = yes\nfailures = 1000\nwindow = 1s\n"
	"[notify]\nurl = https://x.example.org/a@b?c\nsecret = s3cret\non = all,superseded\n"
	"timeout = 1s\nattempts = 1\n"
	"[secrets]\ninject = on\nrequired = A, B_C\n"
	"[database]\nkind = sqlite\npath = shared/my app.db\nurl = postgresql://u:p@h/d\n"
	"dump = sh: pg_dump x > 1\nrestore = a 'b c'\ntimeout = 301s\nbefore_deploy = no\nkeep = 9\n"
	"keep_for = 0\n"
	"[shared]\ndirs = a, b c/d\nfiles = b c/e.yml\n"
	"[hooks]\npre_build = a 'b;c'\npre_activate = sh: a \"$X\" && b\npost_activate = 'auto'\n"
	"on_failure = sh: a; b\ntimeout = 90m\n";

static void assert_same(const struct hk_conf *a, const struct hk_conf *b)
{
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		const struct hk_conf_option *o = &hk_conf_options[i];
		hk_auto_buf x = HK_BUF_INIT, y = HK_BUF_INIT;

		if (o->secret)
			continue;
		hk_conf_value_format(o, a, &x);
		hk_conf_value_format(o, b, &y);
		assert_string_equal(x.data, y.data);
	}
}

static void test_show(void **state)
{
	hk_auto_conf first = HK_CONF_INIT, second = HK_CONF_INIT;
	struct fixture *f = *state;
	hk_auto_buf text = HK_BUF_INIT;

	load_text(f, rich, &first);
	hk_conf_show(&first, &text);
	assert_non_null(strstr(text.data, "p.ini:3\nport = 1\n"));
	assert_non_null(strstr(text.data, "min_free = 1500K\n"));
	assert_non_null(strstr(text.data, "command = sh: a; b \"c\" && d\n"));
	load_text(f, text.data, &second);
	assert_same(&first, &second);
	assert_int_equal(second.build_command.argv.len, 6);
	assert_string_equal(second.build_command.argv.items[0], "sh:");
	assert_string_equal(second.build_command.argv.items[1], "a ;b");
	assert_string_equal(second.build_command.argv.items[2], "it's");
	assert_string_equal(second.build_command.argv.items[3], "");
	assert_string_equal(second.build_command.argv.items[4], "x\ty");
	assert_string_equal(second.service_start.argv.items[2], "x;y ");
	assert_false(second.service_stop.is_auto);
	assert_string_equal(second.service_stop.argv.items[0], "auto");
	assert_string_equal(second.service_restart.argv.items[2], ";");
	assert_string_equal(second.service_status.argv.items[2], "x ;y");
	assert_int_equal(second.install_timeout, 1500);
	assert_int_equal(second.health_expect.ranges[2].to, 599);
	assert_string_equal(first.notify_secret, "s3cret");
	assert_null(strstr(text.data, "s3cret"));
	assert_string_equal(second.notify_on.items[1], "superseded");
	/* The rich file sets every option, so that a new row must be added there. */
	for (size_t i = 0; i < hk_conf_options_len; i++)
		assert_string_not_equal(first.origins[i], "default");
}

/* A list that is too long for a line is shown in lines that are read back. */
static void test_show_long_list(void **state)
{
	hk_auto_conf first = HK_CONF_INIT, second = HK_CONF_INIT;
	struct fixture *f = *state;
	hk_auto_buf text = HK_BUF_INIT;

	hk_buf_addstr(&text, "[deploy]\nbranches =\n");
	for (int i = 0; i < 60; i++)
		hk_buf_addf(&text, "\tbranch-%d%0*d\n", i, i * 3 % 180 + 1, 7);
	load_text(f, text.data, &first);
	assert_int_equal(first.deploy_branches.len, 60);
	hk_buf_reset(&text);
	hk_conf_show(&first, &text);
	load_text(f, text.data, &second);
	assert_same(&first, &second);
	assert_int_equal(second.deploy_branches.len, 60);
}

/* Whatever value is accepted is written in a form that gives the same value. */
static void test_random_values(void **state)
{
	static const char bytes[] = "ab '\"\\;#,:$/sh-\t\xc3\xbc";
	static const char *const options[][2] = { { "service", "stop" },
						  { "deploy", "branches" },
						  { "project", "path" } };
	uint32_t seed = 42;
	int accepted = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		const char *const *name = options[rnd(&seed) % HK_ARRAY_LEN(options)];
		const struct hk_conf_option *o = hk_conf_option_find(name[0], name[1]);
		hk_auto_conf first = HK_CONF_INIT, second = HK_CONF_INIT;
		hk_auto_buf text = HK_BUF_INIT, again = HK_BUF_INIT;
		struct hk_error err = HK_ERROR_INIT;
		char value[14] = "";

		for (size_t i = 0, len = rnd(&seed) % sizeof(value); i < len; i++)
			value[i] = bytes[rnd(&seed) % (sizeof(bytes) - 1)];
		if (hk_conf_check_value(name[0], name[1], value, &err) < 0)
			continue;
		accepted++;
		assert_int_equal(hk_conf_value_parse(o, value, &first, &err), 0);
		hk_conf_value_format(o, &first, &text);
		if (hk_conf_check_value(name[0], name[1], text.data, &err) < 0)
			fail_msg("<%s> is shown as <%s>: %s", value, text.data, err.message);
		assert_int_equal(hk_conf_value_parse(o, text.data, &second, &err), 0);
		hk_conf_value_format(o, &second, &again);
		assert_string_equal(again.data, text.data);
		assert_int_equal(first.service_stop.argv.len, second.service_stop.argv.len);
		for (size_t i = 0; i < first.service_stop.argv.len; i++)
			assert_string_equal(first.service_stop.argv.items[i],
					    second.service_stop.argv.items[i]);
	}
	assert_true(accepted > 1000);
}

static void test_json(void **state)
{
	hk_auto_conf conf = HK_CONF_INIT;
	struct fixture *f = *state;
	hk_auto_json *j = NULL;
	const struct hk_json *o;

	load_text(f, rich, &conf);
	j = hk_conf_to_json(&conf);
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		hk_auto_buf value = HK_BUF_INIT;

		o = hk_json_get(hk_json_get(j, hk_conf_options[i].section), hk_conf_options[i].key);
		hk_conf_value_format(&hk_conf_options[i], &conf, &value);
		if (hk_conf_options[i].secret)
			assert_null(hk_json_get_string(o, "value"));
		else
			assert_string_equal(hk_json_get_string(o, "value"), value.data);
		assert_string_equal(hk_json_get_string(o, "origin"), conf.origins[i]);
	}
}

/* Types and flags that no row has today. */
static void test_rows(void **state)
{
	struct hk_conf_option o = *hk_conf_option_find("project", "path");
	hk_auto_conf conf = HK_CONF_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_json *j = NULL;
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	o.type = HK_CONF_PATH;
	assert_int_equal(hk_conf_value_parse(&o, "a/b", &conf, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "'a/b' is not an absolute path");
	assert_int_equal(hk_conf_value_parse(&o, "/a/../b", &conf, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "'/a/../b' goes through '..'");
	assert_null(conf.project_path);
	assert_int_equal(hk_conf_value_parse(&o, "/a/..b/c", &conf, &err), 0);
	assert_string_equal(conf.project_path, "/a/..b/c");
	o.type = HK_CONF_STRING;
	o.secret = true;
	assert_int_equal(hk_conf_value_parse(&o, "hunter2", &conf, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "the value is not text that matches ^/");
	assert_string_equal(conf.project_path, "/a/..b/c");
	hk_conf_show_option(&o, &conf, "x.ini:7", &out);
	assert_string_equal(out.data, "# x.ini:7; secret, not shown\n# path =\n");
	hk_buf_reset(&out);
	j = hk_conf_option_to_json(&o, &conf, "x.ini:7");
	hk_json_write(j, &out);
	assert_string_equal(out.data, "{\"value\":null,\"origin\":\"x.ini:7\",\"secret\":true}");
}

/* What is shown, or quoted in a message, has neither user nor password. */
static void test_userinfo(void **state)
{
	const struct hk_conf_option *o = hk_conf_option_find("notify", "url");
	hk_auto_conf conf = HK_CONF_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;
	hk_auto_json *j = NULL;

	(void)state;
	assert_int_equal(hk_conf_value_parse(o, "http://u:p@w@h.org/x@y", &conf, &err), 0);
	hk_conf_show_option(o, &conf, "x.ini:7", &out);
	assert_string_equal(out.data, "# x.ini:7; user and password not shown\n"
				      "url = http://*@h.org/x@y\n");
	hk_buf_reset(&out);
	j = hk_conf_option_to_json(o, &conf, "x.ini:7");
	hk_json_write(j, &out);
	assert_string_equal(out.data, "{\"value\":\"http://*@h.org/x@y\",\"origin\":\"x.ini:7\"}");
	assert_int_equal(hk_conf_value_parse(o, "ftp://u:hunter2@h/", &conf, &err),
			 HK_E_CONFIG_INVALID);
	assert_null(strstr(err.message, "hunter2"));
	assert_int_equal(hk_conf_value_parse(o, "ftp://h/", &conf, &err), HK_E_CONFIG_INVALID);
	assert_non_null(strstr(err.message, "'ftp://h/'"));
}

static void test_list_names(void **state)
{
	const struct hk_conf_option *o = hk_conf_option_find("notify", "on");
	hk_auto_conf conf = HK_CONF_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	assert_int_equal(hk_conf_value_parse(o, "all, faild", &conf, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "'faild' is none of all, succeeded, failed, cancelled, "
					 "superseded, interrupted; did you mean 'failed'?");
	assert_int_equal(hk_conf_value_parse(o, "", &conf, &err), 0);
	assert_int_equal(conf.notify_on.len, 0);
	hk_conf_value_describe(o, &out);
	assert_string_equal(out.data,
			    "a list of all, succeeded, failed, cancelled, superseded, interrupted");
}

static void test_statuses(void **state)
{
	static const struct hk_statuses s = { .len = 2, .ranges = { { 200, 299 }, { 304, 304 } } };
	hk_auto_buf out = HK_BUF_INIT;

	(void)state;
	assert_false(hk_statuses_match(&s, 199));
	assert_true(hk_statuses_match(&s, 200));
	assert_true(hk_statuses_match(&s, 299));
	assert_false(hk_statuses_match(&s, 300));
	assert_true(hk_statuses_match(&s, 304));
	hk_statuses_format(&s, &out);
	assert_string_equal(out.data, "200-299, 304");
}

/* "#key = value" lines become settings. */
static void uncomment(const char *text, struct hk_buf *out)
{
	for (const char *p = text; *p; p = strchr(p, '\n') + 1) {
		size_t n = strcspn(p, "\n") + 1;
		size_t skip = p[0] == '#' && p[1] != ' ';

		hk_buf_add(out, p + skip, n - skip);
	}
}

static void check_example(struct fixture *f, bool for_project, const char *name)
{
	const char *top = getenv("HK_TOP_SRCDIR");
	const char *path = for_project ? f->project : f->defaults;
	hk_auto_conf plain = HK_CONF_INIT, set = HK_CONF_INIT, defaults = HK_CONF_INIT;
	hk_auto_buf text = HK_BUF_INIT, settings = HK_BUF_INIT;
	unsigned scope = for_project ? HK_CONF_PROJECT : HK_CONF_DEFAULTS;
	hk_auto_free char *stored = hk_xasprintf("%s/config/%s", top ? top : ".", name);
	hk_auto_fclose FILE *file = NULL;
	char content[65536] = "";

	load(f, &defaults);
	hk_conf_example(for_project, &text);
	for (const char *p = text.data; *p; p += strcspn(p, "\n") + 1)
		assert_true(strcspn(p, "\n") < 100);
	write_file(path, text.data);
	load(f, &plain);
	assert_same(&defaults, &plain);
	uncomment(text.data, &settings);
	write_file(path, settings.data);
	load(f, &set);
	assert_same(&defaults, &set);
	for (size_t i = 0; i < hk_conf_options_len; i++)
		assert_int_equal(!strcmp(set.origins[i], "default"),
				 !(hk_conf_options[i].scope & scope));
	write_file(path, "");
	file = fopen(stored, "re");
	if (!file)
		fail_msg("cannot open %s: set HK_TOP_SRCDIR", stored);
	assert_true(fread(content, 1, sizeof(content) - 1, file) > 0);
	assert_string_equal(content, text.data);
}

static void test_examples(void **state)
{
	check_example(*state, false, "hostkit.ini");
	check_example(*state, true, "project.ini");
}

/* groff has nothing to say about the page, and it has every option. */
static void test_man(void **state)
{
	struct fixture *f = *state;
	hk_auto_free char *page = hk_xasprintf("%s/p.ini", f->dir);
	hk_auto_buf text = HK_BUF_INIT;
	int fds[2], status;
	char said[4096];
	ssize_t n;
	pid_t pid;

	hk_buf_addstr(&text, ".TH hostkit.ini 5\n");
	hk_conf_man(&text);
	for (const char *p = text.data; *p; p += strcspn(p, "\n") + 1)
		assert_true(*p != '\n');
	assert_null(strchr(text.data, '\''));
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		hk_auto_free char *head = hk_xasprintf(".TP\n.B %s\n", hk_conf_options[i].key);

		assert_non_null(strstr(text.data, head));
	}
	write_file(page, text.data);
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		execlp("groff", "groff", "-man", "-ww", "-Tutf8", "-z", page, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	n = read(fds[0], said, sizeof(said) - 1);
	close(fds[0]);
	said[n > 0 ? n : 0] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		skip();
	assert_string_equal(said, "");
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILES(test_show),
		WITH_FILES(test_show_long_list),
		cmocka_unit_test(test_random_values),
		WITH_FILES(test_json),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_userinfo),
		cmocka_unit_test(test_list_names),
		cmocka_unit_test(test_statuses),
		WITH_FILES(test_examples),
		WITH_FILES(test_man),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
