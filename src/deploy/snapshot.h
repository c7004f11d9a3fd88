/*
 * Snapshots of the project's .env, one for each deployment: what it was before. They are texts
 * under the vault's key.
 */
#ifndef HK_DEPLOY_SNAPSHOT_H
#define HK_DEPLOY_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <base/strlist.h>
#include <deploy/project.h>

/* Takes one, of a file that may be missing. Replaces one of the same deployment. */
int hk_snapshot_take(const struct hk_project *p, int64_t deployment,
		     struct hk_error *err) HK_MUST_CHECK;

struct hk_snapshot {
	int64_t deployment;
	bool had_env; /* there was a file */
	char *text;   /* of it; hk_vault_free's */
	size_t len;
};

#define HK_SNAPSHOT_INIT        \
	{                       \
		.deployment = 0 \
	}
void hk_snapshot_release(struct hk_snapshot *s);

/* deployment 0: the newest one. HK_E_CHECKPOINT_NOT_FOUND. */
int hk_snapshot_read(const struct hk_project *p, int64_t deployment, struct hk_snapshot *ret,
		     struct hk_error *err) HK_MUST_CHECK;

/* Missing is success. */
int hk_snapshot_remove(const struct hk_project *p, int64_t deployment,
		       struct hk_error *err) HK_MUST_CHECK;

/* Makes .env what it was then, in one step; a file that was not there is removed. */
int hk_snapshot_restore(const struct hk_project *p, int64_t deployment,
			struct hk_error *err) HK_MUST_CHECK;

enum hk_env_change {
	HK_ENV_ADDED,
	HK_ENV_REMOVED,
	HK_ENV_CHANGED,
};

/* old and now are values, borrowed, and NULL where there is none. */
typedef void hk_env_change_fn(void *ctx, const char *name, enum hk_env_change change,
			      const char *old, const char *now);

/* Calls fn for each name whose value in the present .env is another than in the snapshot. */
int hk_snapshot_compare(const struct hk_project *p, const struct hk_snapshot *s,
			hk_env_change_fn *fn, void *ctx, struct hk_error *err) HK_MUST_CHECK;

#endif
