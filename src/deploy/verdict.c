/*
 * Wording of the end of a deployment.
 */
#include <deploy/verdict.h>

#include <base/alloc.h>
#include <base/human.h>
#include <deploy/advice.h>
#include <deploy/installation.h>
#include <deploy/live.h>
#include <deploy/request.h>
#include <deploy/source.h>
#include <string.h>
#include <sys/fs.h>

void hk_verdict_describe_live(const struct hk_project *p, struct hk_ledger *l, struct hk_buf *out)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	hk_auto_free char *active = NULL;
	struct hk_error why = HK_ERROR_INIT;

	if (hk_project_active(p, &active, &why) || !active) {
		hk_buf_addf(out, "nothing%s%s", why.code ? ": " : "", why.message);
		return;
	}
	hk_buf_addf(out, "release %s", active);
	if (!hk_ledger_get_release(l, active, &row, &why) && row.commit)
		hk_buf_addf(out, " (%.7s)", row.commit);
	if (!hk_fs_is_dir(p->releases_fd, active))
		hk_buf_addstr(out, ", whose folder is missing");
	hk_release_row_release(&row);
}

/* The site is made from the settings, not from what a tree turns out to be. */
static bool has_idle_proxy(const struct hk_deploy *d)
{
	const struct hk_conf *conf = &d->project->conf;

	return strcmp(conf->project_runtime, "static") && d->detected.type &&
	       d->detected.type->is_served && !d->start.len;
}

static void say_where(struct hk_deploy *d)
{
	const struct hk_conf *conf = &d->project->conf;
	const char *name = d->project->name;

	if (*conf->project_domain && hk_installation_is_host(d->project->root) &&
	    has_idle_proxy(d)) {
		hk_report_say(d->report, HK_REPORT_HINT,
			      "the site of %s asks a service, and there is none: these are files",
			      conf->project_domain);
		hk_report_say(d->report, HK_REPORT_HINT,
			      "as root: hostkit config set %s project.runtime static", name);
	} else if (*conf->project_domain && hk_installation_is_host(d->project->root))
		hk_report_say(d->report, HK_REPORT_HINT, "it answers at http://%s/",
			      conf->project_domain);
	else if (conf->project_port && d->restarted)
		hk_report_say(d->report, HK_REPORT_HINT, "it answers at http://127.0.0.1:%d/",
			      (int)conf->project_port);
}

/* How it ended, in a word, and what is live now. */
static void say_state(struct hk_deploy *d, const struct hk_error *why, const char *took)
{
	hk_auto_buf live = HK_BUF_INIT;
	const char *end = why->code == HK_E_CANCELLED	 ? "cancelled"
			  : why->code == HK_E_SUPERSEDED ? "superseded"
							 : "failed";

	hk_verdict_describe_live(d->project, d->ledger, &live);
	if (*d->rolled_back_to)
		hk_report_say(d->report, HK_REPORT_WARNING, "%s after %s; %s went back to %s", end,
			      took, d->project->name, live.data);
	else if (d->activated)
		hk_report_say(d->report, HK_REPORT_WARNING, "%s after %s; %s is live", end, took,
			      live.data);
	else if (d->old_release)
		hk_report_say(d->report, HK_REPORT_INFO, "%s after %s; still live: %s", end, took,
			      live.data);
	else
		hk_report_say(d->report, HK_REPORT_INFO, "%s after %s; nothing of %s is live yet",
			      end, took, d->project->name);
}

/* The last good release, and its commit as something to push; false when there is none. */
static bool say_way_back(struct hk_deploy *d)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	hk_auto_free char *back = NULL;
	struct hk_error ignored;
	bool known;

	if (hk_live_way_back(d, &back, &ignored) || !back)
		return false;
	known = !hk_ledger_get_release(d->ledger, back, &row, &ignored);
	/* A commit of another repository need not be there where one pushes from. */
	if (known && row.commit && !row.source)
		hk_report_say(d->report, HK_REPORT_HINT,
			      "to go back: git push hostkit %.7s:refs/deploy/now", row.commit);
	if (known)
		hk_report_say(d->report, HK_REPORT_HINT, "%s, on the server: hostkit rollback %s",
			      row.commit && !row.source ? "or" : "to go back", d->project->name);
	hk_release_row_release(&row);
	return known;
}

static void say_next(struct hk_deploy *d, const struct hk_error *why)
{
	hk_auto_strlist steps = HK_STRLIST_INIT;
	hk_auto_buf again = HK_BUF_INIT;

	if (*why->hint)
		hk_report_say(d->report, HK_REPORT_HINT, "%s", why->hint);
	hk_advice_steps(d, why, &steps);
	for (size_t i = 0; i < steps.len; i++)
		hk_report_say(d->report, HK_REPORT_HINT, "%zu. %s", i + 1, steps.items[i]);
	/* The same would be refused again, and a superseded commit is not wanted any more. */
	if (why->code == HK_E_SUPERSEDED || why->code == HK_E_TREE_REFUSED ||
	    why->code == HK_E_REF_NOT_FOUND)
		return;
	if (d->row.flags & HK_REQUEST_ROLLBACK)
		return;
	if (d->activated && !*d->rolled_back_to && say_way_back(d))
		return;
	if (d->row.flags & HK_REQUEST_STRICT) {
		hk_report_say(d->report, HK_REPORT_HINT,
			      "the ref has not moved: the same push again deploys it again");
		return;
	}
	hk_source_command(d->project->name, &d->row, &again);
	hk_report_say(d->report, HK_REPORT_HINT, "to try %s again: %s",
		      d->row.source ? "it" : "this commit", again.data);
}

/* Of a folder there is no commit, only the release. */
static void say_success(struct hk_deploy *d, const char *took)
{
	bool again = d->row.flags & HK_REQUEST_ROLLBACK;

	if (*d->commit.oid)
		hk_report_say(d->report, HK_REPORT_SUCCESS,
			      "%s: %.7s is live %s release %s after %s", d->project->name,
			      d->commit.oid, again ? "again, from" : "as", d->release, took);
	else
		hk_report_say(d->report, HK_REPORT_SUCCESS, "%s: release %s is live%s after %s",
			      d->project->name, d->release, again ? " again" : "", took);
}

void hk_verdict_report(struct hk_deploy *d, const struct hk_error *why, int64_t ms)
{
	char took[HK_HUMAN_LEN];

	hk_human_duration(ms, took);
	if (!why) {
		say_success(d, took);
		say_where(d);
		return;
	}
	hk_report_say(d->report, HK_REPORT_ERROR, "%s: %s", d->project->name, why->message);
	say_state(d, why, took);
	say_next(d, why);
}
