/*
 * Taking the project's lock, in the order of the ledger and as [deploy] concurrency says.
 */
#ifndef HK_DEPLOY_QUEUE_H
#define HK_DEPLOY_QUEUE_H

#include <deploy/project.h>
#include <deploy/report.h>
#include <store/ledger.h>
#include <sys/lock.h>

struct hk_queue {
	const struct hk_project *project;
	struct hk_ledger *ledger;
	const struct hk_deployment *row; /* the one that waits */
	int cancel_fd;			 /* readable: stop waiting */
	struct hk_report *report;	 /* is told whom it waits for, and its place */
	/*
	 * Whether a ref holds that object now: what a newer row of the same ref must not take the
	 * turn of. With latest only; errors count as no.
	 */
	bool (*holds)(void *ctx, const char *ref, const char *object);
	void *ctx;
};

/*
 * Waits until no deployment that was recorded earlier is left and the lock is free; it is held
 * then. HK_E_CANCELLED; with concurrency reject, HK_E_LOCKED instead of waiting for a deployment;
 * with latest, HK_E_SUPERSEDED as soon as a newer one waits.
 */
int hk_queue_wait(const struct hk_queue *q, struct hk_lock *lock,
		  struct hk_error *err) HK_MUST_CHECK;

/*
 * Whether a request would be rejected at once: with concurrency reject, HK_E_LOCKED while something
 * else than what it asks for is open.
 */
int hk_queue_check(const struct hk_project *p, struct hk_ledger *l,
		   const struct hk_deployment_request *req, struct hk_error *err) HK_MUST_CHECK;

#endif
