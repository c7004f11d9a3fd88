/*
 * The folder of a commit that is meant ([deploy] subdirectory), or all of it.
 */
#ifndef HK_REPO_SUBTREE_H
#define HK_REPO_SUBTREE_H

#include <stdbool.h>

#include <base/strlist.h>
#include <repo/blob.h>

struct hk_subtree {
	const char *path; /* without slashes at its ends; "" is the whole commit; not owned */
	git_oid tree;
	bool attributes; /* a folder above it has a .gitattributes, which holds below as well */
	/*
	 * What git has to know of the folders above: their .gitattributes, and the .lfsconfig of
	 * the topmost, as arguments of git update-index --cacheinfo.
	 */
	struct hk_strlist above;
};

#define HK_SUBTREE_INIT       \
	{                     \
		.path = NULL, \
	}
#define hk_auto_subtree HK_CLEANUP(hk_subtree_release) struct hk_subtree

void hk_subtree_release(struct hk_subtree *s);

/*
 * Finds path (NULL and "" are the whole commit) in the tree of a commit (an object id).
 * HK_E_NOTHING_TO_DEPLOY when it is not there, with near names of folders in the hint, or is no
 * folder; HK_E_REF_NOT_FOUND, HK_E_REPOSITORY_FAILED.
 */
int hk_subtree_find(const struct hk_blobs *blobs, const char *commit, const char *path,
		    struct hk_subtree *ret, struct hk_error *err) HK_MUST_CHECK;

/* What comes behind the subtree's path in that of an entry below it. */
const char *hk_subtree_below(const struct hk_subtree *s, const char *path);

#endif
