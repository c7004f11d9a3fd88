/*
 * Recovery of ledger rows. Folders that a dead worker left are removed by the next cleanup stage.
 */
#include <deploy/recover.h>

#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <sys/lock.h>

/* A hook adds its row and starts the worker at once; after this it never will. */
#define START_GRACE_MS 60000

struct dead {
	int64_t keep;
	size_t len;
	int64_t ids[64]; /* more than that are left for the next round */
	char *releases[64];
};

static bool is_dead(const struct hk_deployment *d, int64_t keep)
{
	if (d->id == keep)
		return false;
	if (d->status == HK_STATUS_RUNNING)
		return true;
	if (d->worker.pid)
		return !hk_procid_alive(&d->worker);
	return hk_clock_wall_ms() - d->created_at > START_GRACE_MS;
}

static int collect(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct dead *dead = ctx;

	if (!is_dead(d, dead->keep) || dead->len == HK_ARRAY_LEN(dead->ids))
		return 0;
	dead->ids[dead->len] = d->id;
	dead->releases[dead->len++] = d->release ? hk_xstrdup(d->release) : NULL;
	return 0;
}

static int end_row(const struct hk_project *p, struct hk_ledger *l, int64_t id, const char *release,
		   const char *active, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;
	bool live = release && active && !strcmp(release, active);

	hk_error_set(&why, HK_E_INTERRUPTED,
		     "the worker of deployment %lld died before it was done%s", (long long)id,
		     live ? "; its release is live" : "");
	hk_error_hint(&why, "push again, or deploy it with: hostkit deploy %s", p->name);
	/* Live but never found healthy: like a failed health check, it is not one to go back to. */
	if (live && hk_ledger_set_release_state(l, release, "failed", err))
		return err->code;
	return hk_ledger_finish_deployment(l, id, HK_STATUS_INTERRUPTED, &why, err);
}

int hk_recover_rows(const struct hk_project *p, struct hk_ledger *l, int64_t keep,
		    struct hk_error *err)
{
	struct dead dead = { .keep = keep };
	hk_auto_free char *active = NULL;
	struct hk_error ignored;
	int ret;

	/* Whatever else `app` may be is for the preflight of the next deployment to tell. */
	if (hk_project_active(p, &active, &ignored))
		active = NULL;
	ret = hk_ledger_each_deployment(l, HK_DEPLOYMENTS_OPEN, -1, collect, &dead, err);
	for (size_t i = 0; i < dead.len; i++) {
		if (!ret)
			ret = end_row(p, l, dead.ids[i], dead.releases[i], active, err);
		free(dead.releases[i]);
	}
	return ret;
}

int hk_recover_if_idle(const struct hk_project *p, struct hk_ledger *l, struct hk_error *err)
{
	struct hk_lock lock = HK_LOCK_INIT;
	bool held = false;
	int ret;

	ret = hk_lock_try(&lock, p->state_fd, "lock", &held, err);
	if (!ret && held)
		ret = hk_recover_rows(p, l, 0, err);
	hk_lock_release(&lock);
	return ret;
}
