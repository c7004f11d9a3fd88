/*
 * Finding a folder in a commit.
 */
#include <repo/subtree.h>

#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <repo/entry_name.h>
#include <repo/refname.h>
#include <repo/tree_entry.h>

#define NEAR_MAX 3

/* The search: where it is, and what is wanted. */
struct search {
	const struct hk_blobs *blobs;
	const char *commit;
	struct hk_subtree *found;
	struct hk_buf at; /* the folder that was reached, with a slash at its end, or "" */
};

void hk_subtree_release(struct hk_subtree *s)
{
	hk_strlist_release(&s->above);
}

const char *hk_subtree_below(const struct hk_subtree *s, const char *path)
{
	return *s->path ? path + strlen(s->path) + 1 : path;
}

static int root_tree(const struct hk_blobs *blobs, const char *commit, git_oid *ret,
		     struct hk_error *err)
{
	git_commit *c = NULL;
	git_oid oid;
	int rc;

	if (git_oid_fromstr(&oid, commit))
		return hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' is not an object id", commit);
	rc = git_commit_lookup(&c, blobs->repo->git, &oid);
	if (rc)
		return hk_git_error_object(err, blobs->repo, rc, &oid, "the commit");
	git_oid_cpy(ret, git_commit_tree_id(c));
	git_commit_free(c);
	return 0;
}

static int missing(const struct search *s, const char *data, const char *end, const char *name,
		   struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT, near = HK_STRLIST_INIT;
	char label[HK_ENTRY_LABEL_LEN];
	hk_auto_buf hint = HK_BUF_INIT;
	struct hk_tree_entry e;

	hk_error_set(err, HK_E_NOTHING_TO_DEPLOY,
		     "commit %.7s has no folder '%s' ([deploy] subdirectory)", s->commit,
		     s->found->path);
	while (hk_tree_next(&data, end, &e) > 0)
		if (e.mode == HK_MODE_TREE)
			hk_strlist_add(&names, e.name);
	if (!names.len)
		return hk_error_hint(err, "there is no folder %s%s",
				     s->at.len ? "in " : "in the commit", s->at.data);
	hk_refname_nearest_of(&names, name, NEAR_MAX, &near);
	for (size_t i = 0; i < near.len; i++)
		hk_buf_addf(&hint, "%s'%s%.80s'", i ? " or " : "", s->at.data,
			    hk_entry_label(near.items[i], label));
	return hk_error_hint(err, "did you mean %s?", hint.data);
}

static int no_folder(const struct search *s, const struct hk_tree_entry *e, struct hk_error *err)
{
	const char *what = S_ISLNK(e->mode)		  ? "a link"
			   : e->mode == HK_MODE_SUBMODULE ? "a submodule"
							  : "a file";

	hk_error_set(err, HK_E_NOTHING_TO_DEPLOY,
		     "'%s%s' of commit %.7s is %s, not a folder ([deploy] subdirectory = %s)",
		     s->at.data, e->name, s->commit, what, s->found->path);
	return hk_error_hint(err, "name a folder that is in the commit itself");
}

/* What git has to be told of a folder above. */
static void note_above(struct search *s, const char *data, const char *end)
{
	static const char *const names[] = { ".gitattributes", ".lfsconfig" };
	struct hk_tree_entry e;
	char hex[GIT_OID_HEXSZ + 1];

	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++) {
		if ((i && s->at.len) || !hk_tree_find(data, end, names[i], &e) ||
		    e.mode == HK_MODE_TREE || e.mode == HK_MODE_SUBMODULE)
			continue;
		s->found->attributes |= i == 0;
		hk_strlist_addf(&s->found->above, "%o,%s,%s%s", e.mode,
				git_oid_tostr(hex, sizeof(hex), &e.oid), s->at.data, e.name);
	}
}

static int enter(struct search *s, const char *name, struct hk_error *err)
{
	hk_auto_git_odb_object *object = NULL;
	struct hk_tree_entry e;
	const char *data, *end;
	int rc =
		hk_blobs_read(s->blobs, &s->found->tree, GIT_OBJECT_TREE, s->at.data, &object, err);

	if (rc)
		return rc;
	data = git_odb_object_data(object);
	end = data + git_odb_object_size(object);
	note_above(s, data, end);
	if (!hk_tree_find(data, end, name, &e))
		return missing(s, data, end, name, err);
	if (e.mode != HK_MODE_TREE)
		return no_folder(s, &e, err);
	git_oid_cpy(&s->found->tree, &e.oid);
	hk_buf_addf(&s->at, "%s/", name);
	return 0;
}

int hk_subtree_find(const struct hk_blobs *blobs, const char *commit, const char *path,
		    struct hk_subtree *ret, struct hk_error *err)
{
	hk_auto_subtree found = { .path = path ? path : "" };
	struct search s = { .blobs = blobs, .commit = commit, .found = &found, .at = HK_BUF_INIT };
	const char *at = found.path;
	int rc = root_tree(blobs, commit, &found.tree, err);

	while (!rc && *at) {
		hk_auto_free char *name = hk_xstrndup(at, strcspn(at, "/"));

		at += strlen(name);
		at += *at == '/';
		rc = enter(&s, name, err);
	}
	hk_buf_release(&s.at);
	if (rc)
		return rc;
	*ret = found;
	found.above = (struct hk_strlist)HK_STRLIST_INIT;
	return 0;
}
