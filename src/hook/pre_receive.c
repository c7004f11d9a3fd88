/*
 * pre-receive: options, refs, the gate, and then the objects, in the order of what they cost.
 */
#include <hook/pre_receive.h>

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <deploy/gate.h>
#include <deploy/inspect.h>
#include <deploy/queue.h>
#include <deploy/submit.h>
#include <hook/locate.h>
#include <hook/push.h>
#include <hook/strict.h>
#include <sys/process.h>
#include <sys/self.h>

#define INSPECT_MS 120000

/* [push] refs, for every ref that is pushed. */
static int check_refs(const struct hk_push *push, struct hk_error *err)
{
	const struct hk_strlist *globs = &push->project.conf.push_refs;

	for (size_t i = 0; i < push->len; i++) {
		const char *ref = push->updates[i].ref;
		bool allowed = false;

		for (size_t k = 0; k < globs->len && !allowed; k++)
			allowed = !fnmatch(globs->items[k], ref, 0);
		if (allowed)
			continue;
		hk_error_set(err, HK_E_NOT_ALLOWED, "'%s' may not be pushed to '%s'", ref,
			     push->project.name);
		return hk_error_hint(err, "the administrator allows refs by [push] refs");
	}
	return 0;
}

/* A damaged ledger is no reason to refuse: post-receive has it made anew before anything deploys.
 */
static int check_ledger(struct hk_push *push, struct hk_error *err)
{
	const struct hk_gate gate = { INT64_MAX, hk_clock_wall_ms(), push->options.flags };
	struct hk_error why = HK_ERROR_INIT;
	struct hk_deployment_request req;
	struct hk_pusher pusher;

	hk_push_request(push, &pusher, &req);
	if (!hk_project_open_ledger(&push->project, &push->ledger, &why) &&
	    !hk_gate_check(&push->project, push->ledger, &gate, &why) &&
	    !hk_queue_check(&push->project, push->ledger, &req, &why))
		return 0;
	if (why.code == HK_E_LEDGER_DAMAGED)
		return 0;
	*err = why;
	return err->code;
}

/* git's variables for the objects that are not yet the repository's (githooks(5)). */
static void pass_quarantine(struct hk_strlist *env)
{
	hk_submit_environment(env);
	hk_submit_pass(env, "GIT_OBJECT_DIRECTORY");
	hk_submit_pass(env, "GIT_ALTERNATE_OBJECT_DIRECTORIES");
}

static void show_line(void *ctx HK_UNUSED, const char *line, size_t len)
{
	dprintf(STDERR_FILENO, "%.*s\n", (int)len, line);
}

/* The worker's program looks at the commit, and says itself what is wrong with it. */
static int inspect(struct hk_push *push, bool *ret_told, struct hk_error *err)
{
	const struct hk_ref_update *u = push->chosen;
	hk_auto_free char *program = NULL;
	hk_auto_free char *flags = hk_xasprintf("%u", push->options.flags);
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct hk_process_result result = { .exit_status = -1 };

	if (hk_self_program("hostkit-worker", &program, err))
		return err->code;
	const char *argv[] = { program,
			       push->project.root,
			       push->project.name,
			       push->options.dry_run ? HK_INSPECT_PLAN : HK_INSPECT_CHECK,
			       u->ref,
			       u->old_oid,
			       u->new_oid,
			       flags,
			       NULL };

	pass_quarantine(&env);
	spec.argv = argv;
	spec.env = hk_strlist_argv(&env);
	spec.timeout_ms = INSPECT_MS;
	spec.on_line = show_line;
	if (!hk_process_run(&spec, &result, err))
		return 0;
	*ret_told = result.exit_status > 0;
	return err->code;
}

static void say_dry_run(struct hk_push *push)
{
	hk_auto_buf what = HK_BUF_INIT;

	if (push->chosen)
		hk_ref_describe(push->chosen->ref, &what);
	hk_report_say(
		&push->text.report, HK_REPORT_INFO,
		"dry run: nothing was deployed, and no ref has moved (git calls that declined)");
	if (push->chosen)
		hk_report_say(&push->text.report, HK_REPORT_HINT,
			      "to deploy %s: the same push without -o dry-run", what.data);
	else
		hk_report_say(&push->text.report, HK_REPORT_INFO,
			      "none of the pushed refs would deploy");
}

static int serve(struct hk_push *push, bool *ret_told, struct hk_error *err)
{
	if (hk_push_read(push, err) || hk_locate_project(&push->project, err) ||
	    hk_push_read_options(push, err) || check_refs(push, err) ||
	    hk_strict_follow(&push->project, err))
		return err->code;
	hk_push_choose(push);
	if (push->chosen && (check_ledger(push, err) || inspect(push, ret_told, err)))
		return err->code;
	return 0;
}

int hk_pre_receive(void)
{
	struct hk_error err = HK_ERROR_INIT;
	struct hk_push push;
	bool told = false;
	int ret;

	hk_push_init(&push);
	ret = hk_locate_check(&err);
	if (!ret)
		ret = serve(&push, &told, &err);
	if (ret && !told)
		hk_push_say_error(&push, &err);
	if (!ret && push.options.dry_run) {
		say_dry_run(&push);
		ret = HK_E_NOT_ALLOWED;
	}
	hk_push_release(&push);
	return ret ? hk_code_exit(ret) : 0;
}
