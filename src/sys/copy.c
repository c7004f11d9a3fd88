/*
 * Copying and moving trees (contract in fs.h).
 */
#include <sys/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <base/alloc.h>

static int copy_bytes(int in, int out)
{
	char chunk[65536];

	/* Sharing extents costs nothing and is undone by the first write on either side. */
	if (!ioctl(out, FICLONE, in))
		return 0;
	for (;;) {
		ssize_t n = copy_file_range(in, NULL, out, NULL, 1 << 30, 0);

		if (n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP))
			break;
		if (n <= 0)
			return n < 0 ? errno : 0;
	}
	for (;;) {
		ssize_t n = read(in, chunk, sizeof(chunk));
		int failed;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : 0;
		failed = hk_fs_write_all(out, chunk, (size_t)n);
		if (failed)
			return failed;
	}
}

static int copy_file(int from_dirfd, const char *from, int to_dirfd, const char *to, mode_t mode,
		     struct hk_error *err)
{
	hk_auto_close int in = openat(from_dirfd, from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	hk_auto_close int out = -1;
	int failed;

	if (in < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open '%s'", from);
	out = openat(to_dirfd, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot create '%s'", to);
	failed = copy_bytes(in, out);
	if (!failed && fchmod(out, mode & 0777))
		failed = errno;
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot copy '%s'", from);
	return 0;
}

static int copy_link(int from_dirfd, const char *from, int to_dirfd, const char *to,
		     struct hk_error *err)
{
	hk_auto_free char *target = NULL;
	int ret = hk_fs_read_link(from_dirfd, from, &target, err);

	if (ret)
		return ret;
	if (symlinkat(target, to_dirfd, to))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make link '%s'", to);
	return 0;
}

static int copy_dir(int from_dirfd, const char *from, int to_dirfd, const char *to, mode_t mode,
		    struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	hk_auto_close int in = -1;
	hk_auto_close int out = -1;
	int ret;

	if (mkdirat(to_dirfd, to, 0700) && errno != EEXIST)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s'", to);
	ret = hk_fs_open_dir(from_dirfd, from, &in, err);
	if (!ret)
		ret = hk_fs_open_dir(to_dirfd, to, &out, err);
	if (!ret)
		ret = hk_fs_list(in, ".", &names, err);
	for (size_t i = 0; !ret && i < names.len; i++)
		ret = hk_fs_copy_tree(in, names.items[i], out, names.items[i], err);
	if (!ret && fchmod(out, mode & 0777))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot change '%s'", to);
	return ret;
}

int hk_fs_copy_tree(int from_dirfd, const char *from, int to_dirfd, const char *to,
		    struct hk_error *err)
{
	struct stat st;

	if (fstatat(from_dirfd, from, &st, AT_SYMLINK_NOFOLLOW))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot inspect '%s'", from);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return copy_dir(from_dirfd, from, to_dirfd, to, st.st_mode, err);
	case S_IFLNK:
		return copy_link(from_dirfd, from, to_dirfd, to, err);
	case S_IFREG:
		return copy_file(from_dirfd, from, to_dirfd, to, st.st_mode, err);
	default:
		return hk_error_set(err, HK_E_IO,
				    "cannot copy '%s': not a file, a folder or a link", from);
	}
}

int hk_fs_move(int from_dirfd, const char *from, int to_dirfd, const char *to, struct hk_error *err)
{
	int ret;

	if (!renameat2(from_dirfd, from, to_dirfd, to, RENAME_NOREPLACE))
		return 0;
	if (errno != EXDEV)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot move '%s' to '%s'", from,
					  to);
	ret = hk_fs_copy_tree(from_dirfd, from, to_dirfd, to, err);
	return ret ? ret : hk_fs_remove_tree(from_dirfd, from, err);
}
