/*
 * Landlock (landlock(7)) by system calls, for sandbox.c: libc has no functions for it.
 */
#ifndef HK_SYS_LANDLOCK_H
#define HK_SYS_LANDLOCK_H

#include <sys/sandbox.h>

/* The version of the kernel's interface; 0: there is none. */
int hk_landlock_abi(void);

/*
 * A ruleset for the paths, which are sorted and resolved. Rights are for whole subtrees and cannot
 * be taken back below, so where a part is hidden, all around it is named instead. The descriptor is
 * the caller's.
 */
int hk_landlock_compile(const struct hk_sandbox *s, int *ret_fd,
			struct hk_error *err) HK_MUST_CHECK;

/* Adds a folder that may be written, and was not there when the ruleset was made. */
int hk_landlock_add(int ruleset, int abi, const char *path, struct hk_error *err) HK_MUST_CHECK;

/* The calling thread, and what it becomes, has those rights only; it must have no_new_privs. */
int hk_landlock_enter(int ruleset, struct hk_error *err) HK_MUST_CHECK;

/*
 * The calling thread, and what it becomes, reaches into no process outside any more, also of the
 * same user: not by ptrace(2), nor by /proc/PID/root, mem, environ and fd. It signals none either,
 * where the kernel knows that (HK_LANDLOCK_SCOPE). Its rights to files stay what they are. false:
 * the kernel or a filter does not let it, or it lacks no_new_privs, and nothing has changed.
 */
bool hk_landlock_isolate(void);

#endif
