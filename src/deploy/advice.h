/*
 * The way out of a failed deployment, step by step: the failure scenarios of the pipeline document,
 * with the project's own commands, paths and limits.
 */
#ifndef HK_DEPLOY_ADVICE_H
#define HK_DEPLOY_ADVICE_H

#include <base/error.h>
#include <base/strlist.h>
#include <deploy/deploy.h>

/* Adds the steps; none when there is no scenario for this stage and code. */
void hk_advice_steps(const struct hk_deploy *d, const struct hk_error *why, struct hk_strlist *ret);

#endif
