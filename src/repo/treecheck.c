/*
 * The walk for pointer files and submodules.
 */
#include <repo/treecheck.h>

#include <string.h>
#include <sys/stat.h>

#include <git2/attr.h>

#include <base/buf.h>
#include <repo/blob.h>
#include <repo/entry_name.h>
#include <repo/subtree.h>
#include <repo/tree_entry.h>

#define MAX_DEPTH 512
#define NAMED_MAX 3
#define VERSION_LINE "version https://git-lfs.github.com/spec/v1\n"

struct checker {
	struct hk_blobs blobs;
	git_attr_options attributes;
	size_t max_paths;
	struct hk_treecheck found;
	struct hk_buf path;
	int depth;
};

void hk_treecheck_release(struct hk_treecheck *c)
{
	hk_strlist_release(&c->pointer_paths);
	hk_strlist_release(&c->submodule_paths);
}

bool hk_treecheck_is_pointer(const char *data, size_t len)
{
	static const char oid[] = "\noid sha256:";
	size_t n = sizeof(VERSION_LINE) - 1;

	return len <= HK_LFS_POINTER_MAX && len > n && !memcmp(data, VERSION_LINE, n) &&
	       memmem(data + n - 1, len - n + 1, oid, sizeof(oid) - 1);
}

static void note(struct checker *c, int64_t *count, struct hk_strlist *paths)
{
	(*count)++;
	if (paths->len < c->max_paths)
		hk_strlist_add(paths, c->path.data);
}

/* What gitattributes(5) says for the commit's own rules and those of the repository. */
static int has_lfs_filter(struct checker *c, bool *ret, struct hk_error *err)
{
	char label[HK_ENTRY_LABEL_LEN];
	const char *value = NULL;

	if (git_attr_get_ext(&value, c->blobs.repo->git, &c->attributes, c->path.data, "filter"))
		return hk_git_error(err, HK_E_REPOSITORY_FAILED,
				    "cannot read the attributes of '%s'",
				    hk_entry_label(c->path.data, label));
	*ret = git_attr_value(value) == GIT_ATTR_VALUE_STRING && !strcmp(value, "lfs");
	return 0;
}

static int check_file(struct checker *c, const struct hk_tree_entry *e, bool ruled,
		      struct hk_error *err)
{
	hk_auto_git_odb_object *object = NULL;
	git_object_t type;
	size_t size;
	bool counts = true;
	int rc = git_odb_read_header(&size, &type, c->blobs.odb, &e->oid);

	if (rc)
		return hk_blobs_unreadable(&c->blobs, rc, &e->oid, c->path.data, err);
	if (size > HK_LFS_POINTER_MAX || size < sizeof(VERSION_LINE))
		return 0;
	rc = hk_blobs_read(&c->blobs, &e->oid, GIT_OBJECT_BLOB, c->path.data, &object, err);
	if (rc)
		return rc;
	if (!hk_treecheck_is_pointer(git_odb_object_data(object), git_odb_object_size(object)))
		return 0;
	if (ruled)
		rc = has_lfs_filter(c, &counts, err);
	if (!rc && counts)
		note(c, &c->found.pointers, &c->found.pointer_paths);
	return rc;
}

static int check_tree(struct checker *c, const git_oid *tree, bool ruled, struct hk_error *err);

/* What is nested deeper cannot be exported, and is refused there. */
static int check_folder(struct checker *c, const git_oid *tree, bool ruled, struct hk_error *err)
{
	int rc;

	if (c->depth >= MAX_DEPTH)
		return 0;
	c->depth++;
	rc = check_tree(c, tree, ruled, err);
	c->depth--;
	return rc;
}

static int check_entry(struct checker *c, const struct hk_tree_entry *e, bool ruled,
		       struct hk_error *err)
{
	int rc = hk_blobs_interrupted(c->blobs.spec, err);

	if (rc)
		return rc;
	if (e->mode == HK_MODE_TREE)
		return check_folder(c, &e->oid, ruled, err);
	if (e->mode == HK_MODE_SUBMODULE)
		note(c, &c->found.submodules, &c->found.submodule_paths);
	else if (S_ISREG(e->mode))
		return check_file(c, e, ruled, err);
	return 0;
}

/* ruled: a .gitattributes is above. */
static int check_tree(struct checker *c, const git_oid *tree, bool ruled, struct hk_error *err)
{
	hk_auto_git_odb_object *object = NULL;
	size_t base = c->path.len;
	struct hk_tree_entry e;
	const char *at, *end;
	int n = 0, rc = hk_blobs_read(&c->blobs, tree, GIT_OBJECT_TREE, c->path.data, &object, err);

	if (rc)
		return rc;
	at = git_odb_object_data(object);
	end = at + git_odb_object_size(object);
	ruled |= hk_tree_find(at, end, ".gitattributes", &e);
	while (!rc && (n = hk_tree_next(&at, end, &e)) > 0) {
		hk_buf_cut(&c->path, base);
		hk_buf_addf(&c->path, "%s%s", base ? "/" : "", e.name);
		rc = check_entry(c, &e, ruled, err);
	}
	hk_buf_cut(&c->path, base);
	if (!rc && n < 0) {
		git_error_set_str(GIT_ERROR_TREE, "an entry is malformed");
		rc = hk_blobs_unreadable(&c->blobs, GIT_ERROR, tree, c->path.data, err);
	}
	return rc;
}

static int check(struct checker *c, const struct hk_treecheck_spec *spec, struct hk_error *err)
{
	hk_auto_subtree sub = HK_SUBTREE_INIT;
	int rc = hk_subtree_find(&c->blobs, spec->commit, spec->subdirectory, &sub, err);

	if (rc)
		return rc;
	git_oid_fromstr(&c->attributes.attr_commit_id, spec->commit);
	hk_buf_addstr(&c->path, sub.path);
	return check_tree(c, &sub.tree, sub.attributes, err);
}

int hk_treecheck(struct hk_repo *repo, const struct hk_treecheck_spec *spec,
		 struct hk_treecheck *ret, struct hk_error *err)
{
	const struct hk_export_spec limits = { .cancel_fd = spec->cancel_fd,
					       .deadline = spec->deadline };
	struct checker c = { .blobs = { .repo = repo, .spec = &limits },
			     .attributes = { .version = GIT_ATTR_OPTIONS_VERSION },
			     .max_paths = spec->max_paths,
			     .found = HK_TREECHECK_INIT,
			     .path = HK_BUF_INIT };
	int rc;

	c.attributes.flags = GIT_ATTR_CHECK_INDEX_ONLY | GIT_ATTR_CHECK_INCLUDE_COMMIT;
	if (git_repository_odb(&c.blobs.odb, repo->git))
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the objects of '%s'",
				    repo->path);
	rc = check(&c, spec, err);
	hk_buf_release(&c.path);
	git_odb_free(c.blobs.odb);
	if (rc)
		hk_treecheck_release(&c.found);
	else
		*ret = c.found;
	return rc;
}

/* "'a', 'b', 'c' and 4 more", for a sentence; the paths are others' text. */
static void add_names(struct hk_buf *out, const struct hk_strlist *paths, int64_t count,
		      const char *where)
{
	char label[HK_ENTRY_LABEL_LEN];
	size_t n = paths->len < NAMED_MAX ? paths->len : NAMED_MAX;

	for (size_t i = 0; i < n; i++) {
		hk_auto_buf path = HK_BUF_INIT;
		bool last = i + 1 == n && count == (int64_t)n;

		hk_buf_addf(&path, "%s%s", where, paths->items[i]);
		hk_buf_addf(out, "%s'%.120s'",
			    !i	   ? ""
			    : last ? " and "
				   : ", ",
			    hk_entry_label(path.data, label));
	}
	if (count > (int64_t)n)
		hk_buf_addf(out, " and %lld more", (long long)count - (long long)n);
}

int hk_treecheck_refuse_pointers(const struct hk_treecheck *found, const char *where,
				 struct hk_error *err)
{
	hk_auto_buf names = HK_BUF_INIT;

	if (!found->pointers)
		return 0;
	add_names(&names, &found->pointer_paths, found->pointers, where);
	return hk_error_set(err, HK_E_TREE_REFUSED,
			    found->pointers == 1
				    ? "%s is a Git LFS pointer: its content is kept elsewhere"
				    : "%s are Git LFS pointers: their content is kept elsewhere",
			    names.data);
}

int hk_treecheck_refuse_submodules(const struct hk_treecheck *found, struct hk_error *err)
{
	hk_auto_buf names = HK_BUF_INIT;

	if (!found->submodules)
		return 0;
	add_names(&names, &found->submodule_paths, found->submodules, "");
	return hk_error_set(err, HK_E_TREE_REFUSED,
			    found->submodules == 1
				    ? "%s is a submodule, and its files are not in the commit"
				    : "%s are submodules, and their files are not in the commit",
			    names.data);
}
