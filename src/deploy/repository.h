/*
 * A project's repository as hostkit needs it: its settings and its hooks. [push] mode is followed.
 */
#ifndef HK_DEPLOY_REPOSITORY_H
#define HK_DEPLOY_REPOSITORY_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <deploy/project.h>

/* The last part of receive.procReceiveRefs (git-config(1)), which only the strict mode has. */
#define HK_REPOSITORY_STRICT_KEY "procReceiveRefs"

/* What makes a repository deploy: hooks that are links to our programs, and settings of git. */
extern const char *const hk_repository_hooks[]; /* up to NULL */

struct hk_repository_setting {
	const char *key, *value;
};
extern const struct hk_repository_setting hk_repository_settings[]; /* up to a row without a key */

/*
 * Makes the repository at path, or puts the settings and hooks of an existing one right: links to
 * the installed programs, push options, syncing, hidden refs, and proc-receive for strict. home as
 * in hk_repo_open. HK_E_NOT_SUPPORTED when the git that is installed is too old for strict.
 */
int hk_repository_make(const char *path, const char *home, const char *branch, bool strict,
		       struct hk_error *err) HK_MUST_CHECK;
int hk_repository_set_up(const char *path, const char *home, bool strict,
			 struct hk_error *err) HK_MUST_CHECK;

/* The same for an open project, when something is not as it should be. Cheap otherwise. */
int hk_repository_follow(const struct hk_project *p, struct hk_error *err) HK_MUST_CHECK;

/* The git that brought proc-receive, which the strict mode is made of. */
#define HK_REPOSITORY_STRICT_MAJOR 2
#define HK_REPOSITORY_STRICT_MINOR 29

/* HK_E_NOT_SUPPORTED unless `git --version` in that PATH says that one, or a later one. */
int hk_repository_check_git(const char *path_variable, struct hk_error *err) HK_MUST_CHECK;

/* The first two numbers of "git version 2.39.5"; false when the line is none of these. */
bool hk_repository_git_version(const char *line, int64_t *major, int64_t *minor);

#endif
