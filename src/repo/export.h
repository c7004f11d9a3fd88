/*
 * Writing a commit's tree into a folder, as `git checkout` would.
 *
 * What git does is done: modes (0644 and 0755 less the umask), symbolic links as they are
 * (dangling, absolute, pointing out: never followed), end-of-line conversion, ident,
 * working-tree-encoding and filter drivers by the .gitattributes of the commit, info/attributes
 * and the configuration (gitattributes(5)). export-ignore and export-subst are not applied: they
 * belong to git-archive(1). A submodule becomes an empty folder, as in a checkout without
 * --recurse-submodules; see submodules.h.
 *
 * Refused, with HK_E_TREE_REFUSED and the entry's path: ".", "..", an empty name, a name with a
 * slash or NUL, .git in any spelling that some filesystem takes for it (case, trailing dots and
 * spaces, git~1, ignorable code points, ":" streams, behind a backslash), .gitmodules as a link,
 * an entry twice, a path through a link, a link without a target, a mode that git does not write,
 * a tree nested deeper than 512 folders.
 */
#ifndef HK_REPO_EXPORT_H
#define HK_REPO_EXPORT_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <base/lines.h>
#include <base/strlist.h>
#include <repo/repo.h>

/*
 * Folders of this prefix in the repository hold a temporary index while git writes; one that is
 * there while nobody exports was left by a crash.
 */
#define HK_EXPORT_INDEX_PREFIX "hostkit-index-"

struct hk_export_spec {
	const char *commit; /* object id */
	int dir_fd;	    /* an existing, empty folder */
	int cancel_fd;	    /* readable means: stop with HK_E_CANCELLED; -1: none */
	int64_t deadline;   /* hk_clock_deadline(); passed: HK_E_STAGE_TIMEOUT; INT64_MAX: none */
	/* Environment of git and its filter drivers, less GIT_*; NULL: nothing but a PATH. */
	const char *const *env;
	/* Only what is below that folder of the commit, which comes to lie at the top; NULL: all.
	 */
	const char *subdirectory;
	bool lfs; /* git-lfs fetches what pointer files stand for; false: they are files */
	hk_line_fn *on_line; /* what programs say that fetch something; NULL: nobody listens */
	void *ctx;
};

struct hk_export_result {
	int64_t files; /* regular files and links written */
	int64_t bytes; /* in the regular files; on the disk where git wrote them */
	/* Submodules, left as empty folders: paths from the top of the commit, and object ids. */
	struct hk_strlist submodules, submodule_commits;
};

#define HK_EXPORT_RESULT_INIT \
	{                     \
		.files = 0,   \
	}
void hk_export_result_release(struct hk_export_result *r);

/*
 * On failure the folder is left half filled, for the caller to remove; *ret is filled as far as
 * it went; the caller releases it in any case. Codes: HK_E_TREE_REFUSED, HK_E_REPOSITORY_FAILED (an
 * object is missing or corrupt; it is named), HK_E_COMMAND_FAILED (a required filter driver, or
 * git-lfs, which says in its line what it could not fetch), HK_E_COMMAND_NOT_FOUND (git-lfs),
 * HK_E_NOTHING_TO_DEPLOY (see hk_subtree_find), HK_E_CANCELLED, HK_E_STAGE_TIMEOUT, HK_E_IO and its
 * refinements.
 */
int hk_repo_export(struct hk_repo *repo, const struct hk_export_spec *spec,
		   struct hk_export_result *ret, struct hk_error *err) HK_MUST_CHECK;

#endif
