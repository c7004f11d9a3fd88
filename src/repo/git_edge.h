/*
 * What the files of repo/ share: the open repository, and libgit2's errors translated to ours.
 */
#ifndef HK_REPO_GIT_EDGE_H
#define HK_REPO_GIT_EDGE_H

#include <stdbool.h>

/* Not git2.h: a structure in git2/index.h has a member whose name base/banned.h poisons. */
#include <git2/commit.h>
#include <git2/config.h>
#include <git2/errors.h>
#include <git2/global.h>
#include <git2/graph.h>
#include <git2/object.h>
#include <git2/odb.h>
#include <git2/refs.h>
#include <git2/repository.h>

#include <base/error.h>

struct hk_repo {
	git_repository *git;
	git_config *config;
	char *path; /* as given to hk_repo_open */
	char *home;
};

static inline void hk_cleanup_git_object(git_object **o)
{
	git_object_free(*o);
}

static inline void hk_cleanup_git_odb_object(git_odb_object **o)
{
	git_odb_object_free(*o);
}

static inline void hk_cleanup_git_reference(git_reference **r)
{
	git_reference_free(*r);
}

#define hk_auto_git_object HK_CLEANUP(hk_cleanup_git_object) git_object
#define hk_auto_git_odb_object HK_CLEANUP(hk_cleanup_git_odb_object) git_odb_object
#define hk_auto_git_reference HK_CLEANUP(hk_cleanup_git_reference) git_reference

/*
 * The message, ": " and what libgit2 says about its last failure. sys_errno is kept where libgit2
 * failed on a system call.
 */
int hk_git_error(struct hk_error *err, enum hk_code code, const char *fmt, ...) HK_PRINTF(3, 4);

/*
 * An object that cannot be read, named; what says whose it is ("commit", "'src/a.c'"). rc is
 * libgit2's: GIT_ENOTFOUND reads as missing, all else as corrupt. Returns HK_E_REPOSITORY_FAILED.
 */
int hk_git_error_object(struct hk_error *err, const struct hk_repo *repo, int rc,
			const git_oid *oid, const char *what);

/*
 * A string of the merged configuration, to be freed by the caller; *ret is NULL when it is not
 * set. A key without a value gives "" when it is a string.
 */
int hk_git_config_string(struct hk_repo *repo, const char *key, char **ret,
			 struct hk_error *err) HK_MUST_CHECK;

#endif
