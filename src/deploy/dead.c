/*
 * Dead deployments, as hooks can tell them.
 */
#include <deploy/dead.h>

#include <poll.h>

#include <base/log.h>
#include <deploy/submit.h>

#define START_LOOK_MS 20 /* a worker introduces itself within some of these */

bool hk_deployment_is_dead(const struct hk_deployment *d)
{
	if (hk_status_is_final(d->status))
		return false;
	return !hk_procid_alive(d->worker.pid ? &d->worker : &d->submitter);
}

static int note_dead(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	*(bool *)ctx |= hk_deployment_is_dead(d);
	return 0;
}

int hk_dead_any(struct hk_ledger *l, bool *ret, struct hk_error *err)
{
	*ret = false;
	return hk_ledger_each_deployment(l, HK_DEPLOYMENTS_OPEN, -1, note_dead, ret, err);
}

int hk_dead_wait_worker(struct hk_ledger *l, int64_t id, struct hk_deployment *ret,
			struct hk_error *err)
{
	for (;;) {
		struct hk_deployment d = HK_DEPLOYMENT_INIT;

		if (hk_ledger_get_deployment(l, id, &d, err))
			return err->code;
		if (d.worker.pid || hk_status_is_final(d.status) || hk_deployment_is_dead(&d)) {
			*ret = d;
			return 0;
		}
		hk_deployment_release(&d);
		poll(NULL, 0, START_LOOK_MS);
	}
}

int hk_dead_start_recovery(const struct hk_project *p, int64_t wait_ms, struct hk_error *err)
{
	struct hk_procid worker;

	if (hk_submit_worker(p, "recover", -1, &worker, err))
		return err->code;
	if (wait_ms > 0 && !hk_procid_wait(&worker, wait_ms))
		hk_log_debug("the recovery of '%s' is still at work", p->name);
	return 0;
}
