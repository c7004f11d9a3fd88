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
#include <base/human.h>
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

static int target(const struct hk_database *db, struct hk_buf *ret, struct hk_error *err)
{
	if (check_settings(db, err))
		return err->code;
	/* In the home, wherever that is moved. */
	hk_buf_addstr(ret, db->conf->database_path);
	return 0;
}

static int clean(const struct hk_database *db, struct hk_error *err)
{
	auto_place p = { .dir_fd = -1 };

	return find(db, &p, err) ? err->code : remove_new(&p, err);
}

/* --- Looking */

static void take_now(void *ctx, const char *table, int64_t rows)
{
	struct hk_table_rows *r = hk_rows_of(ctx, table);

	if (r)
		r->now = rows;
}

static void take_then(void *ctx, const char *table, int64_t rows)
{
	struct hk_table_rows *r = hk_rows_of(ctx, table);

	if (r)
		r->then = rows;
}

static int rows(const struct hk_database *db, const struct hk_dump *d, struct hk_rows *ret,
		struct hk_error *err)
{
	const struct hk_sqlite_limits limits = limits_of(db);
	auto_place p = { .dir_fd = -1 };
	bool more_now, more_then;

	if (find(db, &p, err) ||
	    hk_sqlite_count_rows(p.path, false, HK_ROWS_TABLES_MAX, &limits, take_now, ret,
				 &more_now, err) ||
	    hk_sqlite_count_rows(d->path, true, HK_ROWS_TABLES_MAX, &limits, take_then, ret,
				 &more_then, err))
		return err->code;
	ret->more |= more_now || more_then;
	return 0;
}

/* Without SQLite, which would make files beside one in WAL mode. */
static int examine_file(const struct place *p, struct hk_buf *ret, struct hk_error *err)
{
	static const char magic[] = "SQLite format 3"; /* with its end (fileformat2.html) */
	char head[sizeof(magic)], size[HK_HUMAN_LEN];
	hk_auto_close int fd = -1;
	struct stat st;
	ssize_t n;

	fd = openat(p->dir_fd, p->base, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_CHECKPOINT_FAILED, errno,
					  "cannot open the database '%s'", p->path);
	n = pread(fd, head, sizeof(head), 0);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || n < 0 ||
	    (n && (n != sizeof(head) || memcmp(head, magic, sizeof(magic)))))
		return hk_error_set(err, HK_E_CHECKPOINT_FAILED, "'%s' is not a database of SQLite",
				    p->path);
	hk_buf_addf(ret, "%s, %s", p->path, hk_human_size(st.st_size, size));
	return 0;
}

static int examine(const struct hk_database *db, struct hk_strlist *warnings HK_UNUSED,
		   struct hk_buf *ret, struct hk_error *err)
{
	auto_place p = { .dir_fd = -1 };

	if (!exists(db)) {
		hk_buf_addf(ret, "there is no '%s' yet", db->conf->database_path);
		return 0;
	}
	return find(db, &p, err) ? err->code : examine_file(&p, ret, err);
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
	.target = target,
	.rows = rows,
	.examine = examine,
};
