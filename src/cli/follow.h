/*
 * Watching a deployment from a terminal: for `deploy` and `deploy log --follow`.
 */
#ifndef HK_CLI_FOLLOW_H
#define HK_CLI_FOLLOW_H

#include <cli/cli.h>
#include <deploy/project.h>

/*
 * Shows the log of a deployment until its end (in JSON mode: only waits) and returns what came of
 * it: 0, or the deployment's own code with err filled from the ledger. Ctrl-C leaves with
 * HK_E_DETACHED; the deployment goes on.
 */
int hk_cli_follow(struct hk_cli_call *call, const struct hk_project *p, struct hk_ledger *l,
		  int64_t id, struct hk_error *err) HK_MUST_CHECK;

/* In JSON mode, makes that deployment, as it is now, the answer of the call. */
int hk_cli_answer(struct hk_cli_call *call, struct hk_ledger *l, int64_t id,
		  struct hk_error *err) HK_MUST_CHECK;

/* A deployment as `deploy status` and `deploy history` answer it. */
struct hk_json *hk_cli_deployment_json(struct hk_ledger *l, const struct hk_deployment *d);

#endif
