/*
 * Exports that must fail: hostile trees, damaged repositories, filters, cancel and deadline.
 * Whatever the tree says, nothing outside the folder is touched.
 */
#include "export-fixture.h"

#include <repo/blob.h>

static char *blob;

/* The commit of a tree with those entries: mode, name, oid (NULL: a blob), up to a NULL mode. */
struct row {
	const char *mode, *name, *oid;
};

static char *tree_of(const struct row *rows)
{
	hk_auto_buf tree = HK_BUF_INIT;

	for (; rows->mode; rows++)
		add_entry(&tree, rows->mode, rows->name, rows->oid ? rows->oid : blob);
	return put_object("tree", tree.data, tree.len);
}

#define TREE(...) tree_of((const struct row[]){ __VA_ARGS__, { NULL, NULL, NULL } })

static void assert_refused(const char *tree, const char *entry, const char *reason)
{
	hk_auto_free char *commit = commit_tree(tree);
	hk_auto_close int dir = fresh_dir("ours");
	int rc = export_to(commit, dir);

	if (rc != HK_E_TREE_REFUSED)
		fail_msg("'%s': %d", entry, rc);
	assert_contains(err.message, entry);
	assert_contains(err.message, reason);
	assert_contains(err.hint, "push again");
}

static void test_names(void **state HK_UNUSED)
{
	static const struct {
		const char *name, *shown;
	} rows[] = {
		{ "", "entry ''" },
		{ ".", "entry '.'" },
		{ "..", "entry '..'" },
		{ "../escape", "../escape" },
		{ "/escape", "/escape" },
		{ "dir/../../escape", "dir/../../escape" },
		{ ".git", ".git" },
		{ ".GiT ", ".GiT" },
		{ "git~1", "git~1" },
		{ ".g\xe2\x80\x8cit", "it'" },
		{ ".git::$INDEX_ALLOCATION", "INDEX" },
		{ ".git:\nerror: forged", ".git:\\012error: forged" },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		hk_auto_free char *file = TREE({ "100644", rows[i].name, NULL });
		hk_auto_free char *inner = TREE({ "100644", "escape", NULL });
		hk_auto_free char *folder = TREE({ "40000", rows[i].name, inner });
		hk_auto_free char *below = TREE({ "40000", "sub", file });

		assert_refused(file, rows[i].shown, "");
		assert_refused(folder, rows[i].shown, "");
		assert_refused(below, "entry 'sub/", "");
	}
	assert_false(hk_fs_exists(AT_FDCWD, "/escape"));
	hk_auto_free char *outside = hk_xasprintf("%s/escape", root);

	assert_false(hk_fs_exists(AT_FDCWD, outside));
}

static void test_collisions(void **state HK_UNUSED)
{
	hk_auto_free char *target = put_object("blob", "../outside", 10);
	hk_auto_free char *inner = TREE({ "100644", "x", NULL });
	hk_auto_free char *link_then_folder =
		TREE({ "120000", "a", target }, { "40000", "a", inner });
	hk_auto_free char *folder_then_link =
		TREE({ "40000", "a", inner }, { "120000", "a", target });
	hk_auto_free char *link_then_file =
		TREE({ "120000", "a", target }, { "100644", "a", NULL });
	hk_auto_free char *file_then_link =
		TREE({ "100644", "a", NULL }, { "120000", "a", target });
	hk_auto_free char *twice = TREE({ "100644", "a", NULL }, { "100644", "a", NULL });
	hk_auto_free char *file_and_folder =
		TREE({ "100644", "a", NULL }, { "100644", "a.b", NULL }, { "40000", "a", inner });
	hk_auto_free char *two_folders = TREE({ "40000", "a", inner }, { "40000", "a", inner });

	close(fresh_dir("outside"));
	assert_refused(link_then_folder, "'a'", "twice");
	assert_refused(folder_then_link, "'a'", "twice");
	assert_refused(link_then_file, "'a'", "twice");
	assert_refused(file_then_link, "'a'", "twice");
	assert_refused(twice, "'a'", "twice");
	assert_refused(file_and_folder, "'a'", "twice");
	assert_refused(two_folders, "'a'", "twice");
	hk_auto_free char *outside = hk_xasprintf("%s/outside/x", root);

	assert_false(hk_fs_exists(AT_FDCWD, outside));
}

/* The same for a tree that git would write: its index keeps one of two, without a word. */
static void test_collisions_with_attributes(void **state HK_UNUSED)
{
	hk_auto_free char *rules = put_object("blob", "* text=auto\n", 12);
	hk_auto_free char *target = put_object("blob", "../outside", 10);
	hk_auto_free char *inner = TREE({ "100644", "x", NULL });
	hk_auto_free char *link_and_folder =
		TREE({ "100644", ".gitattributes", rules }, { "120000", "a", target },
		     { "40000", "a", inner });
	hk_auto_free char *file_and_folder =
		TREE({ "100644", ".gitattributes", rules }, { "100644", "a", NULL },
		     { "100644", "a.b", NULL }, { "40000", "a", inner });
	hk_auto_free char *name =
		TREE({ "100644", ".gitattributes", rules }, { "100644", "../escape", NULL });

	assert_refused(link_and_folder, "'a'", "twice");
	assert_refused(file_and_folder, "'a'", "twice");
	assert_refused(name, "../escape", "slash");
}

static void test_modes(void **state HK_UNUSED)
{
	static const char *const modes[] = { "0",      "100600",     "100666", "104755",
					     "20000",  "60000",	     "140000", "40755",
					     "120777", "1000000644", "777777", "10000" };
	hk_auto_free char *nothing = put_object("blob", "", 0);
	hk_auto_free char *no_target = TREE({ "120000", "link", nothing });
	hk_auto_free char *modules = TREE({ "120000", ".gitmodules", NULL });

	for (size_t i = 0; i < HK_ARRAY_LEN(modes); i++) {
		hk_auto_free char *tree = TREE({ modes[i], "entry", NULL });
		hk_auto_free char *commit = commit_tree(tree);
		hk_auto_close int dir = fresh_dir("ours");
		int rc = export_to(commit, dir);

		/* A number that no mode can be makes the tree itself malformed. */
		if (rc != HK_E_TREE_REFUSED && rc != HK_E_REPOSITORY_FAILED)
			fail_msg("mode %s: %d", modes[i], rc);
		assert_false(hk_fs_exists(dir, "entry"));
	}
	assert_refused(no_target, "'link'", "without a target");
	assert_refused(modules, "'.gitmodules'", "is a link");
}

static char *nested(int depth)
{
	char *oid = TREE({ "100644", "file", NULL });

	for (int i = 0; i < depth; i++) {
		char *outer = TREE({ "40000", "d", oid });

		free(oid);
		oid = outer;
	}
	return oid;
}

static void test_depth(void **state HK_UNUSED)
{
	hk_auto_free char *deep = nested(512);
	hk_auto_free char *deeper = TREE({ "40000", "d", deep });
	hk_auto_free char *commit = commit_tree(deep);
	hk_auto_close int dir = fresh_dir("ours");

	OK(export_to(commit, dir));
	assert_refused(deeper, "d/d/d/d", "nested too deep");
}

static void assert_broken(const char *commit, const char *oid, const char *what)
{
	hk_auto_close int dir = fresh_dir("ours");

	assert_int_equal(export_to(commit, dir), HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, oid);
	assert_contains(err.message, what);
	assert_contains(err.hint, "fsck");
}

static char *loose_path(const char *oid)
{
	return hk_xasprintf("%s/objects/%.2s/%s", git_dir, oid, oid + 2);
}

/* Flips the bits of one byte in the middle of a file. */
static void damage(const char *path)
{
	struct stat st;
	char byte;

	assert_int_equal(chmod(path, 0644), 0);
	hk_auto_close int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0 && !fstat(fd, &st));
	assert_int_equal(pread(fd, &byte, 1, st.st_size / 2), 1);
	byte = (char)~byte;
	assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 2), 1);
}

static void test_loose_objects(void **state HK_UNUSED)
{
	hk_auto_free char *data = hk_xmalloc(3000000);
	hk_auto_free char *inner = NULL, *tree = NULL, *commit = NULL, *big = NULL;

	for (size_t i = 0; i < 3000000; i++)
		data[i] = (char)(i * i / 7);
	big = put_object("blob", data, 3000000);
	inner = TREE({ "100644", "big", big });
	tree = TREE({ "100644", "a", NULL }, { "40000", "sub", inner });
	commit = commit_tree(tree);
	hk_auto_free char *big_path = loose_path(big), *inner_path = loose_path(inner);

	damage(big_path);
	assert_broken(commit, big, "'sub/big' is corrupt");
	assert_int_equal(truncate(big_path, 0), 0);
	assert_broken(commit, big, "'sub/big' is ");
	assert_int_equal(unlink(big_path), 0);
	assert_broken(commit, big, "'sub/big' is missing");
	assert_int_equal(unlink(inner_path), 0);
	assert_broken(commit, inner, "'sub' is missing");
	hk_auto_free char *tree_path = loose_path(tree);

	assert_int_equal(unlink(tree_path), 0);
	assert_broken(commit, tree, "the commit is missing");
}

static void test_packed_objects(void **state HK_UNUSED)
{
	hk_auto_buf in = HK_BUF_INIT;
	hk_auto_strlist packs = HK_STRLIST_INIT;
	hk_auto_close int dir = -1;

	import_start(&in);
	for (int i = 0; i < 600; i++) {
		hk_auto_free char *name = hk_xasprintf("f%d", i);
		hk_auto_free char *text = hk_xasprintf("%d\n%d\n%d\n", i, i * 7919, i * 104729);

		import_file(&in, "100644", name, text);
	}
	import(&in);
	git("repack", "-adq");
	hk_auto_free char *folder = hk_xasprintf("%s/objects/pack", git_dir);

	OK(hk_fs_list(AT_FDCWD, folder, &packs, &err));
	for (size_t i = 0; i < packs.len; i++) {
		hk_auto_free char *path = hk_xasprintf("%s/%s", folder, packs.items[i]);

		if (strstr(packs.items[i], ".pack"))
			damage(path);
	}
	dir = fresh_dir("ours");
	assert_int_equal(export_to("refs/heads/main", dir), HK_E_REPOSITORY_FAILED);
	assert_contains(err.message, "is corrupt");
}

static void test_wrong_types(void **state HK_UNUSED)
{
	hk_auto_free char *inner = TREE({ "100644", "x", NULL });
	hk_auto_free char *as_file = TREE({ "100644", "file", inner });
	hk_auto_free char *as_folder = TREE({ "40000", "dir", NULL });
	hk_auto_free char *as_link = TREE({ "120000", "link", inner });
	hk_auto_free char *garbage = put_object("tree", "100644 cut off\0abc", 18);
	char *commits[] = { commit_tree(as_file), commit_tree(as_folder), commit_tree(as_link),
			    commit_tree(garbage) };

	assert_broken(commits[0], inner, "'file' is corrupt: it is of another type");
	assert_broken(commits[1], blob, "'dir' is corrupt: it is of another type");
	assert_broken(commits[2], inner, "'link' is corrupt: it is of another type");
	assert_broken(commits[3], garbage, "malformed");
	git("repack", "-adq", "--keep-unreachable");
	assert_broken(commits[0], inner, "'file' is corrupt: it is of another type");
	for (size_t i = 0; i < HK_ARRAY_LEN(commits); i++)
		free(commits[i]);
}

static char *filtered(const char *keys)
{
	hk_auto_free char *text = hk_xasprintf("[filter \"drv\"]\n%s", keys);
	hk_auto_free char *rules = put_object("blob", "*.f filter=drv\n", 15);
	hk_auto_free char *tree =
		TREE({ "100644", ".gitattributes", rules }, { "100644", "a.f", NULL });

	put_file(".gitconfig", text);
	return commit_tree(tree);
}

/* git's own words are passed on. */
static void assert_git_fails(const char *commit, const char *message)
{
	hk_auto_close int dir = fresh_dir("ours");

	assert_int_equal(export_to(commit, dir), HK_E_COMMAND_FAILED);
	assert_contains(err.message, message);
}

static void test_required_filters(void **state HK_UNUSED)
{
	static const char *const drivers[] = {
		"\tsmudge = exit 7\n\trequired\n",
		"\tsmudge = kill -9 $$\n\trequired = yes\n",
		"\tclean = cat\n\trequired = true\n",
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(drivers); i++) {
		hk_auto_free char *commit = filtered(drivers[i]);

		assert_git_fails(commit, "a.f: smudge filter drv failed");
	}
}

static void test_settings_that_git_refuses(void **state HK_UNUSED)
{
	hk_auto_free char *rules = put_object("blob", "a working-tree-encoding\n", 24);
	hk_auto_free char *tree =
		TREE({ "100644", ".gitattributes", rules }, { "100644", "a", NULL });
	hk_auto_free char *commit = commit_tree(tree);

	assert_git_fails(commit, "working-tree-encoding");
	put_file(".gitconfig", "[core]\n\tautocrlf = perhaps\n");
	assert_git_fails(commit, "core.autocrlf");
}

static void test_cancel_and_deadline(void **state HK_UNUSED)
{
	hk_auto_free char *tree = TREE({ "100644", "a", NULL });
	hk_auto_free char *commit = commit_tree(tree);
	hk_auto_free char *slow = filtered("\tsmudge = sleep 1000\n");
	struct hk_export_spec spec = PLAIN;
	hk_auto_close int dir = fresh_dir("ours");
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	spec.cancel_fd = ends[0];
	OK(export_with(commit, dir, spec, NULL));
	close(dir);
	assert_int_equal(write(ends[1], "", 1), 1);
	dir = fresh_dir("ours");
	assert_int_equal(export_with(commit, dir, spec, NULL), HK_E_CANCELLED);
	assert_false(hk_fs_exists(dir, "a"));
	spec.cancel_fd = -1;
	spec.deadline = hk_clock_mono_ms() - 1;
	assert_int_equal(export_with(commit, dir, spec, NULL), HK_E_STAGE_TIMEOUT);
	assert_false(hk_fs_exists(dir, "a"));
	/* While a filter runs: not required, and still not taken for its failure. */
	spec.deadline = hk_clock_deadline(300);
	assert_int_equal(export_with(slow, dir, spec, NULL), HK_E_STAGE_TIMEOUT);
	close(ends[0]);
	close(ends[1]);
}

static void test_cancel_within_a_blob(void **state HK_UNUSED)
{
	hk_auto_free char *data = hk_xcalloc(3, 1024 * 1024);
	struct hk_export_spec spec = PLAIN;
	hk_auto_close int fd = memfd_create("out", MFD_CLOEXEC);
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[1]); /* the end of a pipe reads as ready */
	spec.cancel_fd = ends[0];
	assert_int_equal(hk_blobs_write(&spec, fd, data, 3 * 1024 * 1024, "x", &err),
			 HK_E_CANCELLED);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 1024 * 1024);
	close(ends[0]);
}

static void test_full_disk(void **state HK_UNUSED)
{
	struct hk_export_spec spec = PLAIN;
	hk_auto_close int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	assert_int_equal(hk_blobs_write(&spec, fd, "x", 1, "dir/file", &err), HK_E_NO_SPACE);
	assert_contains(err.message, "'dir/file'");
}

static int setup_with_blob(void **state)
{
	setup(state);
	blob = put_object("blob", "content\n", 8);
	return 0;
}

static int teardown_with_blob(void **state)
{
	free(blob);
	return teardown(state);
}

#define refuse_test(f) cmocka_unit_test_setup_teardown(f, setup_with_blob, teardown_with_blob)

int main(void)
{
	const struct CMUnitTest tests[] = {
		refuse_test(test_names),
		refuse_test(test_collisions),
		refuse_test(test_collisions_with_attributes),
		refuse_test(test_modes),
		refuse_test(test_depth),
		refuse_test(test_loose_objects),
		refuse_test(test_packed_objects),
		refuse_test(test_wrong_types),
		refuse_test(test_required_filters),
		refuse_test(test_settings_that_git_refuses),
		refuse_test(test_cancel_and_deadline),
		refuse_test(test_cancel_within_a_blob),
		refuse_test(test_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
