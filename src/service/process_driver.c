/*
 * The process driver: the service is a session that hostkit starts and ends itself. It needs no
 * privileges and no other program, and is the default of a private root.
 */
#include <service/drivers.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/failpoint.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <base/human.h>
#include <service/logs.h>
#include <service/port.h>
#include <service/record.h>
#include <sys/process.h>

#define RECORD "service.json"
#define EARLY_EXIT_MS 100 /* how long a start is watched for an end at once */

static int64_t size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : st.st_size;
}

/* In the new process, whose 1 and 2 are the logs already. */
static int record_self(void *ctx, struct hk_error *err)
{
	const struct hk_service *s = ctx;
	struct hk_service_record r = {
		.since_ms = hk_clock_wall_ms(),
		.app_log = size_of(STDOUT_FILENO),
		.error_log = size_of(STDERR_FILENO),
	};

	if (!hk_procid_of(getpid(), &r.leader))
		return hk_error_set(err, HK_E_SERVICE_FAILED, "/proc does not show processes");
	snprintf(r.release, sizeof(r.release), "%s", s->release ? s->release : "");
	return hk_service_record_save(s->state_fd, RECORD, &r, err);
}

/* What a start needs, opened before anything is stopped for it. */
struct start {
	int folder, app, error;
};

#define START_INIT                                   \
	{                                            \
		.folder = -1, .app = -1, .error = -1 \
	}

static void start_release(struct start *st)
{
	hk_cleanup_close(&st->folder);
	hk_cleanup_close(&st->app);
	hk_cleanup_close(&st->error);
}

static int prepare(const struct hk_service *s, struct start *st, struct hk_error *err)
{
	if (hk_service_open_folder(s, &st->folder, err) ||
	    hk_service_logs_open(s->home_fd, &st->app, &st->error, err))
		return err->code;
	return 0;
}

static int launch(const struct hk_service *s, const struct start *st, pid_t *ret_pid,
		  struct hk_error *err)
{
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;

	spec.argv = hk_strlist_argv(s->start);
	spec.env = s->env;
	spec.cwd_fd = st->folder;
	spec.stdout_fd = st->app;
	spec.stderr_fd = st->error;
	spec.before_exec = record_self;
	spec.ctx = (void *)s;
	return hk_process_detach(&spec, ret_pid, err);
}

/* "exited with status 1 after 2.1 s" */
static void describe_end(int status, int64_t ms, char *out, size_t size)
{
	char after[HK_HUMAN_LEN];
	const char *name;

	hk_human_duration(ms < 0 ? 0 : ms, after);
	if (WIFEXITED(status)) {
		snprintf(out, size, "exited with status %d after %s", WEXITSTATUS(status), after);
		return;
	}
	name = sigabbrev_np(WTERMSIG(status));
	snprintf(out, size, "was ended by SIG%s after %s", name ? name : "?", after);
}

static void wait_end(pid_t pid, int64_t deadline)
{
	/* Ours and not reaped, so the number is that process. */
	hk_auto_close int fd = pidfd_open(pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (fd >= 0 && poll(&p, 1, hk_clock_left(deadline)) < 0 && errno == EINTR)
		;
}

/* Most broken starts (a missing module, a bad flag) end at once: say so with their own words. */
static int check_early_exit(const struct hk_service *s, pid_t pid, struct hk_error *err)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;
	int64_t start = hk_clock_mono_ms();
	char end[160];
	int status;

	wait_end(pid, hk_clock_deadline(EARLY_EXIT_MS));
	if (waitpid(pid, &status, WNOHANG) != pid || status == 0)
		return 0;
	describe_end(status, hk_clock_mono_ms() - start, end, sizeof(end));
	hk_service_recent_log(&hk_service_driver_process, s, 1, &lines);
	return hk_error_set(err, HK_E_SERVICE_FAILED, "the service %s%s%s", end,
			    lines.len ? ": " : "", lines.len ? lines.items[0] : "");
}

static int end(const struct hk_service *s, const struct hk_service_record *r, struct hk_error *err)
{
	if (hk_process_end_session(&r->leader, s->conf->service_stop_timeout, err))
		return hk_error_prefix(err, "cannot stop the service of '%s'", s->name);
	return 0;
}

static int process_stop(const struct hk_service *s, struct hk_error *err)
{
	struct hk_service_record r;

	if (hk_service_record_load(s->state_fd, RECORD, &r, err) || end(s, &r, err))
		return err->code;
	if (!r.leader.pid || r.stopped)
		return 0;
	r.stopped = true;
	return hk_service_record_save(s->state_fd, RECORD, &r, err);
}

static int process_restart(const struct hk_service *s, struct hk_error *err)
{
	HK_CLEANUP(start_release) struct start st = START_INIT;
	int port = (int)s->conf->project_port;
	struct hk_service_record r;
	pid_t pid;

	if (!s->start->len)
		return process_stop(s, err);
	if (prepare(s, &st, err) || hk_service_record_load(s->state_fd, RECORD, &r, err) ||
	    end(s, &r, err) || HK_FAILPOINT(service_stopped, err))
		return err->code;
	if (port && hk_port_check(port, err))
		return err->code;
	if (launch(s, &st, &pid, err))
		return err->code;
	return check_early_exit(s, pid, err);
}

static int process_start(const struct hk_service *s, struct hk_error *err)
{
	struct hk_service_record r;

	if (hk_service_record_load(s->state_fd, RECORD, &r, err))
		return err->code;
	if (!s->start->len || hk_procid_alive(&r.leader))
		return 0;
	/* What a dead leader left of its session would still hold the port. */
	return process_restart(s, err);
}

/* Takes the exit status of a service that was this very process's child, if it was. */
static bool reap(const struct hk_procid *leader, int *ret_status)
{
	struct hk_procstat st;

	return hk_procstat_read(leader->pid, &st) && st.start == leader->start &&
	       st.ppid == getpid() && waitpid(leader->pid, ret_status, WNOHANG) == leader->pid;
}

static int process_status(const struct hk_service *s, struct hk_service_state *ret,
			  struct hk_error *err)
{
	struct hk_service_state state = { .known = true, .restarts = -1 };
	struct hk_service_record r;
	int status;

	if (hk_service_record_load(s->state_fd, RECORD, &r, err))
		return err->code;
	state.wanted = r.leader.pid && !r.stopped;
	if (hk_procid_alive(&r.leader)) {
		state.running = true;
		state.main = r.leader;
		state.since_ms = r.since_ms;
		snprintf(state.release, sizeof(state.release), "%s", r.release);
	} else if (reap(&r.leader, &status)) {
		describe_end(status, hk_clock_wall_ms() - r.since_ms, state.detail,
			     sizeof(state.detail));
	} else {
		snprintf(state.detail, sizeof(state.detail), "is not running");
	}
	*ret = state;
	return 0;
}

const struct hk_service_driver hk_service_driver_process = {
	.name = "process",
	.has_process = true,
	.uses_start = true,
	.record = RECORD,
	.leave = process_stop,
	.start = process_start,
	.stop = process_stop,
	.restart = process_restart,
	.status = process_status,
};
