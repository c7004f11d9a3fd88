/*
 * The identity of a process beyond its number, which the kernel reuses: number, start time (clock
 * ticks since boot, field 22 of /proc/PID/stat) and the boot it belongs to.
 */
#ifndef HK_SYS_PROCID_H
#define HK_SYS_PROCID_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/error.h>

#define HK_PROCID_BOOT_LEN 40

struct hk_procid {
	pid_t pid; /* 0: no process */
	uint64_t start;
	char boot[HK_PROCID_BOOT_LEN];
};

/* What /proc/PID/stat says; all other fields are 0 when the process is gone. */
struct hk_procstat {
	pid_t pid;
	char state; /* 'R', 'S', 'Z', … */
	pid_t ppid;
	pid_t pgrp;
	pid_t session;
	uint64_t start;
};

bool hk_procstat_read(pid_t pid, struct hk_procstat *ret); /* false: no such process */

/* Identity of a process; returns false when it does not exist. */
bool hk_procid_of(pid_t pid, struct hk_procid *ret);

/*
 * Whether that very process still exists and is not a zombie. Where that cannot be told
 * (descriptors have run out) the answer is yes: nobody may take a live process for a dead one.
 */
bool hk_procid_alive(const struct hk_procid *id);

/*
 * A pidfd for that very process (poll: readable when it has ended), or -1 when it is gone, or none
 * can be had: see hk_procid_alive.
 */
int hk_procid_open(const struct hk_procid *id);

/* Waits until it has ended, at most ms; returns whether it has. */
bool hk_procid_wait(const struct hk_procid *id, int64_t ms);

#endif
