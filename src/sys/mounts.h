/*
 * The view of the filesystem that a confined command has, in a mount namespace that was just made
 * (private to sys).
 */
#ifndef HK_SYS_MOUNTS_H
#define HK_SYS_MOUNTS_H

#include <sys/sandbox.h>

/* Keeps what is mounted here from the namespace that this one was copied from. */
int hk_mounts_detach(struct hk_error *err) HK_MUST_CHECK;

/*
 * What is hidden becomes empty, and with kernel.mounts_readonly all but what may be written
 * read-only. The working folder stays the one of that path.
 */
int hk_mounts_arrange(const struct hk_sandbox *s, struct hk_error *err) HK_MUST_CHECK;

/* Tries the calls that this takes; the namespace is good for nothing else afterwards. */
bool hk_mounts_try_mask(void);
bool hk_mounts_try_readonly(void);

#endif
