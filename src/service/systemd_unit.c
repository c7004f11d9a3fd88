/*
 * A unit's properties in words (contract in systemd_unit.h).
 */
#include <service/systemd_unit.h>

#include <signal.h>
#include <string.h>

#include <base/alloc.h>
#include <base/human.h>

char *hk_systemd_unit_name(const char *project)
{
	return hk_xasprintf("hostkit-%s.service", project);
}

int hk_systemd_unit_read(struct hk_sdbus *b, const char *unit, const struct hk_sdbus_limit *limit,
			 struct hk_systemd_unit *ret, struct hk_error *err)
{
	struct hk_systemd_unit u = { .main_pid = 0 };
	const struct hk_sdbus_field fields[] = {
		{ "LoadState", HK_SDBUS_TEXT, u.load_state, sizeof(u.load_state) },
		{ "ActiveState", HK_SDBUS_TEXT, u.active_state, sizeof(u.active_state) },
		{ "SubState", HK_SDBUS_TEXT, u.sub_state, sizeof(u.sub_state) },
		{ "Result", HK_SDBUS_TEXT, u.result, sizeof(u.result) },
		{ "StatusText", HK_SDBUS_TEXT, u.status_text, sizeof(u.status_text) },
		{ "InvocationID", HK_SDBUS_ID, u.invocation, sizeof(u.invocation) },
		{ "MainPID", HK_SDBUS_NUMBER, &u.main_pid, 0 },
		{ "NRestarts", HK_SDBUS_NUMBER, &u.restarts, 0 },
		{ "ExecMainCode", HK_SDBUS_NUMBER, &u.exit_code, 0 },
		{ "ExecMainStatus", HK_SDBUS_NUMBER, &u.exit_status, 0 },
		{ "ExecMainStartTimestamp", HK_SDBUS_NUMBER, &u.started_us, 0 },
		{ "ExecMainExitTimestamp", HK_SDBUS_NUMBER, &u.ended_us, 0 },
		{ "ConditionTimestamp", HK_SDBUS_NUMBER, &u.condition_us, 0 },
		{ "ConditionResult", HK_SDBUS_NUMBER, &u.condition, 0 },
	};

	if (hk_sdbus_read_unit(b, unit, fields, HK_ARRAY_LEN(fields), limit, err))
		return err->code;
	*ret = u;
	return 0;
}

bool hk_systemd_unit_runs(const struct hk_systemd_unit *u)
{
	return !strcmp(u->active_state, "active") || !strcmp(u->active_state, "reloading");
}

/* Exit statuses by which systemd tells what it could not do before the program began. */
static const struct {
	int64_t status;
	const char *what;
} setups[] = {
	{ 200, "enter its working folder" }, { 203, "execute its program" },
	{ 217, "become its user" },	     { 226, "set up its view of the file system" },
	{ 228, "filter its system calls" },
};

static const char *failed_setup(const struct hk_systemd_unit *u)
{
	for (size_t i = 0; u->exit_code == CLD_EXITED && i < HK_ARRAY_LEN(setups); i++)
		if (setups[i].status == u->exit_status)
			return setups[i].what;
	return NULL;
}

/* Without control groups of the second version systemd does not see why the kernel killed. */
static void describe_signal(const struct hk_systemd_unit *u, const struct hk_conf *conf,
			    const char *after, char *out, size_t size)
{
	const char *name = sigabbrev_np((int)u->exit_status);
	char limit[HK_HUMAN_LEN];
	int len = snprintf(out, size, "was ended by SIG%s after %s", name ? name : "?", after);

	if (u->exit_status == SIGKILL && conf->service_memory_max && (size_t)len < size)
		snprintf(out + len, size - (size_t)len, ", under [service] memory_max = %s",
			 hk_human_size(conf->service_memory_max, limit));
}

static void describe_end(const struct hk_systemd_unit *u, const struct hk_conf *conf, char *out,
			 size_t size)
{
	int64_t ms = (u->ended_us - u->started_us) / 1000;
	const char *setup = failed_setup(u);
	char after[HK_HUMAN_LEN];

	hk_human_duration(ms < 0 ? 0 : ms, after);
	if (setup)
		snprintf(out, size, "was not started: systemd could not %s", setup);
	else if (u->exit_code == CLD_EXITED)
		snprintf(out, size, "exited with status %d after %s", (int)u->exit_status, after);
	else if (u->exit_code)
		describe_signal(u, conf, after, out, size);
	else
		snprintf(out, size, "did not start");
}

static void describe_memory(const struct hk_systemd_unit *u HK_UNUSED, const struct hk_conf *conf,
			    char *out, size_t size)
{
	char limit[HK_HUMAN_LEN];

	if (conf->service_memory_max)
		snprintf(out, size,
			 "was ended by the kernel: it needs more than [service] "
			 "memory_max = %s",
			 hk_human_size(conf->service_memory_max, limit));
	else
		snprintf(out, size, "was ended by the kernel: memory had run out");
}

typedef void describe_fn(const struct hk_systemd_unit *u, const struct hk_conf *conf, char *out,
			 size_t size);

/* systemd's values of Result. */
static const struct {
	const char *result;
	const char *text; /* NULL: the function tells */
	describe_fn *tell;
} results[] = {
	{ "exit-code", NULL, describe_end },
	{ "signal", NULL, describe_end },
	{ "core-dump", NULL, describe_end },
	{ "oom-kill", NULL, describe_memory },
	{ "timeout", "took longer than its unit allows to start or stop", NULL },
	{ "watchdog", "did not tell systemd in time that it is alive", NULL },
	{ "start-limit-hit", "was started too often in a short time: systemd's start limit is hit",
	  NULL },
	{ "resources", "was not started: systemd could not set up what its unit asks for", NULL },
	{ "protocol", "did not tell systemd that it has started", NULL },
	{ "exec-condition", "was not started: a condition of its unit is not met", NULL },
};

static void describe_result(const struct hk_systemd_unit *u, const struct hk_conf *conf, char *out,
			    size_t size)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(results); i++) {
		if (strcmp(results[i].result, u->result))
			continue;
		if (results[i].tell)
			results[i].tell(u, conf, out, size);
		else
			snprintf(out, size, "%s", results[i].text);
		return;
	}
	snprintf(out, size, "failed: systemd says '%s'", u->result);
}

/* On its way up or down. */
static bool is_moving(const struct hk_systemd_unit *u)
{
	return !strcmp(u->active_state, "activating") || !strcmp(u->active_state, "deactivating");
}

void hk_systemd_unit_describe(const struct hk_systemd_unit *u, const struct hk_conf *conf,
			      char *out, size_t size)
{
	size_t len;

	if (!strcmp(u->load_state, "not-found")) {
		snprintf(out, size, "is not running: it has no unit");
	} else if (!strcmp(u->load_state, "masked")) {
		snprintf(out, size, "is not running: its unit is masked");
	} else if (strcmp(u->load_state, "loaded")) {
		snprintf(out, size, "is not running: its unit has an error");
	} else if (strcmp(u->result, "success")) {
		describe_result(u, conf, out, size);
		len = strlen(out);
		if (!strcmp(u->sub_state, "auto-restart"))
			snprintf(out + len, size - len, "; systemd starts it again");
	} else if (!strcmp(u->sub_state, "auto-restart")) {
		describe_end(u, conf, out, size);
		len = strlen(out);
		snprintf(out + len, size - len, "; systemd starts it again");
	} else if (is_moving(u)) {
		snprintf(out, size, "is %s (%s)", *u->active_state == 'a' ? "starting" : "stopping",
			 u->sub_state);
	} else if (u->condition_us && !u->condition) {
		snprintf(out, size, "is not running: a condition of its unit is not met");
	} else {
		snprintf(out, size, "is not running");
	}
}
