/*
 * hostkit health NAME.
 */
#include <cli/cli.h>

#include <stdio.h>

#include <cli/open.h>
#include <deploy/health.h>
#include <deploy/project.h>
#include <deploy/running.h>

static int check(struct hk_cli_call *call, const struct hk_project *p, const struct hk_running *r,
		 struct hk_error *err)
{
	hk_auto_free char *url = hk_health_url(p, r);
	struct hk_health health;

	if (hk_health_check(p, r, NULL, false, &health, err))
		return err->code;
	if (!call->json) {
		printf("healthy: %s: %s\n", url, health.last);
		return 0;
	}
	call->data = hk_json_object();
	hk_json_set(call->data, "healthy", hk_json_bool(true));
	hk_json_set(call->data, "url", hk_json_string(url));
	hk_json_set(call->data, "release", hk_json_string(r->release));
	hk_json_set(call->data, "detail", hk_json_string(health.last));
	hk_json_set(call->data, "ms", hk_json_int(health.ms));
	return 0;
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	hk_auto_running r = HK_RUNNING_INIT;
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_cli_open(call, &p, &ledger, err) ||
	    hk_running_prepare(&p, ledger, NULL, NULL, NULL, &r, err))
		return err->code;
	if (!r.release) {
		hk_error_set(err, HK_E_HEALTH_FAILED, "nothing of '%s' is deployed", p.name);
		return hk_error_hint(err, "git push hostkit main");
	}
	if (!hk_running_has_process(&r) || !p.conf.project_port)
		return hk_error_set(err, HK_E_NOT_SUPPORTED,
				    "'%s' has no service with a port, so nothing to ask", p.name);
	return check(call, &p, &r, err);
}

const struct hk_cli_command hk_cli_health_commands[] = {
	{ .group = "health",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Do the health check once: exits with 0 or 1.",
	  .run = run },
	{ .group = NULL },
};
