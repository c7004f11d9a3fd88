/*
 * The ledger of one project: deployments, their stages, and releases, in SQLite (WAL,
 * synchronous=FULL). The only place that knows sqlite3.
 *
 * Every write is a transaction of its own and durable when the call returns. Errors are
 * HK_E_LEDGER_BUSY (held by another process for over 10 s), HK_E_NO_SPACE, HK_E_PERMISSION,
 * HK_E_LEDGER_DAMAGED (no database, or one with broken pages) and HK_E_LEDGER_FAILED, with the
 * file. A handle does not survive fork(2) in the child.
 * Times are wall-clock milliseconds; ids grow and are the order of events (never names or clocks).
 */
#ifndef HK_STORE_LEDGER_H
#define HK_STORE_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <sys/procid.h>

struct hk_ledger;

/*
 * Creates the file (0600) or migrates it (PRAGMA user_version) as needed; a newer version, and a
 * link in the file's place, are refused.
 */
int hk_ledger_open(const char *path, struct hk_ledger **ret, struct hk_error *err) HK_MUST_CHECK;
void hk_ledger_close(struct hk_ledger *l);

/*
 * Opens an existing file for reading only: nothing is created or migrated. An older version than
 * this hostkit's is HK_E_NOT_SUPPORTED.
 */
int hk_ledger_look(const char *path, struct hk_ledger **ret, struct hk_error *err) HK_MUST_CHECK;

/* Reads all of it (some ms): HK_E_LEDGER_DAMAGED unless it is sound. */
int hk_ledger_check(struct hk_ledger *l, struct hk_error *err) HK_MUST_CHECK;
void hk_cleanup_ledger(struct hk_ledger **l);

enum hk_status {
	HK_STATUS_WAITING,
	HK_STATUS_RUNNING,
	HK_STATUS_SUCCEEDED,
	HK_STATUS_FAILED,
	HK_STATUS_CANCELLED,
	HK_STATUS_SUPERSEDED,
	HK_STATUS_INTERRUPTED,
};

const char *hk_status_name(enum hk_status status); /* "waiting", … */
bool hk_status_is_final(enum hk_status status);

/*
 * A ref as a hook has seen it. A ref of the repository that holds something else was moved by a
 * push whose client died before post-receive.
 */
struct hk_ref_seen {
	const char *name;
	const char *object; /* NULL: the ref is gone */
	const char *was;    /* what it held before, by the hook; NULL: it was looked up now */
};

/* What is asked for; borrowed by hk_ledger_add_deployment. NULL strings are stored as NULL. */
struct hk_deployment_request {
	const char *trigger; /* "push", "cli" */
	const char *ref;     /* full ref name; with a source also one of the words below */
	const char *object;  /* object id the ref was moved to (a tag object for annotated tags) */
	const char *source;  /* NULL: the project's own repository; see deploy/source.h */
	const char *old_object; /* what it was before; NULL for a new ref */
	const char *pusher;
	const char *pusher_key; /* the fingerprint of the pusher's ssh key; NULL: it was none */
	const char *reason;	/* what the pusher said it is for */
	unsigned flags;		/* enum hk_request_flags of the deploy module, kept as a number */
	const char *release;	/* to make live again; NULL: a new one */
	const struct hk_ref_seen *seen; /* recorded in the same transaction */
	size_t n_seen;
};

/* A row; release with hk_deployment_release. Strings are NULL when unknown. */
struct hk_deployment {
	int64_t id;
	enum hk_status status;
	char *trigger, *ref, *object, *old_object, *commit, *tag, *summary, *pusher, *reason;
	char *pusher_key, *canceller;
	char *source; /* NULL: the project's own repository, whose refs the others are none of */
	unsigned flags;
	char *release;		    /* the name of the release that it made or made live */
	struct hk_procid worker;    /* pid 0 before one has started */
	struct hk_procid submitter; /* who added the row, and starts the worker */
	int64_t created_at, started_at, finished_at; /* 0: not yet */
	char *error_code, *error_message, *error_hint;
};

#define HK_DEPLOYMENT_INIT \
	{                  \
		.id = 0    \
	}
void hk_deployment_release(struct hk_deployment *d);

/* Adds a row in status waiting, with the caller as its submitter. */
int hk_ledger_add_deployment(struct hk_ledger *l, const struct hk_deployment_request *req,
			     int64_t *ret_id, struct hk_error *err) HK_MUST_CHECK;

/*
 * Each changes one row that must exist (HK_E_DEPLOYMENT_NOT_FOUND); a final row is never changed
 * again, and a row starts once (HK_E_LEDGER_FAILED).
 */
int hk_ledger_set_worker(struct hk_ledger *l, int64_t id, const struct hk_procid *worker,
			 struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_start_deployment(struct hk_ledger *l, int64_t id, struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_set_commit(struct hk_ledger *l, int64_t id, const char *commit, const char *tag,
			 const char *summary, struct hk_error *err) HK_MUST_CHECK;
/* The hostkit.ini of its tree, which also goes for the release that it makes. */
int hk_ledger_set_settings(struct hk_ledger *l, int64_t id, const char *settings,
			   struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_set_deployment_release(struct hk_ledger *l, int64_t id, const char *release,
				     struct hk_error *err) HK_MUST_CHECK;
/* The release whose place it is about to take. */
int hk_ledger_set_live_before(struct hk_ledger *l, int64_t id, const char *release,
			      struct hk_error *err) HK_MUST_CHECK;

/* Who asks for its end, before it is asked for. */
int hk_ledger_set_canceller(struct hk_ledger *l, int64_t id, const char *name,
			    struct hk_error *err) HK_MUST_CHECK;

/*
 * Ends a row; why is NULL for succeeded. A stage row still running ends with it: as succeeded,
 * failed, cancelled (also for superseded) or interrupted.
 */
int hk_ledger_finish_deployment(struct hk_ledger *l, int64_t id, enum hk_status status,
				const struct hk_error *why, struct hk_error *err) HK_MUST_CHECK;

/* HK_E_DEPLOYMENT_NOT_FOUND when there is none. */
int hk_ledger_get_deployment(struct hk_ledger *l, int64_t id, struct hk_deployment *ret,
			     struct hk_error *err) HK_MUST_CHECK;

enum hk_deployment_filter {
	HK_DEPLOYMENTS_ALL,
	HK_DEPLOYMENTS_FINAL,
	HK_DEPLOYMENTS_OPEN, /* waiting or running */
	HK_DEPLOYMENTS_RUNNING,
};

/*
 * Calls fn for up to limit rows (< 0: all), newest first; fn borrows the row and may write to the
 * ledger; nonzero from fn stops and is returned.
 */
typedef int hk_deployment_fn(void *ctx, const struct hk_deployment *d, struct hk_error *err);
int hk_ledger_each_deployment(struct hk_ledger *l, enum hk_deployment_filter filter, int64_t limit,
			      hk_deployment_fn *fn, void *ctx, struct hk_error *err) HK_MUST_CHECK;

/*
 * Forgets the oldest final deployments, so that keep are left, but none whose release is still on
 * disk. fn (may be NULL) is called with each id before its row is gone: nonzero stops.
 */
typedef int hk_deployment_id_fn(void *ctx, int64_t id, struct hk_error *err);
int hk_ledger_forget(struct hk_ledger *l, int64_t keep, hk_deployment_id_fn *fn, void *ctx,
		     struct hk_error *err) HK_MUST_CHECK;

/*
 * Whether a deployment of the same ref of the project's own repository with a larger id has started
 * (and perhaps ended since).
 */
int hk_ledger_is_superseded(struct hk_ledger *l, int64_t id, bool *ret,
			    struct hk_error *err) HK_MUST_CHECK;

/*
 * Counting for limits. What counts is a deployment that was accepted: its preflight succeeded, or
 * is still to come. One that was refused never counts, nor does one with any of the flags left_out.
 */
struct hk_counting {
	int64_t before;	   /* only deployments with smaller ids; INT64_MAX: all */
	int64_t from, to;  /* created then, both included (wall ms) */
	unsigned left_out; /* request flags */
};

/* How many count; those that were forgiven (HK_FORGIVE_DEPLOYMENTS) do not. */
int hk_ledger_count_accepted(struct hk_ledger *l, const struct hk_counting *c, int64_t *ret,
			     struct hk_error *err) HK_MUST_CHECK;

/* When the nth newest of them was created (n from 1); 0 when there are not that many. */
int hk_ledger_nth_accepted(struct hk_ledger *l, const struct hk_counting *c, int64_t n,
			   int64_t *ret, struct hk_error *err) HK_MUST_CHECK;

/* How many of them ended as failed, without those forgiven (HK_FORGIVE_FAILURES). */
int hk_ledger_count_failed(struct hk_ledger *l, const struct hk_counting *c, int64_t *ret,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * How many of the newest ended as failed, one after the other without a success between, and when
 * the last of them ended; not those forgiven (HK_FORGIVE_FAILURES). from and to are not looked at.
 */
int hk_ledger_failures_in_a_row(struct hk_ledger *l, const struct hk_counting *c, int64_t *ret,
				int64_t *ret_last, struct hk_error *err) HK_MUST_CHECK;

enum hk_forgive {
	HK_FORGIVE_DEPLOYMENTS = 1,
	HK_FORGIVE_FAILURES = 2,
};

/* Deployments up to now count no more. what: bits of enum hk_forgive. */
int hk_ledger_forgive(struct hk_ledger *l, unsigned what, struct hk_error *err) HK_MUST_CHECK;

/* Records what refs hold now, all in one transaction. */
int hk_ledger_see_refs(struct hk_ledger *l, const struct hk_ref_seen *refs, size_t n,
		       struct hk_error *err) HK_MUST_CHECK;

/* What it held then; *ret is the caller's to free, NULL for a ref that was never seen. */
int hk_ledger_get_seen_ref(struct hk_ledger *l, const char *name, char **ret,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * Stages. A row is written before the stage runs ("running") and completed, once, after it; none
 * begins in a final deployment.
 */
struct hk_stage_row {
	const char *name;
	/* "running", "succeeded", "failed", "skipped", "cancelled", "interrupted" */
	const char *status;
	const char *detail; /* NULL or why skipped, what was done */
	int64_t ms;
};

int hk_ledger_begin_stage(struct hk_ledger *l, int64_t deployment, const char *name,
			  int64_t *ret_id, struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_end_stage(struct hk_ledger *l, int64_t stage_id, const char *status,
			const char *detail, int64_t ms, struct hk_error *err) HK_MUST_CHECK;
typedef int hk_stage_fn(void *ctx, const struct hk_stage_row *row, struct hk_error *err);
int hk_ledger_each_stage(struct hk_ledger *l, int64_t deployment, hk_stage_fn *fn, void *ctx,
			 struct hk_error *err) HK_MUST_CHECK;

/* The median of the last five times that the stage succeeded, in ms; -1 when it never has. */
int hk_ledger_usual_stage(struct hk_ledger *l, const char *name, int64_t *ret,
			  struct hk_error *err) HK_MUST_CHECK;

/*
 * Releases. States: "building" (being filled), "ready" (complete, not yet live), "good" (was live
 * and healthy), "failed" (was made live, its deployment failed), "removed" (no longer on disk).
 */
struct hk_release_row {
	int64_t id;
	int64_t deployment;
	char *name, *state, *type, *commit, *ref, *source;
	char *settings; /* the hostkit.ini of its tree; NULL: it had none */
	char *start;	/* start command as a JSON array of words; NULL: nothing to start */
	int64_t created_at;
	int64_t activated_at; /* of the last time; 0: never */
	int64_t deployed_at;  /* when its deployment ended; 0: not yet */
};

#define HK_RELEASE_ROW_INIT \
	{                   \
		.id = 0     \
	}
void hk_release_row_release(struct hk_release_row *r);

int hk_ledger_add_release(struct hk_ledger *l, int64_t deployment, const char *name,
			  struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_describe_release(struct hk_ledger *l, const char *name, const char *type,
			       const char *start, struct hk_error *err) HK_MUST_CHECK;
/* "activated_at" is set to now with good and failed, unless the release was still building. */
int hk_ledger_set_release_state(struct hk_ledger *l, const char *name, const char *state,
				struct hk_error *err) HK_MUST_CHECK;
/* HK_E_RELEASE_FAILED when the ledger does not know it. commit, ref and source come from its
 * deployment.
 */
int hk_ledger_get_release(struct hk_ledger *l, const char *name, struct hk_release_row *ret,
			  struct hk_error *err) HK_MUST_CHECK;
typedef int hk_release_fn(void *ctx, const struct hk_release_row *r, struct hk_error *err);
/* All that are not removed, newest (largest id) first. */
int hk_ledger_each_release(struct hk_ledger *l, hk_release_fn *fn, void *ctx,
			   struct hk_error *err) HK_MUST_CHECK;

/*
 * The last good release before `name` in ledger order; *ret is the caller's to free, NULL when
 * there is none. HK_E_RELEASE_FAILED when the ledger does not know `name`.
 */
int hk_ledger_previous_good(struct hk_ledger *l, const char *name, char **ret,
			    struct hk_error *err) HK_MUST_CHECK;

/*
 * The release that was live just before the one that made `name` was; *ret is the caller's to free,
 * NULL when there was none, or that is not on record. *ret_deployment is that deployment.
 */
int hk_ledger_live_before(struct hk_ledger *l, const char *name, char **ret,
			  int64_t *ret_deployment, struct hk_error *err) HK_MUST_CHECK;

/*
 * The last deployment whose release became live in the place of `name`; *ret is 0 when there is
 * none.
 */
int hk_ledger_ended_by(struct hk_ledger *l, const char *name, int64_t *ret,
		       struct hk_error *err) HK_MUST_CHECK;

/* A project whose deployments are paused; strings are NULL when unknown. */
struct hk_pause {
	char *reason, *author;
	int64_t at; /* 0: not paused */
};

#define HK_PAUSE_INIT   \
	{               \
		.at = 0 \
	}
void hk_pause_release(struct hk_pause *p);

/* Pauses, or gives another reason. reason and author may be NULL. */
int hk_ledger_pause(struct hk_ledger *l, const char *reason, const char *author,
		    struct hk_error *err) HK_MUST_CHECK;
/* *ret_was tells whether it was paused. */
int hk_ledger_resume(struct hk_ledger *l, bool *ret_was, struct hk_error *err) HK_MUST_CHECK;
/* *ret is the caller's to release; its at is 0 when the project is not paused. */
int hk_ledger_get_pause(struct hk_ledger *l, struct hk_pause *ret,
			struct hk_error *err) HK_MUST_CHECK;

/*
 * Notifications. From now on, hk_ledger_finish_deployment through this handle also records, in the
 * same transaction, that an end with one of these statuses (bits 1 << enum hk_status) is to be
 * reported: whatever dies next, it is known what is owed.
 */
void hk_ledger_notify_of(struct hk_ledger *l, unsigned statuses);

enum hk_notified {
	HK_NOTIFIED_PENDING,
	HK_NOTIFIED_SENT,
	HK_NOTIFIED_FAILED, /* given up */
};

const char *hk_notified_name(enum hk_notified status); /* "pending", … */

struct hk_notification {
	int64_t deployment; /* 0: none */
	enum hk_notified status;
	int64_t attempts;
	int64_t http_status;		/* of the last attempt; 0: no answer, or none yet */
	char *error;			/* why the last attempt failed; NULL: it did not */
	int64_t created_at, updated_at; /* when the deployment ended; the last attempt's end */
};

#define HK_NOTIFICATION_INIT    \
	{                       \
		.deployment = 0 \
	}
void hk_notification_release(struct hk_notification *n);

/* The oldest that is pending, or the newest of all; *ret is the caller's to release. */
int hk_ledger_pending_notification(struct hk_ledger *l, struct hk_notification *ret,
				   struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_last_notification(struct hk_ledger *l, struct hk_notification *ret,
				struct hk_error *err) HK_MUST_CHECK;

/* Records status, attempts, http_status and error of one that is pending. */
int hk_ledger_set_notification(struct hk_ledger *l, const struct hk_notification *n,
			       struct hk_error *err) HK_MUST_CHECK;

/*
 * A release that is on disk but not in the ledger, which was lost: recorded with a deployment of
 * its own that succeeded at that time. ref, object and source may be NULL.
 */
struct hk_adopted_release {
	const char *name, *state, *type, *start, *ref, *object, *source;
	int64_t at;
	bool before_all; /* its deployment comes before those on record, not after them */
};
int hk_ledger_adopt_release(struct hk_ledger *l, const struct hk_adopted_release *r,
			    struct hk_error *err) HK_MUST_CHECK;

/* The next deployment's id will be larger than this one. */
int hk_ledger_begin_after(struct hk_ledger *l, int64_t id, struct hk_error *err) HK_MUST_CHECK;

#endif
