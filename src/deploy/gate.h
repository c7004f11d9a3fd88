/*
 * What a deployment has to pass before anything of it is looked at: freeze, pause, limits, disk
 * space. pre-receive asks before git accepts a push, commands before they submit, and a worker once
 * more when its turn has come. Light: no libgit2.
 */
#ifndef HK_DEPLOY_GATE_H
#define HK_DEPLOY_GATE_H

#include <deploy/project.h>

struct hk_gate {
	int64_t before; /* id of the deployment that asks; INT64_MAX: it has none yet */
	int64_t at;	/* wall ms of its creation */
	unsigned flags; /* enum hk_request_flags */
};

/* 0, or the first reason, with what to do about it. */
int hk_gate_check(const struct hk_project *p, struct hk_ledger *l, const struct hk_gate *g,
		  struct hk_error *err) HK_MUST_CHECK;

#endif
