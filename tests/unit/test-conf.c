/*
 * conf/: values of every type, and files with every mistake.
 */
#include "conf-fixture.h"

#include <conf/options.h>

/* Loads what is there; the problems, without the folder's path, are want, and ret is untouched. */
static void refuse(const struct fixture *f, const char *const *want, struct hk_error *err)
{
	hk_auto_strlist problems = HK_STRLIST_INIT;
	struct hk_conf conf = { .project_port = 4711 };
	size_t skip = strlen(f->dir) + 1;
	size_t n = 0;

	assert_int_equal(hk_conf_load(f->defaults, f->project, &conf, &problems, err),
			 HK_E_CONFIG_INVALID);
	for (; want[n]; n++) {
		assert_true(n < problems.len);
		assert_string_equal(problems.items[n] + skip, want[n]);
	}
	assert_int_equal(problems.len, n);
	assert_int_equal(conf.project_port, 4711);
	assert_null(conf.origins);
	assert_memory_equal(err->message, problems.items[0], strlen(problems.items[0]));
	if (n > 1)
		assert_non_null(
			strstr(err->message, n > 2 ? " more problems)" : "(and 1 more problem)"));
}

static void refuse_text(const struct fixture *f, const char *text, const char *want,
			const char *hint)
{
	const char *const wants[] = { want, NULL };
	struct hk_error err = HK_ERROR_INIT;

	write_file(f->project, text);
	refuse(f, wants, &err);
	assert_string_equal(err.hint, hint);
}

static const char *origin(const struct hk_conf *conf, const char *section, const char *key)
{
	return conf->origins[hk_conf_option_find(section, key) - hk_conf_options];
}

static void test_defaults(void **state)
{
	struct fixture *f = *state;
	hk_auto_conf conf = HK_CONF_INIT;

	assert_int_equal(unlink(f->defaults), 0);
	load(f, &conf);
	assert_string_equal(conf.project_runtime, "auto");
	assert_int_equal(conf.project_port, 0);
	assert_int_equal(conf.checkout_timeout, 300000);
	assert_int_equal(conf.deploy_min_free, 200 << 20);
	assert_int_equal(conf.deploy_keep_releases, 5);
	assert_int_equal(conf.deploy_branches.len, 1);
	assert_string_equal(conf.deploy_branches.items[0], "main");
	assert_int_equal(conf.install_enabled, HK_AUTO);
	assert_true(conf.install_command.is_auto);
	assert_false(conf.service_stop.is_auto);
	assert_int_equal(conf.service_stop.argv.len, 0);
	assert_true(conf.health_enabled);
	assert_int_equal(conf.health_expect.len, 1);
	assert_string_equal(origin(&conf, "health", "path"), "default");
}

static const char every_notation[] = "\xef\xbb\xbf# comment\r\n"
				     "[project] ; comment\n"
				     "port=3000 ; comment\n"
				     "runtime : static\n"
				     "; comment\n"
				     "[deploy] # comment\n"
				     "  tags =\n"
				     "branches = main, release/*\n"
				     "\n"
				     "# between\n"
				     "\tdev ; comment\n"
				     "    hotfix-*,\n"
				     "\tlast\n"
				     "min_free = 1G\n"
				     "[health]\n"
				     "enabled = OFF\n"
				     "expect = 200-204, 304\n"
				     "interval = 250ms\r\n"
				     "path = /x;y\n"
				     "[build]\n"
				     "enabled = no\n"
				     "command = npm run 'build all'\n"
				     "[service]\n"
				     "start = sh: cd web && exec node \"s.js\"; true\n"
				     "[deploy]\n"
				     "keep_releases = 1";

static void test_values(void **state)
{
	struct fixture *f = *state;
	hk_auto_conf conf = HK_CONF_INIT;

	load_text(f, every_notation, &conf);
	assert_int_equal(conf.project_port, 3000);
	assert_string_equal(conf.project_runtime, "static");
	assert_int_equal(conf.deploy_tags.len, 0);
	assert_int_equal(conf.deploy_branches.len, 5);
	assert_string_equal(conf.deploy_branches.items[1], "release/*");
	assert_string_equal(conf.deploy_branches.items[2], "dev");
	assert_string_equal(conf.deploy_branches.items[3], "hotfix-*");
	assert_string_equal(conf.deploy_branches.items[4], "last");
	assert_int_equal(conf.deploy_min_free, 1 << 30);
	assert_int_equal(conf.deploy_keep_releases, 1);
	assert_false(conf.health_enabled);
	assert_int_equal(conf.health_interval, 250);
	assert_string_equal(conf.health_path, "/x;y");
	assert_int_equal(conf.health_expect.len, 2);
	assert_int_equal(conf.health_expect.ranges[1].from, 304);
	assert_int_equal(conf.build_enabled, HK_NO);
	assert_false(conf.build_command.is_auto);
	assert_int_equal(conf.build_command.argv.len, 3);
	assert_string_equal(conf.build_command.argv.items[2], "build all");
	assert_int_equal(conf.service_start.argv.len, 3);
	assert_string_equal(conf.service_start.argv.items[0], "/bin/sh");
	assert_string_equal(conf.service_start.argv.items[1], "-c");
	assert_string_equal(conf.service_start.argv.items[2], "cd web && exec node \"s.js\"; true");
}

static void test_both_files(void **state)
{
	struct fixture *f = *state;
	hk_auto_conf conf = HK_CONF_INIT;
	char want[160];

	write_file(f->defaults,
		   "[health]\ntimeout = 9s\ninterval = 2s\n[deploy]\nbranches = a, b\n");
	load_text(f, "\n[health]\ntimeout = 10s\n[deploy]\nbranches = c\n", &conf);
	assert_int_equal(conf.health_timeout, 10000);
	assert_int_equal(conf.health_interval, 2000);
	assert_int_equal(conf.deploy_branches.len, 1);
	snprintf(want, sizeof(want), "%s:3", f->project);
	assert_string_equal(origin(&conf, "health", "timeout"), want);
	snprintf(want, sizeof(want), "%s:3", f->defaults);
	assert_string_equal(origin(&conf, "health", "interval"), want);
	assert_string_equal(origin(&conf, "health", "path"), "default");
}

/* One row per value; want is NULL for a good one. */
static const struct {
	const char *section, *key, *value, *want;
} values[] = {
	{ "project", "port", "0", NULL },
	{ "project", "port", "65535", NULL },
	{ "project", "port", "65536", "'65536' is out of range: 0 to 65535" },
	{ "project", "port", "-1", "'-1' is out of range: 0 to 65535" },
	{ "project", "port", "", "'' is not a whole number" },
	{ "project", "port", "80 # x", "'80 # x' has a comment that would be part of the value" },
	{ "project", "runtime", "nodee",
	  "'nodee' is none of auto, nextjs-standalone, nextjs, node, python, static; did you "
	  "mean 'node'?" },
	{ "project", "runtime", "",
	  "'' is none of auto, nextjs-standalone, nextjs, node, python, static" },
	{ "project", "path", "/bin", NULL },
	{ "project", "path", "bin", "'bin' does not match ^/" },
	{ "project", "path", "/bin\n", "the value has a control character (0x0a)" },
	{ "project", "path", "/bin ", "the value has a blank at its beginning or end" },
	{ "project", "path", " /bin", "the value has a blank at its beginning or end" },
	{ "project", "path", "/bin ;x", "the value has a comment: a blank followed by ';'" },
	{ "push", "stall", "100ms", NULL },
	{ "push", "stall", "1h", NULL },
	{ "push", "stall", "60m", NULL },
	{ "push", "stall", "99ms", "'99ms' is out of range: 100ms to 1h" },
	{ "push", "stall", "3601", "'3601' is out of range: 100ms to 1h" },
	{ "push", "stall", "soon", "'soon' is not a duration: write 250ms, 30s, 10m or 1h" },
	{ "deploy", "min_free", "0", NULL },
	{ "deploy", "min_free", "1024G", NULL },
	{ "deploy", "min_free", "1025G", "'1025G' is out of range: 0 to 1024G" },
	{ "deploy", "min_free", "5 M", "'5 M' is not a size: write 512, 64K, 200M or 2G" },
	{ "deploy", "branches", "", NULL },
	{ "deploy", "branches", "a ,\tb", NULL },
	{ "deploy", "branches", "a,,b", "'a,,b' has an empty item" },
	{ "deploy", "branches", "a,", "'a,' has an empty item" },
	{ "deploy", "branches", ",", "',' has an empty item" },
	{ "deploy", "branches", "a,#b", "the item '#b' begins with '#'" },
	{ "deploy", "branches", ";b", "the value has a comment: a blank followed by ';'" },
	{ "deploy", "subdirectory", "", NULL },
	{ "deploy", "subdirectory", "web", NULL },
	{ "deploy", "subdirectory", "apps/my web/..x/.y", NULL },
	{ "deploy", "subdirectory", "/apps",
	  "'/apps' is an absolute path; it has to begin in the release" },
	{ "deploy", "subdirectory", "..", "'..' goes through '..'" },
	{ "deploy", "subdirectory", "apps/../..", "'apps/../..' goes through '..'" },
	{ "deploy", "subdirectory", "apps//web",
	  "'apps//web' has an empty component: write it without '//' and without a '/' at its end" },
	{ "deploy", "subdirectory", "apps/",
	  "'apps/' has an empty component: write it without '//' and without a '/' at its end" },
	{ "deploy", "subdirectory", ".", "'.' has a component '.': leave it out" },
	{ "deploy", "subdirectory", "apps/./web",
	  "'apps/./web' has a component '.': leave it out" },
	{ "checkout", "submodules", "none", NULL },
	{ "checkout", "submodules", "yes", "'yes' is none of none, recursive" },
	{ "health", "enabled", "yes", NULL },
	{ "health", "enabled", "True", NULL },
	{ "health", "enabled", "on", NULL },
	{ "health", "enabled", "1", NULL },
	{ "health", "enabled", "no", NULL },
	{ "health", "enabled", "false", NULL },
	{ "health", "enabled", "off", NULL },
	{ "health", "enabled", "0", NULL },
	{ "health", "enabled", "auto", "'auto' is neither yes nor no" },
	{ "health", "enabled", "", "'' is neither yes nor no" },
	{ "install", "enabled", "auto", NULL },
	{ "install", "enabled", "off", NULL },
	{ "install", "enabled", "maybe", "'maybe' is none of yes, no, auto" },
	{ "health", "path", "/a?b=c", NULL },
	{ "health", "path", "/a b", "'/a b' does not match ^/[^[:space:]]*$" },
	{ "health", "expect", "100-599", NULL },
	{ "health", "expect", "200 - 204,304", NULL },
	{ "health", "expect", "99", "'99' is out of range: 100 to 599" },
	{ "health", "expect", "200-600", "'600' is out of range: 100 to 599" },
	{ "health", "expect", "204-200", "'204-200' ends before it begins" },
	{ "health", "expect", "200-", "'' is not a whole number" },
	{ "health", "expect", "2xx", "'2xx' is not a whole number" },
	{ "health", "expect", "200,,204", "'200,,204' has an empty item" },
	{ "health", "expect", "", "'' has an empty item" },
	{ "build", "writable", "/srv, /a b", NULL },
	{ "build", "writable", "", NULL },
	{ "build", "writable", "/srv, data", "'data' is not an absolute path" },
	{ "build", "writable", "/srv/../etc", "'/srv/../etc' goes through '..'" },
	{ "health", "expect", "200,201,202,203,204,205,206,207,208,209,210,211,212,213,214,215",
	  NULL },
	{ "health", "expect", "200,201,202,203,204,205,206,207,208,209,210,211,212,213,214,215,216",
	  "more than 16 ranges" },
	{ "service", "start", "auto", NULL },
	{ "service", "start", "", NULL },
	{ "service", "start", "sh:x", NULL },
	{ "service", "start", "sh: a; b # c", NULL },
	{ "service", "start", "sh:", "no shell line behind 'sh:'" },
	{ "service", "start", "a | b", "'|' needs a shell" },
	{ "service", "start", "a 'b", "a single quote has no end" },
	{ "service", "start", "'' b", "the program's name is empty" },
	{ "service", "start", "sh: a ; b",
	  "a blank followed by ';' begins a comment, and the command would end there" },
	{ "service", "stop", "auto", "'auto' means nothing here: there is no default command" },
	{ "service", "stop", "", NULL },
};

static void test_check_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(values); i++) {
		struct hk_error err = HK_ERROR_INIT;
		char want[512];
		int r = hk_conf_check_value(values[i].section, values[i].key, values[i].value,
					    &err);

		if (!values[i].want) {
			if (r < 0)
				fail_msg("%s", err.message);
			assert_int_equal(err.code, HK_OK);
			continue;
		}
		assert_int_equal(r, HK_E_CONFIG_INVALID);
		assert_int_equal(err.code, HK_E_CONFIG_INVALID);
		snprintf(want, sizeof(want), "[%s] %s: %s", values[i].section, values[i].key,
			 values[i].want);
		assert_string_equal(err.message, want);
	}
}

static void test_check_long_value(void **state)
{
	struct hk_error err = HK_ERROR_INIT;
	char value[300];

	(void)state;
	memset(value, 'x', sizeof(value));
	value[198 - strlen("start = ")] = '\0';
	assert_int_equal(hk_conf_check_value("service", "start", value, &err), 0);
	value[198 - strlen("start = ")] = 'x';
	value[199 - strlen("start = ")] = '\0';
	assert_int_equal(hk_conf_check_value("service", "start", value, &err), HK_E_CONFIG_INVALID);
	assert_string_equal(err.message, "the line has 199 bytes, and 198 is the limit");
}

static void test_suggestions(void **state)
{
	struct fixture *f = *state;

	refuse_text(f, "[build]\n\ntimout = 5s\n",
		    "p.ini:3: [build] timout: unknown key; did you mean 'timeout'?", "");
	refuse_text(f, "[deploy]\nkeep-releases = 5\n",
		    "p.ini:2: [deploy] keep-releases: unknown key; did you mean 'keep_releases'?",
		    "");
	refuse_text(f, "[deploy]\ninterval = 5\n",
		    "p.ini:2: [deploy] interval: unknown key; [health] has it", "");
	refuse_text(f, "[project]\ntimeout = 5\n",
		    "p.ini:2: [project] timeout: unknown key; [source], [checkout], [install], "
		    "[build], [service], [health], [database], [hooks], [notify] have it",
		    "");
	refuse_text(f, "[project]\nwhatever = 5\n", "p.ini:2: [project] whatever: unknown key", "");
	refuse_text(f, "[Helth]\ntimeout = 5\nnonsense = 1\n",
		    "p.ini:1: [Helth]: unknown section; did you mean [health]?", "");
	refuse_text(f, "[ health ]\n",
		    "p.ini:1: [ health ]: unknown section; did you mean [health]?", "");
	refuse_text(f,
		    "[nothing-like-it-and-longer-than-the-fifty-bytes-the-library-keeps]\nk = 1\n",
		    "p.ini:1: [nothing-like-it-and-longer-than-the-fifty-bytes-the-library-keeps]: "
		    "unknown section",
		    "");
	refuse_text(f, "interval = 5s\n",
		    "p.ini:1: 'interval' stands in front of the first section; [health] has it",
		    "");
}

static void test_syntax(void **state)
{
	struct fixture *f = *state;

	refuse_text(f, "[health\ntimeout = 5\n", "p.ini:1: a section without its ']'", "");
	refuse_text(f, "[health] timeout = 5\n", "p.ini:1: [health] is followed by text",
		    "begin a new line");
	refuse_text(f, "[health]\ntimeout\n", "p.ini:2: the line is no 'key = value'", "");
	refuse_text(f, "[health]\ntimeout", "p.ini:2: the line is no 'key = value'", "");
	refuse_text(f, "[health]\ntime ;out = 5\n", "p.ini:2: the line is no 'key = value'", "");
	refuse_text(f, "[health]\n= 5\n", "p.ini:2: [health] has a value without a key", "");
	refuse_text(f, "[health]\ntimeout =\n",
		    "p.ini:2: [health] timeout: '' is not a duration: write 250ms, 30s, 10m or 1h",
		    "");
	refuse_text(f, "[health]\ntimeout = 5\n[build]\n[health]\ntimeout = 6\n",
		    "p.ini:5: [health] timeout: already set in line 2", "");
	refuse_text(f, "[health]\npath = /x\033[2J\n",
		    "p.ini:2: the line has a control character (0x1b)", "");
	refuse_text(f, "[service]\n\nstart = sh: a ; b\n",
		    "p.ini:3: [service] start: a blank followed by ';' begins a comment, and the "
		    "command would end there",
		    "write it without the blank in front: sh: first; second");
	refuse_text(f, "[service]\nstart = a && b\n", "p.ini:2: [service] start: '&' needs a shell",
		    "quote it, or write a shell line: sh: a && b");
}

static void test_nul(void **state)
{
	static const char text[] = "[health]\npath = /x\0y\ntimeout = 5x\n";
	const char *const want[] = {
		"p.ini:2: the line has a NUL byte (0x00)",
		"p.ini:3: [health] timeout: '5x' is not a duration: write 250ms, 30s, 10m or 1h",
		NULL,
	};
	struct hk_error err = HK_ERROR_INIT;
	struct fixture *f = *state;

	write_bytes(f->project, text, sizeof(text) - 1);
	refuse(f, want, &err);
}

static void test_continuations(void **state)
{
#define ONLY_LISTS "an indented line continues the value above it, and only lists can be continued"
	static const char remove[] = "remove the blanks at the beginning of the line";
	struct fixture *f = *state;

	refuse_text(f, "[health]\n  path = /x\n  timeout = 5\n",
		    "p.ini:3: [health] path: " ONLY_LISTS, remove);
	refuse_text(f, "[deploy]\nbranches = a\n\n  tags = b\n",
		    "p.ini:4: [deploy] branches: " ONLY_LISTS, remove);
	refuse_text(f, "[service]\nstart = a\n  b\n", "p.ini:3: [service] start: " ONLY_LISTS,
		    remove);
	/* What continues a refused line is refused with it. */
	refuse_text(f, "[deploy]\nbranches = a\nbranhces = b\n  c\n  d\n",
		    "p.ini:3: [deploy] branhces: unknown key; did you mean 'branches'?", "");
	refuse_text(f, "[deploy]\nbranches = a\nbroken\n  c\n",
		    "p.ini:3: the line is no 'key = value'", "");
	refuse_text(f, "[deploy]\nbranches = a\n[helth]\n  c\n  d = e\n",
		    "p.ini:3: [helth]: unknown section; did you mean [health]?", "");
	refuse_text(f, "[deploy]\nbranches = a,\n  b,,\n  c\n",
		    "p.ini:2: [deploy] branches: 'a,b,,c' has an empty item", "");
	refuse_text(f, "[deploy]\nbranches = a,\n",
		    "p.ini:2: [deploy] branches: 'a,' has an empty item", "");
}

/* The longest line that passes, and one byte more, with both line ends. */
static void test_long_lines(void **state)
{
	struct fixture *f = *state;

	for (size_t len = 197; len < 203; len++) {
		hk_auto_buf text = HK_BUF_INIT;
		hk_auto_conf conf = HK_CONF_INIT;
		char want[128];

		hk_buf_addf(&text, "[health]\npath = /%0*d\r\ntimeout = 7s\n# %0400d\n",
			    (int)(len - strlen("path = /")), 0, 0);
		if (len <= 198) {
			load_text(f, text.data, &conf);
			assert_int_equal(strlen(conf.health_path), len - strlen("path = "));
			assert_int_equal(conf.health_timeout, 7000);
			continue;
		}
		snprintf(want, sizeof(want),
			 "p.ini:2: the line has %zu bytes, and 198 is the limit", len);
		refuse_text(
			f, text.data, want,
			"continue a list on an indented line; put a long command into a script");
	}
}

static void test_scope(void **state)
{
	const char *const want[] = {
		"d.ini:2: [project] port: cannot be set for all projects at once", NULL
	};
	struct hk_error err = HK_ERROR_INIT;
	struct fixture *f = *state;

	write_file(f->defaults, "[project]\nport = 80\n");
	refuse(f, want, &err);
	assert_string_equal(err.hint, "move it to the project's own file");
}

static void test_all_problems(void **state)
{
	const char *const want[] = {
		"d.ini:2: [health] timeout: '5x' is not a duration: write 250ms, 30s, 10m or 1h",
		"d.ini:4: [deploy] nothing: unknown key",
		"p.ini:2: [deploy] branches: ',b' has an empty item",
		"p.ini:4: the line is no 'key = value'",
		"p.ini:6: [health] enabled: 'x' is neither yes nor no",
		NULL,
	};
	struct hk_error err = HK_ERROR_INIT;
	struct fixture *f = *state;

	write_file(f->defaults, "[health]\ntimeout = 5x\n[deploy]\nnothing = 1\n");
	write_file(f->project, "[deploy]\nbranches = ,b\n[health]\nbroken\n\nenabled = x\n");
	refuse(f, want, &err);
	assert_non_null(strstr(err.message, "(and 4 more problems)"));
	assert_int_equal(hk_conf_load(f->defaults, f->project, &(struct hk_conf)HK_CONF_INIT, NULL,
				      &err),
			 HK_E_CONFIG_INVALID);
}

static void refuse_file(const struct fixture *f, enum hk_code code, const char *in_message,
			const char *in_hint)
{
	struct hk_error err = HK_ERROR_INIT;
	struct hk_conf conf = HK_CONF_INIT;

	assert_int_equal(hk_conf_load(f->defaults, f->project, &conf, NULL, &err), code);
	assert_non_null(strstr(err.message, f->project));
	assert_non_null(strstr(err.message, in_message));
	assert_non_null(strstr(err.hint, in_hint));
	assert_null(conf.origins);
}

static void test_files(void **state)
{
	struct fixture *f = *state;
	hk_auto_buf big = HK_BUF_INIT;
	hk_auto_conf conf = HK_CONF_INIT;

	assert_int_equal(chmod(f->project, 0664), 0);
	refuse_file(f, HK_E_PERMISSION, "others may write it (mode 664)", "chmod go-w /");
	assert_int_equal(chmod(f->project, 0602), 0);
	refuse_file(f, HK_E_PERMISSION, "others may write it (mode 602)", "chmod go-w /");
	assert_int_equal(chmod(f->project, 0600), 0);
	while (big.len < 256 * 1024)
		hk_buf_addstr(&big, "# 45678\n");
	load_text(f, big.data, &conf);
	hk_buf_addch(&big, '\n');
	write_file(f->project, big.data);
	refuse_file(f, HK_E_CONFIG_INVALID, "is larger than 256 KiB", "");
	unlink(f->project);
	refuse_file(f, HK_E_IO, "No such file", "");
	assert_int_equal(mkfifo(f->project, 0600), 0);
	refuse_file(f, HK_E_IO, "is not a regular file", "");
}

static void test_owner(void **state)
{
	struct fixture *f = *state;
	hk_auto_conf conf = HK_CONF_INIT;

	if (geteuid())
		skip();
	assert_int_equal(chown(f->project, 12345, 0), 0);
	refuse_file(f, HK_E_PERMISSION, "belongs to another user (uid 12345)", "chown 0 /");
	/* Its owner may use it, and may use root's. */
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(seteuid(12345), 0);
	load(f, &conf);
	assert_int_equal(seteuid(0), 0);
}

/* Any bytes give a configuration or problems with the lines they are in. */
static void test_random_files(void **state)
{
	static const char *const pieces[] = {
		"\n",	  "\n",	      "\n",	     "\r\n",	   " ",
		"\t",	  "[",	      "]",	     "=",	   " = ",
		"health", "[health]", "path",	     "[deploy]\n", "branches = a",
		",",	  "tags=b",   " ;",	     "#",	   "\xef\xbb\xbf",
		"\xff",	  "service",  "[service]\n", "start = ",   "sh: x",
		"'",	  "\x1b",     "[build]\n",   "timeout",	   "5s",
		":",
	};
	struct fixture *f = *state;
	uint32_t seed = 1;

	for (int round = 0; round < 3000; round++) {
		hk_auto_strlist problems = HK_STRLIST_INIT;
		hk_auto_conf conf = HK_CONF_INIT;
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_buf text = HK_BUF_INIT;
		int r;

		for (size_t i = 0, n = rnd(&seed) % 60; i < n; i++)
			hk_buf_addstr(&text, pieces[rnd(&seed) % HK_ARRAY_LEN(pieces)]);
		write_bytes(f->project, text.data, text.len);
		r = hk_conf_load(f->defaults, f->project, &conf, &problems, &err);
		assert_true((r < 0) == (problems.len > 0));
		for (size_t i = 0; i < problems.len; i++)
			assert_true(strlen(problems.items[i]) > strlen(f->project) + 4);
	}
}

static void note_problem(void *ctx, const char *message, const char *hint)
{
	assert_non_null(hint);
	hk_strlist_add(ctx, message);
}

/* What is right in the files is there, whatever else is in them. */
static void test_load_anyway(void **state)
{
	hk_auto_strlist problems = HK_STRLIST_INIT;
	hk_auto_conf conf = HK_CONF_INIT;
	struct fixture *f = *state;

	write_file(f->defaults, "[build]\ntimeout = 7s\ntimeot = 8s\n");
	write_file(f->project, "[project]\nport = 4000\n[health]\ntimeout = soon\n");
	hk_conf_load_anyway(f->defaults, f->project, &conf, note_problem, &problems);
	assert_int_equal(problems.len, 2);
	assert_non_null(strstr(problems.items[0], "d.ini:3: [build] timeot: unknown key"));
	assert_non_null(strstr(problems.items[1], "p.ini:4: [health] timeout: "));
	assert_int_equal(conf.build_timeout, 7000);
	assert_int_equal(conf.project_port, 4000);
	assert_int_equal(conf.health_timeout, 120000);
	hk_conf_release(&conf);
	hk_conf_load_anyway("/nonexistent", "/nonexistent", &conf, note_problem, &problems);
	assert_int_equal(problems.len, 3);
	assert_non_null(strstr(problems.items[2], "/nonexistent"));
	assert_int_equal(conf.health_timeout, 120000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FILES(test_defaults),
		WITH_FILES(test_values),
		WITH_FILES(test_both_files),
		cmocka_unit_test(test_check_value),
		cmocka_unit_test(test_check_long_value),
		WITH_FILES(test_suggestions),
		WITH_FILES(test_load_anyway),
		WITH_FILES(test_syntax),
		WITH_FILES(test_nul),
		WITH_FILES(test_continuations),
		WITH_FILES(test_long_lines),
		WITH_FILES(test_scope),
		WITH_FILES(test_all_problems),
		WITH_FILES(test_files),
		WITH_FILES(test_owner),
		WITH_FILES(test_random_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
