/*
 * Running programs.
 *
 * hk_process_run runs one command to its end under a supervisor of its own (a forked child that is
 * a subreaper, PR_SET_CHILD_SUBREAPER), so that every descendant, also one that called setsid or
 * forked twice, stays below it. When the command is over, at the deadline, on cancel, or when the
 * caller dies (the supervisor sees its control socket close), what is left of the tree gets TERM, a
 * grace period, then KILL, until waitpid says ECHILD: the proof that nothing is left.
 *
 * A child starts with exactly the environment, folder and descriptors 0, 1, 2 that it was given,
 * default signal dispositions, an empty signal mask, umask 022, and its own session.
 */
#ifndef HK_SYS_PROCESS_H
#define HK_SYS_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/error.h>
#include <base/lines.h>
#include <sys/cgroup.h>
#include <sys/sandbox.h>

enum hk_process_flags {
	/*
	 * The command starts something that is meant to outlive it (a service's own start command):
	 * no subreaper, nothing is ended after a regular exit, and output is read until that exit
	 * only.
	 */
	HK_PROCESS_MAY_DAEMONIZE = 1 << 0,
};

struct hk_process_spec {
	const char *const *argv; /* argv[0] is looked up in the PATH of env when it has no slash */
	const char *const *env;	 /* NAME=value, NULL-terminated; nothing else is passed on */
	int cwd_fd;		 /* the command's working folder; -1: "/" */
	int stdin_fd;		 /* -1: /dev/null */
	int stdout_fd;		 /* -1: lines to on_line, together with stderr */
	int cancel_fd;		 /* readable means: cancel; -1: none. Not read from. */
	int64_t timeout_ms;	 /* < 0: none */
	int64_t grace_ms; /* between TERM and KILL; also for what a finished command leaves */
	unsigned flags;
	/*
	 * An entry of env that nothing else has: what a supervisor that was killed leaves of the
	 * tree is found by it (see hk_process_end_marked). NULL: only the command's session is.
	 */
	const char *mark;
	const struct hk_sandbox *sandbox; /* compiled; NULL: none */
	/*
	 * Called once there is a process that the command and its whole tree will be below, and
	 * before the command starts: the time to put it into a control group. Returns the limits of
	 * the sandbox that are enforced then, as HK_COVERS_…; NULL: none.
	 */
	unsigned (*admit)(void *ctx, pid_t supervisor);
	size_t max_line;     /* see hk_lines; 0: HK_LINES_MAX */
	hk_line_fn *on_line; /* sanitized lines of stdout and stderr, in order; NULL: discarded */
	void *ctx;
};

#define HK_PROCESS_SPEC_INIT                                                                      \
	{                                                                                         \
		.cwd_fd = -1, .stdin_fd = -1, .stdout_fd = -1, .cancel_fd = -1, .timeout_ms = -1, \
		.grace_ms = 5000                                                                  \
	}

struct hk_process_result {
	int exit_status; /* -1 unless the command exited */
	int signal;	 /* 0 unless a signal ended it */
	bool timed_out;
	bool cancelled;
	unsigned leftovers; /* descendants that were still there when the command had ended */
	unsigned covered;   /* as admit has said */
	struct hk_cgroup_events events; /* of the control group; all 0 without limits there */
	int64_t ms;
};

/*
 * Runs and waits. Returns 0 for exit status 0; otherwise HK_E_COMMAND_NOT_FOUND, _FAILED,
 * _SIGNALLED, _TIMEOUT (after timeout_ms), HK_E_CANCELLED (cancel_fd), HK_E_IO. The message quotes
 * the command, with its status, signal name or limit. *ret (may be NULL) is filled in every case.
 * On return no descendant is left (but see HK_PROCESS_MAY_DAEMONIZE).
 */
int hk_process_run(const struct hk_process_spec *spec, struct hk_process_result *ret,
		   struct hk_error *err) HK_MUST_CHECK;

struct hk_process_detach {
	const char *const *argv;
	const char *const *env;
	int cwd_fd;    /* -1: "/" */
	int stdin_fd;  /* -1: /dev/null */
	int stdout_fd; /* -1: /dev/null */
	int stderr_fd; /* -1: /dev/null */
	/* Runs in the child, in its new session, just before exec; nonzero stops it. NULL: none. */
	int (*before_exec)(void *ctx, struct hk_error *err);
	void *ctx;
};

#define HK_PROCESS_DETACH_INIT                                                 \
	{                                                                      \
		.cwd_fd = -1, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 \
	}

/*
 * Starts a program in a session of its own and leaves it: it is the caller's child until the caller
 * exits, and lives on. Succeeds only when exec has succeeded; the failure is
 * HK_E_COMMAND_NOT_FOUND, HK_E_IO, or what before_exec reported.
 */
int hk_process_detach(const struct hk_process_detach *spec, pid_t *ret_pid,
		      struct hk_error *err) HK_MUST_CHECK;

/*
 * The same without a new process: this one becomes the program, in its session. Returns only on
 * failure; descriptors 0, 1 and 2 may be the program's then.
 */
int hk_process_become(const struct hk_process_detach *spec, struct hk_error *err) HK_MUST_CHECK;

/*
 * Ends every process of a session (setsid) whose leader was started as leader: TERM, up to
 * grace_ms, KILL, until none is left. A session number that the kernel gave to others since is left
 * alone.
 */
struct hk_procid;
int hk_process_end_session(const struct hk_procid *leader, int64_t grace_ms,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * Ends, by KILL, every process that was started with that entry in its environment, until none is
 * left: for what a caller that was killed together with its supervisor has left. *ret_ended (may be
 * NULL) counts them.
 */
int hk_process_end_marked(const char *entry, unsigned *ret_ended,
			  struct hk_error *err) HK_MUST_CHECK;

/*
 * The same for everything that runs as a user (see hk_proclist_of_user), by root. HK_E_INTERNAL for
 * root's own.
 */
int hk_process_end_user(uid_t uid, struct hk_error *err) HK_MUST_CHECK;

#endif
