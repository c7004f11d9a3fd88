/*
 * [database] kind = sqlite: a file below the project's home, which the service has open.
 */
#include <database/kinds.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <store/sqlite_file.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define NEW ".hostkit-new" /* behind the name of the live one */
#define CHUNK (1 << 18)

struct place {
	int dir_fd;	  /* the folder */
	const char *base; /* the name in it, borrowed from the settings */
	char *path;	  /* all of it, resolved */
	char *new_base, *new_path;
};

static void release_place(struct place *p)
{
	hk_cleanup_close(&p->dir_fd);
	free(p->path);
	free(p->new_base);
	free(p->new_path);
}
#define auto_place HK_CLEANUP(release_place) struct place

static int find(const struct hk_database *db, struct place *ret, struct hk_error *err)
{
	const char *path = db->conf->database_path, *slash = strrchr(path, '/');
	hk_auto_free char *dir = slash ? hk_xstrndup(path, (size_t)(slash - path)) : hk_xstrdup("");
	hk_auto_free char *home = realpath(db->home_path, NULL);

	*ret = (struct place){ .dir_fd = -1 };
	if (!home)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'",
					  db->home_path);
	if (hk_fs_open_below(db->home_fd, dir, &ret->dir_fd, err))
		return hk_error_prefix(err, "[database] path");
	ret->base = slash ? slash + 1 : path;
	ret->path = hk_xasprintf("%s/%s", home, path);
	ret->new_base = hk_xasprintf("%s" NEW, ret->base);
	ret->new_path = hk_xasprintf("%s" NEW, ret->path);
	return 0;
}

static int check_settings(const struct hk_database *db, struct hk_error *err)
{
	if (*db->conf->database_path)
		return 0;
	hk_error_set(err, HK_E_CONFIG_INVALID, "[database] kind = sqlite needs [database] path");
	return hk_error_hint(err,
			     "name the file, such as shared/app.db, in the project's INI file, "
			     "then: hostkit config check %s",
			     db->project);
}

static bool exists(const struct hk_database *db)
{
	struct stat st;

	/* A link, say, is there, and is refused. */
	return !fstatat(db->home_fd, db->conf->database_path, &st, AT_SYMLINK_NOFOLLOW);
}

static struct hk_sqlite_limits limits_of(const struct hk_database *db)
{
	return (struct hk_sqlite_limits){ .cancel_fd = db->cancel_fd, .deadline = db->deadline };
}

static int dump(const struct hk_database *db, const struct hk_dump *to, struct hk_error *err)
{
	const struct hk_sqlite_limits limits = limits_of(db);
	auto_place p = { .dir_fd = -1 };

	return find(db, &p, err) ? err->code : hk_sqlite_copy(p.path, to->path, &limits, err);
}

static int check(const struct hk_database *db, const struct hk_dump *d, struct hk_error *err)
{
	const struct hk_sqlite_limits limits = limits_of(db);

	return hk_sqlite_check(d->path, &limits, err);
}

/* --- Restoring */

static int copy_file(int from, int to, const char *what, struct hk_error *err)
{
	hk_auto_free char *chunk = hk_xmalloc(CHUNK);
	off_t at = 0;
	ssize_t n;
	int failed = 0;

	while ((n = pread(from, chunk, CHUNK, at)) > 0 && !failed) {
		failed = hk_fs_write_all(to, chunk, (size_t)n);
		at += n;
	}
	if (n < 0 || failed)
		return hk_error_set_errno(err, HK_E_IO, failed ? failed : errno,
					  "cannot write '%s'", what);
	return 0;
}

/* Whoever may use the old one may use the new one. */
static int like_live(const struct place *p, int fd, struct hk_error *err)
{
	struct stat st;

	if (fstatat(p->dir_fd, p->base, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot look at '%s'", p->path);
	}
	/* The group before the mode, which it may cut; that a group is another's is no failure. */
	if (fchown(fd, (uid_t)-1, st.st_gid) && errno != EPERM)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot set the group of '%s'",
					  p->new_path);
	if (fchmod(fd, st.st_mode & 0777))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot set the mode of '%s'",
					  p->new_path);
	return 0;
}

static int remove_new(const struct place *p, struct hk_error *err)
{
	if (unlinkat(p->dir_fd, p->new_base, 0) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", p->new_path);
	return hk_fs_sync_dir(p->dir_fd, err);
}

static int load(const struct hk_database *db, const struct hk_dump *from, struct hk_error *err)
{
	const struct hk_sqlite_limits limits = limits_of(db);
	auto_place p = { .dir_fd = -1 };
	hk_auto_close int fd = -1;

	if (find(db, &p, err) || remove_new(&p, err))
		return err->code;
	fd = openat(p.dir_fd, p.new_base, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make '%s'", p.new_path);
	if (copy_file(from->fd, fd, p.new_path, err) || like_live(&p, fd, err))
		return err->code;
	if (fsync(fd))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot write '%s'", p.new_path);
	if (hk_sqlite_check(p.new_path, &limits, err))
		return err->code;
	return hk_fs_sync_dir(p.dir_fd, err);
}

static int swap(const struct hk_database *db, const struct hk_dump *from HK_UNUSED,
		struct hk_error *err)
{
	auto_place p = { .dir_fd = -1 };

	if (find(db, &p, err) || hk_sqlite_replace(p.path, p.new_path, err))
		return err->code;
	return hk_fs_sync_dir(p.dir_fd, err);
}

static int look(const struct hk_database *db, bool *ret_beside, struct hk_error *err)
{
	auto_place p = { .dir_fd = -1 };

	if (find(db, &p, err))
		return err->code;
	*ret_beside = hk_fs_exists(p.dir_fd, p.new_base);
	return 0;
}

static int clean(const struct hk_database *db, struct hk_error *err)
{
	auto_place p = { .dir_fd = -1 };

	return find(db, &p, err) ? err->code : remove_new(&p, err);
}

const struct hk_database_kind hk_database_sqlite = {
	.name = "sqlite",
	.stops_service = true,
	.check_settings = check_settings,
	.exists = exists,
	.dump = dump,
	.check = check,
	.load = load,
	.swap = swap,
	.look = look,
	.clean = clean,
};
