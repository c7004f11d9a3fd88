/*
 * Folders, files and links, relative to directory descriptors.
 */
#include <sys/fs.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <base/alloc.h>
#include <sys/failpoint.h>

#define READ_SIZE 16384
#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int hk_fs_open_dir(int dirfd, const char *path, int *ret_fd, struct hk_error *err)
{
	int fd = openat(dirfd, path, DIR_FLAGS);

	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", path);
	*ret_fd = fd;
	return 0;
}

int hk_fs_open_below(int dirfd, const char *path, int *ret_fd, struct hk_error *err)
{
	hk_auto_close int fd = openat(dirfd, ".", DIR_FLAGS);
	int next;

	for (const char *at = path; fd >= 0 && *at; at += *at == '/') {
		hk_auto_free char *name = hk_xstrndup(at, strcspn(at, "/"));

		at += strlen(name);
		if (!*name || !strcmp(name, ".."))
			return hk_error_set_errno(err, HK_E_IO, EINVAL, "cannot open folder '%s'",
						  path);
		next = openat(fd, name, DIR_FLAGS);
		close(fd);
		fd = next;
	}
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", path);
	*ret_fd = hk_steal_fd(&fd);
	return 0;
}

static int mkdir_one(int dirfd, const char *path, mode_t mode, struct hk_error *err)
{
	struct stat st;
	int saved;

	if (!mkdirat(dirfd, path, mode))
		return 0;
	saved = errno;
	/* A link to a folder is a folder here: administrators move homes to other disks this way.
	 */
	if (saved == EEXIST && !fstatat(dirfd, path, &st, 0) && S_ISDIR(st.st_mode))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, saved, "cannot make folder '%s'", path);
}

int hk_fs_mkdir_p(int dirfd, const char *path, mode_t mode, struct hk_error *err)
{
	hk_auto_free char *part = hk_xstrdup(path);

	for (char *p = strchr(part + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		int ret = mkdir_one(dirfd, part, mode, err);

		*p = '/';
		if (ret)
			return ret;
	}
	return mkdir_one(dirfd, part, mode, err);
}

static mode_t type_of(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) ? 0 : st.st_mode & S_IFMT;
}

bool hk_fs_exists(int dirfd, const char *path)
{
	return type_of(dirfd, path) != 0;
}

bool hk_fs_is_dir(int dirfd, const char *path)
{
	return type_of(dirfd, path) == S_IFDIR;
}

bool hk_fs_is_file(int dirfd, const char *path)
{
	return type_of(dirfd, path) == S_IFREG;
}

int hk_fs_read_all(int fd, size_t max, struct hk_buf *out)
{
	size_t start = out->len;

	for (;;) {
		ssize_t n;

		hk_buf_reserve(out, READ_SIZE);
		n = read(fd, out->data + out->len, READ_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		if (!n)
			return 0;
		out->len += (size_t)n;
		out->data[out->len] = '\0';
		if (out->len - start > max)
			return EFBIG;
	}
}

int hk_fs_read_file(int dirfd, const char *path, size_t max, struct hk_buf *out,
		    struct hk_error *err)
{
	/* O_NONBLOCK: opening a FIFO that someone put there must not hang; S_ISREG refuses it. */
	hk_auto_close int fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int failed;

	if (fd < 0 || fstat(fd, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open '%s'", path);
	if (!S_ISREG(st.st_mode))
		return hk_error_set(err, HK_E_IO, "'%s' is not a regular file", path);
	failed = hk_fs_read_all(fd, max, out);
	if (failed == EFBIG)
		return hk_error_set(err, HK_E_IO, "'%s' is larger than %zu bytes", path, max);
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read '%s'", path);
	return 0;
}

int hk_fs_write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Opens the folder that holds path's last component: that is where a rename has to be made durable.
 */
static int open_parent(int dirfd, const char *path, int *ret_fd, struct hk_error *err)
{
	const char *slash = strrchr(path, '/');
	hk_auto_free char *parent = NULL;
	int fd;

	if (!slash)
		parent = hk_xstrdup(".");
	else
		parent =
			slash == path ? hk_xstrdup("/") : hk_xstrndup(path, (size_t)(slash - path));
	fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", parent);
	*ret_fd = fd;
	return 0;
}

struct owner {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

static int fill_temporary(int fd, const void *data, size_t len, const struct owner *o)
{
	int failed = hk_fs_write_all(fd, data, len);

	if (failed)
		return failed;
	if ((o->uid != (uid_t)-1 || o->gid != (gid_t)-1) && fchown(fd, o->uid, o->gid))
		return errno;
	return fchmod(fd, o->mode) || fsync(fd) ? errno : 0;
}

int hk_fs_write_file(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		     struct hk_error *err)
{
	return hk_fs_write_file_for((uid_t)-1, (gid_t)-1, dirfd, path, data, len, mode, err);
}

int hk_fs_write_file_for(uid_t uid, gid_t gid, int dirfd, const char *path, const void *data,
			 size_t len, mode_t mode, struct hk_error *err)
{
	const struct owner owner = { uid, gid, mode };
	hk_auto_free char *tmp = hk_xasprintf("%s.tmp%d", path, (int)getpid());
	hk_auto_close int parent = -1;
	hk_auto_close int fd = -1;
	int failed = open_parent(dirfd, path, &parent, err);

	if (failed)
		return failed;
	/* One of our own number that a crash left: nobody else can be writing it. */
	unlinkat(dirfd, tmp, 0);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot create '%s'", tmp);
	failed = fill_temporary(fd, data, len, &owner);
	if (!failed && renameat(dirfd, tmp, dirfd, path))
		failed = errno;
	if (failed) {
		unlinkat(dirfd, tmp, 0);
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot write '%s'", path);
	}
	return hk_fs_sync_dir(parent, err);
}

int hk_fs_read_link(int dirfd, const char *path, char **ret, struct hk_error *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(dirfd, path, target, sizeof(target) - 1);

	if (n < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot read link '%s'", path);
	*ret = hk_xstrndup(target, (size_t)n);
	return 0;
}

int hk_fs_swap_link(int dirfd, const char *target, const char *path, struct hk_error *err)
{
	hk_auto_free char *tmp = hk_xasprintf("%s.tmp", path);
	int saved;

	unlinkat(dirfd, tmp, 0);
	if (symlinkat(target, dirfd, tmp))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make link '%s'", tmp);
	if (HK_FAILPOINT(link_made, err)) {
		unlinkat(dirfd, tmp, 0);
		return err->code;
	}
	if (!renameat(dirfd, tmp, dirfd, path))
		return 0;
	saved = errno;
	unlinkat(dirfd, tmp, 0);
	return hk_error_set_errno(err, HK_E_IO, saved, "cannot replace link '%s'", path);
}

static DIR *open_dir_stream(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, DIR_FLAGS);
	DIR *dir;

	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

/* dirfd(3), under a name that the parameters of this file do not hide. */
static int dirfd_of(DIR *dir)
{
	return dirfd(dir);
}

static bool is_dot(const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..");
}

/*
 * A build can nest folders deeper than there are descriptors. Below DEPTH_MAX a folder is moved up
 * to the root of the removal, which is read again until nothing was moved.
 */
#define DEPTH_MAX 64

struct removal {
	int root_fd;
	unsigned moved;
};

static int remove_entry(struct removal *r, int dirfd, const char *name, unsigned depth,
			struct hk_error *err);

static int empty_dir(struct removal *r, DIR *dir, unsigned depth, struct hk_error *err)
{
	struct dirent *entry;
	int ret = 0;

	while (!ret && (entry = readdir(dir)))
		if (!is_dot(entry->d_name))
			ret = remove_entry(r, dirfd_of(dir), entry->d_name, depth + 1, err);
	return ret;
}

static int empty_root(DIR *dir, struct hk_error *err)
{
	struct removal r = { .root_fd = dirfd_of(dir) };
	unsigned moved;
	int ret;

	do {
		moved = r.moved;
		rewinddir(dir);
		ret = empty_dir(&r, dir, 0, err);
	} while (!ret && r.moved != moved);
	return ret;
}

static int move_up(struct removal *r, int dirfd, const char *name, struct hk_error *err)
{
	hk_auto_free char *up = hk_xasprintf(".hostkit-deep-%u", r->moved++);

	if (renameat(dirfd, name, r->root_fd, up))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot move '%s'", name);
	return 0;
}

/* r is NULL for the root itself. */
static int remove_dir(struct removal *r, int dirfd, const char *name, unsigned depth,
		      struct hk_error *err)
{
	hk_auto_closedir DIR *dir = open_dir_stream(dirfd, name);
	int ret;

	if (!dir && errno == ENOENT) /* somebody else removes it, too */
		return 0;
	if (!dir)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", name);
	if (r && depth > DEPTH_MAX)
		return move_up(r, dirfd, name, err);
	ret = r ? empty_dir(r, dir, depth, err) : empty_root(dir, err);
	if (!ret && unlinkat(dirfd, name, AT_REMOVEDIR) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", name);
	return ret;
}

static int remove_entry(struct removal *r, int dirfd, const char *name, unsigned depth,
			struct hk_error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot inspect '%s'", name);
	}
	if (S_ISDIR(st.st_mode)) {
		/*
		 * A build may leave folders without permissions behind; they go as well. Root needs
		 * no permission, and would follow a link that was put there just now.
		 */
		if (geteuid() && (st.st_mode & 0700) != 0700 && fchmodat(dirfd, name, 0700, 0))
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot change '%s'", name);
		return remove_dir(r, dirfd, name, depth, err);
	}
	if (unlinkat(dirfd, name, 0) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", name);
	return 0;
}

int hk_fs_remove_tree(int dirfd, const char *path, struct hk_error *err)
{
	return remove_entry(NULL, dirfd, path, 0, err);
}

int hk_fs_list(int dirfd, const char *path, struct hk_strlist *ret, struct hk_error *err)
{
	hk_auto_closedir DIR *dir = open_dir_stream(dirfd, path);
	struct dirent *entry;

	if (!dir)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", path);
	while ((entry = readdir(dir)))
		if (!is_dot(entry->d_name))
			hk_strlist_add(ret, entry->d_name);
	hk_strlist_sort(ret);
	return 0;
}

int hk_fs_sync_dir(int dirfd, struct hk_error *err)
{
	if (fsync(dirfd))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot sync a folder");
	return 0;
}

int hk_fs_sync_filesystem(int fd, struct hk_error *err)
{
	if (syncfs(fd))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot sync the filesystem");
	return 0;
}

int hk_fs_space(int fd, int64_t *ret_bytes, int64_t *ret_inodes, struct hk_error *err)
{
	struct statvfs vfs;

	if (fstatvfs(fd, &vfs))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot ask for free space");
	*ret_bytes = (int64_t)vfs.f_bavail * (int64_t)vfs.f_frsize;
	*ret_inodes = vfs.f_files ? (int64_t)vfs.f_favail : -1;
	return 0;
}

void hk_fs_usage(int dirfd, const char *path, int64_t *ret_bytes, int64_t *ret_entries)
{
	struct dirent *entry;
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW))
		return;
	*ret_bytes += (int64_t)st.st_blocks * 512;
	*ret_entries += 1;
	if (!S_ISDIR(st.st_mode))
		return;
	hk_auto_closedir DIR *dir = open_dir_stream(dirfd, path);

	while (dir && (entry = readdir(dir)))
		if (!is_dot(entry->d_name))
			hk_fs_usage(dirfd_of(dir), entry->d_name, ret_bytes, ret_entries);
}
