/*
 * Checkout by git (contract in git_checkout.h).
 */
#include <repo/git_checkout.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <sys/fs.h>
#include <sys/process.h>

#define SYSTEM_ATTRIBUTES "/etc/gitattributes"
#define GRACE_MS 2000

/* core.attributesFile, or where git looks when it is not set. */
static int user_attributes(struct hk_repo *repo, char **ret, struct hk_error *err)
{
	hk_auto_free char *set = NULL;

	if (hk_git_config_string(repo, "core.attributesFile", &set, err))
		return err->code;
	if (set && !strncmp(set, "~/", 2))
		*ret = hk_xasprintf("%s/%s", repo->home, set + 2);
	else if (set)
		*ret = hk_steal_ptr(set);
	else
		*ret = hk_xasprintf("%s/.config/git/attributes", repo->home);
	return 0;
}

int hk_git_converts(struct hk_repo *repo, bool *ret, struct hk_error *err)
{
	hk_auto_free char *info =
		hk_xasprintf("%sinfo/attributes", git_repository_commondir(repo->git));
	hk_auto_free char *autocrlf = NULL;
	hk_auto_free char *user = NULL;

	if (hk_git_config_string(repo, "core.autocrlf", &autocrlf, err) ||
	    user_attributes(repo, &user, err))
		return err->code;
	*ret = (autocrlf && strcasecmp(autocrlf, "false")) || hk_fs_exists(AT_FDCWD, info) ||
	       hk_fs_exists(AT_FDCWD, user) || hk_fs_exists(AT_FDCWD, SYSTEM_ATTRIBUTES);
	return 0;
}

struct checkout {
	const struct hk_export_spec *spec;
	struct hk_strlist env;
	struct hk_buf last_line; /* of git's messages */
};

static void keep_line(void *ctx, const char *line, size_t len)
{
	struct checkout *c = ctx;

	if (!len)
		return;
	hk_buf_reset(&c->last_line);
	hk_buf_add(&c->last_line, line, len);
}

/* What would lead git to another repository or to another user's configuration. */
static bool is_redirecting(const char *entry)
{
	static const char *const prefixes[] = { "GIT_", "HOME=", "XDG_CONFIG_HOME=" };

	for (size_t i = 0; i < HK_ARRAY_LEN(prefixes); i++)
		if (!strncmp(entry, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static void build_environment(struct checkout *c, const struct hk_repo *repo, const char *index)
{
	const char *git_dir = git_repository_path(repo->git); /* ends in a slash */

	for (const char *const *e = c->spec->env; e && *e; e++)
		if (!is_redirecting(*e))
			hk_strlist_add(&c->env, *e);
	if (!c->env.len)
		hk_strlist_add(&c->env, "PATH=/usr/local/bin:/usr/bin:/bin");
	hk_strlist_addf(&c->env, "HOME=%s", repo->home);
	hk_strlist_addf(&c->env, "GIT_DIR=%.*s", (int)strlen(git_dir) - 1, git_dir);
	hk_strlist_addf(&c->env, "GIT_INDEX_FILE=%s", index);
	hk_strlist_add(&c->env, "GIT_WORK_TREE=.");
	hk_strlist_add(&c->env, "GIT_TERMINAL_PROMPT=0");
}

/* git has one exit status for everything that it cannot write. */
static bool says_full(const char *message)
{
	return strstr(message, strerrordesc_np(ENOSPC)) || strstr(message, strerrordesc_np(EDQUOT));
}

static int run_git(struct checkout *c, const char *const *argv, struct hk_error *err)
{
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	int64_t left = c->spec->deadline == INT64_MAX ? -1 : hk_clock_left(c->spec->deadline);
	int rc;

	spec.argv = argv;
	spec.env = hk_strlist_argv(&c->env);
	spec.cwd_fd = c->spec->dir_fd;
	spec.cancel_fd = c->spec->cancel_fd;
	spec.timeout_ms = left;
	spec.grace_ms = GRACE_MS;
	spec.on_line = keep_line;
	spec.ctx = c;
	rc = hk_process_run(&spec, NULL, err);
	if (rc == HK_E_COMMAND_TIMEOUT)
		return hk_error_set(err, HK_E_STAGE_TIMEOUT,
				    "the time is over before every file was written");
	if (rc != HK_E_COMMAND_FAILED || !c->last_line.len)
		return rc;
	return hk_error_set(err, says_full(c->last_line.data) ? HK_E_NO_SPACE : rc, "git %s: %s",
			    argv[1], c->last_line.data);
}

static int write_files(struct checkout *c, const git_oid *tree, struct hk_error *err)
{
	char hex[GIT_OID_HEXSZ + 1];
	const char *const read_tree[] = { "git", "read-tree", git_oid_tostr(hex, sizeof(hex), tree),
					  NULL };
	const char *const checkout_index[] = { "git", "checkout-index", "--all", "--force", NULL };

	return run_git(c, read_tree, err) ? err->code : run_git(c, checkout_index, err);
}

int hk_git_checkout(struct hk_repo *repo, const git_oid *tree, const struct hk_export_spec *spec,
		    struct hk_export_result *ret, struct hk_error *err)
{
	struct checkout c = { .spec = spec, .last_line = HK_BUF_INIT };
	hk_auto_free char *dir = hk_xasprintf("%s/" HK_EXPORT_INDEX_PREFIX "XXXXXX", repo->path);
	hk_auto_free char *index = NULL;
	struct hk_error ignored;
	int64_t entries = 0;
	int rc;

	if (!mkdtemp(dir))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s'", dir);
	index = hk_xasprintf("%s/index", dir);
	build_environment(&c, repo, index);
	rc = write_files(&c, tree, err);
	hk_fs_usage(spec->dir_fd, ".", &ret->bytes, &entries);
	/* Nothing depends on it: a small folder that is left is no reason to fail. */
	if (hk_fs_remove_tree(AT_FDCWD, dir, &ignored))
		hk_log_debug("%s", ignored.message);
	hk_strlist_release(&c.env);
	hk_buf_release(&c.last_line);
	return rc;
}
