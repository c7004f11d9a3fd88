/*
 * Stages 10 and 11: the service is restarted on the new release and asked whether it is well.
 */
#include <deploy/live.h>

#include <string.h>

#include <base/human.h>
#include <deploy/activate.h>
#include <deploy/health.h>
#include <deploy/hooks.h>
#include <deploy/request.h>
#include <deploy/running.h>

#define LOG_LINES_SHOWN 15

static int prepare(struct hk_deploy *d, const char *release, struct hk_running *r,
		   struct hk_error *err)
{
	return hk_running_prepare(d->project, d->ledger, release, hk_deploy_output, d, r, err);
}

/* What the service said last is the best explanation of why it is not well. */
static void show_recent_log(struct hk_deploy *d, const struct hk_running *r)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;

	hk_service_recent_log(r->driver, &r->service, LOG_LINES_SHOWN, &lines);
	if (!lines.len)
		return;
	d->report->ops->command(d->report, &d->stage, "last lines of the service's log");
	for (size_t i = 0; i < lines.len; i++)
		hk_deploy_output(d, lines.items[i], strlen(lines.items[i]));
}

static int restart(struct hk_deploy *d, const char *release, struct hk_error *err)
{
	hk_auto_running r = HK_RUNNING_INIT;
	struct hk_service_state state = { .known = false };

	d->started = state;
	if (prepare(d, release, &r, err))
		return err->code;
	if (hk_service_stop_others(&r.service, r.driver, err))
		return err->code;
	if (r.driver->restart(&r.service, err)) {
		/* With any other code nothing new has run: the log is that of the process before.
		 */
		if (err->code == HK_E_SERVICE_FAILED)
			show_recent_log(d, &r);
		return err->code;
	}
	if (!hk_running_has_process(&r))
		return hk_deploy_skip(d, "nothing to run");
	if (r.driver->status(&r.service, &state, err))
		return 0;
	d->started = state;
	if (state.main.pid)
		hk_deploy_detail(d, "pid %d", (int)state.main.pid);
	return 0;
}

static int run_restart(struct hk_deploy *d, struct hk_error *err)
{
	int ret;

	if (d->row.flags & HK_REQUEST_NO_RESTART)
		return hk_deploy_skip(d, "not asked for");
	ret = restart(d, d->release, err);
	d->restarted = ret == 0;
	return ret;
}

static int check(struct hk_deploy *d, const char *release, struct hk_error *err)
{
	hk_auto_running r = HK_RUNNING_INIT;
	struct hk_health health;

	if (prepare(d, release, &r, err))
		return err->code;
	if (hk_health_check(d->project, &r, d->started.known ? &d->started : NULL, true, &health,
			    err)) {
		d->health_status = health.status;
		show_recent_log(d, &r);
		return err->code;
	}
	hk_deploy_detail(d, "%s, %d tr%s", health.last, health.tries,
			 health.tries == 1 ? "y" : "ies");
	return 0;
}

/* NULL when the check applies. */
static const char *no_check(const struct hk_deploy *d)
{
	if (!d->restarted)
		return "the service was not restarted";
	if (!d->project->conf.health_enabled)
		return "turned off";
	if (!d->project->conf.project_port)
		return "the project has no port";
	return NULL;
}

static int run_health(struct hk_deploy *d, struct hk_error *err)
{
	const char *why = no_check(d);
	int ret = why ? hk_deploy_skip(d, "%s", why) : check(d, d->release, err);

	if (ret >= 0)
		hk_hooks_post_activate(d);
	return ret;
}

int hk_live_way_back(struct hk_deploy *d, char **ret, struct hk_error *err)
{
	return hk_ledger_previous_good(d->ledger, d->release, ret, err);
}

int hk_live_go_back(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_free char *back = NULL;
	int ret;

	if (hk_live_way_back(d, &back, err))
		return err->code;
	if (!back)
		return hk_error_set(err, HK_E_ACTIVATE_FAILED,
				    "there is no good release to go back to");
	hk_report_say(d->report, HK_REPORT_INFO, "going back to release %s", back);
	if (hk_activate(d->project, back, err))
		return hk_error_prefix(err, "cannot go back");
	memcpy(d->rolled_back_to, back, sizeof(d->rolled_back_to));
	ret = restart(d, back, err);
	if (ret == HK_STAGE_SKIP)
		return 0;
	d->restarted = !ret;
	if (!ret && !no_check(d))
		ret = check(d, back, err);
	return ret ? hk_error_prefix(err, "release %s, which is live again, is not well", back) : 0;
}

const struct hk_stage hk_stage_restart = {
	.name = "restart",
	.title = "restart",
	.run = run_restart,
};

const struct hk_stage hk_stage_health = {
	.name = "health",
	.title = "health",
	.run = run_health,
};
