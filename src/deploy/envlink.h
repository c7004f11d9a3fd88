/*
 * .env in the release.
 */
#ifndef HK_DEPLOY_ENVLINK_H
#define HK_DEPLOY_ENVLINK_H

#include <deploy/deploy.h>

/*
 * Puts a link to the home's .env into the release, at its top and where its server begins, for
 * frameworks that read the file there; none where the files of the release themselves are what is
 * served, nor when there is no .env. What the release has in its place stays, with a warning.
 */
int hk_envlink_make(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

#endif
