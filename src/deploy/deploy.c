/*
 * What the stages share: details, commands, output.
 */
#include <deploy/deploy.h>

#include <stdarg.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <base/words.h>
#include <deploy/content.h>
#include <deploy/environment.h>
#include <deploy/plan.h>
#include <deploy/pushed_ini.h>
#include <deploy/secrets.h>
#include <sys/process.h>

void hk_deploy_detail(struct hk_deploy *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->detail, sizeof(d->detail), fmt, ap);
	va_end(ap);
}

int hk_deploy_skip(struct hk_deploy *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->detail, sizeof(d->detail), fmt, ap);
	va_end(ap);
	return HK_STAGE_SKIP;
}

void hk_deploy_output(void *ctx, const char *line, size_t len)
{
	struct hk_deploy *d = ctx;

	hk_auto_buf masked = HK_BUF_INIT;

	if (d->vault && hk_vault_len(d->vault)) {
		hk_secrets_mask(d->vault, line, len, &masked);
		line = masked.data;
		len = masked.len;
	}
	d->report->ops->output(d->report, line, len);
}

/* The last entry of env is the mark. */
static int run_one(struct hk_deploy *d, const struct hk_deploy_command *c,
		   const struct hk_strlist *argv, const struct hk_strlist *env, int64_t timeout_ms,
		   struct hk_error *err)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct hk_process_result result;
	hk_auto_buf what = HK_BUF_INIT;
	int ret;

	if (c->label)
		hk_buf_addf(&what, "%s: ", c->label);
	for (size_t i = 0; i < argv->len; i++) {
		if (i)
			hk_buf_addch(&what, ' ');
		hk_words_quote(&what, argv->items[i]);
	}
	snprintf(d->command, sizeof(d->command), "%s", what.data);
	d->report->ops->command(d->report, &d->stage, what.data);
	spec.argv = hk_strlist_argv(argv);
	spec.env = hk_strlist_argv(env);
	spec.cwd_fd = c->cwd_fd;
	spec.cancel_fd = c->uncancellable ? -1 : d->cancel_fd;
	spec.timeout_ms = timeout_ms;
	spec.grace_ms = d->project->conf.build_grace;
	spec.mark = env->items[env->len - 1];
	spec.on_line = hk_deploy_output;
	spec.ctx = d;
	ret = hk_process_run(&spec, &result, err);
	if (ret == HK_E_COMMAND_NOT_FOUND)
		hk_error_hint(err, "install it, or add its folder to [project] path in the "
				   "project's INI file");
	if (result.leftovers)
		hk_report_say(d->report, HK_REPORT_WARNING, "'%s' left %u process%s running; ended",
			      what.data, result.leftovers, result.leftovers == 1 ? "" : "es");
	return ret;
}

int hk_deploy_run_with(struct hk_deploy *d, const struct hk_deploy_command *c,
		       const struct hk_strlist *env, struct hk_error *err)
{
	int64_t deadline = hk_clock_deadline(c->timeout_ms);
	hk_auto_free char *mark = hk_environment_mark(d->project, d->row.id);
	hk_auto_strlist marked = HK_STRLIST_INIT;
	int ret = 0;

	hk_strlist_add_list(&marked, env);
	hk_strlist_add(&marked, mark);
	for (size_t i = 0; !ret && i < c->commands->len; i++)
		ret = run_one(d, c, &c->commands->argv[i], &marked,
			      i ? hk_clock_left(deadline) : c->timeout_ms, err);
	return ret;
}

int hk_deploy_run(struct hk_deploy *d, const struct hk_commands *commands, int cwd_fd,
		  int64_t timeout_ms, struct hk_error *err)
{
	const struct hk_deploy_command c = { .commands = commands,
					     .cwd_fd = cwd_fd,
					     .timeout_ms = timeout_ms };
	hk_auto_strlist env = HK_STRLIST_INIT;

	if (hk_environment_build(d->project, &d->row, &env, err))
		return err->code;
	return hk_deploy_run_with(d, &c, &env, err);
}

enum hk_status hk_deploy_status(const struct hk_error *why)
{
	static const struct {
		enum hk_code code;
		enum hk_status status;
	} special[] = {
		{ HK_E_CANCELLED, HK_STATUS_CANCELLED },
		{ HK_E_SUPERSEDED, HK_STATUS_SUPERSEDED },
	};

	if (!why)
		return HK_STATUS_SUCCEEDED;
	for (size_t i = 0; i < HK_ARRAY_LEN(special); i++)
		if (special[i].code == why->code)
			return special[i].status;
	return HK_STATUS_FAILED;
}

int hk_deploy_note_commit(struct hk_deploy *d, struct hk_error *err)
{
	static const char tags[] = "refs/tags/";
	size_t n = sizeof(tags) - 1;
	const char *ref = d->row.ref;

	if (!strncmp(ref, tags, n))
		snprintf(d->commit.tag, sizeof(d->commit.tag), "%s", ref + n);
	if (hk_ledger_set_commit(d->ledger, d->row.id, d->commit.oid,
				 *d->commit.tag ? d->commit.tag : NULL, d->commit.summary, err))
		return err->code;
	free(d->row.commit);
	d->row.commit = hk_xstrdup(d->commit.oid);
	free(d->row.tag);
	d->row.tag = *d->commit.tag ? hk_xstrdup(d->commit.tag) : NULL;
	hk_deploy_detail(d, "%.7s %.100s", d->commit.oid, d->commit.summary);
	return 0;
}

int hk_deploy_note_settings(struct hk_deploy *d, const struct hk_buf *text, struct hk_error *err)
{
	return text->len ? hk_ledger_set_settings(d->ledger, d->row.id, text->data, err) : 0;
}

int hk_deploy_begin_commit(struct hk_deploy *d, struct hk_error *err)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_error no_plan;

	if (hk_pushed_ini_apply(d->project, d->repo, d->commit.oid, &text, err) ||
	    hk_deploy_note_settings(d, &text, err))
		return err->code;
	if (hk_content_check(d->project, d->repo, d->commit.oid, d->cancel_fd,
			     hk_clock_deadline(d->project->conf.checkout_timeout), err))
		return err->code;
	/* A plan that cannot be made stops nothing: a broken object is for the checkout to name. */
	if (hk_plan_tell(d->project, d->ledger, d->repo, d->commit.oid, d->row.flags, false,
			 d->report, &no_plan))
		hk_log_debug("%s", no_plan.message);
	return 0;
}

char *hk_deploy_pin(int64_t id)
{
	return hk_xasprintf("refs/hostkit/deployments/%lld", (long long)id);
}

void hk_deploy_unpin(struct hk_deploy *d)
{
	hk_auto_free char *pin = hk_deploy_pin(d->row.id);
	struct hk_error err;

	if (d->repo && hk_repo_delete_ref(d->repo, pin, NULL, &err))
		hk_report_say(d->report, HK_REPORT_WARNING, "%s", err.message);
}

void hk_deploy_release(struct hk_deploy *d)
{
	hk_repo_close(d->repo);
	hk_vault_close(d->vault);
	hk_buf_wipe(&d->dotenv_before);
	hk_deployment_release(&d->row);
	hk_detected_release(&d->detected);
	hk_strlist_release(&d->start);
	free(d->old_release);
	hk_cleanup_close(&d->staging_fd);
	hk_cleanup_close(&d->release_fd);
	*d = (struct hk_deploy)HK_DEPLOY_INIT;
}
