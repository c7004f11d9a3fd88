/*
 * The health check: GET http://127.0.0.1:PORT/PATH, answered by the service's present process.
 */
#ifndef HK_DEPLOY_HEALTH_H
#define HK_DEPLOY_HEALTH_H

#include <deploy/project.h>
#include <deploy/running.h>

struct hk_health {
	int tries;
	int status; /* of the last answer; 0: there was none */
	int64_t ms;
	char last[256]; /* what the last try found: "status 200 in 3 ms", "connection refused" */
};

/* "http://127.0.0.1:3000/api/health", of the release that r is prepared for; the caller frees. */
char *hk_health_url(const struct hk_project *p, const struct hk_running *r);

/*
 * Asks once (wait false), or until an expected status comes, the service's process has ended, or
 * [health] timeout is over: after 100 ms, 200 ms, 400 ms, … up to [health] interval. A service that
 * the driver knows to have ended, or to have been replaced by another process since `started`
 * (NULL: since now), is unhealthy whatever answers. HK_E_HEALTH_FAILED, with what to do as the
 * hint; *ret is filled in any case.
 */
int hk_health_check(const struct hk_project *p, const struct hk_running *r,
		    const struct hk_service_state *started, bool wait, struct hk_health *ret,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
