/*
 * What all releases of a project share ([shared] dirs and files): it lies in shared/ of the home,
 * and a release has a link to it: relative, so that no path of this machine is in a release, unless
 * releases/ is a link out of the home itself. No link that a commit, a build or an application has
 * made is followed on the way, on either side.
 */
#ifndef HK_DEPLOY_SHARED_H
#define HK_DEPLOY_SHARED_H

#include <base/error.h>
#include <deploy/deploy.h>

/*
 * Puts the links into the staging folder, once the commit's files are there. A shared folder that
 * is missing is made, and filled with what the commit has in its place while it is empty; whatever
 * else the commit has there gives way, with a note. Fails with HK_E_SHARED_INVALID when a shared
 * file does not exist or something in shared/ is not what it should be, with HK_E_TREE_REFUSED when
 * the commit has a link or a file where a folder has to be.
 */
int hk_shared_link(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/*
 * Looks whether the links are there after commands have run in the tree, whose application is at
 * top
 * ("" or a path below it). One that is missing is put back, with a warning. HK_E_RELEASE_FAILED
 * when something else is in its place: it may be output that would be lost.
 */
int hk_shared_check(struct hk_deploy *d, int tree_fd, const char *top,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * For a release that is put together from parts of the staging folder, at other depths: takes the
 * links out of staging before, and puts them into the release afterwards, in place of whatever
 * copies the build has made.
 */
int hk_shared_unlink(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;
int hk_shared_relink(struct hk_deploy *d, const char *top, struct hk_error *err) HK_MUST_CHECK;

#endif
