/*
 * Scopes (contract in scope.h).
 */
#include <service/scope.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <base/clock.h>
#include <service/sdbus.h>
#include <sys/cgroup.h>
#include <sys/sandbox.h>

#define PATIENCE_MS 2000
#define USEC_PER_PERCENT 10000 /* of a second of one processor */

static int start(struct hk_sdbus *b, const struct hk_scope *s, pid_t pid, bool with_policy,
		 struct hk_error *err)
{
	const struct hk_sdbus_limit limit = {
		.deadline = hk_clock_deadline(PATIENCE_MS),
		.cancel_fd = -1,
	};
	const struct hk_sdbus_setting all[] = {
		{ .name = "PIDs", .type = 'P', .number = (uint64_t)pid },
		{ .name = "Description", .type = 's', .text = s->description },
		{ .name = "CollectMode", .type = 's', .text = "inactive-or-failed" },
		{ .name = "MemoryMax", .type = 't', .number = (uint64_t)s->memory_max },
		{ .name = "MemorySwapMax", .type = 't', .number = 0 },
		{ .name = "CPUQuotaPerSecUSec",
		  .type = 't',
		  .number = (uint64_t)s->cpu_quota * USEC_PER_PERCENT },
		{ .name = "TasksMax", .type = 't', .number = (uint64_t)s->tasks_max },
		/* Or the supervisor, who has to tell of it, would end with what memory ran out for.
		 */
		{ .name = "OOMPolicy", .type = 's', .text = "continue" },
	};
	const bool wanted[] = { true,
				true,
				true,
				s->memory_max > 0,
				s->memory_max > 0,
				s->cpu_quota > 0,
				s->tasks_max > 0,
				with_policy };
	struct hk_sdbus_setting settings[HK_ARRAY_LEN(all)];
	char result[HK_SDBUS_RESULT_LEN];
	size_t n = 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(all); i++)
		if (wanted[i])
			settings[n++] = all[i];
	if (hk_sdbus_run_transient(b, s->name, settings, n, &limit, result, err))
		return err->code;
	if (!strcmp(result, "done"))
		return 0;
	return hk_error_set(err, HK_E_SERVICE_FAILED, "systemd: scope '%s': %s", s->name,
			    *result ? result : "no answer has come in time");
}

static bool is_within(int64_t found, int64_t wanted)
{
	return wanted && found && found <= wanted;
}

static unsigned look(const struct hk_scope *s, pid_t pid)
{
	struct hk_cgroup_limits found;

	if (!hk_cgroup_is_in(pid, s->name))
		return 0;
	hk_cgroup_read_limits(pid, &found);
	return (is_within(found.memory_max, s->memory_max) ? HK_COVERS_MEMORY : 0) |
	       (is_within(found.tasks_max, s->tasks_max) ? HK_COVERS_TASKS : 0) |
	       (is_within(found.cpu_quota, s->cpu_quota) ? HK_COVERS_CPU : 0);
}

int hk_scope_start(const struct hk_scope *s, pid_t pid, unsigned *ret_covered, struct hk_error *err)
{
	struct hk_error refused = HK_ERROR_INIT;
	hk_auto_sdbus *b = NULL;
	int ret;

	if (hk_sdbus_open(geteuid() ? HK_SDBUS_USER : HK_SDBUS_SYSTEM, &b, err))
		return err->code;
	ret = start(b, s, pid, true, &refused);
	/* Scopes have that policy since systemd 253. */
	if (ret == HK_E_SERVICE_FAILED && refused.sys_errno != ETIMEDOUT)
		ret = start(b, s, pid, false, err);
	else if (ret)
		*err = refused;
	if (!ret)
		*ret_covered = look(s, pid);
	return ret;
}
