/*
 * Folders that root makes for a project (contract in folders.h): by descriptors, since the folders
 * above some of them are the user's, who may put a link anywhere there at any time.
 */
#include <host/folders.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <sys/fs.h>

#define KEYS "authorized_keys"

struct folder {
	int parent_fd;
	const char *name;
	const char *path; /* for messages */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

static bool is_empty(int fd)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	return !hk_fs_list(fd, ".", &names, &ignored) && !names.len;
}

/* Whether an existing folder can be the one; *ret_fresh: it has yet to be given to its owner. */
static int judge(const struct folder *f, int fd, bool *ret_fresh, struct hk_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s'", f->path);
	/* The group also: a run that was killed may have left what is root's anyway without it. */
	if (st.st_uid == f->uid && (f->uid || st.st_gid == f->gid))
		return 0;
	*ret_fresh = !st.st_uid && (!f->uid || is_empty(fd));
	if (*ret_fresh)
		return 0;
	hk_error_set(err, HK_E_NAME_TAKEN, "'%s' is there already, and is another user's", f->path);
	return hk_error_hint(err, "move it away: mv %s %s.old", f->path, f->path);
}

static int make(const struct folder *f, int flags, bool *ret_made, struct hk_error *err)
{
	bool fresh = !mkdirat(f->parent_fd, f->name, 0700);
	hk_auto_close int fd = -1;

	if (!fresh && errno != EEXIST)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make folder '%s'", f->path);
	*ret_made |= fresh;
	fd = openat(f->parent_fd, f->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", f->path);
	if (!fresh && judge(f, fd, &fresh, err))
		return err->code;
	if (!fresh)
		return 0;
	/* The mode behind the owner: until then it is root's own. */
	if (fchown(fd, f->uid, f->gid) || fchmod(fd, f->mode))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot give '%s' to its owner",
					  f->path);
	return 0;
}

/* path is absolute, and the folder above it root's, where links are an administrator's. */
static int make_top(const struct hk_host_project *hp, const char *path, bool *ret_made,
		    struct hk_error *err)
{
	const struct folder f = { .parent_fd = AT_FDCWD,
				  .name = path,
				  .path = path,
				  .uid = hp->uid,
				  .gid = hp->gid,
				  .mode = 0750 };

	return make(&f, 0, ret_made, err);
}

int hk_host_home_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	return make_top(hp, hp->home, ret_made, err);
}

int hk_host_state_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	return make_top(hp, hp->state, ret_made, err);
}

/* Of the home itself, links are an administrator's. */
static int open_home(const struct hk_host_project *hp)
{
	return open(hp->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int hk_host_ssh_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/.ssh", hp->home);
	hk_auto_close int home = open_home(hp);
	const struct folder f = { .parent_fd = home,
				  .name = ".ssh",
				  .path = path,
				  .uid = 0,
				  .gid = hp->gid,
				  .mode = 0750 };

	if (home < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", hp->home);
	return make(&f, O_NOFOLLOW, ret_made, err);
}

static int remove_top(const struct hk_host_project *hp, const char *path, struct hk_error *err)
{
	hk_auto_free char *target = NULL;
	struct hk_error ignored;

	if (!hk_fs_read_link(AT_FDCWD, path, &target, &ignored))
		hk_strlist_addf(hp->notes, "'%s' was a link to '%s', which is left as it is", path,
				target);
	return hk_fs_remove_tree(AT_FDCWD, path, err);
}

int hk_host_home_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	return remove_top(hp, hp->home, err);
}

int hk_host_state_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	return remove_top(hp, hp->state, err);
}

/* A .ssh that is not root's is none of ours, and a link is not followed. */
int hk_host_ssh_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	hk_auto_close int home = open_home(hp), fd = -1;
	struct stat st;

	if (home < 0)
		return 0;
	fd = openat(home, ".ssh", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || st.st_uid)
		return 0;
	if (unlinkat(fd, KEYS, 0) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s/.ssh/%s'",
					  hp->home, KEYS);
	/* Fails when there is more in it (a key to fetch with), which is then kept. */
	unlinkat(home, ".ssh", AT_REMOVEDIR);
	return 0;
}

static void remove_of(const struct hk_host_project *hp, const char *dir)
{
	hk_auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	if (fd < 0 || hk_fs_list(fd, ".", &names, &err))
		return;
	for (size_t i = 0; i < names.len; i++) {
		struct stat st;

		if (fstatat(fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) || st.st_uid != hp->uid)
			continue;
		if (hk_fs_remove_tree(fd, names.items[i], &err))
			hk_strlist_addf(hp->notes, "in '%s', something of '%s' is left: %s", dir,
					hp->name, err.message);
	}
}

void hk_host_leftovers_remove(const struct hk_host_project *hp)
{
	static const char *const dirs[] = { "/tmp",
					    "/var/tmp",
					    "/dev/shm",
					    "/var/mail",
					    "/var/spool/cron/crontabs",
					    "/var/spool/cron/atjobs" };

	for (size_t i = 0; hp->uid && i < HK_ARRAY_LEN(dirs); i++)
		remove_of(hp, dirs[i]);
}
