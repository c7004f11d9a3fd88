/*
 * Core dumps (contract in dumps.h).
 */
#include <sys/dumps.h>

#include <sys/prctl.h>
#include <sys/resource.h>

void hk_dumps_prevent(void)
{
	struct rlimit limit;

	prctl(PR_SET_DUMPABLE, 0);
	if (getrlimit(RLIMIT_CORE, &limit))
		return;
	limit.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &limit);
}
