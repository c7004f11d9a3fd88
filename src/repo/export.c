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

struct entry {
	unsigned mode;
	const char *name; /* NUL-terminated, in the tree's data */
	git_oid oid;
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

static int make_file(struct exporter *x, const struct entry *e, int dirfd, struct hk_error *err)
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

static int make_link(struct exporter *x, const struct entry *e, int dirfd, struct hk_error *err)
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
static int make_dir(struct exporter *x, const struct entry *e, int dirfd, struct hk_error *err)
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

static int make_submodule(struct exporter *x, const struct entry *e, int dirfd,
			  struct hk_error *err)
{
	if (x->writing && mkdirat(dirfd, e->name, 0777))
		return failed(x, err, "folder");
	hk_strlist_add(&x->result->submodules, x->path.data);
	return 0;
}

static const struct {
	unsigned mode;
	int (*make)(struct exporter *x, const struct entry *e, int dirfd, struct hk_error *err);
} kinds[] = {
	{ 0100644, make_file }, { 0100755, make_file }, { 0100664, make_file },
	{ 0120000, make_link }, { 0040000, make_dir },	{ 0160000, make_submodule },
};

static int make_entry(struct exporter *x, const struct entry *e, int dirfd, struct hk_error *err)
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

/* Reads the entry at *at and moves behind it: 1, 0 at the end, -1 when the tree is malformed. */
static int next_entry(const char **at, const char *end, struct entry *ret)
{
	const char *s = *at, *nul;

	if (s == end)
		return 0;
	nul = memchr(s, '\0', (size_t)(end - s));
	if (!nul || end - nul <= GIT_OID_RAWSZ)
		return -1;
	for (ret->mode = 0; *s >= '0' && *s <= '7' && ret->mode < 01000000; s++)
		ret->mode = ret->mode * 8 + (unsigned)(*s - '0');
	if (s == *at || *s != ' ')
		return -1;
	ret->name = s + 1;
	git_oid_fromraw(&ret->oid, (const unsigned char *)nul + 1);
	*at = nul + 1 + GIT_OID_RAWSZ;
	return 1;
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
	struct entry e;
	int n, rc = 0;

	while (!rc && (n = next_entry(&at, end, &e)) > 0) {
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

static int find_tree(struct hk_repo *repo, const char *commit, git_oid *ret, struct hk_error *err)
{
	git_commit *c = NULL;
	git_oid oid;
	int rc;

	if (git_oid_fromstr(&oid, commit))
		return hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' is not an object id", commit);
	rc = git_commit_lookup(&c, repo->git, &oid);
	if (rc)
		return hk_git_error_object(err, repo, rc, &oid, "the commit");
	git_oid_cpy(ret, git_commit_tree_id(c));
	git_commit_free(c);
	return 0;
}

static int write_tree(struct exporter *x, const git_oid *tree, struct hk_error *err)
{
	const struct hk_export_spec *spec = x->blobs.spec;
	bool outside = false;
	int rc = hk_git_converts(x->blobs.repo, &outside, err);

	if (rc)
		return rc;
	if (x->attributes || outside || x->result->files > LIBGIT2_MAX_FILES)
		return hk_git_checkout(x->blobs.repo, tree, spec, x->result, err);
	x->writing = true;
	x->result->files = 0;
	hk_strlist_release(&x->result->submodules);
	return walk(x, tree, spec->dir_fd, err);
}

int hk_repo_export(struct hk_repo *repo, const struct hk_export_spec *spec,
		   struct hk_export_result *ret, struct hk_error *err)
{
	struct exporter x = { .blobs = { .repo = repo, .spec = spec }, .result = ret };
	git_oid tree;
	int rc;

	*ret = (struct hk_export_result){ .submodules = HK_STRLIST_INIT };
	rc = find_tree(repo, spec->commit, &tree, err);
	if (rc)
		return rc;
	if (git_repository_odb(&x.blobs.odb, repo->git))
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the objects of '%s'",
				    repo->path);
	x.path = (struct hk_buf)HK_BUF_INIT;
	rc = walk(&x, &tree, -1, err);
	if (!rc)
		rc = write_tree(&x, &tree, err);
	hk_buf_release(&x.path);
	git_odb_free(x.blobs.odb);
	return rc;
}
