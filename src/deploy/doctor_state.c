/*
 * What doctor looks at in the ledger, and of what runs.
 */
#include <deploy/doctor_checks.h>

#include <errno.h>
#include <string.h>

#include <base/alloc.h>
#include <deploy/confinement.h>
#include <deploy/dead.h>
#include <deploy/running.h>
#include <service/port.h>
#include <sys/fs.h>
#include <sys/procid.h>

static char *recover(const struct hk_doctor *d)
{
	return hk_xasprintf("hostkit recover %s", d->scope);
}

/* Of what is live, the check of that tells. */
static int note_missing(void *ctx, const struct hk_release_row *row, struct hk_error *err HK_UNUSED)
{
	struct hk_doctor *d = ctx;

	if (strcmp(row->state, "building") && !hk_fs_is_dir(d->project.releases_fd, row->name) &&
	    (!d->active || strcmp(row->name, d->active)))
		hk_doctor_bad(d, HK_DOCTOR_WARN, recover(d),
			      "release %s is not on disk any more, and the ledger has it as '%s'",
			      row->name, row->state);
	return 0;
}

static void check_rows(struct hk_doctor *d)
{
	struct hk_error err = HK_ERROR_INIT;

	if (d->project.releases_fd >= 0 && hk_ledger_each_release(d->ledger, note_missing, d, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, recover(d));
	if (!d->said)
		hk_doctor_ok(d, "%s/ledger.db is sound", d->project.state_path);
}

void hk_doctor_check_ledger(struct hk_doctor *d)
{
	const struct hk_error *err = &d->ledger_err;

	if (d->ledger)
		check_rows(d);
	else if (err->code == HK_E_NOT_SUPPORTED) /* of an older hostkit, which is no damage */
		hk_doctor_bad(d, HK_DOCTOR_WARN, recover(d), "%s", err->message);
	else if (err->code == HK_E_LEDGER_DAMAGED)
		hk_doctor_bad(d, HK_DOCTOR_FAIL, recover(d), "%s", err->message);
	else
		hk_doctor_error(d, HK_DOCTOR_FAIL, err, recover(d));
}

struct open_rows {
	struct hk_doctor *d;
	unsigned alive, dead;
};

static int note_row(void *ctx, const struct hk_deployment *row, struct hk_error *err HK_UNUSED)
{
	struct open_rows *rows = ctx;

	if (!hk_deployment_is_dead(row)) {
		rows->alive++;
		hk_doctor_ok(rows->d, "deployment %lld is %s", (long long)row->id,
			     hk_status_name(row->status));
		return 0;
	}
	rows->dead++;
	hk_doctor_bad(rows->d, HK_DOCTOR_FAIL, recover(rows->d),
		      "deployment %lld is '%s', but its worker is gone", (long long)row->id,
		      hk_status_name(row->status));
	return 0;
}

static void check_staging(struct hk_doctor *d)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (d->project.releases_fd < 0 || hk_fs_list(d->project.releases_fd, ".", &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++)
		if (!strncmp(names.items[i], ".staging-", 9))
			hk_doctor_bad(d, HK_DOCTOR_WARN, recover(d),
				      "a deployment that died has left '%s/releases/%s'",
				      d->project.home_path, names.items[i]);
}

static void check_tmp(struct hk_doctor *d)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (d->project.state_fd < 0 || hk_fs_list(d->project.state_fd, ".", &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++)
		if (!strncmp(names.items[i], HK_CONFINEMENT_TMP, strlen(HK_CONFINEMENT_TMP)))
			hk_doctor_bad(d, HK_DOCTOR_WARN, recover(d),
				      "a deployment that died has left '%s/%s'",
				      d->project.state_path, names.items[i]);
}

static void check_pause(struct hk_doctor *d)
{
	struct hk_pause pause = HK_PAUSE_INIT;
	struct hk_error err = HK_ERROR_INIT;

	if (hk_ledger_get_pause(d->ledger, &pause, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, recover(d));
	else if (pause.at)
		hk_doctor_bad(d, HK_DOCTOR_WARN, hk_xasprintf("hostkit resume %s", d->scope),
			      "they are paused%s%s%s%s: pushes deploy nothing",
			      pause.author ? " by " : "", pause.author ? pause.author : "",
			      pause.reason ? ": " : "", pause.reason ? pause.reason : "");
	hk_pause_release(&pause);
}

void hk_doctor_check_deployments(struct hk_doctor *d)
{
	struct open_rows rows = { .d = d };
	struct hk_error err = HK_ERROR_INIT;

	if (!d->ledger)
		return;
	if (hk_ledger_each_deployment(d->ledger, HK_DEPLOYMENTS_OPEN, -1, note_row, &rows, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, recover(d));
	if (!rows.alive && !rows.dead) {
		check_staging(d);
		check_tmp(d);
	}
	check_pause(d);
	if (!d->said)
		hk_doctor_ok(d, "none is running, none has died");
}

/* --- What is live */

static char *go_back(const struct hk_doctor *d)
{
	hk_auto_free char *name = NULL;
	struct hk_error ignored;

	if (!d->ledger || !d->release.id ||
	    hk_ledger_previous_good(d->ledger, d->active, &name, &ignored) || !name)
		return hk_xasprintf("hostkit deploy %s", d->scope);
	if (hk_fs_is_dir(d->project.releases_fd, name))
		return hk_xasprintf("hostkit rollback %s", d->scope);
	/* Of that one, recover takes note first. */
	return hk_xasprintf("hostkit recover %s && hostkit rollback %s", d->scope, d->scope);
}

void hk_doctor_check_live(struct hk_doctor *d)
{
	const struct hk_project *p = &d->project;
	hk_auto_free char *active = NULL;
	struct hk_error err = HK_ERROR_INIT;

	if (p->home_fd < 0)
		return;
	if (hk_fs_is_dir(p->home_fd, "app"))
		hk_doctor_bad(d, HK_DOCTOR_WARN, recover(d),
			      "'%s/app' is a folder, not a link to a release", p->home_path);
	else if (hk_project_active(p, &active, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, NULL);
	else if (!active)
		hk_doctor_ok(d, "nothing is deployed yet");
	else if (!hk_fs_is_dir(p->releases_fd, active))
		hk_doctor_bad(d, HK_DOCTOR_FAIL, go_back(d),
			      "'%s/app' names release %s, whose folder is missing", p->home_path,
			      active);
	else if (d->ledger && !d->release.id)
		hk_doctor_bad(d, HK_DOCTOR_WARN, recover(d),
			      "'%s/app' names release %s, which the ledger does not know",
			      p->home_path, active);
	else if (d->release.id && !strcmp(d->release.state, "failed"))
		hk_doctor_bad(d, HK_DOCTOR_WARN, go_back(d),
			      "release %s (%.7s) is live, but its deployment failed", active,
			      d->release.commit ? d->release.commit : "");
	else
		hk_doctor_ok(d, "release %s (%.7s)", active,
			     d->release.commit ? d->release.commit : "unknown");
}

/* --- What runs */

/* What the driver says; false when it cannot be asked, which was told then. */
static bool ask_driver(struct hk_doctor *d, struct hk_running *r, struct hk_service_state *ret,
		       bool tell)
{
	struct hk_error err = HK_ERROR_INIT;
	char *mend = hk_xasprintf("set that key in %s", d->ini);

	*ret = (struct hk_service_state){ .known = false };
	if (d->project.home_fd < 0 || d->project.state_fd < 0) {
		free(mend);
		return false;
	}
	if (hk_running_prepare_stop(&d->project, NULL, NULL, r, &err) ||
	    (r->driver->check && r->driver->check(&d->project.conf, &err)) ||
	    (hk_doctor_may_run(d) && r->driver->status(&r->service, ret, &err))) {
		if (tell)
			hk_doctor_error(d, HK_DOCTOR_FAIL, &err, mend);
		else
			free(mend);
		return false;
	}
	free(mend);
	return true;
}

/* Whether there is a command to start, where the driver would start one. */
static bool has_start(const struct hk_doctor *d, const struct hk_service_driver *driver)
{
	return !driver->uses_start || (d->release.start && strcmp(d->release.start, "[]"));
}

void hk_doctor_check_service(struct hk_doctor *d)
{
	hk_auto_running r = HK_RUNNING_INIT;
	struct hk_service_state st;

	if (!ask_driver(d, &r, &st, true))
		return;
	if (!r.driver->has_process || (!st.running && !has_start(d, r.driver)))
		hk_doctor_ok(d, "nothing to run (driver %s)", r.driver->name);
	else if (!st.known)
		hk_doctor_ok(d, "its commands do not tell whether it runs (driver %s)",
			     r.driver->name);
	else if (!st.running && st.wanted)
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("hostkit service start %s", d->scope),
			      "it was started, and %s", *st.detail ? st.detail : "is not running");
	else if (!st.running)
		hk_doctor_bad(d, HK_DOCTOR_WARN, hk_xasprintf("hostkit service start %s", d->scope),
			      "it is stopped");
	else if (*st.release && d->active && strcmp(st.release, d->active))
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xasprintf("hostkit service restart %s", d->scope),
			      "it runs from release %s, and %s is live", st.release, d->active);
	else if (st.main.pid)
		hk_doctor_ok(d, "it runs, as process %d", (int)st.main.pid);
	else
		hk_doctor_ok(d, "it runs");
}

/* Another project whose settings name the same port. */
static bool check_shared(struct hk_doctor *d)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (hk_project_list(d->root, &names, &ignored))
		return false;
	for (size_t i = 0; i < names.len; i++) {
		hk_auto_conf conf = HK_CONF_INIT;

		if (!strcmp(names.items[i], d->scope) ||
		    hk_project_load_conf(d->root, names.items[i], &conf, NULL, &ignored) ||
		    conf.project_port != d->project.conf.project_port)
			continue;
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("give one of them another: [project] port in %s",
					   d->ini),
			      "project '%s' has port %d, too", names.items[i],
			      (int)conf.project_port);
		return true;
	}
	return false;
}

static bool is_of_service(pid_t pid, const struct hk_service_state *st)
{
	struct hk_procstat stat;

	/* Who runs it (the command driver's commands) may not say which process it is. */
	if (st->running && !st->main.pid)
		return true;
	return st->running && (pid == st->main.pid ||
			       (hk_procstat_read(pid, &stat) && stat.session == st->main.pid));
}

static void judge_listener(struct hk_doctor *d, const struct hk_service_state *st, pid_t pid,
			   const char *who)
{
	int port = (int)d->project.conf.project_port;

	if (!st->known)
		hk_doctor_ok(d, "%s listens on port %d", who, port);
	else if (is_of_service(pid, st))
		hk_doctor_ok(d, "%s of the service listens on port %d", who, port);
	else
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      pid ? hk_xasprintf("kill %d", (int)pid)
				  : hk_xasprintf("give the project another: [project] port in %s",
						 d->ini),
			      "port %d is taken by %s, which is not the service", port, who);
}

void hk_doctor_check_port(struct hk_doctor *d)
{
	int port = (int)d->project.conf.project_port;
	hk_auto_running r = HK_RUNNING_INIT;
	hk_auto_buf who = HK_BUF_INIT;
	struct hk_service_state st;
	pid_t pid = 0;

	if (!ask_driver(d, &r, &st, false))
		return;
	if (!port || !r.driver->has_process) {
		hk_doctor_ok(d, port ? "not used (driver %s)" : "none is set (driver %s)",
			     r.driver->name);
		return;
	}
	check_shared(d);
	if (hk_port_find_listener(port, &pid, &who))
		judge_listener(d, &st, pid, who.data);
	else if (st.known && st.running)
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xasprintf("the application must listen on 127.0.0.1, port $PORT; "
					   "what it says: hostkit service logs %s",
					   d->scope),
			      "the service runs, but nobody listens on port %d", port);
	else
		hk_doctor_ok(d, "%d is free", port);
}

void hk_doctor_check_notify(struct hk_doctor *d)
{
	struct hk_notification n = HK_NOTIFICATION_INIT;
	struct hk_error err = HK_ERROR_INIT;

	if (!d->ledger)
		return;
	if (hk_ledger_last_notification(d->ledger, &n, &err))
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, recover(d));
	else if (!*d->project.conf.notify_url)
		hk_doctor_ok(d, "no [notify] url is set");
	else if (n.status == HK_NOTIFIED_FAILED)
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xasprintf("see whether [notify] url in %s is right, and its "
					   "receiver well",
					   d->ini),
			      "the end of deployment %lld could not be reported: %s",
			      (long long)n.deployment, n.error ? n.error : "unknown");
	else if (n.deployment)
		hk_doctor_ok(d, "the end of deployment %lld is %s", (long long)n.deployment,
			     hk_notified_name(n.status));
	else
		hk_doctor_ok(d, "nothing was to be reported yet");
	hk_notification_release(&n);
}
