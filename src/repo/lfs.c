/*
 * Git LFS (contract in lfs.h).
 */
#include <repo/lfs.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <repo/entry_name.h>
#include <sys/fs.h>

int hk_lfs_require(struct hk_repo *repo, const struct hk_export_spec *spec, struct hk_error *err)
{
	static const char *const argv[] = { "git-lfs", "version", NULL };
	hk_auto_git_run run = HK_GIT_RUN_INIT;
	int rc;

	hk_git_run_init(&run, repo, spec);
	run.on_line = NULL;
	rc = hk_git_run(&run, argv, err);
	if (rc != HK_E_COMMAND_NOT_FOUND)
		return rc;
	hk_error_set(err, rc, "the commit has Git LFS files, and git-lfs is not installed");
	return hk_error_hint(err, "install it: apt-get install git-lfs (its folder has to be in "
				  "[project] path)");
}

void hk_lfs_use(struct hk_git_run *run)
{
	run->reason_start = "Error downloading object: ";
	hk_git_run_set(run, "filter.lfs.process", "git-lfs filter-process");
	hk_git_run_set(run, "filter.lfs.smudge", "git-lfs smudge -- %f");
	hk_git_run_set(run, "filter.lfs.required", "true");
}

int hk_lfs_hint(const struct hk_repo *repo, struct hk_error *err)
{
	return hk_error_hint(err,
			     "upload the files first: git lfs push --all REMOTE; their server is "
			     "lfs.url in .lfsconfig, or: git -C %s config lfs.url URL",
			     repo->path);
}

static int still_pointer(int dir_fd, const char *path, bool *ret, struct hk_error *err)
{
	const char *slash = strrchr(path, '/');
	hk_auto_free char *folder = hk_xstrndup(path, slash ? (size_t)(slash - path) : 0);
	hk_auto_buf data = HK_BUF_INIT;
	hk_auto_close int parent = -1;
	hk_auto_close int fd = -1;
	int rc = hk_fs_open_below(dir_fd, folder, &parent, err);

	if (rc)
		return rc;
	fd = openat(parent, slash ? slash + 1 : path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	/* What is longer is no pointer, and what is not there was not left as one. */
	*ret = fd >= 0 && !hk_fs_read_all(fd, HK_LFS_POINTER_MAX, &data) &&
	       hk_treecheck_is_pointer(data.data, data.len);
	return 0;
}

int hk_lfs_verify(const struct hk_treecheck *pointers, const struct hk_subtree *sub, int dir_fd,
		  struct hk_error *err)
{
	const struct hk_strlist *paths = &pointers->pointer_paths;
	char label[HK_ENTRY_LABEL_LEN];
	bool left = false;

	for (size_t i = 0; i < paths->len; i++) {
		if (still_pointer(dir_fd, hk_subtree_below(sub, paths->items[i]), &left, err))
			return err->code;
		if (!left)
			continue;
		hk_error_set(err, HK_E_TREE_REFUSED,
			     "'%s' is still a Git LFS pointer: git-lfs did not fetch its content",
			     hk_entry_label(paths->items[i], label));
		return hk_error_hint(err, "say filter=lfs for it in .gitattributes, and see that "
					  "lfs.fetchexclude does not name it");
	}
	return 0;
}
