/*
 * Trees whose content is converted on checkout: end-of-line rules, ident, working-tree-encoding,
 * filter drivers (Git LFS among them). git itself writes these, because nothing else decides
 * exactly as git does; libgit2 lacks encodings and drivers and reads attribute files from a working
 * tree.
 */
#ifndef HK_REPO_GIT_CHECKOUT_H
#define HK_REPO_GIT_CHECKOUT_H

#include <stdbool.h>

#include <repo/export.h>
#include <repo/git_edge.h>
#include <repo/subtree.h>

/*
 * Whether something outside the tree may ask for conversions: core.autocrlf, info/attributes of the
 * repository, the user's or the system's attributes file.
 */
int hk_git_converts(struct hk_repo *repo, bool *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Writes the tree into spec->dir_fd with git-read-tree(1) and git-checkout-index(1) and a temporary
 * index. The tree's names have been checked. Of a part of a commit the rules above it are heeded,
 * and it comes to lie at the top. lfs: git-lfs is the filter of that name (lfs.h). Adds what was
 * written to ret->bytes (as it lies on the disk). A failure is HK_E_COMMAND_FAILED with git's last
 * line, or what hk_process_run says.
 */
int hk_git_checkout(struct hk_repo *repo, const struct hk_subtree *sub,
		    const struct hk_export_spec *spec, bool lfs, struct hk_export_result *ret,
		    struct hk_error *err) HK_MUST_CHECK;

#endif
