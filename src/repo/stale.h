/*
 * Lock files that git left in a repository when the machine went down: they keep every push of the
 * ref out, for ever.
 */
#ifndef HK_REPO_STALE_H
#define HK_REPO_STALE_H

#include <base/error.h>

/*
 * Removes the locks of refs below the bare repository at path, if no process works in that folder,
 * and they are still there a moment later. The caller makes sure that hostkit itself does not write
 * refs meanwhile. *ret_removed is counted up.
 */
int hk_repo_remove_stale_locks(const char *path, unsigned *ret_removed,
			       struct hk_error *err) HK_MUST_CHECK;

/* How many it would remove; nothing is changed. */
unsigned hk_repo_count_stale_locks(const char *path);

#endif
