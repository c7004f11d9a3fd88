/*
 * Following a deployment and its JSON form.
 */
#include <cli/follow.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <base/clock.h>
#include <cli/open.h>
#include <deploy/dead.h>
#include <deploy/recover.h>
#include <sys/signals.h>
#include <ui/relay.h>

static int relay(struct hk_cli_call *call, const struct hk_project *p,
		 const struct hk_deployment *d, struct hk_error *err)
{
	hk_auto_free char *path = hk_project_log_path(p, d->id);
	hk_auto_close int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	hk_auto_close int detach = -1;
	struct hk_relay_spec spec = {
		.log_path = path,
		.worker = &d->worker,
		.out_fd = call->json ? null_fd : STDOUT_FILENO,
		.stall_ms = -1,
	};
	enum hk_relay_end end;

	fflush(stdout);
	if (hk_signals_cancel_fd(&detach, err))
		return err->code;
	spec.detach_fd = detach;
	if (hk_relay_run(&spec, &end, err))
		return err->code;
	if (end == HK_RELAY_COMPLETE)
		return 0;
	hk_error_set(err, HK_E_DETACHED, "detached; deployment %lld goes on", (long long)d->id);
	return hk_error_hint(err, "see it again: hostkit deploy log %s %lld --follow", p->name,
			     (long long)d->id);
}

/* The recorded end as an error object; 0 for a success. */
static int outcome(const struct hk_deployment *d, struct hk_error *err)
{
	if (d->status == HK_STATUS_SUCCEEDED)
		return 0;
	hk_error_set(err, hk_code_from_name(d->error_code ? d->error_code : "INTERNAL"), "%s",
		     d->error_message ? d->error_message : hk_status_name(d->status));
	if (d->error_hint)
		hk_error_hint(err, "%s", d->error_hint);
	return err->code;
}

int hk_cli_follow(struct hk_cli_call *call, const struct hk_project *p, struct hk_ledger *l,
		  int64_t id, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	hk_auto_strlist notes = HK_STRLIST_INIT;
	int ret;

	ret = hk_dead_wait_worker(l, id, &d, err);
	if (!ret)
		ret = relay(call, p, &d, err);
	hk_deployment_release(&d);
	/* A worker that died left its row open: that is put right before it is read. */
	if (!ret)
		ret = hk_recover_if_idle(p, l, &notes, err);
	hk_cli_notes(&notes);
	if (!ret)
		ret = hk_ledger_get_deployment(l, id, &d, err);
	if (!ret) {
		ret = outcome(&d, err);
		call->told = d.status != HK_STATUS_INTERRUPTED;
	}
	hk_deployment_release(&d);
	return ret;
}

static struct hk_json *time_json(int64_t ms)
{
	char text[HK_CLOCK_RFC3339_LEN];

	return ms ? hk_json_string(hk_clock_rfc3339(ms, text)) : hk_json_null();
}

static struct hk_json *error_json(const struct hk_deployment *d)
{
	struct hk_json *error;

	if (!d->error_code)
		return hk_json_null();
	error = hk_json_object();
	hk_json_set(error, "code", hk_json_string(d->error_code));
	hk_json_set(error, "message", hk_json_string(d->error_message));
	hk_json_set(error, "hint", hk_json_string(d->error_hint));
	return error;
}

static int add_stage(void *ctx, const struct hk_stage_row *row, struct hk_error *err HK_UNUSED)
{
	struct hk_json *stage = hk_json_object();

	hk_json_set(stage, "name", hk_json_string(row->name));
	hk_json_set(stage, "status", hk_json_string(row->status));
	hk_json_set(stage, "ms", hk_json_int(row->ms));
	hk_json_set(stage, "detail", hk_json_string(row->detail));
	hk_json_append(ctx, stage);
	return 0;
}

struct hk_json *hk_cli_deployment_json(struct hk_ledger *l, const struct hk_deployment *d)
{
	struct hk_json *j = hk_json_object();
	struct hk_json *stages = hk_json_array();
	struct hk_error ignored;

	hk_json_set(j, "id", hk_json_int(d->id));
	hk_json_set(j, "status", hk_json_string(hk_status_name(d->status)));
	hk_json_set(j, "trigger", hk_json_string(d->trigger));
	hk_json_set(j, "ref", hk_json_string(d->ref));
	hk_json_set(j, "commit", hk_json_string(d->commit ? d->commit : d->object));
	hk_json_set(j, "source", hk_json_string(d->source));
	hk_json_set(j, "tag", hk_json_string(d->tag));
	hk_json_set(j, "summary", hk_json_string(d->summary));
	hk_json_set(j, "pusher", hk_json_string(d->pusher));
	hk_json_set(j, "release", hk_json_string(d->release));
	hk_json_set(j, "created_at", time_json(d->created_at));
	hk_json_set(j, "started_at", time_json(d->started_at));
	hk_json_set(j, "finished_at", time_json(d->finished_at));
	hk_json_set(j, "error", error_json(d));
	/*
	 * Stages that cannot be read are missing in the answer; the row itself is what was asked
	 * for.
	 */
	if (hk_ledger_each_stage(l, d->id, add_stage, stages, &ignored))
		hk_json_set(j, "stages_error", hk_json_string(ignored.message));
	hk_json_set(j, "stages", stages);
	return j;
}

int hk_cli_answer(struct hk_cli_call *call, struct hk_ledger *l, int64_t id, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;

	if (!call->json)
		return 0;
	if (hk_ledger_get_deployment(l, id, &d, err))
		return err->code;
	call->data = hk_cli_deployment_json(l, &d);
	hk_deployment_release(&d);
	return 0;
}
