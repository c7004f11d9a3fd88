/*
 * Health checks (contract in health.h). Stage 11 and `hostkit health` share them.
 */
#include <deploy/health.h>

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <net/http.h>
#include <service/port.h>

#define FIRST_PAUSE_MS 100
#define TRY_MAX_MS 5000
#define BODY_MAX (1 << 20)

static const char *path_of(const struct hk_project *p, const struct hk_running *r)
{
	return r->health_path ? r->health_path : p->conf.health_path;
}

char *hk_health_url(const struct hk_project *p, const struct hk_running *r)
{
	return hk_xasprintf("http://127.0.0.1:%d%s", (int)p->conf.project_port, path_of(p, r));
}

static bool is_redirect(int status)
{
	return status >= 300 && status < 400 && status != 304;
}

/* Says what a try found, and whether that is healthy. */
static bool judge(const struct hk_project *p, const struct hk_http_response *r,
		  struct hk_health *health)
{
	char took[HK_HUMAN_LEN];
	char limit[HK_HUMAN_LEN];

	hk_human_duration(r->ms, took);
	switch (r->outcome) {
	case HK_HTTP_REFUSED:
		snprintf(health->last, sizeof(health->last), "connection refused");
		return false;
	case HK_HTTP_TIMEOUT:
		snprintf(health->last, sizeof(health->last), "no answer within %s", took);
		return false;
	case HK_HTTP_TOO_LARGE:
		snprintf(health->last, sizeof(health->last),
			 "status %d with a body of more than %s", r->status,
			 hk_human_size(BODY_MAX, limit));
		return false;
	case HK_HTTP_BROKEN:
		snprintf(health->last, sizeof(health->last), "broken response: %s", r->detail);
		return false;
	case HK_HTTP_ANSWERED:
		break;
	}
	if (hk_statuses_match(&p->conf.health_expect, r->status)) {
		snprintf(health->last, sizeof(health->last), "status %d in %s", r->status, took);
		return true;
	}
	if (is_redirect(r->status))
		snprintf(health->last, sizeof(health->last),
			 "status %d, a redirect to '%.120s' (not followed)", r->status,
			 r->location);
	else
		snprintf(health->last, sizeof(health->last), "status %d%s%.160s", r->status,
			 *r->excerpt ? ": " : "", r->excerpt);
	return false;
}

/* 0 while the process that was there at first still runs (or the driver cannot know). */
static int check_process(const struct hk_project *p, const struct hk_running *r,
			 const struct hk_service_state *first, struct hk_error *err)
{
	struct hk_service_state now = { .known = false };

	if (r->driver->status(&r->service, &now, err))
		return err->code;
	if (!now.known || (now.running && !first->known))
		return 0;
	if (!now.running) {
		hk_error_set(err, HK_E_HEALTH_FAILED, "the service %s",
			     *now.detail ? now.detail : "is not running");
		return hk_error_hint(err, "what it said is in %s/logs/error.log and app.log",
				     p->home_path);
	}
	if (first->running && strcmp(now.invocation, first->invocation)) {
		hk_error_set(err, HK_E_HEALTH_FAILED,
			     "the service ended and was started again while it was checked");
		return hk_error_hint(err, "what it said is in %s/logs/error.log and app.log",
				     p->home_path);
	}
	if (first->running && now.main.pid != first->main.pid)
		return hk_error_set(
			err, HK_E_HEALTH_FAILED,
			"the service's process changed from %d to %d while it was checked",
			(int)first->main.pid, (int)now.main.pid);
	return 0;
}

/*
 * Every user of the machine can listen on the port while the service does not, and answer in its
 * name. Root may have made the socket for it.
 */
static int check_answerer(const struct hk_project *p, const struct hk_running *r,
			  struct hk_error *err)
{
	int port = (int)p->conf.project_port;
	uid_t owner;

	if (!r->driver->uses_start || !hk_port_find_owner(port, &owner) || !owner ||
	    owner == geteuid())
		return 0;
	hk_error_set(err, HK_E_PORT_IN_USE,
		     "port %d is answered by a process of the user %u, not by the service", port,
		     (unsigned)owner);
	return hk_error_hint(err,
			     "find it with: ss -ltnp 'sport = :%d'; end it, or give the project "
			     "another port ([project] port)",
			     port);
}

static int unhealthy(const struct hk_project *p, const struct hk_running *r,
		     const struct hk_http_response *response, bool wait,
		     const struct hk_health *health, struct hk_error *err)
{
	hk_auto_free char *url = hk_health_url(p, r);
	char limit[HK_HUMAN_LEN];

	if (wait)
		hk_error_set(err, HK_E_HEALTH_FAILED, "%s was not healthy within %s: %s", url,
			     hk_human_duration(p->conf.health_timeout, limit), health->last);
	else
		hk_error_set(err, HK_E_HEALTH_FAILED, "%s is not healthy: %s", url, health->last);
	if (response->outcome == HK_HTTP_REFUSED)
		return hk_error_hint(err,
				     "the application must listen on 127.0.0.1, port $PORT (%d)",
				     (int)p->conf.project_port);
	if (response->outcome == HK_HTTP_ANSWERED && response->status == 404)
		return hk_error_hint(err,
				     "add a route %s that answers 200, or name another with "
				     "[health] path in the project's INI file",
				     path_of(p, r));
	if (response->outcome == HK_HTTP_ANSWERED && is_redirect(response->status))
		return hk_error_hint(err,
				     "answer %s itself, or name another path or status with "
				     "[health] path or expect",
				     path_of(p, r));
	return hk_error_hint(err, "what it said is in %s/logs/error.log and app.log", p->home_path);
}

/* One request. *ret_healthy tells the outcome; an error ends the check. */
static int try_once(const struct hk_project *p, const struct hk_running *r,
		    const struct hk_service_state *first, int64_t limit_ms,
		    struct hk_http_response *response, struct hk_health *health, bool *ret_healthy,
		    struct hk_error *err)
{
	hk_auto_free char *url = hk_health_url(p, r);
	int64_t timeout = limit_ms < TRY_MAX_MS ? limit_ms : TRY_MAX_MS;
	struct hk_http_response now;

	if (check_process(p, r, first, err) ||
	    hk_http_get(url, timeout > 0 ? timeout : 1, BODY_MAX, &now, err))
		return err->code;
	/* What the end of the whole check cut short says less than the try before it. */
	if (health->tries++ && now.outcome == HK_HTTP_TIMEOUT && timeout < TRY_MAX_MS)
		return 0;
	*response = now;
	*ret_healthy = judge(p, response, health);
	health->status = now.outcome == HK_HTTP_ANSWERED ? now.status : 0;
	/* An answer counts only when the process that should have given it is still there. */
	if (*ret_healthy && check_answerer(p, r, err))
		return err->code;
	return *ret_healthy ? check_process(p, r, first, err) : 0;
}

/* Waits for the next try, but no longer than the process lives. */
static void pause_for(const struct hk_service_state *service, int64_t ms)
{
	hk_auto_close int pidfd = hk_procid_open(&service->main);
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };

	poll(&pfd, 1, (int)ms);
}

int hk_health_check(const struct hk_project *p, const struct hk_running *r,
		    const struct hk_service_state *started, bool wait, struct hk_health *ret,
		    struct hk_error *err)
{
	int64_t began = hk_clock_mono_ms();
	int64_t deadline = hk_clock_deadline(wait ? p->conf.health_timeout : TRY_MAX_MS);
	int64_t pause = FIRST_PAUSE_MS;
	struct hk_service_state first = { .known = false };
	struct hk_http_response response = { .status = 0 };
	bool healthy = false;

	*ret = (struct hk_health){ .tries = 0 };
	if (started)
		first = *started;
	else if (r->driver->status(&r->service, &first, err))
		return err->code;
	for (;;) {
		int failed = try_once(p, r, &first, hk_clock_left(deadline), &response, ret,
				      &healthy, err);
		int left = hk_clock_left(deadline);

		ret->ms = hk_clock_mono_ms() - began;
		if (failed || healthy)
			return failed;
		if (!wait || left <= 0)
			return unhealthy(p, r, &response, wait, ret, err);
		pause_for(&first, pause < left ? pause : left);
		pause = pause * 2 < p->conf.health_interval ? pause * 2 : p->conf.health_interval;
	}
}
