/*
 * Arranging mounts (contract in mounts.h). Everything that stays is cloned first, as it is; then
 * the whole becomes read-only and is hidden in parts, and the clones come back to their places.
 */
#include <sys/mounts.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/log.h>
#include <sys/fs.h>

#define MASK_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)
#define MASK_OPTIONS "mode=0755,size=64k"

int hk_mounts_detach(struct hk_error *err)
{
	if (!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot detach the mounts of a namespace");
}

static int make_readonly(int dirfd, const char *path, unsigned flags, struct hk_error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (!mount_setattr(dirfd, path, flags, &attr, sizeof(attr)))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot make '%s' read-only",
				  *path ? path : "a mount");
}

/* What "/" or the nearest entry above says of the place. */
static enum hk_access access_around(const struct hk_sandbox *s, size_t at)
{
	const char *path = s->paths[at].path;

	/* Sorted: the last of the folders above is the nearest. */
	for (size_t i = at; i-- > 0;) {
		size_t n = strlen(s->paths[i].path);

		if (!strncmp(s->paths[i].path, path, n) && path[n] == '/')
			return s->paths[i].access;
	}
	return HK_ACCESS_READ;
}

/* Whether the entry is a mount of its own: all that differs from what is around it. */
static bool differs(const struct hk_sandbox *s, size_t i)
{
	return s->paths[i].instead || s->paths[i].access != access_around(s, i);
}

static bool is_hidden(const struct hk_sandbox *s, size_t i)
{
	return !s->paths[i].access && !s->paths[i].instead && differs(s, i);
}

/* What is to be seen there; NULL for what is hidden, or is made when its turn comes. */
static const char *source_of(const struct hk_sandbox_path *p)
{
	if (p->instead)
		return *p->instead ? p->instead : NULL;
	return p->access ? p->path : NULL;
}

static int clone_paths(const struct hk_sandbox *s, int *clones, struct hk_error *err)
{
	for (size_t i = 0; i < s->len; i++) {
		const char *source = source_of(&s->paths[i]);

		if (!source || !differs(s, i))
			continue;
		clones[i] = open_tree(AT_FDCWD, source,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
		if (clones[i] < 0 && errno != ENOENT)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot clone '%s'", source);
	}
	return 0;
}

/* Now: what was missing may have come into being. */
static bool is_dir(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

static int mask(const char *path, struct hk_error *err)
{
	bool folder = is_dir(path);
	int failed = folder ? mount("tmpfs", path, "tmpfs", MASK_FLAGS, MASK_OPTIONS)
			    : mount("/dev/null", path, NULL, MS_BIND, NULL);

	/* A device where there are none, which nobody opens. */
	if (!failed && !folder)
		failed = mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MASK_FLAGS,
			       NULL);
	if (!failed || errno == ENOENT)
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot hide '%s'", path);
}

static int mount_memory(const struct hk_sandbox *s, const char *path, struct hk_error *err)
{
	/* Files in memory are no data of a process, which a limit for that would count. */
	hk_auto_free char *options =
		s->memory_max ? hk_xasprintf("mode=1777,size=%lld", (long long)s->memory_max)
			      : hk_xstrdup("mode=1777");

	if (!mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, options))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot mount '%s'", path);
}

/* In a mask, which is empty, the place has to be made. */
static int make_place(const struct hk_sandbox_path *p, struct hk_error *err)
{
	hk_auto_free char *parent = hk_xstrdup(p->path);
	hk_auto_close int fd = -1;

	if (p->is_dir)
		return hk_fs_mkdir_p(AT_FDCWD, p->path, 0755, err);
	*strrchr(parent, '/') = '\0';
	if (*parent && hk_fs_mkdir_p(AT_FDCWD, parent, 0755, err))
		return err->code;
	fd = open(p->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make '%s'", p->path);
	return 0;
}

static int put_back(const struct hk_sandbox *s, size_t i, int clone, struct hk_error *err)
{
	const struct hk_sandbox_path *p = &s->paths[i];

	if (access_around(s, i) == HK_ACCESS_NONE && make_place(p, err))
		return err->code;
	if (p->access == HK_ACCESS_READ && s->kernel.mounts_readonly &&
	    make_readonly(clone, "", AT_EMPTY_PATH | AT_RECURSIVE, err))
		return err->code;
	if (!move_mount(clone, "", AT_FDCWD, p->path, MOVE_MOUNT_F_EMPTY_PATH))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot mount '%s'", p->path);
}

/* The way to what stays seen may have begun in what is hidden. */
static void restore_links(const struct hk_sandbox *s)
{
	for (size_t i = 0; i < s->len; i++) {
		const struct hk_sandbox_path *p = &s->paths[i];
		hk_auto_free char *parent = p->link ? hk_xstrdup(p->link) : NULL;
		struct hk_error ignored;

		if (!parent || !p->access || hk_fs_exists(AT_FDCWD, p->link))
			continue;
		*strrchr(parent, '/') = '\0';
		if (*parent && !hk_fs_mkdir_p(AT_FDCWD, parent, 0755, &ignored) &&
		    symlink(p->path, p->link))
			hk_log_debug("cannot restore the link '%s'", p->link);
	}
}

static int place_paths(const struct hk_sandbox *s, const int *clones, struct hk_error *err)
{
	for (size_t i = 0; i < s->len; i++) {
		int failed = 0;

		if (clones[i] >= 0)
			failed = put_back(s, i, clones[i], err);
		else if (s->paths[i].instead)
			failed = mount_memory(s, s->paths[i].path, err);
		else if (is_hidden(s, i))
			failed = mask(s->paths[i].path, err);
		if (failed)
			return failed;
	}
	restore_links(s);
	for (size_t i = 0; s->kernel.mounts_readonly && i < s->len; i++)
		if (is_hidden(s, i) && is_dir(s->paths[i].path) &&
		    make_readonly(AT_FDCWD, s->paths[i].path, 0, err))
			return err->code;
	return 0;
}

/* The same path leads to another mount now, perhaps, and relative paths begin here. */
static int enter_folder_again(const char *cwd, struct hk_error *err)
{
	if (cwd && !chdir(cwd))
		return 0;
	return hk_error_set_errno(err, HK_E_IO, errno,
				  "cannot enter the working folder of a program");
}

int hk_mounts_arrange(const struct hk_sandbox *s, struct hk_error *err)
{
	hk_auto_free int *clones = hk_xcalloc(s->len + 1, sizeof(*clones));
	hk_auto_free char *cwd = getcwd(NULL, 0);
	int ret;

	for (size_t i = 0; i < s->len; i++)
		clones[i] = -1;
	ret = clone_paths(s, clones, err);
	if (!ret && s->kernel.mounts_readonly)
		ret = make_readonly(AT_FDCWD, "/", AT_RECURSIVE, err);
	if (!ret)
		ret = place_paths(s, clones, err);
	if (!ret)
		ret = enter_folder_again(cwd, err);
	for (size_t i = 0; i < s->len; i++)
		hk_cleanup_close(&clones[i]);
	return ret;
}

bool hk_mounts_try_mask(void)
{
	hk_auto_close int clone = -1;

	if (mount("tmpfs", "/", "tmpfs", MASK_FLAGS, MASK_OPTIONS))
		return false;
	clone = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	return clone >= 0 && !move_mount(clone, "", AT_FDCWD, "/proc", MOVE_MOUNT_F_EMPTY_PATH);
}

bool hk_mounts_try_readonly(void)
{
	struct hk_error ignored;

	return !make_readonly(AT_FDCWD, "/", AT_RECURSIVE, &ignored);
}
