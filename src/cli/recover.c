/*
 * hostkit recover [NAME].
 */
#include <cli/cli.h>

#include <stdio.h>

#include <cli/become.h>
#include <deploy/notify.h>
#include <deploy/project.h>
#include <deploy/reconcile.h>
#include <deploy/recover.h>
#include <sys/lock.h>
#include <ui/head.h>

/* What is true of one project. */
struct outcome {
	bool busy; /* a deployment runs: nothing to recover now */
	struct hk_strlist notes;
};

static int check_ledger(const struct hk_project *p, struct hk_ledger **l, struct hk_strlist *notes,
			struct hk_error *err)
{
	if (hk_recover_open_ledger(p, l, notes, err))
		return err->code;
	return hk_ledger_check(*l, err);
}

static int recover_locked(const struct hk_project *p, struct hk_ledger *l, struct outcome *o,
			  struct hk_error *err)
{
	struct hk_lock lock = HK_LOCK_INIT;
	bool held = false;
	int ret = hk_lock_try(&lock, p->state_fd, "lock", &held, err);

	o->busy = !ret && !held;
	if (!ret && held)
		ret = hk_recover(p, l, 0, &o->notes, err);
	if (!ret && held)
		ret = hk_reconcile_if_due(p, l, &o->notes, err);
	hk_lock_release(&lock);
	return ret;
}

static int recover_project(const char *root, const char *name, struct outcome *o,
			   struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *l = NULL;
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_project_open(root, name, &p, err))
		return err->code;
	if (check_ledger(&p, &l, &o->notes, err)) {
		/* Opened, but damaged further in. */
		if (err->code != HK_E_LEDGER_DAMAGED || !l)
			return err->code;
		hk_ledger_close(hk_steal_ptr(l));
		if (hk_recover_replace_ledger(&p, &l, err, &o->notes))
			return err->code;
	}
	if (recover_locked(&p, l, o, err))
		return err->code;
	hk_notify_start(&p, l);
	hk_recover_missed(&p, l, NULL, hk_head_write, &o->notes);
	return 0;
}

/* In a process of the project's user, which answers with what is true. */
struct visit {
	const char *root, *name;
};

static int visit(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	const struct visit *v = ctx;
	struct outcome o = { .notes = HK_STRLIST_INIT };
	hk_auto_json *answer = hk_json_object();
	int ret = recover_project(v->root, v->name, &o, err);

	hk_json_set(answer, "busy", hk_json_int(o.busy));
	hk_json_set(answer, "notes", hk_json_strlist(&o.notes));
	hk_json_write(answer, out);
	hk_strlist_release(&o.notes);
	return ret;
}

static int recover_as_owner(const char *root, const char *name, struct outcome *o,
			    struct hk_error *err)
{
	struct visit v = { root, name };
	hk_auto_json *answer = NULL;
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error ignored;
	int ret = hk_cli_run_as_owner(name, visit, &v, &text, err);

	if (!text.len ||
	    hk_json_parse(text.data, text.len, name, HK_E_INTERNAL, &answer, ret ? &ignored : err))
		return err->code;
	o->busy = hk_json_get_int(answer, "busy", 0) != 0;
	hk_json_to_strlist(hk_json_get(answer, "notes"), &o->notes);
	return ret;
}

static int recover_one(const struct hk_cli_call *call, const char *name, struct outcome *o,
		       struct hk_error *err)
{
	return hk_cli_is_host_root(call) ? recover_as_owner(call->root, name, o, err)
					 : recover_project(call->root, name, o, err);
}

static void print(const char *name, const struct outcome *o)
{
	for (size_t i = 0; i < o->notes.len; i++)
		printf("%s: %s\n", name, o->notes.items[i]);
	if (o->busy)
		printf("%s: is being deployed\n", name);
	else if (!o->notes.len)
		printf("%s: nothing to recover\n", name);
}

static struct hk_json *to_json(const char *name, const struct outcome *o)
{
	struct hk_json *j = hk_json_object();

	hk_json_set(j, "name", hk_json_string(name));
	hk_json_set(j, "busy", hk_json_bool(o->busy));
	hk_json_set(j, "notes", hk_json_strlist(&o->notes));
	return j;
}

/* One broken project does not keep the others from being recovered: the first problem is told. */
static int run(struct hk_cli_call *call, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_json *list = hk_json_array();
	struct hk_error first = HK_ERROR_INIT;

	call->data = hk_json_object();
	hk_json_set(call->data, "projects", list);
	if (call->n_operands)
		hk_strlist_add(&names, call->operands[0]);
	else if (hk_project_list(call->root, &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		struct outcome o = { .notes = HK_STRLIST_INIT };
		struct hk_error failed = HK_ERROR_INIT;

		if (recover_one(call, names.items[i], &o, &failed)) {
			if (names.len > 1)
				hk_error_prefix(&failed, "%s", names.items[i]);
			if (!first.code)
				first = failed;
			else
				fprintf(stderr, "error: %s\n", failed.message);
		} else if (!call->json) {
			print(names.items[i], &o);
		}
		hk_json_append(list, to_json(names.items[i], &o));
		hk_strlist_release(&o.notes);
	}
	if (first.code)
		*err = first;
	return first.code;
}

const struct hk_cli_command hk_cli_recover_commands[] = {
	{ .group = "recover",
	  .operands = "[NAME]",
	  .min = 0,
	  .max = 1,
	  .summary = "Put right what a crash has left.",
	  .help = "Ends deployments whose worker died, with everything they left, restarts a service that\n"
		  "does not run what is live, deploys pushes that were lost, and makes a damaged ledger\n"
		  "anew. Every hook and command does so for its project; this is for a timer (see\n"
		  "hostkit-recover.timer), for what nobody calls.",
	  .run = run },
	{ .group = NULL },
};
