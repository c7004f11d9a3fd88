/*
 * A project's bare repository: refs and commits. The only folder that knows libgit2.
 *
 * Names as git uses them: an object id is 40 lowercase hex digits; peel means follow an annotated
 * tag to what it names.
 */
#ifndef HK_REPO_REPO_H
#define HK_REPO_REPO_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>

#define HK_OID_LEN 41

struct hk_repo;

/*
 * Opens the bare repository at path. home is where the repository's user keeps .gitconfig and
 * .config/git/ (these and the system's are honoured; $HOME and GIT_* are not). A repository of
 * another user is refused unless safe.directory there allows it. Fails with
 * HK_E_REPOSITORY_FAILED.
 */
int hk_repo_open(const char *path, const char *home, struct hk_repo **ret,
		 struct hk_error *err) HK_MUST_CHECK;
void hk_repo_close(struct hk_repo *repo);
void hk_cleanup_repo(struct hk_repo **repo);

/*
 * Makes a bare repository whose HEAD names refs/heads/<branch>, and missing folders above it. An
 * existing repository is an error.
 */
int hk_repo_create(const char *path, const char *branch, struct hk_error *err) HK_MUST_CHECK;

/* The value of a key of the repository's own config file: the caller frees; NULL: not set. */
int hk_repo_get_config(struct hk_repo *repo, const char *key, char **ret,
		       struct hk_error *err) HK_MUST_CHECK;

/* Sets one key of the repository's own config file; value NULL removes it. */
int hk_repo_set_config(struct hk_repo *repo, const char *key, const char *value,
		       struct hk_error *err) HK_MUST_CHECK;

/* Whether the repository's own config file gives the key that value (one of several, perhaps). */
int hk_repo_has_config(struct hk_repo *repo, const char *key, const char *value, bool *ret,
		       struct hk_error *err) HK_MUST_CHECK;

struct hk_commit {
	char oid[HK_OID_LEN];
	char tree[HK_OID_LEN];
	char tag[256];	      /* the tag's short name when the ref was a tag, else "" */
	char summary[160];    /* first line, made printable */
	char author[160];     /* name, made printable */
	int64_t committed_at; /* wall ms */
};

/*
 * Resolves what (a full ref name, HEAD, or 4 to 40 digits of an object id) and peels it to a
 * commit. HK_E_REF_NOT_FOUND, with the repository's nearest ref names in the hint, or when the id
 * is ambiguous or names something that is no commit. HK_E_REPOSITORY_FAILED names a missing or
 * corrupt object.
 */
int hk_repo_resolve(struct hk_repo *repo, const char *what, struct hk_commit *ret,
		    struct hk_error *err) HK_MUST_CHECK;

/* Creates or moves a ref (refs/hostkit/…) to an object; see git-update-ref(1). */
int hk_repo_update_ref(struct hk_repo *repo, const char *ref, const char *oid,
		       struct hk_error *err) HK_MUST_CHECK;

/*
 * Deletes ref if it still holds oid (NULL: whatever it holds). A ref that is missing, or holds
 * something else by now, is success.
 */
int hk_repo_delete_ref(struct hk_repo *repo, const char *ref, const char *oid,
		       struct hk_error *err) HK_MUST_CHECK;

/* Whether ancestor can be reached from oid (equal counts). */
int hk_repo_contains(struct hk_repo *repo, const char *oid, const char *ancestor, bool *ret,
		     struct hk_error *err) HK_MUST_CHECK;

/*
 * Calls fn for every ref that matches the glob and names an object itself, in any order; nonzero
 * from fn stops and is returned.
 */
typedef int hk_repo_ref_fn(void *ctx, const char *name, const char *oid, struct hk_error *err);
int hk_repo_each_ref(struct hk_repo *repo, const char *glob, hk_repo_ref_fn *fn, void *ctx,
		     struct hk_error *err) HK_MUST_CHECK;

#endif
