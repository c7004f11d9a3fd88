/*
 * What the hooks have in common (contract in push.h).
 */
#include <hook/push.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/dead.h>
#include <sys/fs.h>
#include <sys/signals.h>

#define INPUT_MAX (4 << 20)
#define NAMED_MAX 5
#define RECOVERY_MS 60000 /* for a recovery that the client waits for */

void hk_push_init(struct hk_push *push)
{
	*push = (struct hk_push){
		.project = HK_PROJECT_INIT,
		.input = HK_BUF_INIT,
		.options = HK_PUSH_OPTIONS_INIT,
	};
	hk_signals_ignore_pipe();
	hk_text_init(&push->text, STDERR_FILENO);
	hk_key_reader_find(&push->text.report.reader);
}

void hk_push_release(struct hk_push *push)
{
	free(push->updates);
	hk_buf_release(&push->input);
	hk_push_options_release(&push->options);
	hk_ledger_close(push->ledger);
	hk_project_close(&push->project);
	hk_text_release(&push->text);
}

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

int hk_push_add(struct hk_push *push, char *line, struct hk_error *err)
{
	push->updates = hk_xreallocarray(push->updates, push->len + 1, sizeof(*push->updates));
	if (hk_ref_parse_update(line, &push->updates[push->len], err))
		return err->code;
	push->len++;
	return 0;
}

int hk_push_read(struct hk_push *push, struct hk_error *err)
{
	char *save = NULL;

	if (read_input(&push->input, err))
		return err->code;
	for (char *line = strtok_r(push->input.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		if (hk_push_add(push, line, err))
			return err->code;
	if (push->len)
		return 0;
	hk_error_set(err, HK_E_USAGE, "no ref updates on standard input");
	return hk_error_hint(err,
			     "git runs this hook after a push; to deploy by hand: hostkit deploy "
			     "NAME");
}

int hk_push_read_options(struct hk_push *push, struct hk_error *err)
{
	const char *count = getenv("GIT_PUSH_OPTION_COUNT");
	int64_t n = 0;

	if (count && hk_human_parse_int(count, 0, 10000, &n, err))
		return err->code;
	for (int64_t i = 0; i < n; i++) {
		hk_auto_free char *name = hk_xasprintf("GIT_PUSH_OPTION_%lld", (long long)i);
		const char *text = getenv(name);

		if (text && hk_push_option_add(&push->options, text, &push->project.conf, err))
			return err->code;
	}
	return 0;
}

/* A commit named for deployment comes before tags, and these before branches; else the last one. */
void hk_push_choose(struct hk_push *push)
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

static void name_other(struct hk_push *push, const struct hk_ref_update *u)
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
void hk_push_name_others(struct hk_push *push)
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
struct hk_ref_seen *hk_push_seen(const struct hk_push *push)
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

void hk_push_request(const struct hk_push *push, struct hk_pusher *pusher,
		     struct hk_deployment_request *ret)
{
	const struct hk_ref_update *u = push->chosen;

	*pusher = hk_pusher_find();
	*ret = (struct hk_deployment_request){
		.trigger = "push",
		.ref = u->ref,
		.object = u->new_oid,
		.old_object = hk_ref_is_null_oid(u->old_oid) ? NULL : u->old_oid,
		.pusher = hk_pusher_name(pusher),
		.pusher_key = hk_pusher_key(pusher),
		.flags = push->options.flags,
		.reason = push->options.reason,
	};
}

/* A worker that was killed has not said how it ended: that is found out and told here. */
int hk_push_check_end(struct hk_push *push, int64_t id, struct hk_error *err)
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

int hk_push_open_ledger(struct hk_push *push, struct hk_error *err)
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

void hk_push_say_error(struct hk_push *push, const struct hk_error *err)
{
	hk_report_say(&push->text.report, HK_REPORT_ERROR, "%s", err->message);
	if (*err->hint)
		hk_report_say(&push->text.report, HK_REPORT_HINT, "%s", err->hint);
}
