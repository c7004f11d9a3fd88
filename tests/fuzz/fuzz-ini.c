/*
 * conf/conf.h: the two INI files, from files in memory. A line of "%%" stands between the defaults
 * and the project's file.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <conf/conf.h>
#include <conf/file.h>
#include <conf/parse.h>

#define SEPARATOR "%%\n"
#define LINE_MAX_BYTES 198 /* what the library's buffer holds */

struct file {
	int fd;
	char path[64];
};

static void file_init(struct file *f)
{
	f->fd = memfd_create("ini", MFD_CLOEXEC);
	/* Files that others can write are refused. */
	FUZZ_CHECK(f->fd >= 0 && !fchmod(f->fd, 0600));
	snprintf(f->path, sizeof(f->path), "/proc/self/fd/%d", f->fd);
}

static void file_fill(struct file *f, const char *text, size_t len)
{
	FUZZ_CHECK(!ftruncate(f->fd, 0));
	FUZZ_CHECK(pwrite(f->fd, text, len, 0) == (ssize_t)len);
}

static void check_int(const char *name, int64_t v, int64_t min, int64_t max)
{
	if (v >= min && v <= max)
		return;
	fprintf(stderr, "%s is %lld\n", name, (long long)v);
	abort();
}

static void check_ranges(const struct hk_conf *conf)
{
	check_int("port", conf->project_port, 0, 65535);
	check_int("keep_releases", conf->deploy_keep_releases, 1, 1000);
	check_int("min_free", conf->deploy_min_free, 0, INT64_C(1) << 40);
	check_int("min_inodes", conf->deploy_min_inodes, 0, 1000000000);
	check_int("stall", conf->push_stall, 100, 3600000);
	check_int("build.timeout", conf->build_timeout, 100, 86400000);
	check_int("build.grace", conf->build_grace, 0, 600000);
	check_int("health.interval", conf->health_interval, 100, 600000);
	FUZZ_CHECK(conf->project_path[0] == '/' && conf->health_path[0] == '/');
	FUZZ_CHECK(!conf->install_command.argv.len || *conf->install_command.argv.items[0]);
	FUZZ_CHECK(!conf->build_command.is_auto || !conf->build_command.argv.len);
	FUZZ_CHECK(!conf->service_stop.is_auto);
	FUZZ_CHECK(conf->health_expect.len);
	for (size_t i = 0; i < conf->health_expect.len; i++) {
		check_int("expect from", conf->health_expect.ranges[i].from, 100, 599);
		check_int("expect to", conf->health_expect.ranges[i].to,
			  conf->health_expect.ranges[i].from, 599);
	}
}

/* A value, written and read, is the same value. */
static void check_values(const struct hk_conf *conf)
{
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		const struct hk_conf_option *o = &hk_conf_options[i];
		hk_auto_buf text = HK_BUF_INIT, again = HK_BUF_INIT;
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_conf back = HK_CONF_INIT;

		hk_conf_value_format(o, conf, &text);
		FUZZ_CHECK(!hk_conf_value_parse(o, text.data, &back, &err));
		hk_conf_value_format(o, &back, &again);
		FUZZ_CHECK(!strcmp(text.data, again.data));
	}
}

static bool has_long_line(const char *text)
{
	size_t n = 0;

	for (; *text && n <= LINE_MAX_BYTES; text += n + (text[n] == '\n'))
		n = strcspn(text, "\n");
	return n > LINE_MAX_BYTES;
}

/* What is shown can be written to a file. */
static void check_shown(const struct hk_conf *conf)
{
	hk_auto_conf_file f = { .path = "shown", .scope = HK_CONF_DEFAULTS | HK_CONF_PROJECT };
	hk_auto_buf text = HK_BUF_INIT;
	size_t shown = 0, at;

	hk_conf_show(conf, &text);
	if (has_long_line(text.data))
		return;
	hk_conf_file_parse(&f, text.data, text.len);
	for (size_t i = 0; i < hk_conf_options_len; i++)
		shown += !hk_conf_options[i].secret;
	FUZZ_CHECK(!f.problems_len && f.len == shown);
	for (size_t i = 0; i < f.len; i++) {
		hk_auto_buf want = HK_BUF_INIT, got = HK_BUF_INIT;
		struct hk_error err = HK_ERROR_INIT;
		hk_auto_conf back = HK_CONF_INIT;

		FUZZ_CHECK(
			!hk_conf_value_parse(f.entries[i].option, f.entries[i].value, &back, &err));
		hk_conf_value_format(f.entries[i].option, conf, &want);
		hk_conf_value_format(f.entries[i].option, &back, &got);
		FUZZ_CHECK(!strcmp(want.data, got.data) || hk_conf_find_userinfo(want.data, &at));
	}
}

static void check_json(const struct hk_conf *conf)
{
	hk_auto_json *j = hk_conf_to_json(conf), *back = NULL;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf text = HK_BUF_INIT;

	hk_json_write(j, &text);
	FUZZ_CHECK(!hk_json_parse(text.data, text.len, "json", HK_E_INTERNAL, &back, &err));
}

static void check_refused(const struct hk_conf *conf, const struct hk_strlist *problems,
			  const struct hk_error *err)
{
	FUZZ_CHECK(err->code == HK_E_CONFIG_INVALID && !conf->origins);
	FUZZ_CHECK(problems->len && !fuzz_has_control(err->message));
	for (size_t i = 0; i < problems->len; i++)
		FUZZ_CHECK(!fuzz_has_control(problems->items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct file defaults = { .fd = -1 }, project = { .fd = -1 };
	const char *text = (const char *)data;
	const char *cut = size ? memmem(text, size, SEPARATOR, strlen(SEPARATOR)) : NULL;
	const char *second = cut ? cut + strlen(SEPARATOR) : text;
	hk_auto_strlist problems = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_conf conf = HK_CONF_INIT;

	if (project.fd < 0) {
		file_init(&defaults);
		file_init(&project);
	}
	file_fill(&defaults, text, cut ? (size_t)(cut - text) : 0);
	file_fill(&project, second, size - (size_t)(second - text));
	if (hk_conf_load(defaults.path, project.path, &conf, &problems, &err) < 0) {
		check_refused(&conf, &problems, &err);
		return 0;
	}
	FUZZ_CHECK(!problems.len && err.code == HK_OK);
	check_ranges(&conf);
	check_values(&conf);
	check_shown(&conf);
	check_json(&conf);
	return 0;
}
