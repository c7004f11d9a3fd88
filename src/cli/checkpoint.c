/*
 * hostkit checkpoint create, list, restore, delete.
 */
#include <cli/cli.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <cli/open.h>
#include <deploy/checkpoint.h>
#include <deploy/restore.h>
#include <sys/lock.h>
#include <sys/signals.h>

#define LABEL_MAX 200

struct checkpoint_call {
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_lock lock;
	struct hk_checkpoints checkpoints;
	int cancel_fd;
};

#define CHECKPOINT_CALL_INIT                                        \
	{                                                           \
		.project = HK_PROJECT_INIT, .lock = HK_LOCK_INIT,   \
		.checkpoints = HK_CHECKPOINTS_INIT, .cancel_fd = -1 \
	}
#define hk_auto_checkpoint_call HK_CLEANUP(close_call) struct checkpoint_call

static void close_call(struct checkpoint_call *c)
{
	hk_checkpoints_close(&c->checkpoints);
	hk_lock_release(&c->lock);
	hk_ledger_close(c->ledger);
	hk_project_close(&c->project);
	hk_cleanup_close(&c->cancel_fd);
}

static void print_output(void *ctx HK_UNUSED, const char *line, size_t len)
{
	fprintf(stderr, "%.*s\n", (int)len, line);
}

static int take_lock(struct checkpoint_call *c, struct hk_error *err)
{
	hk_auto_buf holder = HK_BUF_INIT;
	bool held;

	if (hk_lock_try(&c->lock, c->project.state_fd, "lock", &held, err))
		return err->code;
	if (held)
		return 0;
	hk_lock_read_holder(c->project.state_fd, "lock", &holder);
	hk_error_set(err, HK_E_LOCKED, "'%s' is being worked on: %s", c->project.name,
		     holder.len ? holder.data : "by another command");
	return hk_error_hint(err, "try it again when that is over; see: hostkit deploy status %s",
			     c->project.name);
}

/* For who comes meanwhile. */
static void describe_lock(struct checkpoint_call *c, const char *what)
{
	hk_auto_free char *text = hk_xasprintf("%s, pid %d", what, (int)getpid());
	struct hk_error ignored;

	if (hk_lock_describe(&c->lock, text, &ignored))
		return;
}

static int open_call(struct hk_cli_call *call, const char *what, struct checkpoint_call *c,
		     struct hk_error *err)
{
	if (hk_cli_open(call, &c->project, &c->ledger, err) || take_lock(c, err) ||
	    hk_checkpoints_open(&c->project, c->ledger, 0, NULL, &c->checkpoints, err) ||
	    hk_checkpoints_need_kind(&c->checkpoints, err) ||
	    hk_signals_cancel_fd(&c->cancel_fd, err))
		return err->code;
	c->checkpoints.db.cancel_fd = c->cancel_fd;
	c->checkpoints.db.on_line = print_output;
	describe_lock(c, what);
	return 0;
}

static void let_go(struct checkpoint_call *c)
{
	struct hk_error ignored;

	if (!hk_lock_describe(&c->lock, "", &ignored))
		hk_lock_release(&c->lock);
}

static int parse_id(const char *text, int64_t *ret, struct hk_error *err)
{
	if (!hk_human_parse_int(text, 1, INT64_MAX, ret, err))
		return 0;
	return hk_error_hint(err, "the number that hostkit checkpoint list shows");
}

static struct hk_json *checkpoint_json(const struct hk_checkpoint *c)
{
	struct hk_json *j = hk_json_object();
	char when[HK_CLOCK_RFC3339_LEN];

	hk_json_set(j, "id", hk_json_int(c->id));
	hk_json_set(j, "kind", hk_json_string(c->kind));
	hk_json_set(j, "database", hk_json_string(c->target));
	hk_json_set(j, "label", hk_json_string(c->label));
	hk_json_set(j, "deployment", c->deployment ? hk_json_int(c->deployment) : hk_json_null());
	hk_json_set(j, "safety", hk_json_bool(c->safety));
	hk_json_set(j, "size", hk_json_int(c->size));
	hk_json_set(j, "sha256", hk_json_string(c->sha256));
	hk_json_set(j, "ms", hk_json_int(c->ms));
	hk_json_set(j, "created_at", hk_json_string(hk_clock_rfc3339(c->created_at, when)));
	hk_json_set(j, "kept", hk_json_bool(c->kept));
	return j;
}

/* What it is of, for people. */
static void describe(const struct hk_checkpoint *c, struct hk_buf *out)
{
	if (c->deployment)
		hk_buf_addf(out, "before deployment %lld", (long long)c->deployment);
	if (c->safety)
		hk_buf_addf(out, "%sbefore a restore", out->len ? ", " : "");
	if (c->label)
		hk_buf_addf(out, "%s%s", out->len ? ", " : "", c->label);
}

static int run_create(struct hk_cli_call *call, struct hk_error *err)
{
	const char *label = hk_cli_value(call, "label");
	const struct hk_checkpoint what = { .label = label && *label ? (char *)label : NULL };
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint made = HK_CHECKPOINT_INIT;
	hk_auto_checkpoint_call c = CHECKPOINT_CALL_INIT;
	char size[HK_HUMAN_LEN], took[HK_HUMAN_LEN];

	if (label && strlen(label) > LABEL_MAX)
		return hk_error_set(err, HK_E_USAGE, "the label has more than %d bytes", LABEL_MAX);
	if (open_call(call, "checkpoint create", &c, err) ||
	    hk_checkpoint_make(&c.checkpoints, &what, &made, err) ||
	    hk_checkpoint_prune(&c.project, c.ledger, NULL, err))
		return err->code;
	let_go(&c);
	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "checkpoint", checkpoint_json(&made));
		return 0;
	}
	hk_cli_say(
		"checkpoint %lld, %s, made in %s\nto go back to it: hostkit checkpoint restore %s "
		"%lld\n",
		(long long)made.id, hk_human_size(made.size, size),
		hk_human_duration(made.ms, took), c.project.name, (long long)made.id);
	return 0;
}

static int list_one(void *ctx, const struct hk_checkpoint *c, struct hk_error *err HK_UNUSED)
{
	char when[HK_CLOCK_RFC3339_LEN], size[HK_HUMAN_LEN];
	hk_auto_buf what = HK_BUF_INIT;
	struct hk_json *list = ctx;

	if (c->state != HK_CHECKPOINT_READY)
		return 0;
	if (list) {
		hk_json_append(list, checkpoint_json(c));
		return 0;
	}
	describe(c, &what);
	hk_clock_rfc3339(c->created_at, when);
	printf("%5lld  %.10s %.8s  %-10s %10s  %.12s  %s\n", (long long)c->id, when, when + 11,
	       c->kind, hk_human_size(c->size, size), c->sha256, what.data);
	return 0;
}

static int run_list(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_checkpoint_call c = CHECKPOINT_CALL_INIT;
	struct hk_json *list = NULL;

	if (hk_cli_open(call, &c.project, &c.ledger, err))
		return err->code;
	if (call->json) {
		list = hk_json_array();
		call->data = hk_json_object();
		hk_json_set(call->data, "checkpoints", list);
	}
	return hk_ledger_each_checkpoint(c.ledger, list_one, list, err);
}

/* --- Restoring */

/* The database that is replaced, and whether it is another one than the checkpoint is of. */
static void describe_target(const struct checkpoint_call *c, const struct hk_checkpoint *row,
			    struct hk_buf *out)
{
	char target[HK_DATABASE_TARGET_LEN];
	struct hk_error ignored;

	if (hk_checkpoints_target(&c->checkpoints, target, &ignored) || !*target)
		return;
	hk_buf_addf(out, " ('%s')", target);
	if (row->target && strcmp(row->target, target))
		hk_buf_addf(out, ", not '%s',", row->target);
}

static int ask(const struct checkpoint_call *c, const struct hk_restore_request *req,
	       struct hk_error *err)
{
	HK_CLEANUP(hk_checkpoint_release) struct hk_checkpoint row = HK_CHECKPOINT_INIT;
	char when[HK_CLOCK_RFC3339_LEN], answer[16] = "";
	hk_auto_buf target = HK_BUF_INIT;

	if (hk_ledger_get_checkpoint(c->ledger, req->checkpoint, &row, err) ||
	    (!req->elsewhere && hk_restore_check_target(&c->checkpoints, row.id, err)))
		return err->code;
	if (!isatty(STDIN_FILENO)) {
		hk_error_set(err, HK_E_USAGE,
			     "there is no terminal to ask whether the database of "
			     "'%s' shall be replaced",
			     c->project.name);
		return hk_error_hint(err, "to do it without a question: --yes");
	}
	hk_clock_rfc3339(row.created_at, when);
	describe_target(c, &row, &target);
	fprintf(stderr,
		"The database of %s%s becomes what it was at %.10s %.8s (checkpoint %lld).\n"
		"What was written since then is %s\n"
		"Restore it? (yes or no): ",
		c->project.name, target.data, when, when + 11, (long long)row.id,
		req->no_safety ? "lost." : "kept in a checkpoint of its own, made first.");
	if (fgets(answer, sizeof(answer), stdin) && !strcmp(answer, "yes\n"))
		return 0;
	return hk_error_set(err, HK_E_CANCELLED, "nothing was changed");
}

static void tell(struct hk_cli_call *call, const struct checkpoint_call *c, int64_t id,
		 const struct hk_restore_outcome *o)
{
	char took[HK_HUMAN_LEN];

	if (call->json) {
		call->data = hk_json_object();
		hk_json_set(call->data, "restored", hk_json_int(id));
		hk_json_set(call->data, "safety",
			    o->safety ? hk_json_int(o->safety) : hk_json_null());
		hk_json_set(call->data, "ms", hk_json_int(o->ms));
		hk_json_set(call->data, "service_restarted",
			    hk_json_bool(o->service_stopped && !*o->service));
		return;
	}
	printf("the database of %s is that of checkpoint %lld, after %s\n", c->project.name,
	       (long long)id, hk_human_duration(o->ms, took));
	if (o->safety)
		hk_cli_say("what was there before: hostkit checkpoint restore %s %lld\n",
			   c->project.name, (long long)o->safety);
}

static int run_restore(struct hk_cli_call *call, struct hk_error *err)
{
	struct hk_restore_request req = { .no_safety = hk_cli_has(call, "no-safety"),
					  .elsewhere = hk_cli_has(call, "elsewhere") };
	hk_auto_checkpoint_call c = CHECKPOINT_CALL_INIT;
	struct hk_restore_outcome outcome;

	if (parse_id(call->operands[1], &req.checkpoint, err) ||
	    open_call(call, "checkpoint restore", &c, err) ||
	    (!hk_cli_has(call, "yes") && ask(&c, &req, err)) ||
	    hk_restore_run(&c.checkpoints, &req, &outcome, err) ||
	    hk_checkpoint_prune(&c.project, c.ledger, NULL, err))
		return err->code;
	let_go(&c);
	call->answers = true;
	tell(call, &c, req.checkpoint, &outcome);
	if (*outcome.left)
		fprintf(stderr, "warning: what the database was is still beside it: %s\n",
			outcome.left);
	if (!*outcome.service)
		return 0;
	hk_error_set(err, HK_E_SERVICE_FAILED,
		     "the database is restored, but the service could not be started again: %s",
		     outcome.service);
	return hk_error_hint(err, "hostkit service start %s", c.project.name);
}

static int run_delete(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_checkpoint_call c = CHECKPOINT_CALL_INIT;
	int64_t id;

	if (parse_id(call->operands[1], &id, err) ||
	    hk_cli_open(call, &c.project, &c.ledger, err) || take_lock(&c, err) ||
	    hk_checkpoint_delete(&c.project, c.ledger, id, err))
		return err->code;
	if (call->json)
		call->data = hk_json_object();
	else
		printf("checkpoint %lld is deleted\n", (long long)id);
	return 0;
}

const struct hk_cli_command hk_cli_checkpoint_commands[] = {
	{ .group = "checkpoint",
	  .verb = "create",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Make a checkpoint of the project's database.",
	  .help = "Of [database] kind, as of one instant, while the service goes on. A deployment makes one\n"
		  "before its release, too. How many are kept is for [database] keep and keep_for to say.",
	  .options = { { "label", 0, "TEXT", "A word on what it is for." } },
	  .run = run_create },
	{ .group = "checkpoint",
	  .verb = "list",
	  .operands = "NAME",
	  .min = 1,
	  .max = 1,
	  .remote = true,
	  .summary = "Show the checkpoints, newest first.",
	  .run = run_list },
	{ .group = "checkpoint",
	  .verb = "restore",
	  .operands = "NAME ID",
	  .min = 2,
	  .max = 2,
	  .remote = true,
	  .local = "no-safety",
	  .summary = "Make the database what it was then.",
	  .help = "The dump is verified (SHA-256), restored beside what is live, and looked through; then\n"
		  "both change places in one step, with the service stopped for SQLite, and connections\n"
		  "ended for PostgreSQL. Before that, what is live becomes a checkpoint of its own. Until\n"
		  "the change, and after any failure, what was live is; what an interruption leaves is\n"
		  "finished or undone by the next command. Asks first.",
	  .options = { { "yes", 'y', NULL, "Do not ask." },
		       { "no-safety", 0, NULL, "Make no checkpoint of what is live." },
		       { "elsewhere", 0, NULL,
			 "Also into another database than the one it was made of." } },
	  .run = run_restore },
	{ .group = "checkpoint",
	  .verb = "delete",
	  .operands = "NAME ID",
	  .min = 2,
	  .max = 2,
	  .remote = true,
	  .summary = "Delete one.",
	  .run = run_delete },
	{ .group = NULL },
};
