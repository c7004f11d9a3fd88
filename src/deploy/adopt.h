/*
 * Releases that came to be without hostkit's ledger: an `app` that is a folder (a site that was
 * there before hostkit), and the releases on disk when the ledger was lost.
 */
#ifndef HK_DEPLOY_ADOPT_H
#define HK_DEPLOY_ADOPT_H

#include <deploy/project.h>
#include <deploy/release.h>

/* All of this is for a caller that holds the project's lock. */

/* Whether `app` is a folder, or was one when hk_adopt_app was interrupted. */
bool hk_adopt_needed(const struct hk_project *p);

/*
 * Makes a release of the folder `app`, recorded as good, and `app` a link to it. Nothing is copied,
 * unless releases/ is on another filesystem. May be repeated after a crash at any point.
 */
int hk_adopt_app(const struct hk_project *p, struct hk_ledger *l,
		 char ret_name[HK_RELEASE_NAME_LEN], struct hk_error *err) HK_MUST_CHECK;

/* Records the release that `app` names, if it is there and the ledger does not know it. */
int hk_adopt_active(const struct hk_project *p, struct hk_ledger *l, const char *name,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * Sets a damaged ledger aside (ledger.db.damaged-YYYYMMDD-HHMMSS, with its -wal and -shm) and makes
 * a new one from the releases on disk; what the old one still tells of them is taken over. A
 * missing ledger is made likewise. *ret_aside is the name, the caller's to free; NULL when there
 * was none. Ids go on behind those of the logs that are there.
 */
int hk_adopt_releases(const struct hk_project *p, struct hk_ledger **ret, char **ret_aside,
		      struct hk_error *err) HK_MUST_CHECK;

/*
 * Puts the checkpoints whose dumps are on disk on record in a new ledger, under their old numbers:
 * as the old one has them (NULL: it cannot be read), or else as what they are now, which no digest
 * of then has verified. They belong to no deployment any more.
 */
int hk_adopt_checkpoints(const struct hk_project *p, struct hk_ledger *l, struct hk_ledger *old,
			 struct hk_error *err) HK_MUST_CHECK;

#endif
