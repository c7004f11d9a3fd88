/*
 * The walk over a commit's tree: once to check every entry, before anything is written, and once to
 * write. Trees are read as they are stored, so that no name or mode is made acceptable on the way;
 * every object is made relative to its parent folder's descriptor, without following links, and
 * must not be there yet: whatever the tree says, nothing outside can be reached.
 *
 * A tree whose content attributes or configuration convert, or a large one, is checked here and
 * written by git itself (git_checkout.h).
 */
#include <repo/export.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <repo/blob.h>
#include <repo/entry_name.h>
#include <repo/git_checkout.h>
#include <repo/lfs.h>
#include <repo/subtree.h>
#include <repo/tree_entry.h>
#include <repo/treecheck.h>

#define MAX_DEPTH 512
/*
 * From packs, libgit2 unpacks similar files again and again where git keeps their bases: measured 5
 * to 7 times git's time for 30,000 files (tests/bench/export-vs-git.sh). Below this it does not
 * show.
 */
#define LIBGIT2_MAX_FILES 1000

struct exporter {
	struct hk_blobs blobs;
	struct hk_export_result *result;
	struct hk_buf path; /* of the entry at hand */
	int depth;
	bool writing;	 /* the second walk */
	bool attributes; /* the first walk has seen a .gitattributes */
};

static int walk(struct exporter *x, const git_oid *tree, int dirfd, struct hk_error *err);

static int refuse(const struct exporter *x, struct hk_error *err, const char *reason)
{
	char label[HK_ENTRY_LABEL_LEN];

	hk_error_set(err, HK_E_TREE_REFUSED, "entry '%s' %s", hk_entry_label(x->path.data, label),
		     reason);
	return hk_error_hint(err, "remove or rename it in the project, commit, and push again");
}

static int failed(const struct exporter *x, struct hk_error *err, const char *what)
{
	char label[HK_ENTRY_LABEL_LEN];

	if (errno == EEXIST)
		return refuse(x, err, "is in its folder twice (or the filesystem ignores case)");
	return hk_error_set_errno(err, HK_E_IO, errno, "cannot make %s '%s'", what,
				  hk_entry_label(x->path.data, label));
}

static int make_file(struct exporter *x, const struct hk_tree_entry *e, int dirfd,
		     struct hk_error *err)
{
	/* Also for 0100664, which git wrote long ago: only the owner's x bit counts. */
	mode_t mode = e->mode & 0100 ? 0777 : 0666;
	hk_auto_close int fd = -1;
	int64_t bytes = 0;
	int rc;

	x->attributes |= !strcmp(e->name, ".gitattributes");
	x->result->files++;
	if (!x->writing)
		return 0;
	fd = openat(dirfd, e->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return failed(x, err, "file");
	rc = hk_blobs_copy(&x->blobs, &e->oid, x->path.data, fd, &bytes, err);
	if (rc)
		return rc;
	x->result->bytes += bytes;
	return close(hk_steal_fd(&fd)) ? failed(x, err, "file") : 0;
}

static int make_link(struct exporter *x, const struct hk_tree_entry *e, int dirfd,
		     struct hk_error *err)
{
	hk_auto_git_odb_object *object = NULL;
	hk_auto_free char *target = NULL;
	int rc;

	/* git reads rules also from a link of that name: it looks into the index. */
	x->attributes |= !strcmp(e->name, ".gitattributes");
	x->result->files++;
	rc = hk_blobs_read(&x->blobs, &e->oid, GIT_OBJECT_BLOB, x->path.data, &object, err);
	if (rc)
		return rc;
	target = hk_xstrndup(git_odb_object_data(object), git_odb_object_size(object));
	if (!*target)
		return refuse(x, err, "is a link without a target");
	if (x->writing && symlinkat(target, dirfd, e->name))
		return failed(x, err, "link");
	return 0;
}

static int open_new_dir(struct exporter *x, const char *name, int dirfd, int *ret_fd,
			struct hk_error *err)
{
	if (!x->writing)
		return 0;
	if (mkdirat(dirfd, name, 0777))
		return failed(x, err, "folder");
	*ret_fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? failed(x, err, "folder") : 0;
}

static int64_t made(const struct exporter *x)
{
	return x->result->files + (int64_t)x->result->submodules.len;
}

/* git knows no folders: one in which nothing is written does not come to be. */
static int make_dir(struct exporter *x, const struct hk_tree_entry *e, int dirfd,
		    struct hk_error *err)
{
	hk_auto_close int fd = -1;
	int64_t before = made(x);
	int rc;

	if (x->depth >= MAX_DEPTH)
		return refuse(x, err, "is nested too deep");
	rc = open_new_dir(x, e->name, dirfd, &fd, err);
	if (rc)
		return rc;
	x->depth++;
	rc = walk(x, &e->oid, fd, err);
	x->depth--;
	if (!rc && x->writing && made(x) == before && unlinkat(dirfd, e->name, AT_REMOVEDIR))
		return failed(x, err, "folder");
	return rc;
}

static int make_submodule(struct exporter *x, const struct hk_tree_entry *e, int dirfd,
			  struct hk_error *err)
{
	char hex[GIT_OID_HEXSZ + 1];

	if (x->writing && mkdirat(dirfd, e->name, 0777))
		return failed(x, err, "folder");
	hk_strlist_add(&x->result->submodules, x->path.data);
	hk_strlist_add(&x->result->submodule_commits, git_oid_tostr(hex, sizeof(hex), &e->oid));
	return 0;
}

static const struct {
	unsigned mode;
	int (*make)(struct exporter *x, const struct hk_tree_entry *e, int dirfd,
		    struct hk_error *err);
} kinds[] = {
	{ 0100644, make_file }, { 0100755, make_file }, { 0100664, make_file },
	{ 0120000, make_link }, { 0040000, make_dir },	{ 0160000, make_submodule },
};

static int make_entry(struct exporter *x, const struct hk_tree_entry *e, int dirfd,
		      struct hk_error *err)
{
	const char *reason;
	int rc = hk_blobs_interrupted(x->blobs.spec, err);

	if (rc)
		return rc;
	reason = hk_entry_name_refusal(e->name, strlen(e->name), S_ISLNK(e->mode));
	if (reason)
		return refuse(x, err, reason);
	for (size_t i = 0; i < HK_ARRAY_LEN(kinds); i++)
		if (kinds[i].mode == e->mode)
			return kinds[i].make(x, e, dirfd, err);
	return refuse(x, err, "has a mode that git does not write");
}

static void set_path(struct exporter *x, size_t base, const char *name)
{
	hk_buf_cut(&x->path, base);
	if (base)
		hk_buf_addch(&x->path, '/');
	hk_buf_addstr(&x->path, name);
}

/* A name twice, as two files or as a link and a folder, is how paths through links are made. */
static int check_unique(struct exporter *x, struct hk_strlist *names, size_t base,
			struct hk_error *err)
{
	hk_strlist_sort(names);
	for (size_t i = 1; i < names->len; i++) {
		if (strcmp(names->items[i - 1], names->items[i]))
			continue;
		set_path(x, base, names->items[i]);
		return refuse(x, err, "is in its folder twice");
	}
	return 0;
}

static int walk_entries(struct exporter *x, const git_oid *tree, const char *at, const char *end,
			int dirfd, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	size_t base = x->path.len;
	struct hk_tree_entry e;
	int n, rc = 0;

	while (!rc && (n = hk_tree_next(&at, end, &e)) > 0) {
		set_path(x, base, e.name);
		rc = make_entry(x, &e, dirfd, err);
		if (!x->writing)
			hk_strlist_add(&names, e.name);
	}
	if (!rc && n < 0) {
		git_error_set_str(GIT_ERROR_TREE, "an entry is malformed");
		rc = hk_blobs_unreadable(&x->blobs, GIT_ERROR, tree, x->path.data, err);
	}
	if (!rc)
		rc = check_unique(x, &names, base, err);
	hk_buf_cut(&x->path, base);
	return rc;
}

static int walk(struct exporter *x, const git_oid *tree, int dirfd, struct hk_error *err)
{
	hk_auto_git_odb_object *object = NULL;
	const char *data;
	int rc = hk_blobs_read(&x->blobs, tree, GIT_OBJECT_TREE, x->path.data, &object, err);

	if (rc)
		return rc;
	data = git_odb_object_data(object);
	return walk_entries(x, tree, data, data + git_odb_object_size(object), dirfd, err);
}

static int write_tree(struct exporter *x, const struct hk_subtree *sub, bool lfs,
		      struct hk_error *err)
{
	const struct hk_export_spec *spec = x->blobs.spec;
	bool outside = false;
	int rc = hk_git_converts(x->blobs.repo, &outside, err);

	if (rc)
		return rc;
	if (lfs || x->attributes || outside || x->result->files > LIBGIT2_MAX_FILES)
		return hk_git_checkout(x->blobs.repo, sub, spec, lfs, x->result, err);
	x->writing = true;
	x->result->files = 0;
	hk_strlist_release(&x->result->submodules);
	hk_strlist_release(&x->result->submodule_commits);
	return walk(x, &sub->tree, spec->dir_fd, err);
}

/* Which files are pointers is known before they are written, and looked at afterwards. */
static int write_with_lfs(struct exporter *x, const struct hk_subtree *sub, struct hk_error *err)
{
	const struct hk_export_spec *spec = x->blobs.spec;
	const struct hk_treecheck_spec look = { .commit = spec->commit,
						.subdirectory = spec->subdirectory,
						.cancel_fd = spec->cancel_fd,
						.deadline = spec->deadline,
						.max_paths = SIZE_MAX };
	hk_auto_treecheck found = HK_TREECHECK_INIT;
	int rc = hk_treecheck(x->blobs.repo, &look, &found, err);

	if (!rc && found.pointers)
		rc = hk_lfs_require(x->blobs.repo, spec, err);
	if (!rc)
		rc = write_tree(x, sub, found.pointers > 0, err);
	return rc ? rc : hk_lfs_verify(&found, sub, spec->dir_fd, err);
}

static int export(struct exporter *x, struct hk_error *err)
{
	const struct hk_export_spec *spec = x->blobs.spec;
	hk_auto_subtree sub = HK_SUBTREE_INIT;
	int rc = hk_subtree_find(&x->blobs, spec->commit, spec->subdirectory, &sub, err);

	if (rc)
		return rc;
	x->attributes = sub.attributes;
	hk_buf_addstr(&x->path, sub.path);
	rc = walk(x, &sub.tree, -1, err);
	if (rc)
		return rc;
	return spec->lfs ? write_with_lfs(x, &sub, err) : write_tree(x, &sub, false, err);
}

int hk_repo_export(struct hk_repo *repo, const struct hk_export_spec *spec,
		   struct hk_export_result *ret, struct hk_error *err)
{
	struct exporter x = { .blobs = { .repo = repo, .spec = spec },
			      .result = ret,
			      .path = HK_BUF_INIT };
	int rc;

	*ret = (struct hk_export_result)HK_EXPORT_RESULT_INIT;
	if (git_repository_odb(&x.blobs.odb, repo->git))
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the objects of '%s'",
				    repo->path);
	rc = export(&x, err);
	hk_buf_release(&x.path);
	git_odb_free(x.blobs.odb);
	return rc;
}

void hk_export_result_release(struct hk_export_result *r)
{
	hk_strlist_release(&r->submodules);
	hk_strlist_release(&r->submodule_commits);
}
