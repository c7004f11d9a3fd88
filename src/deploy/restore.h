/*
 * Restoring a checkpoint: a recorded operation. Before each step the ledger says so, and what a
 * process that died has left is finished when the databases had changed places, else undone.
 *
 *   begun ─ loading ─ swapping ─ swapped ─ done
 *     the dump is verified    beside    the service is stopped, if the kind of database needs it
 */
#ifndef HK_DEPLOY_RESTORE_H
#define HK_DEPLOY_RESTORE_H

#include <deploy/checkpoint.h>

struct hk_restore_request {
	int64_t checkpoint; /* 0: the database stays */
	bool no_safety;	    /* no checkpoint of what is live first */
	bool elsewhere;	    /* also into another database than the one that it was made of */
	/*
	 * As a part of a rollback: its deployment, whose caller restarts the service; the
	 * deployment whose snapshot .env goes back to (0: it stays); the release that `app` names
	 * once the databases have changed places.
	 */
	int64_t deployment, environment;
	const char *release;
};

struct hk_restore_outcome {
	int64_t safety; /* the checkpoint of what was live; 0: none */
	int64_t ms;
	bool service_stopped;		    /* and started again */
	char service[HK_ERROR_MESSAGE_MAX]; /* why it could not be started again; "" otherwise */
	/* Why what the database was could not be removed; the next restore does. "" otherwise */
	char left[HK_ERROR_MESSAGE_MAX];
};

/*
 * Whether the settings name the database that one was made of, as far as that is on record.
 * HK_E_CONFIG_INVALID, HK_E_CHECKPOINT_NOT_FOUND.
 */
int hk_restore_check_target(const struct hk_checkpoints *c, int64_t checkpoint,
			    struct hk_error *err) HK_MUST_CHECK;

/*
 * The project's lock is held. After a failure the database is as it was, and the service runs if it
 * ran, unless the message says otherwise. HK_E_RESTORE_FAILED, and those of hk_checkpoint_open,
 * hk_checkpoint_make and hk_restore_check_target.
 */
int hk_restore_run(struct hk_checkpoints *c, const struct hk_restore_request *req,
		   struct hk_restore_outcome *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Finishes or undoes what died, and sweeps checkpoints; the project's lock is held. What cannot be
 * settled yet (a server that is down) stays on record, with a note.
 */
int hk_restore_recover(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
		       struct hk_error *err) HK_MUST_CHECK;

#endif
