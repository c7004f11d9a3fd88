/*
 * Which releases go, and how: by the order of the ledger, never by names or clocks.
 *
 * Kept are the newest good ones ([deploy] keep_releases), the newest failed one for a look, the
 * active one and the one before it, and whatever a running process still uses. What the ledger does
 * not know is not ours and stays.
 */
#ifndef HK_DEPLOY_RETENTION_H
#define HK_DEPLOY_RETENTION_H

#include <deploy/project.h>
#include <repo/repo.h>

struct hk_retention {
	const struct hk_project *project; /* its lock is held */
	struct hk_ledger *ledger;
	struct hk_repo *repo; /* NULL: pins of releases are left */
	int64_t keep;	      /* good releases, at least 1 */
	const char *release;  /* of a deployment that is not yet recorded; NULL: none */
	bool failed;	      /* it has failed */
};

/*
 * Takes the releases that go out of releases/ in one step each (renamed, not yet deleted), and
 * forgets them; logs and rows of deployments beyond [deploy] keep_history go too. *ret_gone gets
 * their names, *ret_kept "NAME: process 12 (node) has its working folder there" for those that are
 * in use; both may be NULL. What hk_project_active says when what is live is not known: nothing
 * goes then.
 */
int hk_retention_prune(const struct hk_retention *r, struct hk_strlist *ret_gone,
		       struct hk_strlist *ret_kept, struct hk_error *err) HK_MUST_CHECK;

/* Whether something was taken out and is not yet deleted. */
bool hk_retention_is_due(const struct hk_project *p);

/* Deletes it. ret_bytes (may be NULL) is what that has freed. */
int hk_retention_delete(const struct hk_project *p, int64_t *ret_bytes,
			struct hk_error *err) HK_MUST_CHECK;

/* Starts a program that does so, for which nobody waits. A failure leaves it to the next time. */
void hk_retention_start_deleting(const struct hk_project *p);

#endif
