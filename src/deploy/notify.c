/*
 * Notifications (contract in notify.h).
 */
#include <deploy/notify.h>

#include <poll.h>
#include <string.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <base/log.h>
#include <deploy/facts.h>
#include <deploy/submit.h>
#include <net/http.h>
#include <store/hmac.h>
#include <sys/failpoint.h>
#include <sys/lock.h>

#define LOCK_NAME "notify.lock"
#define TOO_OLD_MS (60 * 60 * 1000)
#define PAUSE_MS 1000
#define PAUSE_MAX_MS 60000
#define ANSWER_MAX (1 << 20)

/* What is sent, the same in every attempt. */
struct message {
	struct hk_buf body;
	struct hk_strlist headers;
};

static void release_message(struct message *m)
{
	hk_buf_release(&m->body);
	hk_strlist_release(&m->headers);
}

static void write_body(const struct hk_project *p, struct hk_ledger *l,
		       const struct hk_deployment *d, struct hk_buf *out)
{
	hk_auto_json *j = hk_json_object();
	struct hk_json *active;
	struct hk_error unknown;

	if (hk_facts_active(p, l, &active, &unknown))
		active = hk_json_null();
	hk_json_set(j, "event", hk_json_string("deployment"));
	hk_json_set(j, "project", hk_json_string(p->name));
	hk_facts_deployment(j, d);
	hk_json_set(j, "active", active);
	hk_json_write(j, out);
}

/* The delivery's id is made of what no other deployment has, also one of a ledger made anew. */
static int write_headers(const struct hk_project *p, const struct hk_deployment *d,
			 struct message *m, struct hk_error *err)
{
	char signature[HK_HMAC_HEX_LEN];

	hk_strlist_add(&m->headers, "Content-Type: application/json");
	hk_strlist_add(&m->headers, "X-Hostkit-Event: deployment");
	hk_strlist_addf(&m->headers, "X-Hostkit-Delivery: %s-%lld-%lld", p->name, (long long)d->id,
			(long long)d->finished_at);
	if (!*p->conf.notify_secret)
		return 0;
	if (hk_hmac_sha256(p->conf.notify_secret, m->body.data, m->body.len, signature, err))
		return err->code;
	hk_strlist_addf(&m->headers, "X-Hostkit-Signature-256: sha256=%s", signature);
	return 0;
}

static int compose(const struct hk_project *p, struct hk_ledger *l, int64_t id, struct message *m,
		   struct hk_error *err)
{
	struct hk_deployment d = HK_DEPLOYMENT_INIT;
	int ret;

	if (hk_ledger_get_deployment(l, id, &d, err))
		return err->code;
	write_body(p, l, &d, &m->body);
	ret = write_headers(p, &d, m, err);
	hk_deployment_release(&d);
	return ret;
}

/* What an attempt has found, in words; NULL for success. *ret_again: another one may do better. */
static char *judge(const struct hk_project *p, const struct hk_http_response *r, bool *ret_again)
{
	char limit[HK_HUMAN_LEN];

	*ret_again = true;
	if (r->outcome == HK_HTTP_REFUSED)
		return hk_xstrdup("connection refused");
	if (r->outcome == HK_HTTP_TIMEOUT)
		return hk_xasprintf("no answer within %s",
				    hk_human_duration(p->conf.notify_timeout, limit));
	if (r->outcome == HK_HTTP_BROKEN)
		return hk_xstrdup(r->detail);
	if (r->status >= 200 && r->status < 300)
		return NULL;
	*ret_again = r->status >= 500 || r->status == 408 || r->status == 429;
	if (r->status >= 300 && r->status < 400)
		return hk_xasprintf("status %d, a redirect (not followed)", r->status);
	return hk_xasprintf("status %d%s%.100s", r->status, *r->excerpt ? ": " : "", r->excerpt);
}

/* How long to wait after that many attempts: twice as long each time, or as the receiver asks. */
static int64_t pause_after(int64_t attempts, const struct hk_http_response *r)
{
	int64_t ms = PAUSE_MAX_MS;

	if (attempts <= 6)
		ms = PAUSE_MS << (attempts - 1);
	if (r->retry_s > PAUSE_MAX_MS / 1000)
		return PAUSE_MAX_MS;
	return r->retry_s * 1000 > ms ? r->retry_s * 1000 : ms;
}

/* One attempt, recorded. *ret_pause is how long to wait for the next one; 0: none comes. */
static int attempt(const struct hk_project *p, struct hk_ledger *l, const struct message *m,
		   struct hk_notification *n, int64_t *ret_pause, struct hk_error *err)
{
	const struct hk_http_post post = {
		.url = p->conf.notify_url,
		.headers = &m->headers,
		.body = m->body.data,
		.len = m->body.len,
		.timeout_ms = p->conf.notify_timeout,
		.max_body = ANSWER_MAX,
	};
	struct hk_http_response r = { .status = 0 };
	struct hk_error failed = HK_ERROR_INIT;
	bool again = false;

	free(n->error);
	n->error = hk_http_post(&post, &r, &failed) ? hk_xstrdup(failed.message)
						    : judge(p, &r, &again);
	n->attempts++;
	n->http_status = r.status;
	again = again && n->attempts < p->conf.notify_attempts;
	n->status = !n->error ? HK_NOTIFIED_SENT : again ? HK_NOTIFIED_PENDING : HK_NOTIFIED_FAILED;
	*ret_pause = n->status == HK_NOTIFIED_PENDING ? pause_after(n->attempts, &r) : 0;
	if (HK_FAILPOINT(notify_posted, err))
		return err->code;
	return hk_ledger_set_notification(l, n, err);
}

static int give_up(struct hk_ledger *l, struct hk_notification *n, const char *why,
		   struct hk_error *err)
{
	free(n->error);
	n->error = hk_xstrdup(why);
	n->status = HK_NOTIFIED_FAILED;
	return hk_ledger_set_notification(l, n, err);
}

static int deliver(const struct hk_project *p, struct hk_ledger *l, struct hk_notification *n,
		   struct hk_error *err)
{
	HK_CLEANUP(release_message)
	struct message m = { .body = HK_BUF_INIT, .headers = HK_STRLIST_INIT };
	int64_t pause = 0;

	if (!*p->conf.notify_url)
		return give_up(l, n, "there is no [notify] url any more", err);
	if (hk_clock_wall_ms() - n->created_at > TOO_OLD_MS)
		return give_up(l, n, "it could not be sent within an hour", err);
	if (compose(p, l, n->deployment, &m, err))
		return err->code;
	do {
		poll(NULL, 0, (int)pause);
		if (attempt(p, l, &m, n, &pause, err))
			return err->code;
	} while (pause);
	return 0;
}

static int deliver_all(const struct hk_project *p, struct hk_ledger *l, struct hk_error *err)
{
	for (;;) {
		struct hk_notification n = HK_NOTIFICATION_INIT;
		int ret = hk_ledger_pending_notification(l, &n, err);
		bool none = !n.deployment;

		if (!ret && !none)
			ret = deliver(p, l, &n, err);
		hk_notification_release(&n);
		if (ret || none)
			return ret;
	}
}

static bool is_owed(struct hk_ledger *l)
{
	struct hk_notification n = HK_NOTIFICATION_INIT;
	struct hk_error ignored;
	bool owed = !hk_ledger_pending_notification(l, &n, &ignored) && n.deployment;

	hk_notification_release(&n);
	return owed;
}

int hk_notify_send(const struct hk_project *p, struct hk_ledger *l, struct hk_error *err)
{
	/* Once more after the lock is free: whoever found it held has left the rest to this one. */
	do {
		struct hk_lock lock = HK_LOCK_INIT;
		bool held = false;
		int ret = hk_lock_try(&lock, p->state_fd, LOCK_NAME, &held, err);

		if (!ret && held)
			ret = deliver_all(p, l, err);
		hk_lock_release(&lock);
		if (ret || !held)
			return ret;
	} while (is_owed(l));
	return 0;
}

void hk_notify_start(const struct hk_project *p, struct hk_ledger *l)
{
	struct hk_error err = HK_ERROR_INIT;
	struct hk_lock lock = HK_LOCK_INIT;
	struct hk_procid sender;
	bool free_now = false;

	if (!is_owed(l) || hk_lock_try(&lock, p->state_fd, LOCK_NAME, &free_now, &err))
		return;
	hk_lock_release(&lock);
	if (free_now && hk_submit_worker(p, "notify", -1, &sender, &err))
		hk_log_debug("%s", err.message);
}
