/*
 * Refs below refs/deploy/ that no worker takes over.
 */
#ifndef HK_HOOK_DROP_H
#define HK_HOOK_DROP_H

#include <stddef.h>

#include <deploy/refrule.h>

/*
 * Deletes the pushed refs below refs/deploy/, but not the one that is handed to a worker (kept; may
 * be NULL): they only carry a commit, and one that stays would make the next push of the same
 * commit "up-to-date". git does it, in the hook's working folder; the hook itself does not load
 * libgit2. A failure is not reported: it only costs that next push.
 */
void hk_hook_drop_refs(const struct hk_ref_update *updates, size_t n,
		       const struct hk_ref_update *kept);

#endif
