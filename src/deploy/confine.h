/*
 * What a tree that was copied from somewhere must not bring, as the writing of a commit's tree
 * checks it beforehand (repo/export.h).
 */
#ifndef HK_DEPLOY_CONFINE_H
#define HK_DEPLOY_CONFINE_H

#include <stdint.h>

#include <base/error.h>
#include <base/strlist.h>

struct hk_confined {
	int64_t files; /* regular files and links */
	int64_t bytes;
	struct hk_strlist removed; /* links that led out of the tree; the caller releases */
};

/*
 * Walks a tree. Links whose target lies outside, as the kernel resolves them, are removed; relative
 * ones that lead nowhere inside stay. HK_E_TREE_REFUSED names an entry that a commit's tree may not
 * have either: .git in any spelling, something that is no file, folder or link, or a tree nested
 * too deeply. HK_E_CANCELLED and HK_E_STAGE_TIMEOUT as in struct hk_export_spec.
 */
int hk_confine_tree(int root_fd, int cancel_fd, int64_t deadline, struct hk_confined *ret,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
