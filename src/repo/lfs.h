/*
 * Git LFS in an export: the program git-lfs, as git's filter.
 *
 * Which server it asks is git-lfs's own decision (git-lfs-config(5)): lfs.url or remote.origin.url
 * of the repository's configuration, which the administrator sets, else lfs.url of the commit's
 * .lfsconfig, of which git-lfs heeds a few harmless keys only. It runs as the user of the project,
 * like everything that the project's developers bring.
 */
#ifndef HK_REPO_LFS_H
#define HK_REPO_LFS_H

#include <repo/export.h>
#include <repo/git_run.h>
#include <repo/subtree.h>
#include <repo/treecheck.h>

/* HK_E_COMMAND_NOT_FOUND, naming the package, when there is no git-lfs in the PATH of spec->env. */
int hk_lfs_require(struct hk_repo *repo, const struct hk_export_spec *spec,
		   struct hk_error *err) HK_MUST_CHECK;

/* Makes git-lfs the filter of what git will check out, whatever the configuration says. */
void hk_lfs_use(struct hk_git_run *run);

/* What to do when it failed; returns the code that err has. */
int hk_lfs_hint(const struct hk_repo *repo, struct hk_error *err);

/*
 * HK_E_TREE_REFUSED when one of the pointers (all of them are listed) was written as it is: no rule
 * asked for it, or git-lfs was told to leave it.
 */
int hk_lfs_verify(const struct hk_treecheck *pointers, const struct hk_subtree *sub, int dir_fd,
		  struct hk_error *err) HK_MUST_CHECK;

#endif
