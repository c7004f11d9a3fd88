/*
 * One deployment in the worker: what the stages share.
 */
#ifndef HK_DEPLOY_DEPLOY_H
#define HK_DEPLOY_DEPLOY_H

#include <stdbool.h>

#include <base/error.h>
#include <base/strlist.h>
#include <deploy/confinement.h>
#include <deploy/detect.h>
#include <deploy/package.h>
#include <deploy/project.h>
#include <deploy/release.h>
#include <deploy/report.h>
#include <repo/repo.h>
#include <service/service.h>
#include <store/ledger.h>

struct hk_deploy {
	struct hk_project *project;
	struct hk_ledger *ledger;
	struct hk_report *report;
	int cancel_fd; /* readable: stop before anything is live */

	struct hk_deployment
		row;		 /* as recorded; commit, tag, release filled as they become known */
	struct hk_repo *repo;	 /* from preflight on */
	struct hk_commit commit; /* from preflight on */
	char *old_release;	 /* what `app` named at the start; NULL: nothing */

	char staging[32]; /* name below releases/, "" before checkout */
	int staging_fd;
	bool output_pushed; /* the tree is a build's output: nothing to install or build */
	bool prebuilt;	    /* a folder brought the output of its own build along */
	bool installed;	    /* the install stage ran */
	bool built;	    /* the build stage ran */

	char release[HK_RELEASE_NAME_LEN]; /* "" before the release stage */
	int release_fd;
	struct hk_detected detected;
	struct hk_strlist start; /* start command of the release */

	struct hk_vault *vault;		    /* from preflight on; NULL when it cannot be read */
	struct hk_strlist replaced_secrets; /* values of .env that the vault has others for */
	struct hk_buf dotenv_before;	    /* of .env, once secrets were injected */
	bool injected;

	bool activated;			   /* `app` names the release */
	bool restarted;			   /* the service was restarted on it */
	struct hk_service_state started;   /* as it was then; not known: nobody can tell */
	struct hk_confinement confinement; /* of commands */
	bool denied;			   /* one has written that it was refused a file */
	char command[160];		   /* that ran last, for people */
	const char *failed_stage;	   /* its name; NULL: none has failed */
	int health_status;		   /* of HTTP, of the last try; 0: there was no answer */
	bool failed;			   /* a stage has: only those that always run are left */
	char rolled_back_to[HK_RELEASE_NAME_LEN]; /* after a failure, by on_failure = rollback */

	struct hk_report_stage stage; /* the one that runs */
	char detail[160];	      /* for the end of its line, "" for none */
};

#define HK_DEPLOY_INIT                                                                            \
	{                                                                                         \
		.cancel_fd = -1, .staging_fd = -1, .release_fd = -1, .dotenv_before = HK_BUF_INIT \
	}

/* Stage results beside 0 and negative codes. */
enum { HK_STAGE_SKIP = 1 };

/* Sets the detail of the running stage and returns HK_STAGE_SKIP. */
int hk_deploy_skip(struct hk_deploy *d, const char *fmt, ...) HK_PRINTF(2, 3);
void hk_deploy_detail(struct hk_deploy *d, const char *fmt, ...) HK_PRINTF(2, 3);

/*
 * Runs commands in a folder, announced and with their output in the report; stops at the first that
 * fails. timeout_ms is for all of them together.
 */
int hk_deploy_run(struct hk_deploy *d, const struct hk_commands *commands, int cwd_fd,
		  int64_t timeout_ms, struct hk_error *err) HK_MUST_CHECK;

struct hk_deploy_command {
	const struct hk_commands *commands;
	int cwd_fd;
	int64_t timeout_ms; /* for all of them together */
	const char *label;  /* of a hook, in front of what is announced; NULL: no hook */
	bool uncancellable;
};

/* The same with another environment than that of installs and builds; TMPDIR is added. */
int hk_deploy_run_with(struct hk_deploy *d, const struct hk_deploy_command *c,
		       const struct hk_strlist *env, struct hk_error *err) HK_MUST_CHECK;

/* Removes what the commands had as TMPDIR; what cannot be removed is a warning. */
void hk_deploy_drop_tmp(struct hk_deploy *d);

/* A line of output for the report: an hk_line_fn whose ctx is the struct hk_deploy. */
void hk_deploy_output(void *ctx, const char *line, size_t len);

/*
 * Chooses the release's start command and records it with its kind. Once when the release is
 * filled, so that one that could not be started fails early, and again when its dependencies are
 * there, which may bring what starts it (a virtual environment's interpreter).
 */
int hk_deploy_describe_release(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/* One row of the pipeline. Adding a stage is a file with run and undo, and a row in pipeline.c. */
struct hk_stage {
	const char *name;  /* stable: ledger, JSON */
	const char *title; /* what the pusher sees */
	/* Whether this deployment has it at all; NULL: every one. */
	bool (*applies)(const struct hk_deploy *d);
	/*
	 * 0, HK_STAGE_SKIP or a negative code; idempotent. A stage of the kind below runs also
	 * after a failure, and its own failure is a warning.
	 */
	int (*run)(struct hk_deploy *d, struct hk_error *err);
	/* Takes back what run did or half did; NULL: nothing to take back. Cannot fail. */
	void (*undo)(struct hk_deploy *d);
	bool always;
	bool switches; /* moves `app`: when it fails, the link can go back */
};

/* sync is checkout for a folder; fetch comes before checkout for another repository. */
extern const struct hk_stage hk_stage_preflight, hk_stage_fetch, hk_stage_checkout, hk_stage_sync,
	hk_stage_install, hk_stage_build, hk_stage_snapshot, hk_stage_release,
	hk_stage_dependencies, hk_stage_secrets, hk_stage_activate, hk_stage_restart,
	hk_stage_health, hk_stage_cleanup;
/* Of a rollback, in the place of all before restart. */
extern const struct hk_stage hk_stage_target, hk_stage_restore, hk_stage_switch;

/*
 * Runs the whole pipeline for a recorded deployment whose project lock is held, and records its
 * end. Returns 0 when the deployment succeeded, else its code; err is set then.
 */
int hk_deploy_pipeline(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/* How a deployment ends that failed for this reason, or, with NULL, did not. */
enum hk_status hk_deploy_status(const struct hk_error *why);

/* The empty staging folder of this deployment, and its end; what cannot be removed is a warning. */
int hk_deploy_make_staging(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;
void hk_deploy_drop_staging(struct hk_deploy *d);

/* Records d->commit, which a stage has resolved, with the tag that the row's ref names. */
int hk_deploy_note_commit(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/*
 * What the commit says itself (its hostkit.ini, which is recorded with the deployment), and the
 * plan in the report.
 */
int hk_deploy_begin_commit(struct hk_deploy *d, struct hk_error *err) HK_MUST_CHECK;

/* Records the hostkit.ini of the tree: its settings are the release's. */
int hk_deploy_note_settings(struct hk_deploy *d, const struct hk_buf *text,
			    struct hk_error *err) HK_MUST_CHECK;

/* The ref that keeps the commit of a deployment while it waits and runs; the caller frees. */
char *hk_deploy_pin(int64_t id);

/* Deletes that ref, if the deployment has one. A failure is a warning. */
void hk_deploy_unpin(struct hk_deploy *d);

/* Frees what the stages opened. */
void hk_deploy_release(struct hk_deploy *d);

#endif
