/*
 * The queue of a project's deployments. The kernel lock decides who runs; who may try to take it
 * next is decided by the ledger's ids, since flock(2) has no order.
 */
#include <deploy/queue.h>

#include <poll.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <deploy/dead.h>
#include <deploy/source.h>

#define LOOK_MS 1000 /* between two looks at the ledger; the end of the one before comes sooner */
#define LOCK_LOOK_MS 100 /* when a command holds the lock, which has no row */

/* What a look at the ledger found. */
struct view {
	const struct hk_queue *q;
	unsigned ahead;		 /* open rows before this one */
	struct hk_procid before; /* of the one just before */
	int64_t first;		 /* the oldest of them: it runs, or will */
	struct hk_buf first_text;
	int64_t newer; /* a newer row that takes the place of this one; 0: none */
};

static void describe(const struct hk_deployment *d, struct hk_buf *out)
{
	char took[HK_HUMAN_LEN];
	int64_t ms = hk_clock_wall_ms() - d->started_at;

	hk_buf_reset(out);
	hk_buf_addf(out, "deployment %lld (", (long long)d->id);
	hk_source_describe(d->source, d->ref, d->object, out);
	hk_buf_addf(out, "%s%s)", d->pusher ? " by " : "", d->pusher ? d->pusher : "");
	if (d->started_at && ms >= 1000)
		hk_buf_addf(out, ", running for %s", hk_human_duration(ms, took));
}

static bool takes_place(const struct hk_queue *q, const struct hk_deployment *newer)
{
	if (strcmp(q->project->conf.deploy_concurrency, "latest") || hk_deployment_is_dead(newer))
		return false;
	if (newer->source || q->row->source)
		return true;
	/* Hooks may come in another order than the updates of their ref. */
	return strcmp(newer->ref, q->row->ref) || !strcmp(newer->object, q->row->object) ||
	       !q->holds(q->ctx, q->row->ref, q->row->object);
}

/* Called newest first. */
static int see(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct view *v = ctx;

	if (d->id == v->q->row->id || hk_deployment_is_dead(d))
		return 0;
	if (d->id > v->q->row->id) {
		if (takes_place(v->q, d))
			v->newer = d->id;
		return 0;
	}
	if (!v->ahead++)
		v->before = d->worker.pid ? d->worker : d->submitter;
	v->first = d->id;
	describe(d, &v->first_text);
	return 0;
}

static int rejected(const struct hk_queue *q, const struct view *v, struct hk_error *err)
{
	hk_auto_buf again = HK_BUF_INIT;

	hk_source_command(q->project->name, q->row, &again);
	hk_error_set(err, HK_E_LOCKED, "'%s' is being deployed: %s", q->project->name,
		     v->first_text.data);
	return hk_error_hint(err, "when that has ended (hostkit deploy log %s %lld -f): %s",
			     q->project->name, (long long)v->first, again.data);
}

static void say_place(const struct hk_queue *q, const struct view *v, unsigned *told)
{
	if (*told == v->ahead)
		return;
	if (v->ahead <= 1)
		hk_report_say(q->report, HK_REPORT_INFO, "waiting for %s",
			      v->ahead ? v->first_text.data : "another hostkit command to end");
	else
		hk_report_say(q->report, HK_REPORT_INFO,
			      "waiting for %s and %u more before this one", v->first_text.data,
			      v->ahead - 1);
	*told = v->ahead;
}

static int wait_for_change(const struct hk_queue *q, const struct view *v, struct hk_error *err)
{
	hk_auto_close int before = v->ahead ? hk_procid_open(&v->before) : -1;
	struct pollfd p[] = { { .fd = q->cancel_fd, .events = POLLIN },
			      { .fd = before, .events = POLLIN } };

	poll(p, HK_ARRAY_LEN(p), v->ahead ? LOOK_MS : LOCK_LOOK_MS);
	if (p[0].revents)
		return hk_error_set(err, HK_E_CANCELLED, "it was cancelled while it waited");
	return 0;
}

/* One look; *ret_held ends the wait. */
static int step(const struct hk_queue *q, struct hk_lock *lock, struct view *v, bool *ret_held,
		struct hk_error *err)
{
	*ret_held = false;
	if (hk_ledger_each_deployment(q->ledger, HK_DEPLOYMENTS_OPEN, -1, see, v, err))
		return err->code;
	if (v->newer)
		return hk_error_set(err, HK_E_SUPERSEDED,
				    "deployment %lld came after it, and only the newest that waits "
				    "is deployed ([deploy] concurrency = latest)",
				    (long long)v->newer);
	if (v->ahead && !strcmp(q->project->conf.deploy_concurrency, "reject"))
		return rejected(q, v, err);
	return v->ahead ? 0 : hk_lock_try(lock, q->project->state_fd, "lock", ret_held, err);
}

int hk_queue_wait(const struct hk_queue *q, struct hk_lock *lock, struct hk_error *err)
{
	unsigned told = ~0U;

	for (;;) {
		struct view v = { .q = q, .first_text = HK_BUF_INIT };
		bool held;
		int ret = step(q, lock, &v, &held, err);

		if (!ret && !held) {
			say_place(q, &v, &told);
			ret = wait_for_change(q, &v, err);
		}
		hk_buf_release(&v.first_text);
		if (ret || held)
			return ret;
	}
}

struct open_row {
	const struct hk_deployment_request *req;
	int64_t id; /* 0: none is in the way */
	struct hk_buf text;
};

static int see_open(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	struct open_row *row = ctx;

	if (hk_deployment_is_dead(d) ||
	    (d->object && row->req->object && !strcmp(d->object, row->req->object) &&
	     d->flags == row->req->flags))
		return 0;
	row->id = d->id;
	describe(d, &row->text);
	return 0;
}

int hk_queue_check(const struct hk_project *p, struct hk_ledger *l,
		   const struct hk_deployment_request *req, struct hk_error *err)
{
	struct open_row row = { .req = req, .text = HK_BUF_INIT };
	int ret = 0;

	if (strcmp(p->conf.deploy_concurrency, "reject"))
		return 0;
	ret = hk_ledger_each_deployment(l, HK_DEPLOYMENTS_OPEN, -1, see_open, &row, err);
	if (!ret && row.id) {
		hk_error_set(err, HK_E_LOCKED, "'%s' is being deployed: %s", p->name,
			     row.text.data);
		hk_error_hint(err, "push again when that has ended: hostkit deploy log %s %lld -f",
			      p->name, (long long)row.id);
	}
	hk_buf_release(&row.text);
	return ret ? ret : row.id ? HK_E_LOCKED : 0;
}
