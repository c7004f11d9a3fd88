/*
 * hostkit pause, resume.
 */
#include <cli/cli.h>

#include <stdio.h>

#include <cli/open.h>
#include <deploy/pusher.h>

static int run_pause(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	const char *reason = hk_cli_value(call, "reason");
	hk_auto_project p = HK_PROJECT_INIT;
	struct hk_pusher pusher = hk_pusher_find();

	if (hk_cli_open(call, &p, &ledger, err) ||
	    hk_ledger_pause(ledger, reason && *reason ? reason : NULL, hk_pusher_name(&pusher),
			    err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		hk_cli_say(
			"deployments of %s are paused; what is live goes on, and hostkit rollback "
			"works\nto go on: hostkit resume %s\n",
			p.name, p.name);
	return 0;
}

static int run_resume(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	hk_auto_project p = HK_PROJECT_INIT;
	bool was;

	if (hk_cli_open(call, &p, &ledger, err) || hk_ledger_resume(ledger, &was, err) ||
	    hk_ledger_forgive(ledger, HK_FORGIVE_FAILURES, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		printf("%s %s\n", p.name, was ? "deploys again" : "was not paused");
	return 0;
}

const struct hk_cli_command hk_cli_pause_commands[] = {
	{ .group = "pause",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Let nothing deploy for now.",
	  .help = "A push to a ref that deploys is refused and told the reason. What runs already goes on\n"
		  "to its end, and a rollback is always possible.",
	  .options = { { "reason", 0, "TEXT", "What pushers are told." } },
	  .run = run_pause },
	{ .group = "resume",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "End a pause.",
	  .help = "Failed deployments until now count no more, for the cooldown and for pausing by itself.",
	  .run = run_resume },
	{ .group = NULL },
};
