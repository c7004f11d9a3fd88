/*
 * Reading control groups (contract in cgroup.h).
 */
#include <sys/cgroup.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/human.h>
#include <sys/fs.h>

#define ROOT "/sys/fs/cgroup"
#define FILE_MAX 65536

/* A file of a controller, under the names that the two versions have for it. */
struct knob {
	const char *controller;
	const char *v1, *v2;
};

static const struct knob memory_max = { "memory", "memory.limit_in_bytes", "memory.max" };
static const struct knob memory_events = { "memory", "memory.oom_control", "memory.events" };
static const struct knob tasks_max = { "pids", "pids.max", "pids.max" };
static const struct knob tasks_events = { "pids", "pids.events", "pids.events" };
static const struct knob cpu_max = { "cpu", NULL, "cpu.max" };
static const struct knob cpu_quota = { "cpu", "cpu.cfs_quota_us", NULL };
static const struct knob cpu_period = { "cpu", "cpu.cfs_period_us", NULL };

static bool read_text(const char *path, struct hk_buf *out)
{
	struct hk_error ignored;

	return !hk_fs_read_file(AT_FDCWD, path, FILE_MAX, out, &ignored);
}

static bool read_groups(pid_t pid, struct hk_buf *out)
{
	hk_auto_free char *path = hk_xasprintf("/proc/%d/cgroup", (int)pid);

	return read_text(path, out);
}

static bool has_word(const char *list, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (!memcmp(list + i, word, n) && (!i || list[i - 1] == ',') &&
		    (i + n == len || list[i + n] == ','))
			return true;
	return false;
}

/* Of a line "ID:CONTROLLERS:PATH", the file of the knob; NULL when it is not that controller's. */
static char *file_of(const char *line, const struct knob *k)
{
	const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
	size_t len;

	if (!path++)
		return NULL;
	len = (size_t)(path - ++list) - 1;
	if (!len && k->v2)
		return hk_xasprintf("%s%s%s/%s", ROOT,
				    hk_fs_is_dir(AT_FDCWD, ROOT "/unified") ? "/unified" : "", path,
				    k->v2);
	if (!k->v1 || !has_word(list, len, k->controller))
		return NULL;
	return hk_xasprintf("%s/%s%s/%s", ROOT, k->controller, path, k->v1);
}

/* Whether one of the process's groups has the file; its text is appended. */
static bool read_knob(pid_t pid, const struct knob *k, struct hk_buf *out)
{
	hk_auto_buf groups = HK_BUF_INIT;

	if (!read_groups(pid, &groups))
		return false;
	for (char *line = groups.data, *end; (end = strchr(line, '\n')); line = end + 1) {
		hk_auto_free char *path = NULL;

		*end = '\0';
		path = file_of(line, k);
		if (path && read_text(path, out))
			return true;
	}
	return false;
}

/* The number at the beginning of a text; 0 for anything else, such as "max" and "-1". */
static int64_t number(const char *text)
{
	char digits[24] = "";
	struct hk_error ignored;
	int64_t n;

	snprintf(digits, sizeof(digits), "%.*s", (int)strspn(text, "0123456789"), text);
	return hk_human_parse_int(digits, 0, INT64_MAX, &n, &ignored) ? 0 : n;
}

static int64_t read_number(pid_t pid, const struct knob *k)
{
	hk_auto_buf text = HK_BUF_INIT;

	return read_knob(pid, k, &text) ? number(text.data) : 0;
}

/* Of lines "NAME NUMBER". */
static int64_t read_count(const struct knob *k, const char *name)
{
	hk_auto_buf text = HK_BUF_INIT;
	size_t n = strlen(name);

	if (!read_knob(getpid(), k, &text))
		return 0;
	for (const char *line = text.data; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, n) && line[n] == ' ')
			return number(line + n + 1);
	}
	return 0;
}

bool hk_cgroup_is_in(pid_t pid, const char *component)
{
	hk_auto_buf groups = HK_BUF_INIT;
	size_t n = strlen(component);

	if (!read_groups(pid, &groups))
		return false;
	for (const char *at = groups.data; (at = strstr(at, component)); at += n)
		if (at > groups.data && at[-1] == '/' && (at[n] == '\n' || at[n] == '/'))
			return true;
	return false;
}

static int64_t read_quota(pid_t pid)
{
	hk_auto_buf text = HK_BUF_INIT;
	int64_t quota, period;

	if (read_knob(pid, &cpu_max, &text)) {
		const char *blank = strchr(text.data, ' ');

		quota = number(text.data);
		period = blank ? number(blank + 1) : 0;
	} else {
		quota = read_number(pid, &cpu_quota);
		period = read_number(pid, &cpu_period);
	}
	return quota && period ? (quota * 100 + period - 1) / period : 0;
}

void hk_cgroup_read_limits(pid_t pid, struct hk_cgroup_limits *ret)
{
	*ret = (struct hk_cgroup_limits){
		.memory_max = read_number(pid, &memory_max),
		.tasks_max = read_number(pid, &tasks_max),
		.cpu_quota = read_quota(pid),
	};
}

void hk_cgroup_read_events(struct hk_cgroup_events *ret)
{
	*ret = (struct hk_cgroup_events){
		.oom_kills = read_count(&memory_events, "oom_kill"),
		.tasks_refused = read_count(&tasks_events, "max"),
	};
}
