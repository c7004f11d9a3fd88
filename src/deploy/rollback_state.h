/*
 * What a rollback takes back beside the code: .env and the database, to what they were just before
 * the deployment that ended the time of the release that is gone back to.
 */
#ifndef HK_DEPLOY_ROLLBACK_STATE_H
#define HK_DEPLOY_ROLLBACK_STATE_H

#include <deploy/checkpoint.h>
#include <deploy/project.h>

struct hk_rollback_state {
	int64_t undone;	     /* that deployment; 0: there is none */
	int64_t environment; /* the deployment whose snapshot is taken; 0: .env stays */
	int64_t checkpoint;  /* 0: the database stays */
};

/*
 * Finds what the flags ask for (HK_REQUEST_WITH_ENV, HK_REQUEST_WITH_DATABASE).
 * HK_E_CHECKPOINT_NOT_FOUND when it was not kept; HK_E_CONFIG_INVALID when the checkpoint is of
 * another database than the settings name, now and with the .env that is gone back to.
 */
int hk_rollback_find_state(const struct hk_project *p, struct hk_ledger *l, const char *release,
			   unsigned flags, struct hk_rollback_state *ret,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * The checkpoints of the database that the state's is of, see hk_checkpoints_open, for a deployment
 * (0: none).
 */
int hk_rollback_open_state(const struct hk_project *p, struct hk_ledger *l, int64_t deployment,
			   const struct hk_rollback_state *state, struct hk_checkpoints *ret,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * The release that was live just before the deployment that made the live one; *ret is the caller's
 * to free. HK_E_RELEASE_FAILED.
 */
int hk_rollback_find_before(const struct hk_project *p, struct hk_ledger *l, char **ret,
			    struct hk_error *err) HK_MUST_CHECK;

#endif
