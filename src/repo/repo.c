/*
 * Refs and commits through libgit2. Nothing comes from the environment: GIT_DIR and its relatives
 * are not looked at, and the user's configuration is found by the home that the caller names.
 */
#include <repo/repo.h>

#include <errno.h>
#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/lines.h>
#include <repo/git_edge.h>
#include <repo/refname.h>

#define OID_DIGITS (HK_OID_LEN - 1)
#define OID_MIN 4
#define NEAREST 3

static int library_ready(struct hk_error *err)
{
	static bool ready;

	if (ready)
		return 0;
	if (git_libgit2_init() < 0)
		return hk_git_error(err, HK_E_INTERNAL, "cannot start libgit2");
	/*
	 * receive-pack hashed every object when it came in; hashing all again doubles the time
	 * that an export takes. zlib's checksum still finds a damaged file, which is all that git
	 * looks at too.
	 */
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	/* A ref that is empty after a power cut would stop git in this repository. */
	git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
	ready = true;
	return 0;
}

/* Where libgit2 finds the user's files from now on: as git would with HOME set to home. */
static int use_home(const char *home, struct hk_error *err)
{
	hk_auto_free char *xdg = hk_xasprintf("%s/.config/git", home);

	if (git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_GLOBAL, home) ||
	    git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, GIT_CONFIG_LEVEL_XDG, xdg))
		return hk_git_error(err, HK_E_INTERNAL, "cannot set the home '%s' in libgit2",
				    home);
	return 0;
}

/* libgit2 1.5 passes on that safe.directory is not set anywhere instead of saying whose it is. */
static bool is_foreign(int rc)
{
	const git_error *last = git_error_last();

	return rc == GIT_EOWNER || (rc == GIT_ENOTFOUND && last && last->klass == GIT_ERROR_CONFIG);
}

static int open_failed(const char *path, int rc, struct hk_error *err)
{
	if (is_foreign(rc)) {
		hk_error_set(err, HK_E_REPOSITORY_FAILED,
			     "the repository '%s' belongs to another user", path);
		return hk_error_hint(err,
				     "run this as its owner, or: "
				     "git config --global --add safe.directory %s",
				     path);
	}
	if (rc == GIT_ENOTFOUND)
		return hk_error_set(err, HK_E_REPOSITORY_FAILED, "'%s' is not a git repository",
				    path);
	return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot open the repository '%s'", path);
}

int hk_repo_open(const char *path, const char *home, struct hk_repo **ret, struct hk_error *err)
{
	const unsigned flags = GIT_REPOSITORY_OPEN_NO_SEARCH | GIT_REPOSITORY_OPEN_BARE |
			       GIT_REPOSITORY_OPEN_NO_DOTGIT;
	struct hk_repo *repo;
	int rc = library_ready(err);

	if (!rc)
		rc = use_home(home, err);
	if (rc)
		return rc;
	repo = hk_xcalloc(1, sizeof(*repo));
	repo->path = hk_xstrdup(path);
	repo->home = hk_xstrdup(home);
	rc = git_repository_open_ext(&repo->git, path, flags, NULL);
	/* Read now, while the search path is this repository's. */
	if (!rc)
		rc = git_repository_config(&repo->config, repo->git);
	if (rc) {
		rc = open_failed(path, rc, err);
		hk_repo_close(repo);
		return rc;
	}
	*ret = repo;
	return 0;
}

void hk_repo_close(struct hk_repo *repo)
{
	if (!repo)
		return;
	git_config_free(repo->config);
	git_repository_free(repo->git);
	free(repo->path);
	free(repo->home);
	free(repo);
}

void hk_cleanup_repo(struct hk_repo **repo)
{
	hk_repo_close(*repo);
}

int hk_repo_create(const char *path, const char *branch, struct hk_error *err)
{
	git_repository_init_options options = { .version = GIT_REPOSITORY_INIT_OPTIONS_VERSION };
	hk_auto_free char *head = hk_xasprintf("refs/heads/%s", branch);
	git_repository *git = NULL;
	int valid = 0, rc = library_ready(err);

	if (rc)
		return rc;
	/* Like git, but not libgit2: a leading hyphen would be an option of every command. */
	if (*branch == '-' || git_reference_name_is_valid(&valid, head) || !valid)
		return hk_error_set(err, HK_E_USAGE, "'%s' cannot be the name of a branch", branch);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_NO_REINIT |
			GIT_REPOSITORY_INIT_MKDIR;
	options.initial_head = branch;
	rc = git_repository_init_ext(&git, path, &options);
	git_repository_free(git);
	if (rc == GIT_EEXISTS)
		return hk_error_set(err, HK_E_REPOSITORY_FAILED,
				    "the repository '%s' exists already", path);
	if (rc)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot make the repository '%s'",
				    path);
	return 0;
}

int hk_repo_get_config(struct hk_repo *repo, const char *key, char **ret, struct hk_error *err)
{
	git_buf value = GIT_BUF_INIT;
	git_config *local = NULL;
	int rc = git_config_open_level(&local, repo->config, GIT_CONFIG_LEVEL_LOCAL);

	if (!rc)
		rc = git_config_get_string_buf(&value, local, key);
	git_config_free(local);
	if (rc && rc != GIT_ENOTFOUND)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED,
				    "cannot read '%s' in the config of '%s'", key, repo->path);
	*ret = rc ? NULL : hk_xstrdup(value.ptr);
	git_buf_dispose(&value);
	return 0;
}

int hk_repo_set_config(struct hk_repo *repo, const char *key, const char *value,
		       struct hk_error *err)
{
	git_config *local = NULL;
	int rc = git_config_open_level(&local, repo->config, GIT_CONFIG_LEVEL_LOCAL);

	if (!rc && value)
		rc = git_config_set_string(local, key, value);
	else if (!rc)
		rc = git_config_delete_entry(local, key);
	if (!value && rc == GIT_ENOTFOUND)
		rc = 0;
	git_config_free(local);
	if (rc)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED,
				    "cannot set '%s' in the config of '%s'", key, repo->path);
	return 0;
}

struct wanted {
	const char *value;
	bool found;
};

static int compare_value(const git_config_entry *entry, void *ctx)
{
	struct wanted *w = ctx;

	w->found |= !strcmp(entry->value, w->value);
	return 0;
}

int hk_repo_has_config(struct hk_repo *repo, const char *key, const char *value, bool *ret,
		       struct hk_error *err)
{
	struct wanted w = { .value = value };
	git_config *local = NULL;
	int rc = git_config_open_level(&local, repo->config, GIT_CONFIG_LEVEL_LOCAL);

	if (!rc)
		rc = git_config_get_multivar_foreach(local, key, NULL, compare_value, &w);
	git_config_free(local);
	if (rc && rc != GIT_ENOTFOUND)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED,
				    "cannot read '%s' in the config of '%s'", key, repo->path);
	*ret = w.found;
	return 0;
}

/* One line of text without anything that moves a cursor or colours a terminal. */
static void printable(const char *text, char *out, size_t size)
{
	hk_auto_buf line = HK_BUF_INIT;

	if (text)
		hk_lines_plain(&line, text, strlen(text), size - 1);
	snprintf(out, size, "%s", line.data);
}

static void describe(git_commit *commit, const char *what, struct hk_commit *ret)
{
	static const char tags[] = "refs/tags/";
	const git_signature *author = git_commit_author(commit);

	memset(ret, 0, sizeof(*ret));
	git_oid_tostr(ret->oid, sizeof(ret->oid), git_commit_id(commit));
	git_oid_tostr(ret->tree, sizeof(ret->tree), git_commit_tree_id(commit));
	if (!strncmp(what, tags, sizeof(tags) - 1))
		snprintf(ret->tag, sizeof(ret->tag), "%s", what + sizeof(tags) - 1);
	printable(git_commit_summary(commit), ret->summary, sizeof(ret->summary));
	printable(author ? author->name : NULL, ret->author, sizeof(ret->author));
	ret->committed_at = (int64_t)git_commit_time(commit) * 1000;
}

static int ref_missing(struct hk_repo *repo, const char *ref, struct hk_error *err)
{
	hk_auto_strlist nearest = HK_STRLIST_INIT;
	hk_auto_buf names = HK_BUF_INIT;

	hk_error_set(err, HK_E_REF_NOT_FOUND, "the repository has no ref '%s'", ref);
	hk_refname_nearest(repo, ref, NEAREST, &nearest);
	for (size_t i = 0; i < nearest.len; i++)
		hk_buf_addf(&names, "%s'%s'", i ? ", " : "", nearest.items[i]);
	if (!nearest.len)
		return hk_error_hint(err, "nothing was pushed to it yet");
	return hk_error_hint(err, "it has %s", names.data);
}

static int find_ref(struct hk_repo *repo, const char *ref, git_oid *ret, struct hk_error *err)
{
	int rc;

	if (strncmp(ref, "refs/", 5) != 0 && strcmp(ref, "HEAD") != 0)
		return ref_missing(repo, ref, err);
	rc = git_reference_name_to_id(ret, repo->git, ref);
	if (rc == GIT_ENOTFOUND || rc == GIT_EINVALIDSPEC)
		return ref_missing(repo, ref, err);
	return rc ? hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot read the ref '%s'", ref) : 0;
}

static bool is_abbreviated_oid(const char *s)
{
	size_t len = strlen(s);

	return len >= OID_MIN && len <= OID_DIGITS && strspn(s, "0123456789abcdefABCDEF") == len;
}

static int find_oid(struct hk_repo *repo, const char *digits, git_oid *ret, struct hk_error *err)
{
	size_t len = strlen(digits);
	git_odb *odb = NULL;
	git_oid prefix;
	int rc = git_repository_odb(&odb, repo->git);

	git_oid_fromstrn(&prefix, digits, len);
	if (!rc)
		rc = git_odb_exists_prefix(ret, odb, &prefix, len);
	git_odb_free(odb);
	if (rc == GIT_ENOTFOUND) {
		hk_error_set(err, HK_E_REF_NOT_FOUND, "the repository has no commit '%s'", digits);
		return hk_error_hint(err,
				     "push it first, or name a ref: refs/heads/…, refs/tags/…");
	}
	if (rc == GIT_EAMBIGUOUS) {
		hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' is the start of several object ids",
			     digits);
		return hk_error_hint(err, "give more digits: git -C %s rev-parse --disambiguate=%s",
				     repo->path, digits);
	}
	return rc ? hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot look up '%s'", digits) : 0;
}

static int peel(struct hk_repo *repo, const char *what, const git_oid *oid, git_commit **ret,
		struct hk_error *err)
{
	hk_auto_git_object *object = NULL;
	int rc = git_object_lookup(&object, repo->git, oid, GIT_OBJECT_ANY);

	if (!rc)
		rc = git_object_peel((git_object **)ret, object, GIT_OBJECT_COMMIT);
	if (!rc)
		return 0;
	if (rc == GIT_EPEEL || rc == GIT_EINVALIDSPEC)
		return hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' names a %s, not a commit", what,
				    git_object_type2string(git_object_type(object)));
	return hk_git_error_object(err, repo, rc, oid, what);
}

int hk_repo_resolve(struct hk_repo *repo, const char *what, struct hk_commit *ret,
		    struct hk_error *err)
{
	git_commit *commit = NULL;
	git_oid oid;
	int rc;

	rc = is_abbreviated_oid(what) ? find_oid(repo, what, &oid, err)
				      : find_ref(repo, what, &oid, err);
	if (!rc)
		rc = peel(repo, what, &oid, &commit, err);
	if (rc)
		return rc;
	describe(commit, what, ret);
	git_commit_free(commit);
	return 0;
}

static int parse_oid(const char *text, git_oid *ret, struct hk_error *err)
{
	if (strlen(text) == OID_DIGITS && !git_oid_fromstr(ret, text))
		return 0;
	return hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' is not an object id", text);
}

int hk_repo_update_ref(struct hk_repo *repo, const char *ref, const char *oid, struct hk_error *err)
{
	git_reference *made = NULL;
	git_oid id;
	int rc = parse_oid(oid, &id, err);

	if (rc)
		return rc;
	rc = git_reference_create(&made, repo->git, ref, &id, 1, NULL);
	git_reference_free(made);
	if (rc)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot set the ref '%s' to %s",
				    ref, oid);
	return 0;
}

int hk_repo_delete_ref(struct hk_repo *repo, const char *ref, const char *oid, struct hk_error *err)
{
	hk_auto_git_reference *found = NULL;
	const git_oid *target;
	git_oid id;
	int rc = oid ? parse_oid(oid, &id, err) : 0;

	if (rc)
		return rc;
	rc = git_reference_lookup(&found, repo->git, ref);
	if (rc == GIT_ENOTFOUND)
		return 0;
	if (!rc) {
		target = git_reference_target(found);
		if (oid && (!target || !git_oid_equal(target, &id)))
			return 0;
		rc = git_reference_delete(found);
	}
	/* Someone else moved or removed it in between: it does not hold oid any more. */
	if (!rc || rc == GIT_EMODIFIED || rc == GIT_ENOTFOUND)
		return 0;
	return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot delete the ref '%s'", ref);
}

static int require_commit(struct hk_repo *repo, const char *text, git_oid *ret,
			  struct hk_error *err)
{
	git_commit *commit = NULL;
	int rc = parse_oid(text, ret, err);

	if (rc)
		return rc;
	rc = git_commit_lookup(&commit, repo->git, ret);
	git_commit_free(commit);
	return rc ? hk_git_error_object(err, repo, rc, ret, "the commit") : 0;
}

int hk_repo_contains(struct hk_repo *repo, const char *oid, const char *ancestor, bool *ret,
		     struct hk_error *err)
{
	git_oid from, to;
	int rc = require_commit(repo, oid, &from, err);

	if (!rc)
		rc = require_commit(repo, ancestor, &to, err);
	if (rc)
		return rc;
	rc = git_oid_equal(&from, &to) ? 1 : git_graph_descendant_of(repo->git, &from, &to);
	if (rc < 0)
		return hk_git_error(err, HK_E_REPOSITORY_FAILED,
				    "cannot tell whether %s contains %s", oid, ancestor);
	*ret = rc == 1;
	return 0;
}

int hk_repo_each_ref(struct hk_repo *repo, const char *glob, hk_repo_ref_fn *fn, void *ctx,
		     struct hk_error *err)
{
	git_reference_iterator *all = NULL;
	int rc = git_reference_iterator_glob_new(&all, repo->git, glob);
	int stop = 0;

	while (!rc && !stop) {
		hk_auto_git_reference *ref = NULL;
		char hex[HK_OID_LEN];

		rc = git_reference_next(&ref, all);
		if (!rc && git_reference_type(ref) == GIT_REFERENCE_DIRECT)
			stop = fn(ctx, git_reference_name(ref),
				  git_oid_tostr(hex, sizeof(hex), git_reference_target(ref)), err);
	}
	git_reference_iterator_free(all);
	if (stop || rc == GIT_ITEROVER)
		return stop;
	return hk_git_error(err, HK_E_REPOSITORY_FAILED, "cannot list the refs of '%s'",
			    repo->path);
}
