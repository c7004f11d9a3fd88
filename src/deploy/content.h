/*
 * Whether a commit has what a release of it needs, by the project's options: the folder that is to
 * be deployed, and, unless they are to be fetched, no Git LFS pointers and no submodules. Nothing
 * is written. For the first stage, and for whoever can still refuse a push.
 */
#ifndef HK_DEPLOY_CONTENT_H
#define HK_DEPLOY_CONTENT_H

#include <stdint.h>

#include <base/error.h>
#include <deploy/project.h>
#include <repo/repo.h>

/*
 * commit is an object id; cancel_fd may be -1, deadline is hk_clock_deadline()'s.
 * HK_E_NOTHING_TO_DEPLOY for [deploy] subdirectory, HK_E_TREE_REFUSED for the others, with the
 * first paths and the option to set; HK_E_CANCELLED, HK_E_STAGE_TIMEOUT. A damaged repository is no
 * concern of this: the checkout names the object.
 */
int hk_content_check(const struct hk_project *project, struct hk_repo *repo, const char *commit,
		     int cancel_fd, int64_t deadline, struct hk_error *err) HK_MUST_CHECK;

#endif
