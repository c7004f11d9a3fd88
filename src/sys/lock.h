/*
 * The kernel lock of a project: flock(2) on a file that is never removed, so that nothing is left
 * to clean up after a crash. The descriptor is O_CLOEXEC: no build or service inherits it.
 * The holder describes itself in the file's content, for whoever waits.
 */
#ifndef HK_SYS_LOCK_H
#define HK_SYS_LOCK_H

#include <stdbool.h>

#include <base/buf.h>
#include <base/error.h>

#define HK_LOCK_INIT     \
	{                \
		.fd = -1 \
	}

struct hk_lock {
	int fd; /* -1 when not held */
};

/* Tries once. *ret_held tells whether it is now held; a free lock that cannot be taken is an error.
 */
int hk_lock_try(struct hk_lock *lock, int dirfd, const char *name, bool *ret_held,
		struct hk_error *err) HK_MUST_CHECK;

/*
 * Blocks until the lock is held. A signal whose handler was installed without SA_RESTART ends the
 * wait with HK_E_CANCELLED.
 */
int hk_lock_wait(struct hk_lock *lock, int dirfd, const char *name,
		 struct hk_error *err) HK_MUST_CHECK;

/*
 * The same on a folder, which must be there: with a lock file less to keep. Whoever may list the
 * folder can hold it. One that is removed and made anew meanwhile is waited for again.
 */
int hk_lock_wait_folder(struct hk_lock *lock, const char *path, struct hk_error *err) HK_MUST_CHECK;

/* Writes who holds it; only while held. text is one line without its end. */
int hk_lock_describe(struct hk_lock *lock, const char *text, struct hk_error *err) HK_MUST_CHECK;

/* Appends what the present (or last) holder wrote; nothing when that cannot be read. */
void hk_lock_read_holder(int dirfd, const char *name, struct hk_buf *out);

void hk_lock_release(struct hk_lock *lock);

#endif
