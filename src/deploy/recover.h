/*
 * Bringing disk, service and ledger back together after a worker that died, or a machine that went
 * down, without recording the end. The link `app` is the truth: what it names is live.
 */
#ifndef HK_DEPLOY_RECOVER_H
#define HK_DEPLOY_RECOVER_H

#include <deploy/project.h>
#include <deploy/submit.h>
#include <repo/repo.h>
#include <store/ledger.h>

/*
 * For a caller that holds the project's lock. Every open row whose worker is gone, but keep (an id;
 * 0: none), ends as interrupted, with the stage in its message: what its commands left running is
 * ended, its staging folder and a release that never went live are removed, its pin is deleted; if
 * it died between the link and the restart, the service is restarted on what is live. Then
 * leftovers without a row are swept, unless keep is given and no row was dead. notes gets a line
 * for each thing that was done.
 */
int hk_recover(const struct hk_project *p, struct hk_ledger *l, int64_t keep,
	       struct hk_strlist *notes, struct hk_error *err) HK_MUST_CHECK;

/* hk_recover, when there is a dead row and the lock is free; then hk_notify_start. */
int hk_recover_if_idle(const struct hk_project *p, struct hk_ledger *l, struct hk_strlist *notes,
		       struct hk_error *err) HK_MUST_CHECK;

/*
 * hk_missed_handle, for whoever has something else to do: a failure is a note. repo may be NULL: it
 * is opened then.
 */
void hk_recover_missed(const struct hk_project *p, struct hk_ledger *l, struct hk_repo *repo,
		       hk_submit_head_fn *head, struct hk_strlist *notes);

/*
 * hk_project_open_ledger; a ledger that is damaged or missing is made anew (hk_adopt_releases), if
 * the lock is free, and notes says so.
 */
int hk_recover_open_ledger(const struct hk_project *p, struct hk_ledger **ret,
			   struct hk_strlist *notes, struct hk_error *err) HK_MUST_CHECK;

/*
 * The second half of that, for a ledger that was found to be damaged as damage says, which becomes
 * the reason when it fails.
 */
int hk_recover_replace_ledger(const struct hk_project *p, struct hk_ledger **ret,
			      struct hk_error *damage, struct hk_strlist *notes) HK_MUST_CHECK;

/* Removes what dead workers left below releases/, in the repository and beside `app`. */
int hk_recover_sweep(const struct hk_project *p, int64_t keep, unsigned *ret_swept,
		     struct hk_error *err) HK_MUST_CHECK;

#endif
