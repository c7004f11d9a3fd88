/*
 * How installs, builds and hooks are confined: the policy of a project ([build] confine and the
 * keys after it), for sys/sandbox.h and service/scope.h to carry out.
 */
#ifndef HK_DEPLOY_CONFINEMENT_H
#define HK_DEPLOY_CONFINEMENT_H

#include <stdbool.h>

#include <base/error.h>
#include <deploy/project.h>
#include <sys/cgroup.h>
#include <sys/sandbox.h>

/* In front of the id: a deployment's TMPDIR, below the state folder. */
#define HK_CONFINEMENT_TMP "tmp-"

/*
 * Folders below the cache that commands may write, up to NULL. The others are hostkit's own: git
 * runs what is set in a repository there.
 */
extern const char *const hk_confinement_caches[];

/* What a deployment has found out, and made. */
struct hk_confinement {
	bool probed;
	struct hk_sandbox_kernel kernel;
	bool no_manager; /* nobody who grants scopes */
	char tmp[32];	 /* "" before the first command */
};

/* A command. */
struct hk_confined_command {
	int folder_fd;	 /* what it may write; -1: none */
	const char *tmp; /* name below the state folder; NULL: none */
	bool hook; /* the administrator's: also what lives longer than a release, and the network */
};

/*
 * The compiled sandbox, the caller's to release. HK_E_NOT_SUPPORTED when the project insists on
 * what the kernel cannot, HK_E_CONFIG_INVALID for a [build] writable that would let a command into
 * what is nobody's.
 */
int hk_confinement_compile(const struct hk_project *p, const struct hk_sandbox_kernel *k,
			   const struct hk_confined_command *what, struct hk_sandbox *ret,
			   struct hk_error *err) HK_MUST_CHECK;

/* Whether a limit needs a scope at all: those for tasks are enforced without one, but for root. */
bool hk_confinement_wants_scope(const struct hk_project *p);

/* What hk_process_spec.admit does: see scope.h. 0 without a manager; *no_manager says so. */
unsigned hk_confinement_admit(const struct hk_project *p, int64_t deployment, pid_t supervisor,
			      bool *no_manager);

/* Adds to the error of a command what its limits have done, if anything; returns its code. */
int hk_confinement_explain(const struct hk_project *p, const struct hk_cgroup_events *events,
			   struct hk_error *err);

#endif
