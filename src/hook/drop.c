/*
 * Dropping refs below refs/deploy/.
 */
#include <hook/drop.h>

#include <fcntl.h>
#include <string.h>

#include <base/log.h>
#include <sys/process.h>

#define LIMIT_MS 10000

static void drop(const struct hk_ref_update *u, const char *const *env, int cwd_fd)
{
	const char *const argv[] = { "git", "update-ref", "-d", u->ref, u->new_oid, NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	struct hk_error err = HK_ERROR_INIT;

	spec.argv = argv;
	spec.env = env;
	spec.cwd_fd = cwd_fd;
	spec.timeout_ms = LIMIT_MS;
	if (hk_process_run(&spec, NULL, &err))
		hk_log_debug("%s", err.message);
}

void hk_hook_drop_refs(const struct hk_ref_update *updates, size_t n,
		       const struct hk_ref_update *kept)
{
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"GIT_DIR=.",
		NULL,
	};
	hk_auto_close int cwd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (size_t i = 0; i < n; i++)
		if (&updates[i] != kept && !strncmp(updates[i].ref, "refs/deploy/", 12) &&
		    !hk_ref_is_null_oid(updates[i].new_oid))
			drop(&updates[i], env, cwd);
}
