/*
 * hostkit service start, stop, restart, status.
 */
#include <cli/service.h>

#include <stdio.h>
#include <string.h>

#include <base/clock.h>
#include <base/human.h>
#include <cli/open.h>
#include <deploy/project.h>
#include <deploy/running.h>
#include <sys/lock.h>

struct service_call {
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_lock lock;
	struct hk_running running;
};

#define SERVICE_CALL_INIT                                                                    \
	{                                                                                    \
		.project = HK_PROJECT_INIT, .lock = HK_LOCK_INIT, .running = HK_RUNNING_INIT \
	}
#define hk_auto_service_call HK_CLEANUP(close_call) struct service_call

static void close_call(struct service_call *s)
{
	hk_running_release(&s->running);
	hk_lock_release(&s->lock);
	hk_ledger_close(s->ledger);
	hk_project_close(&s->project);
}

static void print_output(void *ctx HK_UNUSED, const char *line, size_t len)
{
	fprintf(stderr, "%.*s\n", (int)len, line);
}

/* A deployment restarts the service itself: the two must not meet. */
static int take_lock(struct service_call *s, struct hk_error *err)
{
	hk_auto_buf holder = HK_BUF_INIT;
	bool held;

	if (hk_lock_try(&s->lock, s->project.state_fd, "lock", &held, err))
		return err->code;
	if (held)
		return 0;
	hk_lock_read_holder(s->project.state_fd, "lock", &holder);
	hk_error_set(err, HK_E_LOCKED, "'%s' is being deployed: %s", s->project.name, holder.data);
	return hk_error_hint(err, "wait for its end with: hostkit deploy log %s --follow",
			     s->project.name);
}

static int need_release(const struct service_call *s, struct hk_error *err)
{
	if (s->running.release)
		return 0;
	hk_error_set(err, HK_E_NOTHING_TO_DEPLOY, "nothing of '%s' is deployed, so nothing can run",
		     s->project.name);
	return hk_error_hint(err, "git push hostkit main");
}

static int open_call(struct hk_cli_call *call, bool lock, struct service_call *s,
		     struct hk_error *err)
{
	if (hk_cli_open(call, &s->project, &s->ledger, err))
		return err->code;
	return lock ? take_lock(s, err) : 0;
}

/* To start it, which takes a release. */
static int open_start(struct hk_cli_call *call, struct service_call *s, struct hk_error *err)
{
	if (open_call(call, true, s, err) ||
	    hk_running_prepare(&s->project, s->ledger, NULL, print_output, NULL, &s->running, err))
		return err->code;
	return need_release(s, err);
}

static int open_stop(struct hk_cli_call *call, bool lock, struct service_call *s,
		     struct hk_error *err)
{
	if (open_call(call, lock, s, err))
		return err->code;
	return hk_running_prepare_stop(&s->project, print_output, NULL, &s->running, err);
}

static struct hk_json *state_json(const struct service_call *s, const struct hk_service_state *st)
{
	struct hk_json *j = hk_json_object();
	char time[HK_CLOCK_RFC3339_LEN];

	hk_json_set(j, "driver", hk_json_string(s->running.driver->name));
	hk_json_set(j, "known", hk_json_bool(st->known));
	hk_json_set(j, "running", st->known ? hk_json_bool(st->running) : hk_json_null());
	hk_json_set(j, "pid", st->main.pid ? hk_json_int(st->main.pid) : hk_json_null());
	hk_json_set(j, "release", *st->release ? hk_json_string(st->release) : hk_json_null());
	hk_json_set(j, "since",
		    st->since_ms ? hk_json_string(hk_clock_rfc3339(st->since_ms, time))
				 : hk_json_null());
	hk_json_set(j, "restarts", st->restarts >= 0 ? hk_json_int(st->restarts) : hk_json_null());
	hk_json_set(j, "invocation",
		    *st->invocation ? hk_json_string(st->invocation) : hk_json_null());
	hk_json_set(j, "detail", *st->detail ? hk_json_string(st->detail) : hk_json_null());
	return j;
}

static void print_state(const struct service_call *s, const struct hk_service_state *st)
{
	char time[HK_CLOCK_RFC3339_LEN];

	if (!st->known)
		printf("%s: %s (driver %s)\n", s->project.name,
		       s->running.driver->has_process ? "its commands do not tell"
						      : "nothing to run",
		       s->running.driver->name);
	else if (!st->running)
		printf("%s %s\n", s->project.name, *st->detail ? st->detail : "is not running");
	else
		printf("%s is running%s%s\n", s->project.name, *st->detail ? ": " : "", st->detail);
	if (st->known && st->running && st->main.pid)
		printf("pid %d, release %s, since %s\n", (int)st->main.pid,
		       *st->release ? st->release : "unknown",
		       st->since_ms ? hk_clock_rfc3339(st->since_ms, time) : "unknown");
	if (st->known && st->restarts > 0)
		printf("it has ended by itself and was started again %lld time%s\n",
		       (long long)st->restarts, st->restarts == 1 ? "" : "s");
}

static int show_state(struct hk_cli_call *call, struct service_call *s, struct hk_error *err)
{
	struct hk_service_state st = { .known = false };

	if (s->running.driver->status(&s->running.service, &st, err))
		return err->code;
	if (call->json)
		call->data = state_json(s, &st);
	else
		print_state(s, &st);
	return 0;
}

static int run_start(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_service_call s = SERVICE_CALL_INIT;

	if (open_start(call, &s, err) ||
	    hk_service_stop_others(&s.running.service, s.running.driver, err) ||
	    s.running.driver->start(&s.running.service, err))
		return err->code;
	return show_state(call, &s, err);
}

static int run_stop(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_service_call s = SERVICE_CALL_INIT;

	if (open_stop(call, true, &s, err) ||
	    hk_service_stop_others(&s.running.service, s.running.driver, err) ||
	    s.running.driver->stop(&s.running.service, err))
		return err->code;
	return show_state(call, &s, err);
}

int hk_cli_service_restart(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_service_call s = SERVICE_CALL_INIT;

	if (open_start(call, &s, err) ||
	    hk_service_stop_others(&s.running.service, s.running.driver, err) ||
	    s.running.driver->restart(&s.running.service, err))
		return err->code;
	return show_state(call, &s, err);
}

static int run_status(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_service_call s = SERVICE_CALL_INIT;

	return open_stop(call, false, &s, err) ? err->code : show_state(call, &s, err);
}

const struct hk_cli_command hk_cli_service_commands[] = {
	{ .group = "service",
	  .verb = "start",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Start the service on the live release.",
	  .run = run_start },
	{ .group = "service",
	  .verb = "stop",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Stop the service.",
	  .run = run_stop },
	{ .group = "service",
	  .verb = "restart",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Restart it, with the present .env.",
	  .run = hk_cli_service_restart },
	{ .group = "service",
	  .verb = "status",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show whether it runs, and on which release.",
	  .run = run_status },
	{ .group = NULL },
};
