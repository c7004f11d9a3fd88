/*
 * Looking at commits without writing them: one file, and what lies between two commits.
 */
#ifndef HK_REPO_COMPARE_H
#define HK_REPO_COMPARE_H

#include <base/buf.h>
#include <repo/repo.h>

/*
 * Makes objects that are not yet the repository's own readable, as git's quarantine in pre-receive
 * (GIT_OBJECT_DIRECTORY in githooks(5)).
 */
int hk_repo_add_objects(struct hk_repo *repo, const char *dir, struct hk_error *err) HK_MUST_CHECK;

/*
 * Appends the content of a file of a commit's tree. *ret is false when there is no such file, or it
 * is no regular one. HK_E_TREE_REFUSED when it is larger than max.
 */
int hk_repo_read_file(struct hk_repo *repo, const char *commit, const char *path, size_t max,
		      bool *ret, struct hk_buf *out, struct hk_error *err) HK_MUST_CHECK;

/* The id of what a path names in a commit's tree; "" when it is not there. */
int hk_repo_entry_id(struct hk_repo *repo, const char *commit, const char *path,
		     char ret[HK_OID_LEN], struct hk_error *err) HK_MUST_CHECK;

struct hk_comparison {
	size_t ahead;  /* commits that to has and from has not */
	size_t behind; /* the other way round */
	size_t files;  /* that differ */
};

/* From one commit to another; both must be there. */
int hk_repo_compare(struct hk_repo *repo, const char *from, const char *to,
		    struct hk_comparison *ret, struct hk_error *err) HK_MUST_CHECK;

/* How many files a commit's tree has, and their bytes. */
int hk_repo_count_files(struct hk_repo *repo, const char *commit, size_t *ret_files,
			int64_t *ret_bytes, struct hk_error *err) HK_MUST_CHECK;

#endif
