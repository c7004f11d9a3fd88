/*
 * The ledger's checkpoints of the project's database, and restores of them. What a row tells of is
 * elsewhere: a checkpoint's dump in the state folder, a restore's work in the database.
 *
 * Errors are those of ledger.h, and HK_E_CHECKPOINT_NOT_FOUND.
 */
#ifndef HK_STORE_CHECKPOINTS_H
#define HK_STORE_CHECKPOINTS_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <store/ledger.h>

#define HK_DATABASE_TARGET_LEN 512

enum hk_checkpoint_state {
	HK_CHECKPOINT_MAKING,	/* its dump is not complete */
	HK_CHECKPOINT_READY,	/* its dump is there, as size and sha256 say */
	HK_CHECKPOINT_DELETING, /* its dump may be gone already */
};

struct hk_checkpoint {
	int64_t id;
	enum hk_checkpoint_state state;
	char *kind;   /* of the database: [database] kind then */
	char *target; /* which database, in words without secrets; NULL: it is not known */
	char *label;
	int64_t deployment; /* that it was made before; 0: none, or forgotten */
	bool safety;	    /* made before a restore */
	int64_t size;	    /* bytes */
	char *sha256;	    /* in hex */
	int64_t ms;
	int64_t created_at;
	bool kept; /* a release that is on disk was made by its deployment, or a restore needs it */
};

#define HK_CHECKPOINT_INIT \
	{                  \
		.id = 0    \
	}
void hk_checkpoint_release(struct hk_checkpoint *c);

/* Adds a row in state making: kind, target, label, deployment and safety are taken. */
int hk_ledger_add_checkpoint(struct hk_ledger *l, const struct hk_checkpoint *c, int64_t *ret_id,
			     struct hk_error *err) HK_MUST_CHECK;

/* A row that is ready, of a dump that is there, under its number; of no deployment. */
int hk_ledger_adopt_checkpoint(struct hk_ledger *l, const struct hk_checkpoint *c,
			       struct hk_error *err) HK_MUST_CHECK;

/* Makes it ready: size, sha256 and ms are taken. */
int hk_ledger_finish_checkpoint(struct hk_ledger *l, const struct hk_checkpoint *c,
				struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_set_checkpoint_deleting(struct hk_ledger *l, int64_t id,
				      struct hk_error *err) HK_MUST_CHECK;
int hk_ledger_delete_checkpoint(struct hk_ledger *l, int64_t id,
				struct hk_error *err) HK_MUST_CHECK;

/* One that is ready. */
int hk_ledger_get_checkpoint(struct hk_ledger *l, int64_t id, struct hk_checkpoint *ret,
			     struct hk_error *err) HK_MUST_CHECK;

/* The one that was made before a deployment; *ret_id is 0 when there is none. */
int hk_ledger_checkpoint_before(struct hk_ledger *l, int64_t deployment, int64_t *ret_id,
				struct hk_error *err) HK_MUST_CHECK;

/* Of every state, newest first; fn may write to the ledger. */
typedef int hk_checkpoint_fn(void *ctx, const struct hk_checkpoint *c, struct hk_error *err);
int hk_ledger_each_checkpoint(struct hk_ledger *l, hk_checkpoint_fn *fn, void *ctx,
			      struct hk_error *err) HK_MUST_CHECK;

enum hk_restore_step {
	HK_RESTORE_BEGUN,
	HK_RESTORE_LOADING,  /* beside what is live */
	HK_RESTORE_SWAPPING, /* the service may be stopped; what is live is the old or the new */
	HK_RESTORE_SWAPPED,  /* it is the new */
	HK_RESTORE_DONE,
	HK_RESTORE_UNDONE, /* what was live is */
};

/* An operation that is finished or undone, whatever dies meanwhile: see deploy/restore.h. */
struct hk_restore {
	int64_t id;
	enum hk_restore_step step;
	int64_t checkpoint;  /* 0: the database stays */
	int64_t safety;	     /* the checkpoint of what was live; 0: none */
	int64_t deployment;  /* the rollback that it is part of; 0: none */
	int64_t environment; /* the deployment whose snapshot .env goes back to; 0: it stays */
	bool restart;	     /* the service ran, and has been stopped for it */
	char target[HK_DATABASE_TARGET_LEN]; /* which database; "" not known, or it stays */
	int64_t created_at;
};

/* Adds a row whose step is begun; id, step and created_at are not taken. */
int hk_ledger_add_restore(struct hk_ledger *l, const struct hk_restore *r, int64_t *ret_id,
			  struct hk_error *err) HK_MUST_CHECK;

/* Records step, safety and restart of one that is open; why may be NULL. */
int hk_ledger_set_restore(struct hk_ledger *l, const struct hk_restore *r, const char *why,
			  struct hk_error *err) HK_MUST_CHECK;

/* The oldest that is open; id is 0 when there is none. */
int hk_ledger_open_restore(struct hk_ledger *l, struct hk_restore *ret,
			   struct hk_error *err) HK_MUST_CHECK;

/* Whether a restore is open, or a checkpoint is not ready: dead, when the project's lock is free.
 */
int hk_ledger_has_open_restore(struct hk_ledger *l, bool *ret, struct hk_error *err) HK_MUST_CHECK;

#endif
