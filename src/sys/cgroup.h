/*
 * Control groups, as /proc/PID/cgroup and the files below /sys/fs/cgroup tell of them: version 2,
 * version 1, and both side by side. Only reading: they are systemd's to make.
 */
#ifndef HK_SYS_CGROUP_H
#define HK_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a group's limits have done; see hk_cgroup_read_events. */
struct hk_cgroup_events {
	int64_t oom_kills;     /* processes that were killed since memory ran out */
	int64_t tasks_refused; /* processes and threads that were not made since there are so many
				*/
};

struct hk_cgroup_limits {
	int64_t memory_max; /* bytes; 0: none, or not to be read */
	int64_t tasks_max;
	int64_t cpu_quota; /* percent of one processor */
};

/* Whether a process is in a group whose path has that component, in any hierarchy. */
bool hk_cgroup_is_in(pid_t pid, const char *component);

/* The limits of the very groups that the process is in, not of those above. */
void hk_cgroup_read_limits(pid_t pid, struct hk_cgroup_limits *ret);

/* Of the groups of the calling process, since they were made. */
void hk_cgroup_read_events(struct hk_cgroup_events *ret);

#endif
