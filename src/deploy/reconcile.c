/*
 * The service and the link (contract in reconcile.h).
 */
#include <deploy/reconcile.h>

#include <string.h>

#include <base/alloc.h>
#include <deploy/health.h>
#include <deploy/request.h>
#include <deploy/running.h>

#define HEALTH_LIMIT_MS 10000 /* whoever waits for a recovery wants something else */

/* Why the service has to be restarted, for people; NULL when it has not. */
static const char *why_restart(const struct hk_running *r, const struct hk_service_state *state,
			       const char *active, bool pending)
{
	bool may_run = hk_running_has_process(r);

	if (!state->known)
		return pending && may_run ? "may not run what is live" : NULL;
	if (!state->running)
		return (pending || state->wanted) && may_run ? "was not running" : NULL;
	return *state->release && strcmp(state->release, active) ? "ran from another release"
								 : NULL;
}

static bool is_healthy(const struct hk_project *p, const struct hk_running *r)
{
	struct hk_project hurried = *p;
	struct hk_health health;
	struct hk_error ignored;

	if (!hk_running_has_process(r) || !p->conf.health_enabled || !p->conf.project_port)
		return true;
	if (hurried.conf.health_timeout > HEALTH_LIMIT_MS)
		hurried.conf.health_timeout = HEALTH_LIMIT_MS;
	return !hk_health_check(&hurried, r, NULL, true, &health, &ignored);
}

static int restart(const struct hk_running *r, const char *active, const char *reason,
		   struct hk_strlist *notes)
{
	struct hk_error why = HK_ERROR_INIT;

	if (!hk_service_stop_others(&r->service, r->driver, &why) &&
	    !r->driver->restart(&r->service, &why)) {
		hk_strlist_addf(notes, "the service %s: restarted on release %s", reason, active);
		return 0;
	}
	hk_strlist_addf(notes, "the service %s, and could not be started on release %s: %s", reason,
			active, why.message);
	return why.code;
}

int hk_reconcile_service(const struct hk_project *p, struct hk_ledger *l, const char *active,
			 bool pending, struct hk_strlist *notes, struct hk_error *err)
{
	struct hk_service_state state = { .known = false };
	hk_auto_running r = HK_RUNNING_INIT;
	struct hk_error why = HK_ERROR_INIT;
	const char *reason;

	/* A broken .env, say: what runs is left as it is. */
	if (hk_running_prepare(p, l, active, NULL, NULL, &r, &why) ||
	    r.driver->status(&r.service, &state, &why)) {
		hk_strlist_addf(notes, "the service was left as it is: %s", why.message);
		return 0;
	}
	reason = why_restart(&r, &state, active, pending);
	if (reason && restart(&r, active, reason, notes))
		return 0;
	if (!(reason || pending) || !is_healthy(p, &r))
		return 0;
	return hk_ledger_set_release_state(l, active, "good", err);
}

int hk_reconcile_if_due(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
			struct hk_error *err)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	hk_auto_free char *active = NULL;
	struct hk_error unknown;
	bool due;

	if (hk_project_active(p, &active, &unknown) || !active ||
	    hk_ledger_get_release(l, active, &row, &unknown))
		return 0;
	due = !hk_ledger_get_deployment(l, row.deployment, &d, &unknown) &&
	      !(d.flags & HK_REQUEST_NO_RESTART);
	hk_release_row_release(&row);
	hk_deployment_release(&d);
	return due ? hk_reconcile_service(p, l, active, false, notes, err) : 0;
}
