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

struct dead_row {
	int64_t id;
	char *release;
	char *object;
};

struct dead {
	int64_t keep;
	size_t len;
	struct dead_row rows[64]; /* more than that are left for the next round */
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

	if (!is_dead(d, dead->keep) || dead->len == HK_ARRAY_LEN(dead->rows))
		return 0;
	dead->rows[dead->len++] = (struct dead_row){
		.id = d->id,
		.release = d->release ? hk_xstrdup(d->release) : NULL,
		.object = hk_xstrdup(d->object ? d->object : ""),
	};
	return 0;
}

/* Live but never found healthy: like after a failed health check, it is not one to go back to. */
static int mark_live(struct hk_ledger *l, const char *release, struct hk_error *err)
{
	struct hk_release_row row = HK_RELEASE_ROW_INIT;
	int ret = hk_ledger_get_release(l, release, &row, err);

	if (!ret && strcmp(row.state, "good"))
		ret = hk_ledger_set_release_state(l, release, "failed", err);
	hk_release_row_release(&row);
	return ret;
}

static int end_row(struct hk_ledger *l, const struct dead_row *row, const char *active,
		   struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;
	bool live = row->release && active && !strcmp(row->release, active);

	hk_error_set(&why, HK_E_INTERRUPTED,
		     "the worker of deployment %lld died before it was done%s", (long long)row->id,
		     live ? "; its release is live" : "");
	hk_error_hint(&why, "to try this commit again: git push hostkit %.7s:refs/deploy/now",
		      row->object);
	if (live && mark_live(l, row->release, err))
		return err->code;
	return hk_ledger_finish_deployment(l, row->id, HK_STATUS_INTERRUPTED, &why, err);
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
			ret = end_row(l, &dead.rows[i], active, err);
		free(dead.rows[i].release);
		free(dead.rows[i].object);
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
