/*
 * Refs, commits and repository set-up, against real git.
 */
#include "repo-fixture.h"

#include <errno.h>

#define NOBODY 65534
#define EMPTY_TREE "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
#define NO_SUCH_OID "0123456789012345678901234567890123456789"

static struct hk_repo *open_repo(void)
{
	struct hk_repo *repo = NULL;

	OK(hk_repo_open(git_dir, root, &repo, &err));
	return repo;
}

static void commit(const char *message)
{
	hk_auto_buf in = HK_BUF_INIT;

	import_start(&in);
	import_file(&in, "100644", "file", message);
	import(&in);
	hk_auto_free char *tree = git_prints("rev-parse", "main^{tree}");
	hk_auto_buf oid = HK_BUF_INIT;

	git_with(message, strlen(message), &oid, "commit-tree", tree);
	git("update-ref", "refs/heads/main", oid.data);
}

static void refused(struct hk_repo *repo, const char *what, const char *message, const char *hint)
{
	struct hk_commit c = { .oid = "untouched" };

	assert_int_equal(hk_repo_resolve(repo, what, &c, &err), HK_E_REF_NOT_FOUND);
	assert_contains(err.message, message);
	assert_contains(err.hint, hint);
	assert_string_equal(c.oid, "untouched");
}

static void test_open_refused(void **state HK_UNUSED)
{
	hk_auto_free char *head = hk_xasprintf("%s/HEAD", git_dir);
	struct hk_repo *repo = NULL;

	assert_int_equal(hk_repo_open(root, root, &repo, &err), HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, "is not a git repository");
	assert_contains(err.message, root);
	assert_int_equal(unlink(head), 0);
	assert_int_equal(hk_repo_open(git_dir, root, &repo, &err), HK_E_REPOSITORY_FAILED);
	assert_null(repo);
}

static void test_environment_does_not_matter(void **state HK_UNUSED)
{
	struct hk_commit c;
	struct hk_repo *repo;

	commit("here");
	setenv("GIT_DIR", "/nonexistent", 1);
	setenv("GIT_OBJECT_DIRECTORY", "/nonexistent", 1);
	setenv("GIT_CONFIG_GLOBAL", "/nonexistent", 1);
	unsetenv("HOME");
	repo = open_repo();
	OK(hk_repo_resolve(repo, "refs/heads/main", &c, &err));
	assert_string_equal(c.summary, "here");
	hk_repo_close(repo);
	unsetenv("GIT_DIR");
	unsetenv("GIT_OBJECT_DIRECTORY");
	unsetenv("GIT_CONFIG_GLOBAL");
}

static void test_another_owner(void **state HK_UNUSED)
{
	hk_auto_free char *config = NULL;
	struct hk_repo *repo = NULL;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(git_dir, NOBODY, NOBODY), 0);
	assert_int_equal(hk_repo_open(git_dir, root, &repo, &err), HK_E_REPOSITORY_FAILED);
	assert_contains(err.hint, "safe.directory");
	assert_contains(err.hint, git_dir);
	config = hk_xasprintf("[safe]\n\tdirectory = %s\n", git_dir);
	put_file(".gitconfig", config);
	OK(hk_repo_open(git_dir, root, &repo, &err));
	hk_repo_close(repo);
}

static void test_create(void **state HK_UNUSED)
{
	hk_auto_free char *path = hk_xasprintf("%s/new.git", root);
	hk_auto_free char *blocked = hk_xasprintf("%s/plain/new.git", root);
	struct hk_repo *repo = NULL;
	struct hk_commit c;
	char *head;

	assert_int_equal(hk_repo_create(path, "a..b", &err), HK_E_USAGE);
	put_file("plain", "");
	assert_int_equal(hk_repo_create(blocked, "main", &err), HK_E_REPOSITORY_FAILED);
	OK(hk_repo_create(path, "release/next", &err));
	assert_int_equal(hk_repo_create(path, "main", &err), HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, "exists already");
	head = git_prints("-C", path, "--git-dir", path, "symbolic-ref", "HEAD");
	assert_string_equal(head, "refs/heads/release/next");
	free(head);
	commit("pushed");
	git("push", "-q", path, "main:release/next");
	OK(hk_repo_open(path, root, &repo, &err));
	OK(hk_repo_resolve(repo, "HEAD", &c, &err));
	assert_string_equal(c.summary, "pushed");
	hk_repo_close(repo);
}

static void test_set_config(void **state HK_UNUSED)
{
	struct hk_repo *repo = open_repo();
	hk_auto_free char *value = NULL;

	OK(hk_repo_set_config(repo, "receive.advertisePushOptions", "true", &err));
	OK(hk_repo_set_config(repo, "receive.advertisePushOptions", "false", &err));
	value = git_prints("config", "--get-all", "receive.advertisePushOptions");
	assert_string_equal(value, "false");
	assert_int_equal(hk_repo_set_config(repo, "nonsense", "x", &err), HK_E_REPOSITORY_FAILED);
	hk_repo_close(repo);
}

static void test_resolve(void **state HK_UNUSED)
{
	struct hk_repo *repo = open_repo();
	hk_auto_free char *oid = NULL, *tree = NULL, *tag = NULL;
	struct hk_commit c;
	char digits[8];

	commit("first line\n\nbody");
	oid = git_prints("rev-parse", "main");
	tree = git_prints("rev-parse", "main^{tree}");
	git("tag", "light", "main");
	git("tag", "-a", "-m", "text", "v1/annotated", "main");
	git("tag", "-a", "-m", "tag of a tag", "twice", "v1/annotated");
	git("pack-refs", "--all");
	tag = git_prints("rev-parse", "refs/tags/v1/annotated");
	OK(hk_repo_resolve(repo, "refs/heads/main", &c, &err));
	assert_string_equal(c.oid, oid);
	assert_string_equal(c.tree, tree);
	assert_string_equal(c.tag, "");
	assert_string_equal(c.summary, "first line");
	assert_string_equal(c.author, "Ann Author");
	assert_int_equal(c.committed_at, 1700000001000);
	OK(hk_repo_resolve(repo, "refs/tags/light", &c, &err));
	assert_string_equal(c.tag, "light");
	OK(hk_repo_resolve(repo, "refs/tags/v1/annotated", &c, &err));
	assert_string_equal(c.tag, "v1/annotated");
	assert_string_equal(c.oid, oid);
	OK(hk_repo_resolve(repo, "refs/tags/twice", &c, &err));
	assert_string_equal(c.oid, oid);
	OK(hk_repo_resolve(repo, oid, &c, &err));
	OK(hk_repo_resolve(repo, tag, &c, &err));
	assert_string_equal(c.oid, oid);
	snprintf(digits, sizeof(digits), "%.7s", oid);
	OK(hk_repo_resolve(repo, digits, &c, &err));
	assert_string_equal(c.oid, oid);
	refused(repo, tree, "names a tree, not a commit", "");
	refused(repo, NO_SUCH_OID, "has no commit '" NO_SUCH_OID "'", "push it first");
	hk_repo_close(repo);
}

static void test_resolve_only_what_is_asked(void **state HK_UNUSED)
{
	static const char *const not_names[] = {
		"main",	       "main~1", "abc", "refs/heads/main^{tree}",
		"refs/heads",  "-",	 "",	"refs/../HEAD",
		"refs/heads/", "@{-1}",	 ":/x"
	};
	struct hk_repo *repo = open_repo();

	refused(repo, "refs/heads/main", "has no ref 'refs/heads/main'", "nothing was pushed");
	commit("x");
	git("tag", "v1", "main");
	for (size_t i = 0; i < HK_ARRAY_LEN(not_names); i++)
		refused(repo, not_names[i], "has no ref", "it has 'refs/");
	hk_repo_close(repo);
}

static void test_nearest_refs(void **state HK_UNUSED)
{
	static const char *const refs[] = { "refs/heads/release", "refs/heads/mian",
					    "refs/tags/v1.0", "refs/tags/v1.1", "refs/tags/v2.0" };
	struct hk_repo *repo = open_repo();

	commit("x");
	for (size_t i = 0; i < HK_ARRAY_LEN(refs); i++)
		git("update-ref", refs[i], "main");
	refused(repo, "refs/tags/v1.2", "'refs/tags/v1.2'",
		"it has 'refs/tags/v1.0', 'refs/tags/v1.1', 'refs/tags/v2.0'");
	refused(repo, "refs/heads/releas", "", "it has 'refs/heads/release', '");
	hk_repo_close(repo);
}

static void test_ambiguous_id(void **state HK_UNUSED)
{
	struct hk_repo *repo = open_repo();
	hk_auto_strlist oids = HK_STRLIST_INIT;
	hk_auto_buf in = HK_BUF_INIT;
	hk_auto_free char *all = NULL;
	char digits[5] = "";

	for (int i = 0; i < 900; i++)
		hk_buf_addf(&in, "blob\ndata <<END\n%d\nEND\n", i);
	import(&in);
	all = git_prints("cat-file", "--batch-all-objects", "--batch-check=%(objectname)");
	for (char *at = all, *line; (line = strsep(&at, "\n"));)
		hk_strlist_add(&oids, line);
	for (size_t i = 1; i < oids.len; i++)
		if (!strncmp(oids.items[i - 1], oids.items[i], 4))
			snprintf(digits, sizeof(digits), "%.4s", oids.items[i]);
	assert_int_equal(strlen(digits), 4);
	refused(repo, digits, "is the start of several object ids", "give more digits");
	hk_repo_close(repo);
}

static void test_printable(void **state HK_UNUSED)
{
	static const char text[] = "tree " EMPTY_TREE "\n"
				   "author B\033]0;ad Name <a@example.org> 0 +0000\n"
				   "committer A <a@example.org> 0 +0000\n\n"
				   "red \033[31m and \b bell \a caf\351 \xe2\x80\xae over\n";
	struct hk_repo *repo = open_repo();
	hk_auto_free char *oid = put_object("commit", text, sizeof(text) - 1);
	struct hk_commit c;

	git("update-ref", "refs/heads/main", oid);
	OK(hk_repo_resolve(repo, "refs/heads/main", &c, &err));
	for (const char *s = c.summary; *s; s++)
		assert_true((unsigned char)*s >= 32 && *s != 127);
	assert_string_equal(c.author, "B ]0;ad Name");
	assert_contains(c.summary, "caf\xef\xbf\xbd");
	assert_null(strstr(c.summary, "\xe2\x80\xae"));
	hk_repo_close(repo);
}

static void test_broken_objects(void **state HK_UNUSED)
{
	struct hk_repo *repo = open_repo();
	hk_auto_free char *oid = NULL, *file = NULL, *ref = NULL;
	struct hk_commit c;

	commit("x");
	oid = git_prints("rev-parse", "main");
	file = hk_xasprintf("r.git/objects/%.2s/%s", oid, oid + 2);
	ref = hk_xasprintf("%s/%s", root, file);
	assert_int_equal(chmod(ref, 0644), 0);
	put_file(file, "no object");
	assert_int_equal(hk_repo_resolve(repo, "refs/heads/main", &c, &err),
			 HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, oid);
	assert_contains(err.message, "corrupt");
	assert_contains(err.hint, "fsck");
	assert_int_equal(unlink(ref), 0);
	assert_int_equal(hk_repo_resolve(repo, "refs/heads/main", &c, &err),
			 HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, "missing");
	put_file("r.git/refs/heads/main", "nonsense\n");
	assert_int_equal(hk_repo_resolve(repo, "refs/heads/main", &c, &err),
			 HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, "refs/heads/main");
	hk_repo_close(repo);
}

static void test_refs(void **state HK_UNUSED)
{
	struct hk_repo *repo = open_repo();
	hk_auto_free char *first = NULL, *second = NULL, *now = NULL;
	bool contains = true;

	commit("first");
	first = git_prints("rev-parse", "main");
	git("update-ref", "refs/heads/old", first);
	hk_auto_free char *tree = git_prints("rev-parse", "main^{tree}");
	second = git_prints("commit-tree", "-p", first, "-m", "second", tree);
	OK(hk_repo_update_ref(repo, "refs/hostkit/live", first, &err));
	OK(hk_repo_update_ref(repo, "refs/hostkit/live", second, &err));
	now = git_prints("rev-parse", "refs/hostkit/live");
	assert_string_equal(now, second);
	assert_int_equal(hk_repo_update_ref(repo, "refs/hostkit/x", NO_SUCH_OID, &err),
			 HK_E_REPOSITORY_FAILED);
	assert_int_equal(hk_repo_update_ref(repo, "refs/hostkit/x", "abc", &err),
			 HK_E_REF_NOT_FOUND);
	OK(hk_repo_delete_ref(repo, "refs/hostkit/live", first, &err)); /* holds something else */
	git("rev-parse", "--verify", "-q", "refs/hostkit/live");
	git("pack-refs", "--all");
	OK(hk_repo_delete_ref(repo, "refs/hostkit/live", second, &err));
	OK(hk_repo_delete_ref(repo, "refs/hostkit/live", second, &err));
	OK(hk_repo_delete_ref(repo, "refs/heads/old", NULL, &err));
	hk_auto_free char *left = git_prints("for-each-ref", "--format=%(refname)");
	assert_string_equal(left, "refs/heads/main");
	OK(hk_repo_contains(repo, first, second, &contains, &err));
	assert_false(contains);
	OK(hk_repo_contains(repo, second, first, &contains, &err));
	assert_true(contains);
	contains = false;
	OK(hk_repo_contains(repo, first, first, &contains, &err));
	assert_true(contains);
	assert_int_equal(hk_repo_contains(repo, NO_SUCH_OID, first, &contains, &err),
			 HK_E_REPOSITORY_FAILED);
	hk_repo_close(repo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		repo_test(test_open_refused),
		repo_test(test_environment_does_not_matter),
		repo_test(test_another_owner),
		repo_test(test_create),
		repo_test(test_set_config),
		repo_test(test_resolve),
		repo_test(test_resolve_only_what_is_asked),
		repo_test(test_nearest_refs),
		repo_test(test_ambiguous_id),
		repo_test(test_printable),
		repo_test(test_broken_objects),
		repo_test(test_refs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
