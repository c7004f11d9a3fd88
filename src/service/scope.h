/*
 * Transient scopes of systemd: a control group with limits around processes that are there already,
 * for the caller's processes only. Root asks the system's manager, others their own, which is there
 * while they are logged in or linger (loginctl(1)).
 */
#ifndef HK_SERVICE_SCOPE_H
#define HK_SERVICE_SCOPE_H

#include <stdint.h>
#include <sys/types.h>

#include <base/error.h>

struct hk_scope {
	const char *name; /* of the unit, with ".scope" */
	const char *description;
	int64_t memory_max; /* bytes; 0: no limit */
	int64_t cpu_quota;  /* percent of one processor; 0: no limit */
	int64_t tasks_max;  /* 0: no limit */
};

/*
 * Puts a process into the scope, with what it starts from now on. *ret_covered has those limits
 * (HK_COVERS_… of sandbox.h) that are in force afterwards, by the files of the control groups: less
 * than was asked for where the manager was not given a controller. Takes two seconds at most.
 * HK_E_NOT_SUPPORTED when there is no manager, else what sdbus.h says.
 */
int hk_scope_start(const struct hk_scope *s, pid_t pid, unsigned *ret_covered,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
