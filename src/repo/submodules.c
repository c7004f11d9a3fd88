/*
 * The walk over submodules, level by level.
 */
#include <repo/submodules.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/words.h>
#include <repo/entry_name.h>
#include <repo/git_run.h>
#include <repo/mirror.h>
#include <repo/submodule_url.h>
#include <repo/subtree.h>
#include <repo/tree_entry.h>
#include <repo/treecheck.h>
#include <sys/fs.h>

#define MAX_DEPTH 16
#define MODULES_FILE ".gitmodules"
#define MODULES_MAX ((size_t)1 << 20)

struct submodules {
	struct hk_repo *top; /* the pushed repository */
	const char *cache;
	bool local_allowed;
	struct hk_export_result *total;
	int64_t count;
	struct hk_buf where; /* of the level at hand: "" or a path and a slash */
	int depth;
};

/* A commit that was exported, whose submodules are to be filled. */
struct level {
	struct hk_repo *repo;
	const struct hk_export_spec *spec;
	const struct hk_export_result *exported;
	struct hk_strlist keys, values; /* of its .gitmodules, in its order */
};

/* The blob of .gitmodules; *ret_found is false when there is no such file. */
static int find_modules(const struct level *l, bool *ret_found, git_oid *ret, struct hk_error *err)
{
	struct hk_blobs blobs = { .repo = l->repo, .spec = l->spec };
	hk_auto_git_odb_object *object = NULL;
	hk_auto_subtree top = HK_SUBTREE_INIT;
	struct hk_tree_entry e;
	const char *data;
	int rc;

	if (git_repository_odb(&blobs.odb, l->repo->git))
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the objects of '%s'",
				    l->repo->path);
	rc = hk_subtree_find(&blobs, l->spec->commit, NULL, &top, err);
	if (!rc)
		rc = hk_blobs_read(&blobs, &top.tree, GIT_OBJECT_TREE, "", &object, err);
	git_odb_free(blobs.odb);
	if (rc)
		return rc;
	data = git_odb_object_data(object);
	*ret_found = hk_tree_find(data, data + git_odb_object_size(object), MODULES_FILE, &e) &&
		     S_ISREG(e.mode);
	git_oid_cpy(ret, &e.oid);
	return 0;
}

/* Takes what git prints: "submodule.NAME.KEY", a newline, the value, a NUL. */
static void take_settings(struct level *l, const char *at, const char *end)
{
	for (; at < end; at += strlen(at) + 1) {
		size_t n = strcspn(at, "\n");
		hk_auto_free char *key = hk_xstrndup(at, n);

		hk_strlist_add(&l->keys, key);
		hk_strlist_add(&l->values, at[n] ? at + n + 1 : "");
	}
}

static int read_modules(struct level *l, struct hk_error *err)
{
	hk_auto_close int fd = memfd_create("modules", MFD_CLOEXEC);
	hk_auto_git_run run = HK_GIT_RUN_INIT;
	hk_auto_free char *blob = NULL;
	hk_auto_buf text = HK_BUF_INIT;
	char hex[GIT_OID_HEXSZ + 1];
	bool found = false;
	git_oid oid;
	int rc = find_modules(l, &found, &oid, err);

	if (rc || !found)
		return rc;
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a file in memory");
	blob = hk_xasprintf("--blob=%s", git_oid_tostr(hex, sizeof(hex), &oid));
	hk_git_run_init(&run, l->repo, l->spec);
	run.on_line = NULL;
	run.stdout_fd = fd;
	rc = hk_git_run(&run, (const char *const[]){ "git", "config", blob, "-z", "--list", NULL },
			err);
	if (rc)
		return hk_error_prefix(err, "cannot read " MODULES_FILE);
	lseek(fd, 0, SEEK_SET);
	rc = hk_fs_read_all(fd, MODULES_MAX, &text);
	if (rc)
		return hk_error_set_errno(err, HK_E_IO, rc, "cannot read " MODULES_FILE);
	take_settings(l, text.data, text.data + text.len);
	return 0;
}

/* The URL of the submodule with that path, or NULL. As in git, the last line of a key counts. */
static const char *find_url(const struct level *l, const char *path)
{
	static const char start[] = "submodule.", end[] = ".path";
	size_t end_len = sizeof(end) - 1;

	for (size_t i = l->keys.len; i-- > 0;) {
		const char *key = l->keys.items[i];
		size_t len = strlen(key);
		hk_auto_free char *url = NULL;

		if (strncmp(key, start, sizeof(start) - 1) || len < end_len ||
		    strcmp(key + len - end_len, end) || strcmp(l->values.items[i], path))
			continue;
		url = hk_xasprintf("%.*s.url", (int)(len - end_len), key);
		for (size_t k = l->keys.len; k-- > 0;)
			if (!strcmp(l->keys.items[k], url))
				return l->values.items[k];
	}
	return NULL;
}

static int check_url(const struct submodules *s, const char *label, const char *url,
		     struct hk_error *err)
{
	char shown[HK_ENTRY_LABEL_LEN];
	const char *why;

	if (!url) {
		hk_error_set(err, HK_E_TREE_REFUSED, "submodule '%s' has no URL in " MODULES_FILE,
			     label);
		return hk_error_hint(err,
				     "name it there, or remove the submodule: git rm --cached");
	}
	why = hk_submodule_url_refusal(url, s->local_allowed);
	if (!why)
		return 0;
	hk_error_set(err, HK_E_TREE_REFUSED, "submodule '%s': the URL '%s' %s", label,
		     hk_entry_label(url, shown), why);
	if (*url == '/' || !strncmp(url, "file://", 7))
		return hk_error_hint(err,
				     "write an https:// or ssh:// URL into " MODULES_FILE
				     ", or let the administrator allow it: git -C %s config "
				     "protocol.file.allow always",
				     s->top->path);
	return hk_error_hint(err,
			     "write an https://, ssh:// or user@host:path URL into " MODULES_FILE
			     ", commit, and push again");
}

static int open_mirror(const struct submodules *s, const struct level *l, const char *label,
		       const char *url, const char *commit, struct hk_repo **ret,
		       struct hk_error *err)
{
	const struct hk_mirror_spec spec = { .origin = s->top,
					     .cache = s->cache,
					     .url = url,
					     .commit = commit,
					     .local_allowed = s->local_allowed,
					     .limits = l->spec };
	hk_auto_free char *line = hk_xasprintf("submodule %s: %.7s of %s", label, commit, url);
	hk_auto_buf quoted = HK_BUF_INIT;
	int rc;

	if (l->spec->on_line)
		l->spec->on_line(l->spec->ctx, line, strlen(line));
	rc = hk_mirror_open(&spec, ret, err);
	if (!rc)
		return 0;
	hk_error_prefix(err, "submodule '%s'", label);
	if (rc == HK_E_REF_NOT_FOUND)
		return hk_error_hint(err, "push it in the submodule first: git -C %s push", label);
	hk_words_quote(&quoted, url);
	if (rc == HK_E_COMMAND_FAILED)
		return hk_error_hint(err,
				     "it has to work without a question for the project's user: "
				     "git ls-remote %s",
				     quoted.data);
	return rc;
}

static int refuse_pointers(const struct submodules *s, struct hk_repo *mirror,
			   const struct hk_export_spec *spec, struct hk_error *err)
{
	const struct hk_treecheck_spec look = { .commit = spec->commit,
						.cancel_fd = spec->cancel_fd,
						.deadline = spec->deadline,
						.max_paths = 3 };
	hk_auto_treecheck found = HK_TREECHECK_INIT;
	int rc = hk_treecheck(mirror, &look, &found, err);

	return rc ? rc : hk_treecheck_refuse_pointers(&found, s->where.data, err);
}

static int fill_level(struct submodules *s, struct hk_repo *repo, const struct hk_export_spec *spec,
		      const struct hk_export_result *exported, struct hk_error *err);

/* Exports a submodule's commit, and then what that has. */
static int fill(struct submodules *s, struct hk_repo *mirror, const struct hk_export_spec *spec,
		struct hk_error *err)
{
	struct hk_export_result result = HK_EXPORT_RESULT_INIT;
	int rc = spec->lfs ? 0 : refuse_pointers(s, mirror, spec, err);

	if (rc)
		return rc;
	rc = hk_repo_export(mirror, spec, &result, err);
	s->total->files += result.files;
	s->total->bytes += result.bytes;
	s->count++;
	if (rc)
		hk_error_prefix(err, "in submodule '%.*s'", (int)s->where.len - 1, s->where.data);
	else
		rc = fill_level(s, mirror, spec, &result, err);
	hk_export_result_release(&result);
	return rc;
}

static int fill_one(struct submodules *s, const struct level *l, size_t i, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *mirror = NULL;
	const char *path = l->exported->submodules.items[i];
	const char *part = l->spec->subdirectory;
	const char *below = part && *part ? path + strlen(part) + 1 : path;
	hk_auto_free char *whole = hk_xasprintf("%s%s", s->where.data, path);
	const char *url = find_url(l, path);
	struct hk_export_spec spec = *l->spec;
	char label[HK_ENTRY_LABEL_LEN];
	size_t base = s->where.len;
	hk_auto_close int fd = -1;
	int rc;

	hk_entry_label(whole, label);
	spec.commit = l->exported->submodule_commits.items[i];
	spec.subdirectory = NULL;
	if (check_url(s, label, url, err) || hk_fs_open_below(l->spec->dir_fd, below, &fd, err) ||
	    open_mirror(s, l, label, url, spec.commit, &mirror, err))
		return err->code;
	spec.dir_fd = fd;
	hk_buf_addf(&s->where, "%s/", path);
	rc = fill(s, mirror, &spec, err);
	hk_buf_cut(&s->where, base);
	return rc;
}

static int fill_level(struct submodules *s, struct hk_repo *repo, const struct hk_export_spec *spec,
		      const struct hk_export_result *exported, struct hk_error *err)
{
	struct level l = { .repo = repo, .spec = spec, .exported = exported };
	int rc;

	if (!exported->submodules.len)
		return 0;
	if (s->depth == MAX_DEPTH)
		return hk_error_set(err, HK_E_TREE_REFUSED,
				    "submodules are nested deeper than %d in '%.200s'", MAX_DEPTH,
				    s->where.data);
	s->depth++;
	rc = read_modules(&l, err);
	for (size_t i = 0; !rc && i < exported->submodules.len; i++)
		rc = fill_one(s, &l, i, err);
	s->depth--;
	hk_strlist_release(&l.keys);
	hk_strlist_release(&l.values);
	return rc;
}

int hk_submodules_export(struct hk_repo *repo, const struct hk_export_spec *spec, const char *cache,
			 struct hk_export_result *ret, int64_t *ret_count, struct hk_error *err)
{
	struct submodules s = { .top = repo, .cache = cache, .total = ret, .where = HK_BUF_INIT };
	hk_auto_free char *allow = NULL;
	int rc;

	if (hk_git_config_string(repo, "protocol.file.allow", &allow, err))
		return err->code;
	s.local_allowed = allow && !strcmp(allow, "always");
	rc = fill_level(&s, repo, spec, ret, err);
	*ret_count = s.count;
	hk_buf_release(&s.where);
	return rc;
}
