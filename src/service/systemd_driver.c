/*
 * The systemd driver: the service is the unit hostkit-NAME.service of the machine, and systemd
 * starts, ends and watches it. A project's user asks over the system bus; a polkit rule allows it
 * the verbs start, stop and restart for that unit, and nothing else.
 */
#include <service/drivers.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <base/clock.h>
#include <base/human.h>
#include <service/logs.h>
#include <service/record.h>
#include <service/startfile.h>
#include <service/systemd_unit.h>
#include <sys/fs.h>
#include <sys/process.h>

#define RECORD "unit.json"
#define EARLY_EXIT_MS 150 /* how long a start is watched for an end at once */
#define ASK_MS 25000	  /* for an answer that takes no job */
#define JOURNAL_MS 5000

/* --- Asking systemd */

struct call {
	struct hk_sdbus *bus;
	char *unit;
	struct hk_sdbus_limit limit;
};

static void end_call(struct call *c)
{
	hk_sdbus_close(c->bus);
	free(c->unit);
}
#define auto_call HK_CLEANUP(end_call) struct call

/* What to do about it is known here: it is a project's unit. */
static int explain(const struct hk_service *s, struct hk_error *err)
{
	if (err->code == HK_E_NOT_SUPPORTED && !hk_fs_is_dir(AT_FDCWD, "/run/systemd/system"))
		return hk_error_hint(err, "systemd does not run this machine: set [service] driver "
					  "in the project's INI file");
	if (err->code == HK_E_NOT_SUPPORTED)
		return hk_error_hint(err, "as root: apt-get install dbus && systemctl start dbus");
	if (err->code == HK_E_PERMISSION &&
	    !hk_fs_exists(AT_FDCWD, "/usr/share/polkit-1/actions/org.freedesktop.policykit.policy"))
		return hk_error_hint(err,
				     "as root: apt-get install polkitd && hostkit project apply %s",
				     s->name);
	if (err->code == HK_E_PERMISSION || err->sys_errno == ENOENT)
		return hk_error_hint(err, "as root: hostkit project apply %s", s->name);
	return err->code;
}

static int begin(const struct hk_service *s, int64_t limit_ms, struct call *c, struct hk_error *err)
{
	c->unit = hk_systemd_unit_name(s->name);
	c->limit = (struct hk_sdbus_limit){ .deadline = hk_clock_deadline(limit_ms),
					    .cancel_fd = s->cancel_fd };
	if (hk_sdbus_open(HK_SDBUS_SYSTEM, &c->bus, err))
		return explain(s, err);
	return 0;
}

/* What has taken a job up to its limit may still be asked about. */
static int look(const struct hk_service *s, const struct call *c, struct hk_systemd_unit *ret,
		struct hk_error *err)
{
	const struct hk_sdbus_limit limit = { .deadline = hk_clock_deadline(ASK_MS),
					      .cancel_fd = -1 };

	return hk_systemd_unit_read(c->bus, c->unit, &limit, ret, err) ? explain(s, err) : 0;
}

/* --- Jobs that did not end well */

static const struct {
	const char *result; /* "" : it has not ended */
	const char *text;   /* "the service …"; NULL: its unit tells why */
} job_ends[] = {
	{ "failed", NULL },
	{ "timeout", "took longer than its unit allows" },
	{ "canceled", "was not started or stopped: something else was asked of systemd meanwhile" },
	{ "dependency", "was not started: a unit that its unit needs has failed" },
	{ "skipped", "was not started: its unit does not allow it now" },
	{ "assert", "was not started: an assertion of its unit is not met" },
};

/*
 * A start that systemd refuses for its start limit begins no invocation, and leaves the result of
 * the run before in place.
 */
static bool was_refused(const char *result, const struct hk_systemd_unit *before,
			const struct hk_systemd_unit *u)
{
	return before && *before->invocation && !strcmp(result, "failed") &&
	       !strcmp(before->invocation, u->invocation);
}

static void describe_job(const struct hk_service *s, const char *result,
			 const struct hk_systemd_unit *u, char *out, size_t size)
{
	char limit[HK_HUMAN_LEN];

	if (!*result) {
		snprintf(out, size, "is still %s (%s) after %s",
			 !strncmp(u->active_state, "deact", 5) ? "stopping" : "starting",
			 u->sub_state, hk_human_duration(s->conf->service_timeout, limit));
		return;
	}
	for (size_t i = 0; i < HK_ARRAY_LEN(job_ends); i++) {
		if (strcmp(job_ends[i].result, result))
			continue;
		if (job_ends[i].text)
			snprintf(out, size, "%s", job_ends[i].text);
		else
			hk_systemd_unit_describe(u, s->conf, out, size);
		return;
	}
	snprintf(out, size, "was not started or stopped: systemd says '%s'", result);
}

/* The last of its own lines says more than any status. */
static int not_running(const struct hk_service *s, const char *what, struct hk_error *err)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;

	hk_service_recent_log(&hk_service_driver_systemd, s, 1, &lines);
	hk_error_set(err, HK_E_SERVICE_FAILED, "the service %s%s%s", what, lines.len ? ": " : "",
		     lines.len ? lines.items[0] : "");
	return hk_error_hint(err,
			     "what systemd knows of it, as root: hostkit service logs %s "
			     "--journal",
			     s->name);
}

/* before is the unit as it was; NULL: it is not to be started. */
static int run_job(const struct hk_service *s, const struct call *c, const char *method,
		   const struct hk_systemd_unit *before, struct hk_error *err)
{
	char result[HK_SDBUS_RESULT_LEN], what[200];
	struct hk_systemd_unit u;

	if (hk_sdbus_run_job(c->bus, method, c->unit, &c->limit, result, err))
		return explain(s, err);
	if (!strcmp(result, "done"))
		return 0;
	if (look(s, c, &u, err))
		return err->code;
	if (was_refused(result, before, &u))
		snprintf(u.result, sizeof(u.result), "start-limit-hit");
	describe_job(s, result, &u, what, sizeof(what));
	return not_running(s, what, err);
}

/* --- Starting */

/* The unit may not write to the state folder, so what its start began with is noted before. */
static int note_start(const struct hk_service *s, struct hk_error *err)
{
	struct hk_service_record r = {
		.since_ms = hk_clock_wall_ms(),
		.app_log = hk_service_logs_size(s->home_fd, "app.log"),
		.error_log = hk_service_logs_size(s->home_fd, "error.log"),
	};

	snprintf(r.release, sizeof(r.release), "%s", s->release ? s->release : "");
	return hk_service_record_save(s->state_fd, RECORD, &r, err);
}

static int prepare(const struct hk_service *s, struct hk_error *err)
{
	hk_auto_close int folder = -1;

	if (hk_service_open_folder(s, &folder, err) ||
	    hk_startfile_write(folder, s->start, s->facts, err))
		return err->code;
	return note_start(s, err);
}

static void wait_end(pid_t pid, int64_t ms)
{
	struct hk_procid id;
	hk_auto_close int fd = hk_procid_of(pid, &id) ? hk_procid_open(&id) : -1;
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (fd >= 0)
		poll(&p, 1, (int)ms);
}

/*
 * A job is done when the program was executed: most broken starts end just after that, and systemd
 * starts them again and again.
 */
static int check_early_exit(const struct hk_service *s, const struct call *c, struct hk_error *err)
{
	struct hk_systemd_unit first, now;
	char what[200];

	if (look(s, c, &first, err))
		return err->code;
	if (first.main_pid)
		wait_end((pid_t)first.main_pid, EARLY_EXIT_MS);
	if (look(s, c, &now, err))
		return err->code;
	if (hk_systemd_unit_runs(&now) && now.restarts == first.restarts &&
	    now.main_pid == first.main_pid)
		return 0;
	if (hk_systemd_unit_runs(&now))
		snprintf(what, sizeof(what), "ended just after its start, and was started again");
	else
		hk_systemd_unit_describe(&now, s->conf, what, sizeof(what));
	return not_running(s, what, err);
}

static int start_anew(const struct hk_service *s, struct hk_error *err)
{
	auto_call c = { .bus = NULL };
	struct hk_systemd_unit before;

	if (begin(s, s->conf->service_timeout, &c, err) || look(s, &c, &before, err) ||
	    prepare(s, err) || run_job(s, &c, "RestartUnit", &before, err))
		return err->code;
	return check_early_exit(s, &c, err);
}

/* --- Stopping */

static int note_stop(const struct hk_service *s, struct hk_error *err)
{
	struct hk_service_record r;

	if (hk_service_record_load(s->state_fd, RECORD, &r, err))
		return err->code;
	if (!r.since_ms || r.stopped)
		return 0;
	r.stopped = true;
	return hk_service_record_save(s->state_fd, RECORD, &r, err);
}

static int systemd_stop(const struct hk_service *s, struct hk_error *err)
{
	struct hk_systemd_unit u;
	auto_call c = { .bus = NULL };

	if (begin(s, s->conf->service_timeout, &c, err) || look(s, &c, &u, err))
		return err->code;
	if (!strcmp(u.load_state, "not-found"))
		return note_stop(s, err);
	/* Also what is down: it may be about to be started again. */
	if (run_job(s, &c, "StopUnit", NULL, err))
		return err->code;
	return note_stop(s, err);
}

/*
 * Only what this driver is known to have started: under another root, or before it was ever used,
 * a unit of that name is somebody else's.
 */
static int systemd_leave(const struct hk_service *s, struct hk_error *err)
{
	struct hk_service_record r;

	if (hk_service_record_load(s->state_fd, RECORD, &r, err))
		return err->code;
	if (!r.since_ms || r.stopped || !hk_fs_is_dir(AT_FDCWD, "/run/systemd/system"))
		return 0;
	return systemd_stop(s, err);
}

static int systemd_restart(const struct hk_service *s, struct hk_error *err)
{
	/* A project that never had anything to run has no use for systemd. */
	if (!s->start->len)
		return systemd_leave(s, err);
	return start_anew(s, err);
}

static int systemd_start(const struct hk_service *s, struct hk_error *err)
{
	struct hk_systemd_unit u;
	auto_call c = { .bus = NULL };

	if (!s->start->len)
		return 0;
	if (begin(s, ASK_MS, &c, err) || look(s, &c, &u, err))
		return err->code;
	/* A start of what is about to be started again would have to wait for that. */
	return hk_systemd_unit_runs(&u) ? 0 : start_anew(s, err);
}

/* --- Telling */

/*
 * `hostkit run` has told systemd the release that it starts; see cli/start.c. The application could
 * tell another text since, so only what looks like a release's name is taken.
 */
static void copy_release(const struct hk_systemd_unit *u, struct hk_service_state *state)
{
	static const char prefix[] = "release ";
	const char *name = u->status_text + sizeof(prefix) - 1;

	if (strncmp(u->status_text, prefix, sizeof(prefix) - 1) ||
	    name[strspn(name, "0123456789-")] || strlen(name) >= sizeof(state->release))
		return;
	memcpy(state->release, name, strlen(name) + 1);
}

static int systemd_status(const struct hk_service *s, struct hk_service_state *ret,
			  struct hk_error *err)
{
	struct hk_service_state state = { .known = true };
	struct hk_service_record r;
	struct hk_systemd_unit u;
	auto_call c = { .bus = NULL };

	if (hk_service_record_load(s->state_fd, RECORD, &r, err) || begin(s, ASK_MS, &c, err) ||
	    look(s, &c, &u, err))
		return err->code;
	state.running = hk_systemd_unit_runs(&u);
	state.restarts = u.restarts;
	snprintf(state.invocation, sizeof(state.invocation), "%s", u.invocation);
	/* What somebody has stopped is down in peace; systemd's own attempts are not over. */
	state.wanted = !r.stopped && strcmp(u.active_state, "inactive");
	if (state.running) {
		state.since_ms = u.started_us / 1000;
		copy_release(&u, &state);
		if (u.main_pid && !hk_procid_of((pid_t)u.main_pid, &state.main))
			state.main.pid = (pid_t)u.main_pid;
	} else {
		hk_systemd_unit_describe(&u, s->conf, state.detail, sizeof(state.detail));
	}
	*ret = state;
	return 0;
}

static void take_line(void *ctx, const char *line, size_t len)
{
	if (len)
		hk_strlist_addf(ctx, "%.*s", (int)len, line);
}

/* What was said before there were log files to say it to; only those read it who may. */
static void systemd_recent_log(const struct hk_service *s, size_t max, struct hk_strlist *ret)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8",
					   NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_strlist argv = HK_STRLIST_INIT;
	hk_auto_free char *unit = hk_systemd_unit_name(s->name);
	struct hk_error ignored = HK_ERROR_INIT;
	struct hk_service_record r;

	if (hk_service_record_load(s->state_fd, RECORD, &r, &ignored))
		return;
	hk_strlist_add(&argv, "journalctl");
	hk_strlist_add(&argv, "-q");
	hk_strlist_add(&argv, "--no-pager");
	hk_strlist_add(&argv, "-ocat");
	hk_strlist_addf(&argv, "-n%zu", max);
	hk_strlist_addf(&argv, "-u%s", unit);
	hk_strlist_addf(&argv, "-S@%lld", (long long)(r.since_ms / 1000));
	spec.argv = hk_strlist_argv(&argv);
	spec.env = env;
	spec.timeout_ms = JOURNAL_MS;
	spec.on_line = take_line;
	spec.ctx = ret;
	if (hk_process_run(&spec, NULL, &ignored))
		hk_strlist_release(ret);
}

static int systemd_check(const struct hk_conf *conf HK_UNUSED, struct hk_error *err)
{
	return hk_sdbus_check(err);
}

const struct hk_service_driver hk_service_driver_systemd = {
	.name = "systemd",
	.has_process = true,
	.uses_start = true,
	.start_file = true,
	.record = RECORD,
	.check = systemd_check,
	.start = systemd_start,
	.stop = systemd_stop,
	.restart = systemd_restart,
	.status = systemd_status,
	.leave = systemd_leave,
	.recent_log = systemd_recent_log,
};
