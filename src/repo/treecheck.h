/*
 * What a commit has that a plain export does not bring: files whose content Git LFS keeps
 * elsewhere, and submodules. Nothing is written, and of blobs only small ones are read.
 *
 * A pointer file is what git-lfs takes for one (docs/spec.md of git-lfs: up to 1,024 bytes that
 * begin with the version line and have an oid), where the attributes say filter=lfs. Where no
 * .gitattributes is in the file's folder or above, the content alone decides: such a file was meant
 * to be one, and its rules are lost. One that attributes exempt is a file like others (a sample in
 * a test, say).
 */
#ifndef HK_REPO_TREECHECK_H
#define HK_REPO_TREECHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/error.h>
#include <base/strlist.h>
#include <repo/repo.h>

struct hk_treecheck_spec {
	const char *commit;	  /* object id */
	const char *subdirectory; /* only what is below it counts; NULL, "": the whole commit */
	int cancel_fd;		  /* readable means: stop with HK_E_CANCELLED; -1: none */
	int64_t deadline;	  /* hk_clock_deadline(); INT64_MAX: none */
	size_t max_paths;	  /* of each kind, that are listed */
};

struct hk_treecheck {
	int64_t pointers;
	int64_t submodules;
	/* The first of them, from the top of the commit, in the order of the tree. */
	struct hk_strlist pointer_paths;
	struct hk_strlist submodule_paths;
};

#define HK_TREECHECK_INIT     \
	{                     \
		.pointers = 0 \
	}
#define hk_auto_treecheck HK_CLEANUP(hk_treecheck_release) struct hk_treecheck

void hk_treecheck_release(struct hk_treecheck *c);

/*
 * Fills *ret, which is untouched on failure. Codes: those of hk_subtree_find,
 * HK_E_REPOSITORY_FAILED, HK_E_CANCELLED, HK_E_STAGE_TIMEOUT. Whether the tree may be written at
 * all is not looked at: see hk_repo_export.
 */
int hk_treecheck(struct hk_repo *repo, const struct hk_treecheck_spec *spec,
		 struct hk_treecheck *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * HK_E_TREE_REFUSED, naming the first ones, when there are pointer files; 0 when there are none.
 * where is put in front of the paths ("" or a submodule's path and a slash). No hint: the caller
 * knows which file has the option.
 */
int hk_treecheck_refuse_pointers(const struct hk_treecheck *found, const char *where,
				 struct hk_error *err) HK_MUST_CHECK;

/* The same for submodules. */
int hk_treecheck_refuse_submodules(const struct hk_treecheck *found,
				   struct hk_error *err) HK_MUST_CHECK;

/* Whether a blob or a file is a pointer by its content. */
#define HK_LFS_POINTER_MAX 1024
bool hk_treecheck_is_pointer(const char *data, size_t len);

#endif
