/*
 * Rate limit, cooldown and automatic pause: [ratelimit] and [autopause], counted from the ledger.
 *
 * What counts are deployments whose preflight succeeded, or is still to come: a refused one counts
 * nothing and moves nothing. Rollbacks neither count nor are limited.
 */
#ifndef HK_DEPLOY_LIMITS_H
#define HK_DEPLOY_LIMITS_H

#include <deploy/project.h>

struct hk_limits {
	int64_t used;	  /* accepted in the window */
	int64_t failures; /* failed in a row */
	int64_t next_at;  /* when the next deployment is possible (wall ms); 0: now */
	enum hk_code why; /* HK_E_RATE_LIMIT_EXCEEDED or HK_E_COOLDOWN when it is not; else 0 */
};

/*
 * How things stand for a deployment at that wall-clock time, looking only at those with ids below
 * `before` (INT64_MAX: all). A limit that is not enabled is counted all the same, but never a
 * reason.
 */
int hk_limits_look(const struct hk_project *p, struct hk_ledger *l, int64_t before, int64_t at,
		   struct hk_limits *ret, struct hk_error *err) HK_MUST_CHECK;

/* HK_E_RATE_LIMIT_EXCEEDED or HK_E_COOLDOWN, saying when the next one is possible. */
int hk_limits_check(const struct hk_project *p, struct hk_ledger *l, int64_t before, int64_t at,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * After a failed deployment: pauses the project when [autopause] says so. *ret_paused tells whether
 * it did.
 */
int hk_limits_autopause(const struct hk_project *p, struct hk_ledger *l, bool *ret_paused,
			struct hk_error *err) HK_MUST_CHECK;

/* How many deployments the limits have to remember. */
int64_t hk_limits_history(const struct hk_conf *conf);

#endif
