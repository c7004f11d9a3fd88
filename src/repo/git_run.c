/*
 * Starting git (contract in git_run.h).
 */
#include <repo/git_run.h>

#include <string.h>

#include <base/clock.h>
#include <sys/process.h>

#define GRACE_MS 2000

/* What would lead git to another repository or to another user's configuration. */
static bool is_redirecting(const char *entry)
{
	static const char *const prefixes[] = { "GIT_", "HOME=", "XDG_CONFIG_HOME=" };

	for (size_t i = 0; i < HK_ARRAY_LEN(prefixes); i++)
		if (!strncmp(entry, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

void hk_git_run_init(struct hk_git_run *run, const struct hk_repo *repo,
		     const struct hk_export_spec *spec)
{
	const char *git_dir = git_repository_path(repo->git); /* ends in a slash */

	*run = (struct hk_git_run){
		.last_line = HK_BUF_INIT,
		.reason = HK_BUF_INIT,
		.late = "the time is over before every file was written",
		.cwd_fd = spec->dir_fd,
		.stdout_fd = -1,
		.cancel_fd = spec->cancel_fd,
		.deadline = spec->deadline,
		.on_line = spec->on_line,
		.ctx = spec->ctx,
	};
	for (const char *const *e = spec->env; e && *e; e++)
		if (!is_redirecting(*e))
			hk_strlist_add(&run->env, *e);
	if (!run->env.len)
		hk_strlist_add(&run->env, "PATH=/usr/local/bin:/usr/bin:/bin");
	hk_strlist_addf(&run->env, "HOME=%s", repo->home);
	hk_strlist_addf(&run->env, "GIT_DIR=%.*s", (int)strlen(git_dir) - 1, git_dir);
	hk_strlist_add(&run->env, "GIT_TERMINAL_PROMPT=0");
}

void hk_git_run_release(struct hk_git_run *run)
{
	hk_strlist_release(&run->env);
	hk_buf_release(&run->last_line);
	hk_buf_release(&run->reason);
}

void hk_git_run_set(struct hk_git_run *run, const char *key, const char *value)
{
	hk_strlist_addf(&run->env, "GIT_CONFIG_KEY_%u=%s", run->settings, key);
	hk_strlist_addf(&run->env, "GIT_CONFIG_VALUE_%u=%s", run->settings, value);
	run->settings++;
}

static void keep_line(void *ctx, const char *line, size_t len)
{
	struct hk_git_run *run = ctx;
	const char *start = run->reason_start;

	if (!len)
		return;
	hk_buf_reset(&run->last_line);
	hk_buf_add(&run->last_line, line, len);
	if (start && !strncmp(run->last_line.data, start, strlen(start))) {
		hk_buf_reset(&run->reason);
		hk_buf_addstr(&run->reason, run->last_line.data);
	}
	if (run->on_line)
		run->on_line(run->ctx, line, len);
}

/* The environment with the number of settings, which git wants beside them. */
static void environment(const struct hk_git_run *run, struct hk_strlist *ret)
{
	hk_strlist_add_list(ret, &run->env);
	hk_strlist_addf(ret, "GIT_CONFIG_COUNT=%u", run->settings);
}

int hk_git_run(struct hk_git_run *run, const char *const *argv, struct hk_error *err)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	int64_t left = run->deadline == INT64_MAX ? -1 : hk_clock_left(run->deadline);
	hk_auto_strlist env = HK_STRLIST_INIT;
	const char *why;
	int rc;

	environment(run, &env);
	hk_buf_reset(&run->last_line);
	hk_buf_reset(&run->reason);
	spec.argv = argv;
	spec.env = hk_strlist_argv(&env);
	spec.cwd_fd = run->cwd_fd;
	spec.stdout_fd = run->stdout_fd;
	spec.cancel_fd = run->cancel_fd;
	spec.timeout_ms = left;
	spec.grace_ms = GRACE_MS;
	spec.on_line = keep_line;
	spec.ctx = run;
	rc = hk_process_run(&spec, NULL, err);
	if (rc == HK_E_COMMAND_TIMEOUT)
		return hk_error_set(err, HK_E_STAGE_TIMEOUT, "%s", run->late);
	why = run->reason.len ? run->reason.data : run->last_line.data;
	if (rc != HK_E_COMMAND_FAILED || !*why)
		return rc;
	/* git has one exit status for everything that it cannot write. */
	return hk_error_set(err, hk_error_says_full(why) ? HK_E_NO_SPACE : rc, "git %s: %s",
			    argv[1], why);
}
