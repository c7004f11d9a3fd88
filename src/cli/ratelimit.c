/*
 * hostkit ratelimit show, enable, disable, set, reset. Settings are those of the project's INI
 * file.
 */
#include <cli/cli.h>

#include <stdio.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <cli/become.h>
#include <cli/open.h>
#include <cli/ratelimit.h>
#include <deploy/limits.h>

struct hk_json *hk_cli_ratelimit_json(const struct hk_project *p, const struct hk_limits *limits)
{
	const struct hk_conf *conf = &p->conf;
	struct hk_json *j = hk_json_object();
	char at[HK_CLOCK_RFC3339_LEN];

	hk_json_set(j, "enabled", hk_json_bool(conf->ratelimit_enabled));
	hk_json_set(j, "used", hk_json_int(limits->used));
	hk_json_set(j, "max", hk_json_int(conf->ratelimit_max));
	hk_json_set(j, "window_s", hk_json_int(conf->ratelimit_window / 1000));
	hk_json_set(j, "failures", hk_json_int(limits->failures));
	hk_json_set(j, "failure_limit", hk_json_int(conf->ratelimit_failure_limit));
	hk_json_set(j, "cooldown_s", hk_json_int(conf->ratelimit_cooldown / 1000));
	hk_json_set(j, "refused", hk_json_string(limits->why ? hk_code_name(limits->why) : NULL));
	hk_json_set(j, "next_at",
		    limits->why ? hk_json_string(hk_clock_rfc3339(limits->next_at, at))
				: hk_json_null());
	return j;
}

static void print(const struct hk_project *p, const struct hk_limits *limits)
{
	const struct hk_conf *conf = &p->conf;
	char window[HK_HUMAN_LEN], cooldown[HK_HUMAN_LEN], in[HK_HUMAN_LEN];

	printf("limit     %lld in %s%s\n", (long long)conf->ratelimit_max,
	       hk_human_duration(conf->ratelimit_window, window),
	       conf->ratelimit_enabled ? "" : ", not enabled");
	printf("used      %lld\n", (long long)limits->used);
	printf("cooldown  %s after %lld failures in a row; now %lld\n",
	       hk_human_duration(conf->ratelimit_cooldown, cooldown),
	       (long long)conf->ratelimit_failure_limit, (long long)limits->failures);
	printf("next      %s%s\n", limits->why ? "in " : "now",
	       limits->why ? hk_human_duration(limits->next_at - hk_clock_wall_ms(), in) : "");
}

static int show(struct hk_cli_call *call, const struct hk_project *p, struct hk_ledger *l,
		struct hk_error *err)
{
	struct hk_limits limits;

	if (hk_limits_look(p, l, INT64_MAX, hk_clock_wall_ms(), &limits, err))
		return err->code;
	if (call->json)
		call->data = hk_cli_ratelimit_json(p, &limits);
	else
		print(p, &limits);
	return 0;
}

static int run_show(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_cli_open(call, &p, &ledger, err))
		return err->code;
	return show(call, &p, ledger, err);
}

static const struct {
	const char *option, *key;
} keys[] = {
	{ "max", "max" },
	{ "window", "window" },
	{ "failure-limit", "failure_limit" },
	{ "cooldown", "cooldown" },
};

static int set_enabled(struct hk_cli_call *call, const char *value, struct hk_error *err)
{
	const struct hk_project_change change = { "ratelimit", "enabled", value };

	if (hk_cli_change(call, &change, 1, err))
		return err->code;
	return run_show(call, err);
}

static int run_enable(struct hk_cli_call *call, struct hk_error *err)
{
	return set_enabled(call, "yes", err);
}

static int run_disable(struct hk_cli_call *call, struct hk_error *err)
{
	return set_enabled(call, "no", err);
}

static int run_set(struct hk_cli_call *call, struct hk_error *err)
{
	struct hk_project_change changes[HK_ARRAY_LEN(keys)];
	size_t n = 0;

	if (hk_project_check(call->root, call->operands[0], err))
		return err->code;
	/* All of them are checked before one is written. */
	for (size_t i = 0; i < HK_ARRAY_LEN(keys); i++) {
		const char *value = hk_cli_value(call, keys[i].option);

		if (!value)
			continue;
		if (hk_conf_check_value("ratelimit", keys[i].key, value, err))
			return err->code;
		changes[n++] = (struct hk_project_change){ "ratelimit", keys[i].key, value };
	}
	if (!n) {
		hk_error_set(err, HK_E_USAGE, "nothing to set");
		return hk_error_hint(err, "hostkit ratelimit set %s --max 20 --window 1h",
				     call->operands[0]);
	}
	if (hk_cli_change(call, changes, n, err))
		return err->code;
	return run_show(call, err);
}

static int run_reset(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_cli_open(call, &p, &ledger, err) ||
	    hk_ledger_forgive(ledger, HK_FORGIVE_DEPLOYMENTS | HK_FORGIVE_FAILURES, err))
		return err->code;
	return show(call, &p, ledger, err);
}

const struct hk_cli_command hk_cli_ratelimit_commands[] = {
	{ .group = "ratelimit",
	  .verb = "show",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show the limit, what is used of it, and the cooldown.",
	  .run = run_show },
	{ .group = "ratelimit",
	  .verb = "enable",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Limit deployments.",
	  .help = "Sets [ratelimit] enabled in the project's INI file.",
	  .run = run_enable },
	{ .group = "ratelimit",
	  .verb = "disable",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Do not limit deployments.",
	  .help = "Sets [ratelimit] enabled in the project's INI file.",
	  .run = run_disable },
	{ .group = "ratelimit",
	  .verb = "set",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .as = HK_CLI_AS_ROOT,
	  .summary = "Set how many deployments are accepted.",
	  .help = "Sets the keys of [ratelimit] in the project's INI file.",
	  .options = { { "max", 0, "N", "Deployments in the window." },
		       { "window", 0, "TIME", "The window: 1h, 30m." },
		       { "failure-limit", 0, "N", "Failures in a row that start the cooldown." },
		       { "cooldown", 0, "TIME", "How long it takes." } },
	  .run = run_set },
	{ .group = "ratelimit",
	  .verb = "reset",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Forget what was deployed and what failed until now.",
	  .run = run_reset },
	{ .group = NULL },
};
