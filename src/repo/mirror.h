/*
 * The bare copy of a submodule's repository that is kept in a cache: commits that were asked for,
 * each held by a ref of its own.
 */
#ifndef HK_REPO_MIRROR_H
#define HK_REPO_MIRROR_H

#include <repo/export.h>

struct hk_mirror_spec {
	struct hk_repo *origin; /* its configuration holds for the fetch, and its home */
	const char *cache;	/* folder of all mirrors */
	const char *url;	/* has been checked: submodule_url.h */
	const char *commit;	/* object id */
	bool local_allowed;
	const struct hk_export_spec
		*limits; /* cancel_fd, deadline, env (PATH, the mark), on_line */
};

/*
 * Opens the mirror of a URL with that commit in it, fetched when it is not there yet. A mirror that
 * is damaged so that it cannot be opened is made anew. HK_E_REF_NOT_FOUND when the server does not
 * have the commit, HK_E_COMMAND_FAILED with what git says when it cannot be fetched, and what
 * hk_git_run says.
 */
int hk_mirror_open(const struct hk_mirror_spec *spec, struct hk_repo **ret,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
