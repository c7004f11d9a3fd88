/*
 * Checkpoints of the project's database: dumps in the state folder, each with a row in the ledger.
 *
 *   checkpoints/ID.dump   0600; written aside, synced, checked, renamed, then recorded as ready
 *
 * Whoever makes, restores or deletes one holds the project's lock.
 */
#ifndef HK_DEPLOY_CHECKPOINT_H
#define HK_DEPLOY_CHECKPOINT_H

#include <database/database.h>
#include <deploy/project.h>
#include <store/checkpoints.h>
#include <store/vault.h>

/* The project's database, and the folder of its checkpoints. */
struct hk_checkpoints {
	const struct hk_project *project;
	struct hk_ledger *ledger;
	const struct hk_database_kind *kind; /* NULL: [database] kind = none */
	struct hk_database db;
	struct hk_strlist env;
	char *mark;
	int dir_fd;
	char *dir_path; /* resolved */
};

#define HK_CHECKPOINTS_INIT  \
	{                    \
		.dir_fd = -1 \
	}
#define hk_auto_checkpoints HK_CLEANUP(hk_checkpoints_close) struct hk_checkpoints

/*
 * Prepares them; the struct must stay where it is. deployment (0: none) is the one whose processes
 * those of the database count among. db's cancel_fd, on_line and ctx are the caller's to set.
 * vault (NULL: none) is what .env is about to get. HK_E_CONFIG_INVALID when the settings do not say
 * what the kind needs.
 */
int hk_checkpoints_open(const struct hk_project *p, struct hk_ledger *l, int64_t deployment,
			const struct hk_vault *vault, struct hk_checkpoints *ret,
			struct hk_error *err) HK_MUST_CHECK;
void hk_checkpoints_close(struct hk_checkpoints *c);

/*
 * The same, for a restore: of its target ("": whichever the settings name). When .env is to go back
 * to a snapshot, that may also be the one that the snapshot names. HK_E_CONFIG_INVALID when it is
 * neither; what and the names of both are the message then.
 */
int hk_checkpoints_open_target(const struct hk_project *p, struct hk_ledger *l,
			       const struct hk_restore *r, const char *what,
			       struct hk_checkpoints *ret, struct hk_error *err) HK_MUST_CHECK;

/* Which database they are of, in the length that the ledger keeps; "" where it is not known. */
int hk_checkpoints_target(const struct hk_checkpoints *c, char ret[HK_DATABASE_TARGET_LEN],
			  struct hk_error *err) HK_MUST_CHECK;

/* HK_E_CONFIG_INVALID, as above, when that is another one than target, which may be NULL or "". */
int hk_checkpoints_check_target(const struct hk_checkpoints *c, const char *what,
				const char *target, struct hk_error *err) HK_MUST_CHECK;

/* HK_E_CONFIG_INVALID when the project has no database. */
int hk_checkpoints_need_kind(const struct hk_checkpoints *c, struct hk_error *err) HK_MUST_CHECK;

/* Whether there is something to make a checkpoint of yet. */
bool hk_checkpoints_has_database(const struct hk_checkpoints *c);

/*
 * Makes one, of the label, deployment and safety of what, within [database] timeout. *ret is the
 * caller's to release. After a failure nothing of it is left.
 */
int hk_checkpoint_make(struct hk_checkpoints *c, const struct hk_checkpoint *what,
		       struct hk_checkpoint *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Opens the dump of one for reading, if it is what was recorded: *ret and *ret_dump are the
 * caller's (hk_checkpoint_release, hk_dump_release). HK_E_CHECKPOINT_NOT_FOUND,
 * HK_E_CHECKPOINT_DAMAGED; HK_E_CONFIG_INVALID when it is of another kind of database.
 */
int hk_checkpoint_open(struct hk_checkpoints *c, int64_t id, struct hk_checkpoint *ret,
		       struct hk_dump *ret_dump, struct hk_error *err) HK_MUST_CHECK;
void hk_dump_release(struct hk_dump *d);

/*
 * The rows by table, live and in one's dump, which is not verified, within seconds; *ret is the
 * caller's (hk_rows_release). Where that is not cheap, it has none. HK_E_CHECKPOINT_FAILED, and
 * what the limit and programs say.
 */
int hk_checkpoint_count_rows(struct hk_checkpoints *c, int64_t id, struct hk_rows *ret,
			     struct hk_error *err) HK_MUST_CHECK;

/* Deletes dump and row. HK_E_CHECKPOINT_NOT_FOUND; HK_E_NOT_ALLOWED while a restore needs it. */
int hk_checkpoint_delete(const struct hk_project *p, struct hk_ledger *l, int64_t id,
			 struct hk_error *err) HK_MUST_CHECK;

/*
 * Deletes those beyond [database] keep, or older than keep_for, but none that was made before a
 * deployment whose release is on disk. *ret_gone (may be NULL) counts them.
 */
int hk_checkpoint_prune(const struct hk_project *p, struct hk_ledger *l, unsigned *ret_gone,
			struct hk_error *err) HK_MUST_CHECK;

/* Removes what is left of those whose maker, or deleter, died; notes says so. */
int hk_checkpoint_sweep(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
			struct hk_error *err) HK_MUST_CHECK;

#endif
