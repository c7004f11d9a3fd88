/*
 * Looking at commits (contract in compare.h).
 */
#include <repo/compare.h>

#include <git2/blob.h>
#include <git2/diff.h>
#include <git2/odb_backend.h>
#include <git2/tree.h>

#include <repo/git_edge.h>

int hk_repo_add_objects(struct hk_repo *repo, const char *dir, struct hk_error *err)
{
	git_odb *odb = NULL;
	int rc = git_repository_odb(&odb, repo->git);

	if (!rc)
		rc = git_odb_add_disk_alternate(odb, dir);
	git_odb_free(odb);
	return rc ? hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the objects in '%s'",
				 dir)
		  : 0;
}

static int look_up_commit(struct hk_repo *repo, const char *text, git_commit **ret,
			  struct hk_error *err)
{
	git_oid oid;
	int rc = git_oid_fromstr(&oid, text);

	if (!rc)
		rc = git_commit_lookup(ret, repo->git, &oid);
	return rc ? hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the commit %s", text)
		  : 0;
}

static int tree_of(struct hk_repo *repo, const char *commit, git_tree **ret, struct hk_error *err)
{
	git_commit *c = NULL;
	int rc = look_up_commit(repo, commit, &c, err);

	if (rc)
		return rc;
	rc = git_commit_tree(ret, c);
	git_commit_free(c);
	return rc ? hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the tree of %s", commit)
		  : 0;
}

/* *ret is NULL when the path is not there. */
static int find_entry(struct hk_repo *repo, const char *commit, const char *path,
		      git_tree_entry **ret, struct hk_error *err)
{
	git_tree *tree = NULL;
	int rc = tree_of(repo, commit, &tree, err);

	if (rc)
		return rc;
	*ret = NULL;
	rc = git_tree_entry_bypath(ret, tree, path);
	git_tree_free(tree);
	if (!rc || rc == GIT_ENOTFOUND)
		return 0;
	return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot look up '%s' in %s", path, commit);
}

int hk_repo_entry_id(struct hk_repo *repo, const char *commit, const char *path,
		     char ret[HK_OID_LEN], struct hk_error *err)
{
	git_tree_entry *entry = NULL;

	if (find_entry(repo, commit, path, &entry, err))
		return err->code;
	ret[0] = '\0';
	if (entry)
		git_oid_tostr(ret, HK_OID_LEN, git_tree_entry_id(entry));
	git_tree_entry_free(entry);
	return 0;
}

static int read_blob(struct hk_repo *repo, const git_tree_entry *entry, const char *path,
		     size_t max, struct hk_buf *out, struct hk_error *err)
{
	git_blob *blob = NULL;
	int rc = git_blob_lookup(&blob, repo->git, git_tree_entry_id(entry));

	if (rc)
		return hk_git_error_object(err, repo, rc, git_tree_entry_id(entry), path);
	if ((size_t)git_blob_rawsize(blob) > max)
		hk_error_set(err, HK_E_TREE_REFUSED, "'%s' has %lld bytes, and %zu is the limit",
			     path, (long long)git_blob_rawsize(blob), max);
	else
		hk_buf_add(out, git_blob_rawcontent(blob), (size_t)git_blob_rawsize(blob));
	rc = (size_t)git_blob_rawsize(blob) > max ? HK_E_TREE_REFUSED : 0;
	git_blob_free(blob);
	return rc;
}

int hk_repo_read_file(struct hk_repo *repo, const char *commit, const char *path, size_t max,
		      bool *ret, struct hk_buf *out, struct hk_error *err)
{
	git_tree_entry *entry = NULL;
	git_filemode_t mode;
	int rc = find_entry(repo, commit, path, &entry, err);

	if (rc)
		return rc;
	mode = entry ? git_tree_entry_filemode(entry) : GIT_FILEMODE_UNREADABLE;
	*ret = mode == GIT_FILEMODE_BLOB || mode == GIT_FILEMODE_BLOB_EXECUTABLE;
	if (*ret)
		rc = read_blob(repo, entry, path, max, out, err);
	git_tree_entry_free(entry);
	return rc;
}

static int count_deltas(struct hk_repo *repo, const char *from, const char *to, size_t *ret,
			struct hk_error *err)
{
	git_tree *a = NULL, *b = NULL;
	git_diff *diff = NULL;
	int rc = tree_of(repo, from, &a, err);

	if (!rc)
		rc = tree_of(repo, to, &b, err);
	if (!rc && git_diff_tree_to_tree(&diff, repo->git, a, b, NULL))
		rc = hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot compare %s with %s", from,
				  to);
	if (!rc)
		*ret = git_diff_num_deltas(diff);
	git_diff_free(diff);
	git_tree_free(b);
	git_tree_free(a);
	return rc;
}

int hk_repo_compare(struct hk_repo *repo, const char *from, const char *to,
		    struct hk_comparison *ret, struct hk_error *err)
{
	struct hk_comparison c;
	git_oid a, b;
	int rc = git_oid_fromstr(&a, from);

	if (!rc)
		rc = git_oid_fromstr(&b, to);
	if (!rc)
		rc = git_graph_ahead_behind(&c.ahead, &c.behind, repo->git, &b, &a);
	if (rc)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot compare %s with %s", from,
				    to);
	rc = count_deltas(repo, from, to, &c.files, err);
	if (!rc)
		*ret = c;
	return rc;
}

struct count {
	git_odb *odb;
	size_t files;
	int64_t bytes;
};

static int count_entry(const char *root HK_UNUSED, const git_tree_entry *entry, void *payload)
{
	struct count *c = payload;
	git_object_t type;
	size_t len;

	if (git_tree_entry_type(entry) != GIT_OBJECT_BLOB)
		return 0;
	c->files++;
	if (!git_odb_read_header(&len, &type, c->odb, git_tree_entry_id(entry)))
		c->bytes += (int64_t)len;
	return 0;
}

int hk_repo_count_files(struct hk_repo *repo, const char *commit, size_t *ret_files,
			int64_t *ret_bytes, struct hk_error *err)
{
	struct count c = { .odb = NULL };
	git_tree *tree = NULL;
	int rc = tree_of(repo, commit, &tree, err);

	if (rc)
		return rc;
	rc = git_repository_odb(&c.odb, repo->git);
	if (!rc)
		rc = git_tree_walk(tree, GIT_TREEWALK_PRE, count_entry, &c);
	git_odb_free(c.odb);
	git_tree_free(tree);
	if (rc)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot walk the tree of %s",
				    commit);
	*ret_files = c.files;
	*ret_bytes = c.bytes;
	return 0;
}
