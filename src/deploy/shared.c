/*
 * Links to shared folders and files (contract in shared.h).
 */
#include <deploy/shared.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/words.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define DIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define SEED_TMP ".hostkit-seed"

/* The tree or the shared folder, as messages call it. */
struct side {
	int fd;
	const char *name;
	enum hk_code code; /* when something there is in the way */
	mode_t mode;	   /* of missing folders; 0: they are not made */
};

struct entry {
	const char *path; /* as configured */
	bool is_dir;
	char *at;     /* where the link is in the tree */
	char *target; /* what it says */
	int dir_fd;   /* the folder that has it */
	const char *base;
};

typedef int entry_fn(struct hk_deploy *d, const struct entry *e, struct hk_error *err);

static const char *kind(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a link";
	if (S_ISDIR(mode))
		return "a folder";
	return S_ISREG(mode) ? "a file" : "neither a file nor a folder";
}

static int in_the_way(const struct side *s, const char *path, mode_t mode, bool want_dir,
		      struct hk_error *err)
{
	hk_error_set(err, s->code, "'%s' in %s is %s, and has to be %s: see [shared]", path,
		     s->name, kind(mode), want_dir ? "a folder" : "a file");
	if (s->code == HK_E_TREE_REFUSED)
		return hk_error_hint(err,
				     "remove it from the repository, or take what is shared there "
				     "out of [shared] in the project's INI file");
	if (s->code == HK_E_SHARED_INVALID)
		return hk_error_hint(err,
				     "put the %s itself there; a folder of another disk can "
				     "be mounted on it (mount --bind)",
				     want_dir ? "folder" : "file");
	return err->code;
}

/* One step down; a link is not followed. */
static int step(const struct side *s, int dir_fd, const char *path, const char *name, int *ret_fd,
		struct hk_error *err)
{
	bool made = s->mode && !mkdirat(dir_fd, name, s->mode);
	int failed = s->mode && !made && errno != EEXIST ? errno : 0;
	int fd = openat(dir_fd, name, DIR_FLAGS);
	struct stat st;

	if (fd >= 0) {
		*ret_fd = fd;
		/* As durable as the link of a live release that leads there. */
		return made ? hk_fs_sync_dir(dir_fd, err) : 0;
	}
	if (errno == ENOTDIR && !fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return in_the_way(s, path, st.st_mode, true, err);
	return hk_error_set_errno(err, HK_E_IO, failed ? failed : errno,
				  "cannot open folder '%s' in %s", path, s->name);
}

/* Opens the folder that has the last component of path. sys_errno is ENOENT when it is missing. */
static int open_parent(const struct side *s, const char *path, int *ret_fd, const char **ret_base,
		       struct hk_error *err)
{
	hk_auto_free char *part = hk_xstrdup(path);
	hk_auto_close int fd = openat(s->fd, ".", DIR_FLAGS);
	char *name = part;

	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open %s", s->name);
	for (char *slash; (slash = strchr(name, '/')); name = slash + 1) {
		int next = -1;

		*slash = '\0';
		if (step(s, fd, part, name, &next, err)) {
			hk_cleanup_close(&next);
			return err->code;
		}
		*slash = '/';
		close(fd);
		fd = next;
	}
	*ret_fd = hk_steal_fd(&fd);
	*ret_base = path + (name - part);
	return 0;
}

static void release_entry(struct entry *e)
{
	free(e->at);
	free(e->target);
	hk_cleanup_close(&e->dir_fd);
}

static char *target_of(const struct hk_project *p, const struct entry *e)
{
	hk_auto_buf target = HK_BUF_INIT;

	if (!hk_project_has_releases_inside(p))
		return hk_xasprintf("%s/shared/%s", p->home_path, e->path);
	/* Out of the folders of the path, of the release, and of releases/. */
	for (const char *at = e->at; at; at = strchr(at + 1, '/'))
		hk_buf_addstr(&target, "../");
	hk_buf_addf(&target, "../shared/%s", e->path);
	return hk_buf_detach(&target);
}

static int visit(struct hk_deploy *d, const struct side *tree, const char *top, const char *path,
		 bool is_dir, entry_fn *fn, struct hk_error *err)
{
	HK_CLEANUP(release_entry)
	struct entry e = { .path = path, .is_dir = is_dir, .dir_fd = -1 };

	e.at = hk_xasprintf("%s%s%s", top, *top ? "/" : "", path);
	e.target = target_of(d->project, &e);
	if (open_parent(tree, e.at, &e.dir_fd, &e.base, err))
		return err->code;
	return fn(d, &e, err);
}

static int each(struct hk_deploy *d, const struct side *tree, const char *top, entry_fn *fn,
		struct hk_error *err)
{
	const struct hk_strlist *dirs = &d->project->conf.shared_dirs;
	const struct hk_strlist *files = &d->project->conf.shared_files;

	/* A file that is missing is found before a folder is filled. */
	for (size_t i = 0; i < files->len; i++)
		if (visit(d, tree, top, files->items[i], false, fn, err))
			return err->code;
	for (size_t i = 0; i < dirs->len; i++)
		if (visit(d, tree, top, dirs->items[i], true, fn, err))
			return err->code;
	return 0;
}

/* --- What is shared */

static int missing_file(const struct side *shared, const char *path, struct hk_error *err)
{
	hk_auto_free char *full = hk_xasprintf("%s/%s", shared->name, path);
	hk_auto_buf quoted = HK_BUF_INIT;

	hk_words_quote(&quoted, full);
	hk_error_set(err, HK_E_SHARED_INVALID, "shared file '%s' does not exist", path);
	return hk_error_hint(err, "put it there, on the server: install -D -m 600 FILE %s",
			     quoted.data);
}

/* Finds the shared file, or finds or makes the shared folder, and tells its parent. */
static int open_shared(const struct side *shared, const struct entry *e, int *ret_parent,
		       const char **ret_base, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;
	hk_auto_close int fd = -1;
	struct stat st;

	if (open_parent(shared, e->path, ret_parent, ret_base, &why)) {
		if (!e->is_dir && why.sys_errno == ENOENT)
			return missing_file(shared, e->path, err);
		*err = why;
		return err->code;
	}
	if (e->is_dir && step(shared, *ret_parent, e->path, *ret_base, &fd, err))
		return err->code;
	if (fstatat(*ret_parent, *ret_base, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return missing_file(shared, e->path, err);
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot inspect '%s' in %s", e->path,
					  shared->name);
	}
	if (!e->is_dir && !S_ISREG(st.st_mode))
		return in_the_way(shared, e->path, st.st_mode, false, err);
	return 0;
}

/* Files that keep an otherwise empty folder in git are not content. */
static bool is_placeholder(const char *name)
{
	static const char *const names[] = {
		".", "..", ".gitkeep", ".keep", ".gitignore", SEED_TMP
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* An application may have a million files there: they are not listed. */
static int has_content(int parent_fd, const char *name, bool *ret, struct hk_error *err)
{
	hk_auto_close int fd = openat(parent_fd, name, DIR_FLAGS);
	hk_auto_closedir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", name);
	hk_steal_fd(&fd);
	*ret = false;
	while (!*ret && (entry = readdir(dir)))
		*ret = !is_placeholder(entry->d_name);
	return 0;
}

/* The name is all that it says: it is there at once or not at all. */
static int make_marker(int parent_fd, const char *marker, struct hk_error *err)
{
	hk_auto_close int fd =
		openat(parent_fd, marker, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot create '%s'", marker);
	return hk_fs_sync_dir(parent_fd, err);
}

/*
 * Copies what the commit has into the shared folder, an entry at a time, each whole. The marker
 * beside the folder says until the end that there is more to come, whatever ends this deployment.
 */
static int seed(int tree_fd, int shared_fd, int parent_fd, const char *marker, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (make_marker(parent_fd, marker, err) || hk_fs_list(tree_fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++) {
		if (hk_fs_exists(shared_fd, names.items[i]))
			continue;
		if (hk_fs_remove_tree(shared_fd, SEED_TMP, err) ||
		    hk_fs_copy_tree(tree_fd, names.items[i], shared_fd, SEED_TMP, err) ||
		    hk_fs_move(shared_fd, SEED_TMP, shared_fd, names.items[i], err) ||
		    HK_FAILPOINT(shared_seeding, err))
			return err->code;
	}
	if (hk_fs_sync_filesystem(shared_fd, err))
		return err->code;
	if (unlinkat(parent_fd, marker, 0))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", marker);
	return hk_fs_sync_dir(parent_fd, err);
}

/* The commit has a folder in the place of a shared one. */
static int seed_if_empty(struct hk_deploy *d, const struct entry *e, int parent_fd,
			 const char *base, struct hk_error *err)
{
	hk_auto_free char *marker = hk_xasprintf(".%s.hostkit-seeding", base);
	hk_auto_close int tree_fd = -1;
	hk_auto_close int shared_fd = -1;
	bool committed, full;

	if (has_content(e->dir_fd, e->base, &committed, err) ||
	    has_content(parent_fd, base, &full, err))
		return err->code;
	if (!committed)
		return 0;
	if (full && !hk_fs_exists(parent_fd, marker)) {
		hk_report_say(d->report, HK_REPORT_INFO,
			      "what the commit has in '%s' is not used: the folder is shared",
			      e->path);
		return 0;
	}
	hk_report_say(d->report, HK_REPORT_INFO,
		      "'%s' is shared and was empty: it begins with what the commit has there",
		      e->path);
	if (hk_fs_open_dir(e->dir_fd, e->base, &tree_fd, err) ||
	    hk_fs_open_dir(parent_fd, base, &shared_fd, err))
		return err->code;
	return seed(tree_fd, shared_fd, parent_fd, marker, err);
}

/* --- The links */

static int make_link(const struct entry *e, struct hk_error *err)
{
	if (symlinkat(e->target, e->dir_fd, e->base))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make link '%s'", e->at);
	return 0;
}

static bool is_linked(const struct entry *e)
{
	hk_auto_free char *target = NULL;
	struct hk_error ignored;

	return !hk_fs_read_link(e->dir_fd, e->base, &target, &ignored) &&
	       !strcmp(target, e->target);
}

/* What the commit has in the place of the link goes. */
static int clear_place(struct hk_deploy *d, const struct side *tree, const struct entry *e,
		       int parent_fd, const char *base, struct hk_error *err)
{
	struct stat st;

	if (fstatat(e->dir_fd, e->base, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT)
			return 0;
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot inspect '%s'", e->at);
	}
	if (S_ISDIR(st.st_mode) != e->is_dir && !S_ISLNK(st.st_mode))
		return in_the_way(tree, e->path, st.st_mode, e->is_dir, err);
	if (S_ISDIR(st.st_mode)) {
		if (seed_if_empty(d, e, parent_fd, base, err))
			return err->code;
	} else {
		hk_report_say(d->report, HK_REPORT_INFO,
			      "the commit's %s '%s' is not used: it is shared",
			      S_ISLNK(st.st_mode) ? "link" : "file", e->path);
	}
	return hk_fs_remove_tree(e->dir_fd, e->base, err);
}

static int link_entry(struct hk_deploy *d, const struct entry *e, struct hk_error *err)
{
	hk_auto_free char *name = hk_xasprintf("%s/shared", d->project->home_path);
	const struct side tree = { .name = "the commit", .code = HK_E_TREE_REFUSED };
	struct side shared = { .name = name,
			       .code = HK_E_SHARED_INVALID,
			       .mode = e->is_dir ? 0750 : 0 };
	hk_auto_close int shared_fd = -1;
	hk_auto_close int parent_fd = -1;
	const char *base;

	/* The folder shared itself may be on another disk, like the home. */
	if (hk_fs_mkdir_p(d->project->home_fd, "shared", 0750, err))
		return err->code;
	shared_fd = openat(d->project->home_fd, "shared", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (shared_fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", name);
	shared.fd = shared_fd;
	if (open_shared(&shared, e, &parent_fd, &base, err) ||
	    clear_place(d, &tree, e, parent_fd, base, err))
		return err->code;
	return make_link(e, err);
}

int hk_shared_link(struct hk_deploy *d, struct hk_error *err)
{
	const struct side tree = {
		.fd = d->staging_fd, .name = "the commit", .code = HK_E_TREE_REFUSED, .mode = 0755
	};

	if (each(d, &tree, "", link_entry, err))
		return err->code;
	return HK_FAILPOINT(shared_linked, err);
}

static int check_entry(struct hk_deploy *d, const struct entry *e, struct hk_error *err)
{
	struct stat st;

	if (is_linked(e))
		return 0;
	if (fstatat(e->dir_fd, e->base, &st, AT_SYMLINK_NOFOLLOW)) {
		hk_report_say(d->report, HK_REPORT_WARNING,
			      "a command has removed the link '%s' to what is shared; it is back",
			      e->path);
		return make_link(e, err);
	}
	hk_error_set(err, HK_E_RELEASE_FAILED,
		     "a command has put %s in the place of the shared '%s'", kind(st.st_mode),
		     e->path);
	return hk_error_hint(err,
			     "let it write into '%s' as it is, or take that out of [shared] "
			     "in the project's INI file",
			     e->path);
}

int hk_shared_check(struct hk_deploy *d, int tree_fd, const char *top, struct hk_error *err)
{
	const struct side tree = {
		.fd = tree_fd, .name = "the release", .code = HK_E_RELEASE_FAILED, .mode = 0755
	};

	return each(d, &tree, top, check_entry, err);
}

static int unlink_entry(struct hk_deploy *d HK_UNUSED, const struct entry *e, struct hk_error *err)
{
	if (unlinkat(e->dir_fd, e->base, 0))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove link '%s'", e->at);
	return 0;
}

int hk_shared_unlink(struct hk_deploy *d, struct hk_error *err)
{
	const struct side tree = { .fd = d->staging_fd,
				   .name = "the release",
				   .code = HK_E_RELEASE_FAILED };

	return each(d, &tree, "", unlink_entry, err);
}

static int relink_entry(struct hk_deploy *d, const struct entry *e, struct hk_error *err)
{
	struct stat st;

	if (!fstatat(e->dir_fd, e->base, &st, AT_SYMLINK_NOFOLLOW) && !S_ISLNK(st.st_mode))
		hk_report_say(d->report, HK_REPORT_INFO,
			      "the %s '%s' in the build's output is not used: it is shared",
			      S_ISDIR(st.st_mode) ? "folder" : "file", e->path);
	return hk_fs_remove_tree(e->dir_fd, e->base, err) ? err->code : make_link(e, err);
}

int hk_shared_relink(struct hk_deploy *d, const char *top, struct hk_error *err)
{
	const struct side tree = { .fd = d->release_fd,
				   .name = "the release",
				   .code = HK_E_RELEASE_FAILED,
				   .mode = 0755 };

	return each(d, &tree, top, relink_entry, err);
}
