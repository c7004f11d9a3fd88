/*
 * Submodules of an exported commit: fetched from the URLs in its .gitmodules, and written into the
 * folders that the export has left empty, with their own submodules.
 *
 * Each URL has a bare copy in a cache, which gets the commits that are recorded, without history
 * where the server allows it. Paths and commits come from the tree, only URLs from .gitmodules
 * (submodule_url.h says which may be used); "update", "branch" and all else there is not looked at.
 * git runs with a PATH, the home of the repository's user, the configuration of the pushed
 * repository (credential helpers, core.sshCommand, protocol.file.allow, url.….insteadOf), and
 * nothing else: no terminal, no agent, nothing of who pushes, nothing of .env.
 *
 * What a submodule brings is checked and written by hk_repo_export, like the commit itself.
 */
#ifndef HK_REPO_SUBMODULES_H
#define HK_REPO_SUBMODULES_H

#include <repo/export.h>

/*
 * Fills the submodules that hk_repo_export has put on *ret, by the same spec. cache is a folder
 * (made when it is missing) that one process works in at a time. What is written is added to
 * ret->files and ret->bytes; *ret_count is the number of submodules, nested ones with them.
 *
 * Codes, beside those of hk_repo_export: HK_E_TREE_REFUSED (no URL, one that must not be used, or,
 * without spec->lfs, LFS pointers in a submodule; nested deeper than 16), HK_E_REF_NOT_FOUND (the
 * server does not have the commit), HK_E_COMMAND_FAILED (it cannot be fetched). All name the
 * submodule.
 */
int hk_submodules_export(struct hk_repo *repo, const struct hk_export_spec *spec, const char *cache,
			 struct hk_export_result *ret, int64_t *ret_count,
			 struct hk_error *err) HK_MUST_CHECK;

#endif
