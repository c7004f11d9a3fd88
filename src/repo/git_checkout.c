/*
 * Checkout by git (contract in git_checkout.h).
 */
#include <repo/git_checkout.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/log.h>
#include <repo/git_run.h>
#include <repo/lfs.h>
#include <sys/fs.h>

#define SYSTEM_ATTRIBUTES "/etc/gitattributes"

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

/* The tree in the index, and what holds for it from above, where it stands in the commit. */
static int fill_index(struct hk_git_run *run, const struct hk_subtree *sub, struct hk_error *err)
{
	hk_auto_free char *prefix = hk_xasprintf("--prefix=%s/", sub->path);
	char hex[GIT_OID_HEXSZ + 1];
	const char *const whole[] = { "git", "read-tree",
				      git_oid_tostr(hex, sizeof(hex), &sub->tree), NULL };
	const char *const part[] = { "git", "read-tree", prefix, hex, NULL };
	hk_auto_strlist add = HK_STRLIST_INIT;

	if (hk_git_run(run, *sub->path ? part : whole, err))
		return err->code;
	if (!sub->above.len)
		return 0;
	hk_strlist_add(&add, "git");
	hk_strlist_add(&add, "update-index");
	hk_strlist_add(&add, "--add");
	for (size_t i = 0; i < sub->above.len; i++) {
		hk_strlist_add(&add, "--cacheinfo");
		hk_strlist_add(&add, sub->above.items[i]);
	}
	return hk_git_run(run, hk_strlist_argv(&add), err);
}

static int write_files(struct hk_git_run *run, const struct hk_subtree *sub, struct hk_error *err)
{
	static const char *const argv[] = { "git", "checkout-index", "--all", "--force", NULL };

	return fill_index(run, sub, err) ? err->code : hk_git_run(run, argv, err);
}

static int move_all(int from_fd, int to_fd, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	int rc = hk_fs_list(from_fd, ".", &names, err);

	for (size_t i = 0; !rc && i < names.len; i++)
		rc = hk_fs_move(from_fd, names.items[i], to_fd, names.items[i], err);
	return rc;
}

/*
 * A part of a commit is written where it stands in the commit, so that the rules from above hold,
 * and moved up then.
 */
static int write_part(struct hk_git_run *run, const struct hk_subtree *sub, int dir_fd,
		      struct hk_error *err)
{
	hk_auto_free char *above =
		hk_xasprintf(".hostkit-tree-%llx", (unsigned long long)hk_clock_wall_ms());
	hk_auto_close int above_fd = -1;
	hk_auto_close int part_fd = -1;
	int rc;

	if (mkdirat(dir_fd, above, 0700))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s'", above);
	rc = hk_fs_open_dir(dir_fd, above, &above_fd, err);
	if (rc)
		return rc;
	run->cwd_fd = above_fd;
	rc = write_files(run, sub, err);
	/* A part without a file is no folder. */
	if (!rc && hk_fs_is_dir(above_fd, sub->path)) {
		rc = hk_fs_open_below(above_fd, sub->path, &part_fd, err);
		if (!rc)
			rc = move_all(part_fd, dir_fd, err);
	}
	return rc ? rc : hk_fs_remove_tree(dir_fd, above, err);
}

static void set_up(struct hk_git_run *run, const struct hk_repo *repo,
		   const struct hk_export_spec *spec, const char *dir, bool lfs)
{
	hk_auto_free char *hooks = hk_xasprintf("%s/hooks", dir);

	hk_git_run_init(run, repo, spec);
	hk_strlist_addf(&run->env, "GIT_INDEX_FILE=%s/index", dir);
	hk_strlist_add(&run->env, "GIT_WORK_TREE=.");
	/* git-lfs puts hooks wherever it runs. */
	hk_git_run_set(run, "core.hooksPath", hooks);
	if (lfs)
		hk_lfs_use(run);
	else
		run->on_line = NULL;
}

int hk_git_checkout(struct hk_repo *repo, const struct hk_subtree *sub,
		    const struct hk_export_spec *spec, bool lfs, struct hk_export_result *ret,
		    struct hk_error *err)
{
	hk_auto_free char *dir = hk_xasprintf("%s/" HK_EXPORT_INDEX_PREFIX "XXXXXX", repo->path);
	hk_auto_git_run run = HK_GIT_RUN_INIT;
	struct hk_error ignored;
	int64_t entries = 0;
	int rc;

	if (!mkdtemp(dir))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s'", dir);
	set_up(&run, repo, spec, dir, lfs);
	rc = *sub->path ? write_part(&run, sub, spec->dir_fd, err) : write_files(&run, sub, err);
	if (rc == HK_E_COMMAND_FAILED && lfs)
		hk_lfs_hint(repo, err);
	hk_fs_usage(spec->dir_fd, ".", &ret->bytes, &entries);
	/* Nothing depends on it: a small folder that is left is no reason to fail. */
	if (hk_fs_remove_tree(AT_FDCWD, dir, &ignored))
		hk_log_debug("%s", ignored.message);
	return rc;
}
