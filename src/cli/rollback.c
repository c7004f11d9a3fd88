/*
 * hostkit rollback NAME.
 */
#include <cli/cli.h>

#include <stdio.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <cli/follow.h>
#include <cli/open.h>
#include <deploy/pusher.h>
#include <deploy/request.h>
#include <deploy/rollback.h>
#include <deploy/submit.h>
#include <deploy/verdict.h>
#include <ui/head.h>

/* What would happen, and that nothing has. */
static void show_plan(struct hk_cli_call *call, const struct hk_project *p, struct hk_ledger *l,
		      const struct hk_release_row *target)
{
	char when[HK_CLOCK_RFC3339_LEN];
	hk_auto_buf live = HK_BUF_INIT;

	hk_verdict_describe_live(p, l, &live);
	hk_clock_rfc3339(target->activated_at, when);
	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "release", hk_json_string(target->name));
		hk_json_set(call->data, "commit", hk_json_string(target->commit));
		hk_json_set(call->data, "state", hk_json_string(target->state));
		hk_json_set(call->data, "live_since", hk_json_string(when));
		return;
	}
	printf("live     %s\n", live.data);
	printf("back to  release %s (%.7s), %s, live since %.10s %.8s\n", target->name,
	       target->commit ? target->commit : "unknown", target->state, when, when + 11);
	puts("The service would be restarted on it and asked for its health. Nothing was changed.");
}

static int submit(const struct hk_project *p, struct hk_ledger *l,
		  const struct hk_release_row *target, struct hk_submission *ret,
		  struct hk_error *err)
{
	hk_auto_free char *ref = hk_xasprintf("refs/hostkit/releases/%s", target->name);
	struct hk_pusher pusher = hk_pusher_find();
	const struct hk_deployment_request req = {
		.trigger = "rollback",
		.ref = ref,
		.object = target->commit ? target->commit : "",
		.pusher = hk_pusher_name(&pusher),
		.pusher_key = hk_pusher_key(&pusher),
		.flags = HK_REQUEST_ROLLBACK,
		.release = target->name,
	};

	return hk_submit(p, l, &req, hk_head_write, ret, err);
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	HK_CLEANUP(hk_release_row_release) struct hk_release_row target = HK_RELEASE_ROW_INIT;
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_cli_open(call, &p, &ledger, err) ||
	    hk_rollback_choose(&p, ledger, hk_cli_value(call, "to"), &target, err))
		return err->code;
	if (hk_cli_has(call, "dry-run")) {
		show_plan(call, &p, ledger, &target);
		return 0;
	}
	if (submit(&p, ledger, &target, &s, err) || hk_cli_follow(call, &p, ledger, s.id, err))
		return err->code;
	return hk_cli_answer(call, ledger, s.id, err);
}

const struct hk_cli_command hk_cli_rollback_commands[] = {
	{ .group = "rollback",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Go back to the last good release.",
	  .help = "Makes the last good release before the live one live again, by the order of the\n"
		  "ledger, restarts the service and asks for its health. Nothing is installed or built.\n"
		  "Twice goes back twice. A release whose deployment failed is only taken by --to.",
	  .options = { { "to", 0, "RELEASE", "That one: a name below releases/." },
		       { "dry-run", 0, NULL, "Only say what would happen." } },
	  .run = run },
	{ .group = NULL },
};
