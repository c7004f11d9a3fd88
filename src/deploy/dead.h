/*
 * Which deployments nobody works on any more, told without git and without the project's lock.
 */
#ifndef HK_DEPLOY_DEAD_H
#define HK_DEPLOY_DEAD_H

#include <deploy/project.h>
#include <store/ledger.h>

/*
 * Whether an open row has lost its worker; before a worker has introduced itself, whoever added the
 * row and starts the worker stands for it. Identities are of processes, so no clock is involved.
 */
bool hk_deployment_is_dead(const struct hk_deployment *d);

/* Whether any open row is dead. */
int hk_dead_any(struct hk_ledger *l, bool *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Reads a row as soon as its worker has introduced itself, or it is final or dead. *ret is the
 * caller's to release.
 */
int hk_dead_wait_worker(struct hk_ledger *l, int64_t id, struct hk_deployment *ret,
			struct hk_error *err) HK_MUST_CHECK;

/*
 * Starts `hostkit-worker ROOT NAME recover`, for a program that cannot recover by itself (a hook
 * has no libgit2), and waits up to wait_ms (0: not) for its end.
 */
int hk_dead_start_recovery(const struct hk_project *p, int64_t wait_ms,
			   struct hk_error *err) HK_MUST_CHECK;

#endif
