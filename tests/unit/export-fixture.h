/*
 * Exports beside real checkouts: both folders are walked and compared name by name: type, mode
 * bits, link target, bytes.
 */
#ifndef HK_TESTS_EXPORT_FIXTURE_H
#define HK_TESTS_EXPORT_FIXTURE_H

#include "repo-fixture.h"

#include <errno.h>

#include <base/clock.h>
#include <repo/export.h>

/*
 * Makes and opens an empty root/name. One from before is moved away: on some filesystems making
 * files gets slow where many were deleted.
 */
static int fresh_dir(const char *name)
{
	static unsigned retired;
	hk_auto_free char *path = hk_xasprintf("%s/%s", root, name);
	hk_auto_free char *away = hk_xasprintf("%s/retired-%u", root, retired++);
	int fd;

	assert_true(!rename(path, away) || errno == ENOENT);
	assert_int_equal(mkdir(path, 0777), 0);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Exports with that set-up, of which commit and dir_fd are filled in; *ret may be NULL. */
static HK_UNUSED int export_with(const char *commit, int dir, struct hk_export_spec spec,
				 struct hk_export_result *ret)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	struct hk_export_result result = { .files = 0 };
	struct hk_commit c;
	int rc;

	OK(hk_repo_open(git_dir, root, &repo, &err));
	OK(hk_repo_resolve(repo, commit, &c, &err));
	spec.commit = c.oid;
	spec.dir_fd = dir;
	rc = hk_repo_export(repo, &spec, &result, &err);
	if (ret)
		*ret = result;
	else
		hk_export_result_release(&result);
	return rc;
}

#define PLAIN ((struct hk_export_spec){ .cancel_fd = -1, .deadline = INT64_MAX })

static HK_UNUSED int export_to(const char *commit, int dir)
{
	return export_with(commit, dir, PLAIN, NULL);
}

static void read_file_at(int dir, const char *name, struct hk_buf *out)
{
	OK(hk_fs_read_file(dir, name, 64 << 20, out, &err));
}

static HK_UNUSED void assert_file(int dir, const char *name, const char *want)
{
	hk_auto_buf got = HK_BUF_INIT;

	read_file_at(dir, name, &got);
	assert_string_equal(got.data, want);
}

static void compare_dirs(int a, int b, const char *path);

static void compare_entries(int a, int b, const char *name, const char *path)
{
	hk_auto_buf left = HK_BUF_INIT, right = HK_BUF_INIT;
	hk_auto_free char *left_link = NULL, *right_link = NULL;
	struct stat sa, sb;

	assert_int_equal(fstatat(a, name, &sa, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(b, name, &sb, AT_SYMLINK_NOFOLLOW), 0);
	if (sa.st_mode != sb.st_mode)
		fail_msg("'%s/%s': mode %o, git %o", path, name, sa.st_mode, sb.st_mode);
	if (S_ISDIR(sa.st_mode)) {
		hk_auto_free char *below = hk_xasprintf("%s/%s", path, name);
		hk_auto_close int da = openat(a, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		hk_auto_close int db = openat(b, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		compare_dirs(da, db, below);
	} else if (S_ISLNK(sa.st_mode)) {
		OK(hk_fs_read_link(a, name, &left_link, &err));
		OK(hk_fs_read_link(b, name, &right_link, &err));
		assert_string_equal(left_link, right_link);
	} else {
		read_file_at(a, name, &left);
		read_file_at(b, name, &right);
		if (left.len != right.len || memcmp(left.data, right.data, left.len) != 0)
			fail_msg("'%s/%s': '%s', git '%s'", path, name, left.data, right.data);
	}
}

static void compare_dirs(int a, int b, const char *path)
{
	hk_auto_strlist left = HK_STRLIST_INIT, right = HK_STRLIST_INIT;

	OK(hk_fs_list(a, ".", &left, &err));
	OK(hk_fs_list(b, ".", &right, &err));
	for (size_t i = 0; i < left.len && i < right.len; i++)
		if (strcmp(left.items[i], right.items[i]) != 0)
			fail_msg("'%s': '%s', git '%s'", path, left.items[i], right.items[i]);
	if (left.len != right.len)
		fail_msg("'%s': %zu names, git %zu", path, left.len, right.len);
	for (size_t i = 0; i < left.len; i++)
		compare_entries(a, b, left.items[i], path);
}

/* Checks main out with git and compares; returns the folder that hostkit filled. */
static HK_UNUSED int compare_with_git(struct hk_export_result *ret)
{
	hk_auto_free char *index = hk_xasprintf("%s/index", root);
	hk_auto_free char *tree = hk_xasprintf("--work-tree=%s/git", root);
	hk_auto_close int theirs = fresh_dir("git");
	int ours = fresh_dir("ours");

	unlink(index);
	git(tree, "checkout", "-q", "-f", "main");
	OK(export_with("refs/heads/main", ours, PLAIN, ret));
	compare_dirs(ours, theirs, "");
	return ours;
}

#endif
