/*
 * What the stages share: details, commands, output.
 */
#include <deploy/deploy.h>

#include <stdarg.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <deploy/content.h>
#include <deploy/plan.h>
#include <deploy/pushed_ini.h>
#include <deploy/secrets.h>

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

	d->denied |= hk_error_says_denied(line);
	if (d->vault && hk_vault_len(d->vault)) {
		hk_secrets_mask(d, line, len, &masked);
		line = masked.data;
		len = masked.len;
	}
	d->report->ops->output(d->report, line, len);
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
	hk_strlist_wipe(&d->replaced_secrets);
	hk_buf_wipe(&d->dotenv_before);
	hk_deployment_release(&d->row);
	hk_detected_release(&d->detected);
	hk_strlist_release(&d->start);
	free(d->old_release);
	hk_cleanup_close(&d->staging_fd);
	hk_cleanup_close(&d->release_fd);
	*d = (struct hk_deploy)HK_DEPLOY_INIT;
}
