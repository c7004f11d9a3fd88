/*
 * Commands that a project has configured for points of its deployments ([hooks]), with the facts of
 * the deployment in their environment.
 */
#ifndef HK_DEPLOY_HOOKS_H
#define HK_DEPLOY_HOOKS_H

#include <base/error.h>
#include <deploy/deploy.h>

/*
 * Each does nothing when nothing is configured. A hook has the environment of builds (also .env)
 * and HOSTKIT_HOOK, HOSTKIT_STAGE, HOSTKIT_TRIGGER, HOSTKIT_RELEASE_DIR, HOSTKIT_PREVIOUS_RELEASE,
 * as far as they are known. Fails as hk_process_run does, with the hook's name in front.
 */
int hk_hooks_pre_build(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;
int hk_hooks_pre_activate(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/* What is live is well, whatever it does: a failure is a warning, and in the stage's detail. */
void hk_hooks_post_activate(struct hk_deploy *d);

/*
 * For a deployment that failed for that reason; does nothing for one that was cancelled or
 * superseded. Has HOSTKIT_ERROR_CODE and HOSTKIT_ERROR_MESSAGE as well. A failure is a warning.
 */
void hk_hooks_on_failure(struct hk_deploy *d, const struct hk_error *why);

#endif
