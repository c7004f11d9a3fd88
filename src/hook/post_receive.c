/*
 * post-receive: which of the pushed refs deploys, and following it.
 */
#include <hook/post_receive.h>

#include <errno.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <deploy/dead.h>
#include <deploy/refrule.h>
#include <deploy/submit.h>
#include <hook/drop.h>
#include <hook/locate.h>
#include <sys/fs.h>
#include <sys/signals.h>
#include <ui/head.h>
#include <ui/relay.h>
#include <ui/text.h>

#define INPUT_MAX (4 << 20)
#define NAMED_MAX 5
#define RECOVERY_MS 60000 /* for a recovery that the client waits for */

struct push {
	struct hk_text text;
	struct hk_project project;
	struct hk_ledger *ledger;
	struct hk_buf input;
	size_t len;
	struct hk_ref_update *updates; /* into input */
	const struct hk_ref_update *chosen;
	const struct hk_ref_update *taken; /* the chosen one, once a worker has it */
	bool dropped;			   /* the others below refs/deploy/ are gone */
	bool attached;			   /* or a deployment that runs does it already */
};

static int read_input(struct hk_buf *in, struct hk_error *err)
{
	int failed = hk_fs_read_all(STDIN_FILENO, INPUT_MAX, in);

	if (failed == EFBIG)
		return hk_error_set(err, HK_E_USAGE, "more than %d bytes of ref updates",
				    INPUT_MAX);
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read the ref updates");
	return 0;
}

static int parse_input(struct push *push, struct hk_error *err)
{
	char *save = NULL;

	for (char *line = strtok_r(push->input.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		push->updates =
			hk_xreallocarray(push->updates, push->len + 1, sizeof(*push->updates));
		if (hk_ref_parse_update(line, &push->updates[push->len], err))
			return err->code;
		push->len++;
	}
	if (push->len)
		return 0;
	hk_error_set(err, HK_E_USAGE, "no ref updates on standard input");
	return hk_error_hint(err,
			     "git runs this hook after a push; to deploy by hand: hostkit deploy "
			     "NAME");
}

/* A commit named for deployment comes before tags, and these before branches; else the last one. */
static void choose(struct push *push)
{
	enum hk_ref_class best = HK_REF_OTHER;

	for (size_t i = 0; i < push->len; i++) {
		const struct hk_ref_update *u = &push->updates[i];
		enum hk_ref_class class = hk_ref_classify(&push->project.conf, u->ref);

		if (hk_ref_is_null_oid(u->new_oid) || class == HK_REF_OTHER || class < best)
			continue;
		best = class;
		push->chosen = u;
	}
}

static void name_other(struct push *push, const struct hk_ref_update *u)
{
	struct hk_report *report = &push->text.report;
	hk_auto_buf what = HK_BUF_INIT;

	hk_ref_describe(u->ref, &what);
	if (hk_ref_is_null_oid(u->new_oid)) {
		hk_report_say(report, HK_REPORT_INFO, "%s was deleted; that deploys nothing",
			      what.data);
		return;
	}
	hk_report_say(report, HK_REPORT_INFO, "%s was received, not deployed%s", what.data,
		      hk_ref_classify(&push->project.conf, u->ref) == HK_REF_OTHER
			      ? ""
			      : ": one push makes one deployment");
	hk_report_say(report, HK_REPORT_HINT, "to deploy it: git push hostkit %.7s:refs/deploy/now",
		      u->new_oid);
}

/* What was pushed but is not deployed is named, with the command that would deploy it. */
static void name_others(struct push *push)
{
	size_t named = 0;

	for (size_t i = 0; i < push->len; i++) {
		const struct hk_ref_update *u = &push->updates[i];

		if (u == push->chosen)
			continue;
		if (named++ < NAMED_MAX)
			name_other(push, u);
	}
	if (named > NAMED_MAX)
		hk_report_say(&push->text.report, HK_REPORT_INFO, "and %zu more refs, not deployed",
			      named - NAMED_MAX);
}

/* What is pushed is seen by this hook, whatever becomes of it. The caller frees. */
static struct hk_ref_seen *list_seen(const struct push *push)
{
	struct hk_ref_seen *seen = hk_xcalloc(push->len, sizeof(*seen));

	for (size_t i = 0; i < push->len; i++) {
		const struct hk_ref_update *u = &push->updates[i];

		seen[i].name = u->ref;
		seen[i].object = hk_ref_is_null_oid(u->new_oid) ? NULL : u->new_oid;
		seen[i].was = u->old_oid;
	}
	return seen;
}

static int submit(struct push *push, const struct hk_ref_seen *seen, struct hk_submission *ret,
		  struct hk_error *err)
{
	const struct hk_ref_update *u = push->chosen;
	struct passwd *pw = getpwuid(getuid());
	struct hk_deployment_request req = {
		.trigger = "push",
		.ref = u->ref,
		.object = u->new_oid,
		.old_object = hk_ref_is_null_oid(u->old_oid) ? NULL : u->old_oid,
		.pusher = pw ? pw->pw_name : NULL,
		.seen = seen,
		.n_seen = push->len,
	};
	bool same;

	if (hk_submit_find_same(&push->project, push->ledger, &req, &same, ret, err))
		return err->code;
	if (!same) {
		if (hk_submit(&push->project, push->ledger, &req, hk_head_write, ret, err))
			return err->code;
		push->taken = u;
		return 0;
	}
	hk_report_say(&push->text.report, HK_REPORT_INFO,
		      "hostkit: %s: deployment %lld deploys this commit already; its log:",
		      push->project.name, (long long)ret->id);
	push->attached = true;
	return hk_ledger_see_refs(push->ledger, seen, push->len, err);
}

/* A worker that was killed has not said how it ended: that is found out and told here. */
static int check_end(struct push *push, int64_t id, struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;

	if (hk_ledger_get_deployment(push->ledger, id, &d, err))
		return err->code;
	if (!hk_status_is_final(d.status)) {
		hk_deployment_release(&d);
		if (hk_dead_start_recovery(&push->project, RECOVERY_MS, err) ||
		    hk_ledger_get_deployment(push->ledger, id, &d, err))
			return err->code;
	}
	if (d.status == HK_STATUS_INTERRUPTED) {
		hk_error_set(err, HK_E_INTERRUPTED, "%s", d.error_message);
		if (d.error_hint)
			hk_error_hint(err, "%s", d.error_hint);
	}
	hk_deployment_release(&d);
	return err->code;
}

static int follow(struct push *push, const struct hk_submission *s, struct hk_error *err)
{
	struct hk_relay_spec spec = {
		.log_path = s->log_path,
		.worker = &s->worker,
		.out_fd = STDERR_FILENO,
		.detach_fd = -1,
		.client = getppid(), /* receive-pack: orphaned when its client dies */
		.stall_ms = push->project.conf.push_stall,
	};
	enum hk_relay_end end;

	if (hk_relay_run(&spec, &end, err) || end != HK_RELAY_COMPLETE)
		return err->code;
	return check_end(push, s->id, err);
}

/* A damaged ledger is for a worker to replace, which can read the releases and the repository. */
static int open_ledger(struct push *push, struct hk_error *err)
{
	struct hk_error damage = HK_ERROR_INIT;
	struct hk_ledger *l = NULL;

	if (!hk_project_open_ledger(&push->project, &l, &damage) && !hk_ledger_check(l, &damage)) {
		push->ledger = l;
		return 0;
	}
	hk_ledger_close(l);
	if (damage.code != HK_E_LEDGER_DAMAGED) {
		*err = damage;
		return err->code;
	}
	hk_report_say(&push->text.report, HK_REPORT_WARNING, "%s", damage.message);
	hk_report_say(&push->text.report, HK_REPORT_INFO,
		      "it is set aside; a new one is made from the releases on disk");
	if (hk_dead_start_recovery(&push->project, RECOVERY_MS, err))
		return err->code;
	return hk_project_open_ledger(&push->project, &push->ledger, err);
}

/* Nothing deploys; what else there is to do is no reason to let the client wait. */
static int leave(struct push *push, const struct hk_ref_seen *seen, struct hk_error *err)
{
	if (hk_ledger_see_refs(push->ledger, seen, push->len, err))
		return err->code;
	return hk_dead_start_recovery(&push->project, 0, err);
}

static void drop_refs(struct push *push)
{
	if (!push->dropped)
		hk_hook_drop_refs(push->updates, push->len, push->taken);
	push->dropped = true;
}

static int serve(struct push *push, struct hk_error *err)
{
	struct hk_submission s = HK_SUBMISSION_INIT;
	struct hk_ref_seen *seen = NULL;
	int ret;

	if (hk_locate_project(&push->project, err) || open_ledger(push, err))
		return err->code;
	choose(push);
	name_others(push);
	seen = list_seen(push);
	if (!push->chosen) {
		ret = leave(push, seen, err);
	} else {
		ret = submit(push, seen, &s, err);
		/* Before the client is served, who may stay for long: see missed.h. */
		drop_refs(push);
		if (!ret)
			ret = follow(push, &s, err);
	}
	hk_submission_release(&s);
	free(seen);
	return ret;
}

/* git has moved the ref, so that pushing it once more would be "up-to-date". */
static void say_again(struct push *push)
{
	const struct hk_ref_update *u = push->chosen;

	if (push->taken || push->attached || !push->len)
		return;
	u = u ? u : &push->updates[push->len - 1];
	if (!hk_ref_is_null_oid(u->new_oid))
		hk_report_say(&push->text.report, HK_REPORT_HINT,
			      "when that is mended: git push hostkit %.7s:refs/deploy/now",
			      u->new_oid);
}

int hk_post_receive(void)
{
	struct push push = { .project = HK_PROJECT_INIT, .input = HK_BUF_INIT };
	struct hk_error err = HK_ERROR_INIT;
	int ret;

	hk_signals_ignore_pipe();
	hk_text_init(&push.text, STDERR_FILENO);
	ret = hk_locate_check(&err);
	if (!ret)
		ret = read_input(&push.input, &err);
	if (!ret)
		ret = parse_input(&push, &err);
	if (!ret)
		ret = serve(&push, &err);
	drop_refs(&push);
	if (ret) {
		hk_report_say(&push.text.report, HK_REPORT_ERROR, "%s", err.message);
		if (*err.hint)
			hk_report_say(&push.text.report, HK_REPORT_HINT, "%s", err.hint);
		say_again(&push);
	}
	free(push.updates);
	hk_buf_release(&push.input);
	hk_ledger_close(push.ledger);
	hk_project_close(&push.project);
	return hk_code_exit(ret);
}
