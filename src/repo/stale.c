/*
 * Stale locks (contract in stale.h). The names are those of lockfile.h in git: the file's own with
 * ".lock" behind it.
 */
#include <repo/stale.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include <base/alloc.h>
#include <base/strlist.h>
#include <sys/fs.h>
#include <sys/proclist.h>

#define SETTLE_MS 100 /* a git that holds one for longer works in the folder */
#define DEPTH_MAX 32

static bool is_lock(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && !strcmp(name + len - 5, ".lock");
}

/* What is a lock below a folder of refs; unreadable folders have none. */
static void find_below(int dirfd, const char *path, int depth, struct hk_strlist *ret)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (depth > DEPTH_MAX || hk_fs_list(dirfd, path, &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		hk_auto_free char *name = hk_xasprintf("%s/%s", path, names.items[i]);

		if (hk_fs_is_dir(dirfd, name))
			find_below(dirfd, name, depth + 1, ret);
		else if (is_lock(name))
			hk_strlist_add(ret, name);
	}
}

static void find(int dirfd, struct hk_strlist *ret)
{
	static const char *const files[] = { "HEAD.lock", "packed-refs.lock", "shallow.lock" };

	find_below(dirfd, "refs", 0, ret);
	for (size_t i = 0; i < HK_ARRAY_LEN(files); i++)
		if (hk_fs_is_file(dirfd, files[i]))
			hk_strlist_add(ret, files[i]);
}

static bool is_in_use(const char *path)
{
	hk_auto_proclist users = HK_PROCLIST_INIT;

	hk_proclist_in_folder(path, &users);
	return users.len > 0;
}

/* Those that are there, are there a moment later, and that nobody can hold. */
static void find_stale(const char *path, int fd, struct hk_strlist *ret)
{
	hk_auto_strlist first = HK_STRLIST_INIT, still = HK_STRLIST_INIT;

	/* A repository that is not there is for others to tell. */
	if (fd < 0 || is_in_use(path))
		return;
	find(fd, &first);
	if (!first.len)
		return;
	poll(NULL, 0, SETTLE_MS);
	if (is_in_use(path))
		return;
	find(fd, &still);
	for (size_t i = 0; i < still.len; i++)
		if (hk_strlist_has(&first, still.items[i]))
			hk_strlist_add(ret, still.items[i]);
}

unsigned hk_repo_count_stale_locks(const char *path)
{
	hk_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hk_auto_strlist stale = HK_STRLIST_INIT;

	find_stale(path, fd, &stale);
	return (unsigned)stale.len;
}

int hk_repo_remove_stale_locks(const char *path, unsigned *ret_removed, struct hk_error *err)
{
	hk_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hk_auto_strlist stale = HK_STRLIST_INIT;

	find_stale(path, fd, &stale);
	for (size_t i = 0; i < stale.len; i++) {
		if (hk_fs_remove_tree(fd, stale.items[i], err))
			return err->code;
		(*ret_removed)++;
	}
	return 0;
}
