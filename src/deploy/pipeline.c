/*
 * The pipelines, of deployments and of rollbacks: a table of stages, walked once. Before a stage
 * runs the ledger says so, after it the ledger has its result; what the walk does on a failure
 * depends only on whether `app` has moved.
 */
#include <deploy/deploy.h>

#include <poll.h>
#include <string.h>

#include <base/clock.h>
#include <deploy/hooks.h>
#include <deploy/limits.h>
#include <deploy/live.h>
#include <deploy/request.h>
#include <deploy/verdict.h>
#include <sys/failpoint.h>

struct pipeline {
	size_t len;
	const struct hk_stage *stages[16];
};

static const struct pipeline deployment = {
	.len = 14,
	.stages = { &hk_stage_preflight, &hk_stage_fetch, &hk_stage_checkout, &hk_stage_sync,
		    &hk_stage_install, &hk_stage_build, &hk_stage_snapshot, &hk_stage_release,
		    &hk_stage_dependencies, &hk_stage_secrets, &hk_stage_activate,
		    &hk_stage_restart, &hk_stage_health, &hk_stage_cleanup },
};

static const struct pipeline rollback = {
	.len = 5,
	.stages = { &hk_stage_target, &hk_stage_restore, &hk_stage_switch, &hk_stage_restart,
		    &hk_stage_health },
};

static const struct pipeline *pipeline_of(const struct hk_deploy *d)
{
	return d->row.flags & HK_REQUEST_ROLLBACK ? &rollback : &deployment;
}

static bool applies(const struct hk_deploy *d, const struct hk_stage *stage)
{
	return !stage->applies || stage->applies(d);
}

static unsigned count_stages(const struct hk_deploy *d, const struct pipeline *p)
{
	unsigned n = 0;

	for (size_t i = 0; i < p->len; i++)
		n += applies(d, p->stages[i]);
	return n;
}

static const struct {
	const char *status; /* in the ledger */
} results[] = {
	[HK_STAGE_SUCCEEDED] = { "succeeded" },
	[HK_STAGE_SKIPPED] = { "skipped" },
	[HK_STAGE_FAILED] = { "failed" },
	[HK_STAGE_CANCELLED] = { "cancelled" },
};

static enum hk_stage_result result_of(int code)
{
	if (code == 0)
		return HK_STAGE_SUCCEEDED;
	if (code == HK_STAGE_SKIP)
		return HK_STAGE_SKIPPED;
	return code == HK_E_CANCELLED ? HK_STAGE_CANCELLED : HK_STAGE_FAILED;
}

static int check_cancelled(struct hk_deploy *d, struct hk_error *err)
{
	struct pollfd pfd = { .fd = d->cancel_fd, .events = POLLIN };

	/* Once something is live, going on is the shorter way to a known state. */
	if (d->activated || poll(&pfd, 1, 0) <= 0)
		return 0;
	return hk_error_set(err, HK_E_CANCELLED, "it was cancelled");
}

static int run_stage(struct hk_deploy *d, const struct hk_stage *stage, struct hk_error *err)
{
	int64_t began = hk_clock_mono_ms();
	enum hk_stage_result result;
	struct hk_error ledger_err;
	int64_t row, ms;
	int ret;

	d->detail[0] = '\0';
	if (hk_ledger_begin_stage(d->ledger, d->row.id, stage->name, &row, err))
		return err->code;
	ret = HK_FAILPOINT(stage_begun, err);
	if (!ret && !stage->always)
		ret = check_cancelled(d, err);
	if (!ret)
		ret = stage->run(d, err);
	if (ret >= 0 && HK_FAILPOINT(stage_done, err))
		ret = err->code;
	result = result_of(ret);
	ms = hk_clock_mono_ms() - began;
	if (result == HK_STAGE_FAILED && !d->detail[0])
		hk_deploy_detail(d, "%s", err->message);
	if (hk_ledger_end_stage(d->ledger, row, results[result].status,
				*d->detail ? d->detail : NULL, ms, &ledger_err) &&
	    ret >= 0) {
		*err = ledger_err;
		return err->code;
	}
	if (result == HK_STAGE_FAILED || result == HK_STAGE_CANCELLED)
		d->detail[0] = '\0'; /* the last line tells it in full */
	d->report->ops->stage_end(d->report, &d->stage, result, ms, *d->detail ? d->detail : NULL);
	return ret < 0 ? ret : 0;
}

/*
 * What a failed stage leaves is taken back, up to the start, or the policy for live releases
 * applies.
 */
static void handle_failure(struct hk_deploy *d, const struct pipeline *p, size_t failed)
{
	struct hk_error back;

	/* Switched, but not as it should be: nothing runs on it yet, so the link can go back. */
	if (p->stages[failed]->switches)
		d->activated = false;
	if (!d->activated) {
		for (size_t i = failed + 1; i-- > 0;)
			if (p->stages[i]->undo && applies(d, p->stages[i]))
				p->stages[i]->undo(d);
		return;
	}
	/* Who has asked for a release gets that one. */
	if (p == &rollback || strcmp(d->project->conf.health_on_failure, "rollback"))
		return;
	if (hk_live_go_back(d, &back))
		hk_report_say(d->report, HK_REPORT_ERROR, "%s", back.message);
}

static int record(struct hk_deploy *d, const struct hk_error *why, struct hk_error *err)
{
	/* A release that was good does not become bad by a rollback that was not. */
	if (d->activated && !(why && d->row.flags & HK_REQUEST_ROLLBACK) &&
	    hk_ledger_set_release_state(d->ledger, d->release, why ? "failed" : "good", err))
		return err->code;
	if (HK_FAILPOINT(record_release, err))
		return err->code;
	hk_deploy_unpin(d);
	return hk_ledger_finish_deployment(d->ledger, d->row.id, hk_deploy_status(why), why, err);
}

static void pause_if_due(struct hk_deploy *d)
{
	struct hk_error err;
	bool paused = false;

	if (hk_limits_autopause(d->project, d->ledger, &paused, &err))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", err.message);
	else if (paused)
		hk_report_say(
			d->report, HK_REPORT_WARNING,
			"deployments keep failing: %s is paused now; to go on: hostkit resume %s",
			d->project->name, d->project->name);
}

int hk_deploy_pipeline(struct hk_deploy *d, struct hk_error *err)
{
	const struct pipeline *p = pipeline_of(d);
	int64_t began = hk_clock_mono_ms();
	struct hk_error why = HK_ERROR_INIT;
	struct hk_error stage_err;
	int ret = 0;

	d->stage.number = 0;
	d->stage.total = count_stages(d, p);
	for (size_t i = 0; i < p->len; i++) {
		const struct hk_stage *stage = p->stages[i];

		if (!applies(d, stage))
			continue;
		d->stage.number++;
		d->stage.title = stage->title;
		if (ret && !stage->always)
			continue;
		if (!run_stage(d, stage, &stage_err))
			continue;
		if (stage->always) {
			hk_report_say(d->report, HK_REPORT_WARNING, "%s: %s", stage->title,
				      stage_err.message);
			continue;
		}
		why = stage_err;
		ret = hk_error_prefix(&why, "%s", stage->title);
		d->failed = true;
		d->failed_stage = stage->name;
		handle_failure(d, p, i);
		hk_hooks_on_failure(d, &why);
	}
	hk_deploy_drop_tmp(d);
	if (record(d, ret ? &why : NULL, err)) {
		hk_report_say(d->report, HK_REPORT_ERROR, "the end could not be recorded: %s",
			      err->message);
		return err->code;
	}
	hk_verdict_report(d, ret ? &why : NULL, hk_clock_mono_ms() - began);
	if (ret)
		pause_if_due(d);
	if (ret)
		*err = why;
	return ret;
}
