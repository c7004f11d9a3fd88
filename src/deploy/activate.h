/*
 * Making a release live, for the activate stage and for going back.
 */
#ifndef HK_DEPLOY_ACTIVATE_H
#define HK_DEPLOY_ACTIVATE_H

#include <deploy/project.h>

/* Makes the release durable, points `app` at it in one rename, and makes that durable. */
int hk_activate(const struct hk_project *p, const char *release,
		struct hk_error *err) HK_MUST_CHECK;

#endif
