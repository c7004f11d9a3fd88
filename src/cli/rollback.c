/*
 * hostkit rollback NAME.
 */
#include <cli/cli.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <base/lines.h>
#include <cli/follow.h>
#include <cli/open.h>
#include <database/database.h>
#include <deploy/checkpoint.h>
#include <deploy/pusher.h>
#include <deploy/request.h>
#include <deploy/rollback.h>
#include <deploy/rollback_state.h>
#include <deploy/snapshot.h>
#include <deploy/submit.h>
#include <deploy/verdict.h>
#include <store/checkpoints.h>
#include <ui/head.h>

#define SHOWN_MAX 60

/* What is asked for beside the code. */
static unsigned parts_of(const struct hk_cli_call *call, const struct hk_project *p)
{
	bool full = hk_cli_has(call, "full");
	unsigned flags = 0;

	if (full || hk_cli_has(call, "with-env"))
		flags |= HK_REQUEST_WITH_ENV;
	/* All of a project without a database is its code and environment. */
	if (hk_cli_has(call, "with-database") || (full && hk_database_kind(p->conf.database_kind)))
		flags |= HK_REQUEST_WITH_DATABASE;
	return flags;
}

/* --- The plan */

struct plan {
	struct hk_cli_call *call;
	const struct hk_project *p;
	struct hk_ledger *l;
	struct hk_release_row target;
	unsigned flags;
	struct hk_rollback_state state;
	FILE *out;
	struct hk_json *names; /* of variables; NULL: as text */
	size_t changes;	       /* of variables */
};

static void show_change(void *ctx, const char *name, enum hk_env_change change,
			const char *old HK_UNUSED, const char *now HK_UNUSED)
{
	/* What was added since goes, and the other way round. */
	static const char *const signs[] = {
		[HK_ENV_ADDED] = "-", [HK_ENV_REMOVED] = "+", [HK_ENV_CHANGED] = "~"
	};
	struct plan *plan = ctx;

	plan->changes++;
	if (plan->names)
		hk_json_append(plan->names, hk_json_string(name));
	else
		fprintf(plan->out, "         %s %s\n", signs[change], name);
}

static int show_environment(struct plan *plan, struct hk_error *err)
{
	HK_CLEANUP(hk_snapshot_release) struct hk_snapshot s = HK_SNAPSHOT_INIT;

	if (hk_snapshot_read(plan->p, plan->state.environment, &s, err))
		return err->code;
	if (plan->call->json) {
		plan->names = hk_json_array();
		hk_json_set(plan->call->data, "environment", plan->names);
	} else {
		fprintf(plan->out, ".env     becomes what it was before deployment %lld%s\n",
			(long long)plan->state.undone, s.had_env ? "" : ": there was none");
	}
	if (hk_snapshot_compare(plan->p, &s, show_change, plan, err))
		return err->code;
	if (!plan->changes && !plan->names)
		fprintf(plan->out, "         no variable has changed since\n");
	return 0;
}

static void show_table(const struct plan *plan, const struct hk_rows *rows,
		       const struct hk_table_rows *r)
{
	hk_auto_buf name = HK_BUF_INIT;

	hk_lines_plain(&name, r->table, strlen(r->table), SHOWN_MAX);
	fprintf(plan->out, "         %-24s ", name.data);
	if (rows->estimated)
		fprintf(plan->out, "about %lld now\n", (long long)r->now);
	else if (r->now < 0)
		fprintf(plan->out, "comes back, with %lld\n", (long long)r->then);
	else if (r->then < 0)
		fprintf(plan->out, "%lld now, and goes\n", (long long)r->now);
	else
		fprintf(plan->out, "%lld now, %lld then\n", (long long)r->now, (long long)r->then);
}

static struct hk_json *rows_json(const struct hk_rows *rows)
{
	struct hk_json *list = hk_json_array();

	for (size_t i = 0; i < rows->len; i++) {
		const struct hk_table_rows *r = &rows->items[i];
		struct hk_json *j = hk_json_object();

		hk_json_set(j, "table", hk_json_string(r->table));
		hk_json_set(j, "now", r->now < 0 ? hk_json_null() : hk_json_int(r->now));
		hk_json_set(j, "then", r->then < 0 ? hk_json_null() : hk_json_int(r->then));
		hk_json_set(j, "estimated", hk_json_bool(rows->estimated));
		hk_json_append(list, j);
	}
	return list;
}

/* What cannot be counted is no reason not to go back: the database may be what is broken. */
static void show_rows(struct plan *plan)
{
	HK_CLEANUP(hk_rows_release) struct hk_rows rows = { .len = 0 };
	hk_auto_checkpoints c = HK_CHECKPOINTS_INIT;
	struct hk_error failed = HK_ERROR_INIT;

	if (hk_rollback_open_state(plan->p, plan->l, 0, &plan->state, &c, &failed) ||
	    hk_checkpoint_count_rows(&c, plan->state.checkpoint, &rows, &failed)) {
		if (!plan->call->json)
			fprintf(plan->out, "         its rows were not counted: %s\n",
				failed.message);
		return;
	}
	if (plan->call->json) {
		hk_json_set(plan->call->data, "rows", rows_json(&rows));
		return;
	}
	if (rows.len)
		fprintf(plan->out, "         rows by table:\n");
	for (size_t i = 0; i < rows.len; i++)
		show_table(plan, &rows, &rows.items[i]);
	if (rows.more)
		fprintf(plan->out, "         and of other tables\n");
}

static int show_database(struct plan *plan, struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint c = HK_CHECKPOINT_INIT;
	char when[HK_CLOCK_RFC3339_LEN], size[HK_HUMAN_LEN];

	if (hk_ledger_get_checkpoint(plan->l, plan->state.checkpoint, &c, err))
		return err->code;
	hk_clock_rfc3339(c.created_at, when);
	if (plan->call->json)
		hk_json_set(plan->call->data, "checkpoint", hk_json_int(c.id));
	else
		fprintf(plan->out,
			"database becomes checkpoint %lld of %.10s %.8s, %s%s%s\n"
			"         what was written since then is kept in a checkpoint made first\n",
			(long long)c.id, when, when + 11, hk_human_size(c.size, size),
			c.target ? ", into " : "", c.target ? c.target : "");
	show_rows(plan);
	return 0;
}

static void show_code(struct plan *plan)
{
	const struct hk_release_row *target = &plan->target;
	char when[HK_CLOCK_RFC3339_LEN];
	hk_auto_buf live = HK_BUF_INIT;

	hk_verdict_describe_live(plan->p, plan->l, &live);
	hk_clock_rfc3339(target->activated_at, when);
	if (plan->call->json) {
		plan->call->data = hk_json_object();
		hk_json_set(plan->call->data, "release", hk_json_string(target->name));
		hk_json_set(plan->call->data, "commit", hk_json_string(target->commit));
		hk_json_set(plan->call->data, "state", hk_json_string(target->state));
		hk_json_set(plan->call->data, "live_since", hk_json_string(when));
		return;
	}
	fprintf(plan->out, "live     %s\n", live.data);
	fprintf(plan->out, "back to  release %s (%.7s), %s, live since %.10s %.8s\n", target->name,
		target->commit ? target->commit : "unknown", target->state, when, when + 11);
}

static int show_plan(struct plan *plan, struct hk_error *err)
{
	show_code(plan);
	if (plan->state.environment && show_environment(plan, err))
		return err->code;
	return plan->state.checkpoint ? show_database(plan, err) : 0;
}

/* For what cannot be had back by another rollback. */
static int ask(struct plan *plan, struct hk_error *err)
{
	char answer[16] = "";

	if (!isatty(STDIN_FILENO)) {
		hk_error_set(err, HK_E_USAGE,
			     "there is no terminal to ask whether more than the code of '%s' shall "
			     "go back",
			     plan->p->name);
		return hk_error_hint(err, "to do it without a question: --yes");
	}
	plan->out = stderr;
	if (show_plan(plan, err))
		return err->code;
	fprintf(stderr, "Do it? (yes or no): ");
	if (fgets(answer, sizeof(answer), stdin) && !strcmp(answer, "yes\n"))
		return 0;
	return hk_error_set(err, HK_E_CANCELLED, "nothing was changed");
}

static int submit(const struct plan *plan, struct hk_submission *ret, struct hk_error *err)
{
	const struct hk_release_row *target = &plan->target;
	hk_auto_free char *ref = hk_xasprintf("refs/hostkit/releases/%s", target->name);
	struct hk_pusher pusher = hk_pusher_find();
	const struct hk_deployment_request req = {
		.trigger = "rollback",
		.ref = ref,
		.object = target->commit ? target->commit : "",
		.pusher = hk_pusher_name(&pusher),
		.pusher_key = hk_pusher_key(&pusher),
		.flags = HK_REQUEST_ROLLBACK | plan->flags,
		.release = target->name,
	};

	return hk_submit(plan->p, plan->l, &req, hk_head_write, ret, err);
}

static int make_plan(struct plan *plan, struct hk_error *err)
{
	const struct hk_cli_call *call = plan->call;
	const char *to = hk_cli_value(call, "to");
	hk_auto_free char *before = NULL;

	plan->flags = parts_of(call, plan->p);
	/* What belongs together was live together, be it the last good one or not. */
	if (plan->flags && !to) {
		if (hk_rollback_find_before(plan->p, plan->l, &before, err))
			return err->code;
		to = before;
	}
	if (hk_rollback_choose(plan->p, plan->l, to, &plan->target, err))
		return err->code;
	if (!plan->flags)
		return 0;
	return hk_rollback_find_state(plan->p, plan->l, plan->target.name, plan->flags,
				      &plan->state, err);
}

static void release_plan(struct plan *plan)
{
	hk_release_row_release(&plan->target);
}

static int run(struct hk_cli_call *call, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_submission_release) struct hk_submission s = HK_SUBMISSION_INIT;
	hk_auto_project p = HK_PROJECT_INIT;
	HK_CLEANUP(release_plan)
	struct plan plan = { .call = call, .target = HK_RELEASE_ROW_INIT, .out = stdout };

	if (hk_cli_open(call, &p, &ledger, err))
		return err->code;
	plan.p = &p;
	plan.l = ledger;
	if (make_plan(&plan, err))
		return err->code;
	if (hk_cli_has(call, "dry-run")) {
		if (show_plan(&plan, err))
			return err->code;
		if (!call->json)
			puts("The service would be restarted on it and asked for its health. "
			     "Nothing was changed.");
		return 0;
	}
	if ((plan.flags && !hk_cli_has(call, "yes") && ask(&plan, err)) || submit(&plan, &s, err) ||
	    hk_cli_follow(call, &p, ledger, s.id, err))
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
		  "Twice goes back twice. A release whose deployment failed is only taken by --to.\n"
		  "With --full, .env and the database go back as well, to what they were just before the\n"
		  "deployment that ended the time of that release; all of it happens, or nothing, whatever\n"
		  "is interrupted. What the database had is kept in a checkpoint. Asks first, and names\n"
		  "what would be lost: variables, and rows by table.",
	  .options = { { "to", 0, "RELEASE", "That one: a name below releases/." },
		       { "full", 0, NULL, "Code, .env and database." },
		       { "with-env", 0, NULL, ".env as well." },
		       { "with-database", 0, NULL, "The database as well." },
		       { "yes", 'y', NULL, "Do not ask about them." },
		       { "dry-run", 0, NULL, "Only say what would happen." } },
	  .run = run },
	{ .group = NULL },
};
