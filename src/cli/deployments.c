/*
 * hostkit deploy status, history, log, cancel.
 */
#include <cli/cli.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <base/lines.h>
#include <cli/follow.h>
#include <cli/open.h>
#include <cli/ratelimit.h>
#include <deploy/facts.h>
#include <deploy/pusher.h>
#include <deploy/recover.h>
#include <deploy/refrule.h>
#include <deploy/source.h>
#include <deploy/verdict.h>
#include <sys/fs.h>
#include <ui/relay.h>

#define HISTORY_DEFAULT 10
#define LOG_MAX (64 << 20)
#define DETAIL_SHOWN 42

struct view {
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_cli_call *call;
};

#define hk_auto_view HK_CLEANUP(close_view) struct view

static void close_view(struct view *v)
{
	hk_ledger_close(v->ledger);
	hk_project_close(&v->project);
}

static int open_view(struct hk_cli_call *call, struct view *v, struct hk_error *err)
{
	v->call = call;
	return hk_cli_open(call, &v->project, &v->ledger, err);
}

static int take_id(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	*(int64_t *)ctx = d->id;
	return 0;
}

/* The newest deployment that passes the filter; *ret is 0 when there is none. */
static int newest(struct view *v, enum hk_deployment_filter filter, int64_t *ret,
		  struct hk_error *err)
{
	*ret = 0;
	return hk_ledger_each_deployment(v->ledger, filter, 1, take_id, ret, err);
}

/* The deployment that the second operand names, or the newest. */
static int choose(struct view *v, enum hk_deployment_filter filter, int64_t *ret,
		  struct hk_error *err)
{
	if (v->call->n_operands > 1)
		return hk_human_parse_int(v->call->operands[1], 1, INT64_MAX, ret, err);
	if (newest(v, filter, ret, err))
		return err->code;
	if (*ret)
		return 0;
	if (filter == HK_DEPLOYMENTS_OPEN)
		return hk_error_set(err, HK_E_NOT_RUNNING, "no deployment of '%s' is running",
				    v->project.name);
	hk_error_set(err, HK_E_DEPLOYMENT_NOT_FOUND, "'%s' has never been deployed",
		     v->project.name);
	return hk_error_hint(err, "git push hostkit %s",
			     v->project.conf.deploy_branches.len
				     ? v->project.conf.deploy_branches.items[0]
				     : "main");
}

/* One row as JSON; null for id 0. */
static int row_json(struct view *v, int64_t id, struct hk_json **ret, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;

	if (!id) {
		*ret = hk_json_null();
		return 0;
	}
	if (hk_ledger_get_deployment(v->ledger, id, &d, err))
		return err->code;
	*ret = hk_cli_deployment_json(v->ledger, &d);
	hk_deployment_release(&d);
	return 0;
}

/* null with the reason as active_error when what is live cannot be told. */
static void set_active(struct view *v, struct hk_json *data)
{
	struct hk_json *active;
	struct hk_error err;

	if (!hk_facts_active(&v->project, v->ledger, &active, &err)) {
		hk_json_set(data, "active", active);
		return;
	}
	hk_json_set(data, "active", hk_json_null());
	hk_json_set(data, "active_error", hk_json_string(err.message));
}

static int notify_json(struct view *v, struct hk_json **ret, struct hk_error *err)
{
	struct hk_notification n = HK_NOTIFICATION_INIT;

	if (hk_ledger_last_notification(v->ledger, &n, err))
		return err->code;
	*ret = n.deployment ? hk_json_object() : hk_json_null();
	if (n.deployment) {
		hk_json_set(*ret, "deployment", hk_json_int(n.deployment));
		hk_json_set(*ret, "status", hk_json_string(hk_notified_name(n.status)));
		hk_json_set(*ret, "attempts", hk_json_int(n.attempts));
		hk_json_set(*ret, "error", hk_json_string(n.error));
	}
	hk_notification_release(&n);
	return 0;
}

/* Only what is wrong: one that was sent is no news here. */
static int print_notify(struct view *v, struct hk_error *err)
{
	struct hk_notification n = HK_NOTIFICATION_INIT;
	hk_auto_buf why = HK_BUF_INIT;

	if (hk_ledger_last_notification(v->ledger, &n, err))
		return err->code;
	if (n.error)
		hk_lines_sanitize(&why, n.error, strlen(n.error), 300);
	if (n.status == HK_NOTIFIED_FAILED)
		printf("warning: the notification of deployment %lld failed after %lld attempt%s: %s\n",
		       (long long)n.deployment, (long long)n.attempts, n.attempts == 1 ? "" : "s",
		       why.data);
	else if (n.error && n.status == HK_NOTIFIED_PENDING)
		printf("the notification of deployment %lld is tried again, after %lld: %s\n",
		       (long long)n.deployment, (long long)n.attempts, why.data);
	hk_notification_release(&n);
	return 0;
}

static int pause_json(struct view *v, struct hk_json **ret, struct hk_error *err)
{
	struct hk_pause pause = HK_PAUSE_INIT;
	char at[HK_CLOCK_RFC3339_LEN];

	if (hk_ledger_get_pause(v->ledger, &pause, err))
		return err->code;
	*ret = pause.at ? hk_json_object() : hk_json_null();
	if (pause.at) {
		hk_json_set(*ret, "reason", hk_json_string(pause.reason));
		hk_json_set(*ret, "by", hk_json_string(pause.author));
		hk_json_set(*ret, "at", hk_json_string(hk_clock_rfc3339(pause.at, at)));
	}
	hk_pause_release(&pause);
	return 0;
}

static int print_pause(struct view *v, struct hk_error *err)
{
	struct hk_pause pause = HK_PAUSE_INIT;
	char at[HK_CLOCK_RFC3339_LEN];
	hk_auto_buf reason = HK_BUF_INIT;

	if (hk_ledger_get_pause(v->ledger, &pause, err))
		return err->code;
	if (pause.reason)
		hk_lines_sanitize(&reason, pause.reason, strlen(pause.reason), 300);
	hk_clock_rfc3339(pause.at, at);
	if (pause.at)
		printf("paused   by %s since %.10s %.8s%s%s\n", pause.author ? pause.author : "-",
		       at, at + 11, reason.len ? ": " : "", reason.data);
	hk_pause_release(&pause);
	return 0;
}

static int ratelimit_json(struct view *v, struct hk_json **ret, struct hk_error *err)
{
	struct hk_limits limits;

	if (hk_limits_look(&v->project, v->ledger, INT64_MAX, hk_clock_wall_ms(), &limits, err))
		return err->code;
	*ret = hk_cli_ratelimit_json(&v->project, &limits);
	return 0;
}

static int status_json(struct view *v, int64_t last, int64_t running, struct hk_error *err)
{
	struct hk_json *data = hk_json_object();
	struct hk_json *part = NULL;

	v->call->data = data;
	set_active(v, data);
	if (row_json(v, last, &part, err))
		return err->code;
	hk_json_set(data, "last", part);
	if (row_json(v, running, &part, err))
		return err->code;
	hk_json_set(data, "running", part);
	if (pause_json(v, &part, err))
		return err->code;
	hk_json_set(data, "paused", part);
	if (ratelimit_json(v, &part, err))
		return err->code;
	hk_json_set(data, "ratelimit", part);
	if (notify_json(v, &part, err))
		return err->code;
	hk_json_set(data, "notify", part);
	return 0;
}

static void print_row(const struct hk_deployment *d)
{
	char when[HK_CLOCK_RFC3339_LEN], took[HK_HUMAN_LEN] = "-";
	const char *commit = d->commit ? d->commit : d->object;
	const char *ref = d->ref ? hk_ref_short(d->ref) : "-";
	hk_auto_buf text = HK_BUF_INIT, what = HK_BUF_INIT, from = HK_BUF_INIT;

	if (!strncmp(ref, "refs/deploy/", 12))
		ref = "commit";
	if (d->source)
		hk_source_describe(d->source, d->ref, d->object, &from);
	hk_clock_rfc3339(d->created_at, when);
	if (d->finished_at && d->started_at)
		hk_human_duration(d->finished_at - d->started_at, took);
	hk_buf_addf(&text, "%s by ", d->source ? from.data : ref);
	hk_pusher_describe(d->pusher, d->pusher_key, &text);
	hk_lines_sanitize(&what, text.data, text.len, 200);
	printf("%4lld  %-11s  %.10s %.8s  %8s  %.7s  %s\n", (long long)d->id,
	       hk_status_name(d->status), when, when + 11, took, commit ? commit : "-", what.data);
	if (!d->error_message)
		return;
	hk_buf_reset(&what);
	hk_lines_sanitize(&what, d->error_message, strlen(d->error_message), 1000);
	if (d->status == HK_STATUS_CANCELLED && d->canceller)
		printf("      %s, by %s\n", what.data, d->canceller);
	else
		printf("      %s\n", what.data);
}

static int print_deployment(void *ctx HK_UNUSED, const struct hk_deployment *d,
			    struct hk_error *err HK_UNUSED)
{
	print_row(d);
	return 0;
}

static int print_stage(void *ctx HK_UNUSED, const struct hk_stage_row *s,
		       struct hk_error *err HK_UNUSED)
{
	char took[HK_HUMAN_LEN];
	hk_auto_buf detail = HK_BUF_INIT;

	/* In full it is in the log, and an error stands above. */
	if (s->detail)
		hk_lines_sanitize(&detail, s->detail, strlen(s->detail), DETAIL_SHOWN);
	printf("  %-13s %-11s %8s%s%s\n", s->name, s->status, hk_human_duration(s->ms, took),
	       detail.len ? "  " : "", detail.data);
	return 0;
}

static int print_waiting(void *ctx HK_UNUSED, const struct hk_deployment *d,
			 struct hk_error *err HK_UNUSED)
{
	if (d->status == HK_STATUS_WAITING)
		print_row(d);
	return 0;
}

static int status_text(struct view *v, int64_t last, int64_t running, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	hk_auto_buf live = HK_BUF_INIT;
	int64_t id = running ? running : last;
	int ret = 0;

	hk_verdict_describe_live(&v->project, v->ledger, &live);
	printf("live     %s\n", live.data);
	if (print_pause(v, err))
		return err->code;
	if (!id)
		puts("no deployments yet");
	else
		ret = hk_ledger_get_deployment(v->ledger, id, &d, err);
	if (!ret && id) {
		printf("%s\n", running ? "running" : "last");
		print_row(&d);
		ret = hk_ledger_each_stage(v->ledger, id, print_stage, NULL, err);
	}
	if (!ret && d.error_hint)
		hk_cli_print_hint(stdout, "", d.error_hint);
	hk_deployment_release(&d);
	if (!ret)
		ret = print_notify(v, err);
	if (!ret)
		ret = hk_ledger_each_deployment(v->ledger, HK_DEPLOYMENTS_OPEN, -1, print_waiting,
						NULL, err);
	return ret;
}

static int run_status(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_view v = { .project = HK_PROJECT_INIT };
	int64_t last, running;

	if (open_view(call, &v, err) || newest(&v, HK_DEPLOYMENTS_FINAL, &last, err) ||
	    newest(&v, HK_DEPLOYMENTS_RUNNING, &running, err))
		return err->code;
	return call->json ? status_json(&v, last, running, err)
			  : status_text(&v, last, running, err);
}

struct history {
	struct view *view;
	struct hk_json *list;
};

static int add_deployment(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct history *h = ctx;

	hk_json_append(h->list, hk_cli_deployment_json(h->view->ledger, d));
	return 0;
}

static int run_history(struct hk_cli_call *call, struct hk_error *err)
{
	const char *last = hk_cli_value(call, "last");
	hk_auto_view v = { .project = HK_PROJECT_INIT };
	struct history h = { .view = &v };
	int64_t n = HISTORY_DEFAULT;

	if ((last && hk_human_parse_int(last, 1, 100000, &n, err)) || open_view(call, &v, err))
		return err->code;
	if (!call->json)
		return hk_ledger_each_deployment(v.ledger, HK_DEPLOYMENTS_ALL, n, print_deployment,
						 NULL, err);
	h.list = hk_json_array();
	call->data = hk_json_object();
	hk_json_set(call->data, "deployments", h.list);
	return hk_ledger_each_deployment(v.ledger, HK_DEPLOYMENTS_ALL, n, add_deployment, &h, err);
}

static int show_log(struct view *v, int64_t id, struct hk_error *err)
{
	hk_auto_free char *path = hk_project_log_path(&v->project, id);
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	struct hk_relay_spec spec = {
		.log_path = path, .out_fd = STDOUT_FILENO, .detach_fd = -1, .stall_ms = -1
	};
	hk_auto_buf text = HK_BUF_INIT;
	enum hk_relay_end end;

	/* First the row: an id that never was deserves a better answer than a missing file. */
	if (hk_ledger_get_deployment(v->ledger, id, &d, err))
		return err->code;
	hk_deployment_release(&d);
	if (!v->call->json)
		return hk_relay_run(&spec, &end, err);
	if (hk_fs_read_file(AT_FDCWD, path, LOG_MAX, &text, err) ||
	    row_json(v, id, &v->call->data, err))
		return err->code;
	hk_json_set(v->call->data, "log", hk_json_string(text.data));
	return 0;
}

static int run_log(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_view v = { .project = HK_PROJECT_INIT };
	int64_t id;
	int ret;

	if (open_view(call, &v, err) || choose(&v, HK_DEPLOYMENTS_ALL, &id, err))
		return err->code;
	if (!hk_cli_has(call, "follow"))
		return show_log(&v, id, err);
	ret = hk_cli_follow(call, &v.project, v.ledger, id, err);
	return ret || !call->json ? ret : show_log(&v, id, err);
}

static int note_activation(void *ctx, const struct hk_stage_row *row,
			   struct hk_error *err HK_UNUSED)
{
	if (!strcmp(row->name, "activate") && !strcmp(row->status, "succeeded"))
		*(bool *)ctx = true;
	return 0;
}

static int too_late(const struct view *v, int64_t id, struct hk_error *err)
{
	hk_error_set(err, HK_E_NOT_RUNNING, "it is too late to cancel deployment %lld of '%s'",
		     (long long)id, v->project.name);
	return hk_error_hint(err,
			     "to see what is live now: hostkit deploy status %s; to go back: "
			     "hostkit rollback %s",
			     v->project.name, v->project.name);
}

static int note_canceller(struct view *v, int64_t id, struct hk_error *err)
{
	struct hk_pusher who = hk_pusher_find();
	struct hk_error failed = HK_ERROR_INIT;

	/* A row that has ended meanwhile is told as such later. */
	if (!hk_ledger_set_canceller(v->ledger, id, hk_pusher_name(&who), &failed) ||
	    failed.code == HK_E_LEDGER_FAILED)
		return 0;
	*err = failed;
	return err->code;
}

/* Ends the worker's present work and waits until the worker has recorded that. */
static int cancel(struct view *v, const struct hk_deployment *d, struct hk_error *err)
{
	hk_auto_close int worker = hk_procid_open(&d->worker);
	struct pollfd pfd = { .fd = worker, .events = POLLIN };
	struct hk_deployment end = HK_DEPLOYMENT_INIT;
	hk_auto_strlist notes = HK_STRLIST_INIT;
	bool activated = false;
	int ret;

	if (hk_ledger_each_stage(v->ledger, d->id, note_activation, &activated, err))
		return err->code;
	if (activated || hk_status_is_final(d->status))
		return too_late(v, d->id, err);
	if (note_canceller(v, d->id, err))
		return err->code;
	if (worker >= 0 && !syscall(SYS_pidfd_send_signal, worker, SIGTERM, NULL, 0))
		poll(&pfd, 1, -1);
	if (hk_recover_if_idle(&v->project, v->ledger, &notes, err) ||
	    hk_ledger_get_deployment(v->ledger, d->id, &end, err))
		return err->code;
	hk_cli_notes(&notes);
	ret = end.status == HK_STATUS_CANCELLED || end.status == HK_STATUS_INTERRUPTED
		      ? 0
		      : too_late(v, d->id, err);
	hk_deployment_release(&end);
	return ret;
}

static int run_cancel(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_view v = { .project = HK_PROJECT_INIT };
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	int64_t id;
	int ret;

	if (open_view(call, &v, err) || choose(&v, HK_DEPLOYMENTS_OPEN, &id, err) ||
	    hk_ledger_get_deployment(v.ledger, id, &d, err))
		return err->code;
	ret = cancel(&v, &d, err);
	hk_deployment_release(&d);
	if (!ret && !call->json)
		printf("deployment %lld of %s is cancelled\n", (long long)id, v.project.name);
	return ret || !call->json ? ret : row_json(&v, id, &call->data, err);
}

const struct hk_cli_command hk_cli_deployment_commands[] = {
	{ .group = "deploy",
	  .verb = "status",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show what is live, and the last deployment.",
	  .run = run_status },
	{ .group = "deploy",
	  .verb = "history",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "List deployments, newest first.",
	  .options = { { "last", 'n', "N", "How many. Default: 10." } },
	  .run = run_history },
	{ .group = "deploy",
	  .verb = "log",
	  .operands = "NAME [ID]",
	  .min = 1,
	  .max = 2,
	  .remote = true,
	  .summary = "Show the log of a deployment, or of the newest.",
	  .options = { { "follow", 'f', NULL, "Go on until it ends, and exit with its code." } },
	  .run = run_log },
	{ .group = "deploy",
	  .verb = "cancel",
	  .operands = "NAME [ID]",
	  .min = 1,
	  .max = 2,
	  .remote = true,
	  .summary = "End a deployment that is not live yet.",
	  .run = run_cancel },
	{ .group = NULL },
};
