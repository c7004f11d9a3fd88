/*
 * What a confined command may not do whatever files it can reach (private to sys).
 */
#ifndef HK_SYS_PRIVILEGES_H
#define HK_SYS_PRIVILEGES_H

#include <stdbool.h>

#include <base/error.h>

/*
 * No program gives it more privileges (no_new_privs: no setuid programs), and root keeps only the
 * capabilities that work on files and its own processes.
 */
int hk_privileges_drop(struct hk_error *err) HK_MUST_CHECK;

/*
 * Processes of the same user may change each other's resource limits, and so end each other, and
 * signal all of them at once: not this one. Needs no_new_privs.
 */
int hk_privileges_filter(struct hk_error *err) HK_MUST_CHECK;

/* Whether the kernel has such filters, and the processor's calls are known here. */
bool hk_privileges_can_filter(void);

#endif
