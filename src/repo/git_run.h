/*
 * Running the program git on a repository: a declared environment, no terminal, no questions.
 */
#ifndef HK_REPO_GIT_RUN_H
#define HK_REPO_GIT_RUN_H

#include <base/buf.h>
#include <base/lines.h>
#include <base/strlist.h>
#include <repo/export.h>
#include <repo/git_edge.h>

struct hk_git_run {
	struct hk_strlist env;
	unsigned settings;	  /* of git's configuration that are in env */
	struct hk_buf last_line;  /* of what git said, in the last run */
	struct hk_buf reason;	  /* the last line that tells why; "" when there was none */
	const char *reason_start; /* how such a line begins; NULL: there are none */
	const char *late;	  /* the message when the time is over */
	int cwd_fd;		  /* -1: "/" */
	int stdout_fd;		  /* -1: with what git says */
	int cancel_fd;
	int64_t deadline;
	hk_line_fn *on_line; /* what git says; NULL: only kept for messages */
	void *ctx;
};

#define HK_GIT_RUN_INIT                                         \
	{                                                       \
		.last_line = HK_BUF_INIT, .reason = HK_BUF_INIT \
	}
#define hk_auto_git_run HK_CLEANUP(hk_git_run_release) struct hk_git_run

/*
 * An environment for the repository: PATH and what else is in spec->env, less everything that would
 * lead git to another repository or another user's configuration. Limits and output are the
 * spec's.
 */
void hk_git_run_init(struct hk_git_run *run, const struct hk_repo *repo,
		     const struct hk_export_spec *spec);
void hk_git_run_release(struct hk_git_run *run);

/* A setting for git and what it starts, above those of all files (git -c). */
void hk_git_run_set(struct hk_git_run *run, const char *key, const char *value);

/*
 * Runs argv, whose first is "git" and second the command. Codes: those of hk_process_run, of which
 * HK_E_COMMAND_FAILED has git's reason or last line, HK_E_NO_SPACE when that says so,
 * HK_E_STAGE_TIMEOUT.
 */
int hk_git_run(struct hk_git_run *run, const char *const *argv, struct hk_error *err) HK_MUST_CHECK;

#endif
