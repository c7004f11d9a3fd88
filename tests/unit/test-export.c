/*
 * Exports that must be what `git checkout` writes.
 */
#include "export-fixture.h"

static void test_shapes(void **state HK_UNUSED)
{
	static const char *const names[] = { "-rf",	      "new\nline",	 "caf\xe9", "dot.",
					     "space ",	      " lead",		 "tab\t",   "a:b",
					     "back\\slash",   "quote\"'",	 "CASE",    "case",
					     "dir/-x/\xff/y", "dir/deep/er/file" };
	struct hk_export_result result;
	hk_auto_buf in = HK_BUF_INIT;
	char longest[256];

	memset(longest, 'n', 255);
	longest[255] = '\0';
	import_start(&in);
	for (size_t i = 0; i < HK_ARRAY_LEN(names); i++)
		import_file(&in, i % 2 ? "100644" : "100755", names[i], names[i]);
	import_file(&in, "100644", longest, "longest\n");
	import_file(&in, "100644", "empty", "");
	import_bytes(&in, "100644", "nul", "a\0b", 3);
	import_file(&in, "120000", "dangling", "no/where");
	import_file(&in, "120000", "absolute", "/etc/passwd");
	import_file(&in, "120000", "out", "../../..");
	import_file(&in, "120000", "to dir", "dir");
	hk_buf_addstr(&in, "M 160000 0123456789012345678901234567890123456789 sub/module\n");
	import(&in);
	hk_auto_close int dir = compare_with_git(&result);

	assert_int_equal(result.files, HK_ARRAY_LEN(names) + 7);
	assert_true(result.bytes > 8 + 3);
	assert_int_equal(result.submodules.len, 1);
	assert_string_equal(result.submodules.items[0], "sub/module");
	hk_export_result_release(&result);
	assert_file(dir, longest, "longest\n");
	assert_file(dir, "new\nline", "new\nline");
}

static void test_umask(void **state HK_UNUSED)
{
	hk_auto_buf in = HK_BUF_INIT;
	struct stat st;

	import_start(&in);
	import_file(&in, "100755", "dir/program", "");
	import_file(&in, "100644", "dir/file", "");
	import(&in);
	hk_auto_close int dir = fresh_dir("ours");

	umask(027);
	OK(export_to("refs/heads/main", dir));
	umask(022);
	assert_int_equal(fstatat(dir, "dir", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(fstatat(dir, "dir/program", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	assert_int_equal(fstatat(dir, "dir/file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

/* Folders without a file do not come to be; the top folder stays. */
static void test_empty_trees(void **state HK_UNUSED)
{
	hk_auto_free char *empty = put_object("tree", "", 0);
	hk_auto_free char *blob = put_object("blob", "x", 1);
	hk_auto_buf nested = HK_BUF_INIT, top = HK_BUF_INIT;

	add_entry(&nested, "40000", "empty", empty);
	hk_auto_free char *nested_oid = put_object("tree", nested.data, nested.len);

	add_entry(&top, "100644", "file", blob);
	add_entry(&top, "40000", "hollow", nested_oid);
	add_entry(&top, "100664", "old-mode", blob);
	hk_auto_free char *tree = put_object("tree", top.data, top.len);
	hk_auto_free char *commit = commit_tree(tree);

	git("update-ref", "refs/heads/main", commit);
	hk_auto_close int dir = compare_with_git(NULL);

	assert_false(hk_fs_exists(dir, "hollow"));
	hk_auto_free char *hollow = commit_tree(empty);

	git("update-ref", "refs/heads/main", hollow);
	close(compare_with_git(NULL));
}

/* git cannot write these: it opens every file by its whole path. */
static void test_longer_than_path_max(void **state HK_UNUSED)
{
	hk_auto_free char *oid = put_object("blob", "deep\n", 5);
	hk_auto_close int dir = fresh_dir("ours");
	const char *mode = "100644";
	char name[201];

	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < 40; i++) {
		hk_auto_buf tree = HK_BUF_INIT;
		char *inner = oid;

		add_entry(&tree, mode, name, inner);
		oid = put_object("tree", tree.data, tree.len);
		free(inner);
		mode = "40000";
	}
	hk_auto_free char *commit = commit_tree(oid);

	OK(export_to(commit, dir));
	for (int i = 0; i < 39; i++) {
		int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		assert_true(below >= 0);
		close(dir);
		dir = below;
	}
	assert_file(dir, name, "deep\n");
}

static const struct {
	const char *data;
	size_t len;
} contents[] = {
#define CONTENT(text)                  \
	{                              \
		text, sizeof(text) - 1 \
	}
	CONTENT(""),
	CONTENT("a\nb\n"),
	CONTENT("a\r\nb\r\n"),
	CONTENT("a\nb\r\n"),
	CONTENT("a\r\nb\n"),
	CONTENT("a\rb\n"),
	CONTENT("a\r\r\nb\n"),
	CONTENT("no end"),
	CONTENT("\n"),
	CONTENT("\r"),
	CONTENT("nul\0\n"),
	CONTENT("\1\n"),
	CONTENT("end of file\n\x1a"),
	CONTENT("\x1a"),
	CONTENT("bell\b\t\033\f and a lot of text behind it\n"),
	CONTENT("\xff\xfe\n"),
	CONTENT("gr\xc3\xbc\xc3\x9f \xe6\x97\xa5\n"),
	CONTENT("$Id$\n"),
	CONTENT("$Id: 0123 $\n$Id: foreign one $\r\n$Id:x$ $Id\n"),
	CONTENT("$$Id$ $Id:\n$ $Id: a\tb $ $Id: $ $Id:$\n$Id: open\n"),
	CONTENT("$Id: \0 a $\n"),
};

static const char *const attributes[] = {
	"",
	"* text",
	"* -text",
	"* text=auto",
	"* text=input",
	"* text=nonsense",
	"* eol=crlf",
	"* eol=lf",
	"* text eol=crlf",
	"* text=auto eol=crlf",
	"* text=auto eol=lf",
	"* -text eol=crlf",
	"* crlf",
	"* -crlf",
	"* crlf=input",
	"* crlf=auto",
	"* text=auto crlf=input",
	"* binary",
	"* ident",
	"* ident text=auto",
	"* ident text eol=crlf",
	"* ident text=auto eol=crlf",
	"* ident working-tree-encoding=UTF-16LE-BOM",
	"* working-tree-encoding=UTF-16",
	"* working-tree-encoding=UTF-16BE-BOM text eol=crlf",
	"* working-tree-encoding=utf8",
	"* working-tree-encoding=latin-1",
	"* working-tree-encoding=SHIFT-JIS",
	"* working-tree-encoding=nonsense",
	"* filter=upper ident",
	"* filter=upper text eol=crlf",
};

static const char *const configs[] = {
	"",
	"[core]\n\tautocrlf = true\n",
	"[core]\n\tautocrlf\n",
	"[core]\n\tautocrlf = Input\n",
	"[core]\n\teol = crlf\n",
	"[core]\n\teol = native\n",
	"[core]\n\tautocrlf = false\n\teol = CRLF\n",
	"[core]\n\tautocrlf = true\n\teol = lf\n",
	"[core]\n\tautocrlf = input\n\teol = crlf\n",
};

static void test_conversions(void **state HK_UNUSED)
{
	hk_auto_buf in = HK_BUF_INIT;

	import_start(&in);
	for (size_t a = 0; a < HK_ARRAY_LEN(attributes); a++) {
		hk_auto_free char *rules = hk_xasprintf("a%zu/.gitattributes", a);

		import_file(&in, "100644", rules, attributes[a]);
		/* A filter is a process for every file: a few will do. */
		size_t count = strstr(attributes[a], "filter") ? 3 : HK_ARRAY_LEN(contents);

		for (size_t c = 0; c < count; c++) {
			hk_auto_free char *name = hk_xasprintf("a%zu/c%zu", a, c);

			import_bytes(&in, "100644", name, contents[c].data, contents[c].len);
		}
	}
	import(&in);
	for (size_t i = 0; i < HK_ARRAY_LEN(configs); i++) {
		hk_auto_free char *text =
			hk_xasprintf("%s[filter \"upper\"]\n\tsmudge = tr a-z A-Z\n", configs[i]);

		put_file(".gitconfig", text);
		hk_auto_close int dir = compare_with_git(NULL);

		assert_file(dir, "a8/c1", "a\r\nb\r\n");
		assert_file(dir, "a29/c1",
			    strstr(text, "autocrlf = true") || strstr(text, "autocrlf\n")
				    ? "A\r\nB\r\n"
				    : "A\nB\n");
	}
}

static void test_rules_from_everywhere(void **state HK_UNUSED)
{
	static const char *const folders[] = { "", "a/", "a/b/", "a/b/c/", "z/" };
	static const char *const names[] = { "x.txt", "x.c", "x.bin", "x y", "plain" };
	hk_auto_buf in = HK_BUF_INIT;

	import_start(&in);
	for (size_t f = 0; f < HK_ARRAY_LEN(folders); f++) {
		for (size_t n = 0; n < HK_ARRAY_LEN(names); n++) {
			hk_auto_free char *name = hk_xasprintf("%s%s", folders[f], names[n]);

			import_file(&in, "100644", name, "$Id$\nx\n");
		}
	}
	import_file(&in, "100644", ".gitattributes",
		    "[attr]dos text eol=crlf\n*.txt dos\n*.bin binary\n/a/**/x.c ident\n"
		    "\"x y\" eol=crlf\n");
	import_file(&in, "100644", "a/.gitattributes", "*.txt -dos !text !eol\nb/*.c eol=crlf\n");
	import_file(&in, "120000", "a/b/.gitattributes", "*.txt ident text eol=crlf");
	import_file(&in, "100644", "a/b/c/.gitattributes", "\xef\xbb\xbfplain text eol=crlf\n");
	import_file(&in, "100644", "z/.gitattributes/no-rules", "* text eol=crlf\n");
	import(&in);
	close(compare_with_git(NULL));
	put_file(".config/git/attributes", "\xef\xbb\xbfplain ident\n*.c ident\n");
	close(compare_with_git(NULL));
	put_file("r.git/info/attributes", "*.txt -ident eol=lf\n[attr]dos -text\nz/* ident\n");
	close(compare_with_git(NULL));
	put_file("mine", "plain text eol=crlf\n");
	put_file(".gitconfig", "[core]\n\tattributesFile = ~/mine\n");
	hk_auto_close int dir = compare_with_git(NULL);

	assert_file(dir, "plain", "$Id$\r\nx\r\n");
}

static void filter_config(const char *name, const char *keys)
{
	hk_auto_free char *text = hk_xasprintf("[filter \"%s\"]\n%s", name, keys);

	put_file(".gitconfig", text);
}

static void import_filtered(const char *name)
{
	hk_auto_free char *rules = hk_xasprintf("*.f filter=%s\n", name);
	hk_auto_buf in = HK_BUF_INIT;

	import_start(&in);
	import_file(&in, "100644", ".gitattributes", rules);
	import_file(&in, "100755", "d/a b'c.f", "content\n");
	import_file(&in, "100644", "other", "content\n");
	import(&in);
}

static void test_filters(void **state HK_UNUSED)
{
	static const char *const drivers[] = {
		"\tsmudge = cat && echo path %f 100%% %x\n",
		"\tsmudge = echo wrong && exit 3\n",
		"\tsmudge = no-such-program\n",
		"\tsmudge = kill -9 $$\n",
		"\tsmudge = true\n", /* does not read: an empty file */
		"\tsmudge =\n\trequired = false\n",
		"\tclean = cat\n",
		"\trequired = true\n", /* no command at all: git does not look at it */
		"\tsmudge = pwd >&2 && echo $1\n",
		"",
	};

	import_filtered("my.driver");
	for (size_t i = 0; i < HK_ARRAY_LEN(drivers); i++) {
		filter_config("my.driver", drivers[i]);
		hk_auto_close int dir = compare_with_git(NULL);

		if (i == 0)
			assert_file(dir, "d/a b'c.f", "content\npath d/a b'c.f 100% %x\n");
	}
}

static void test_filter_surroundings(void **state HK_UNUSED)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", "MINE=1", "GIT_DIR=/wrong",
					   "GIT_INDEX_FILE=/wrong", NULL };
	struct hk_export_spec spec = PLAIN;
	hk_auto_close int dir = fresh_dir("ours");
	hk_auto_buf got = HK_BUF_INIT;
	hk_auto_free char *want = hk_xasprintf("%s/ours\n%s\n1\n", root, git_dir);

	import_filtered("env");
	filter_config("env", "\tsmudge = \"pwd -P; echo $GIT_DIR; echo $MINE\"\n");
	spec.env = env;
	OK(export_with("refs/heads/main", dir, spec, NULL));
	read_file_at(dir, "d/a b'c.f", &got);
	assert_string_equal(got.data, want);
}

/* Nothing of the work is left in the repository. */
static void test_leaves_nothing_behind(void **state HK_UNUSED)
{
	hk_auto_strlist before = HK_STRLIST_INIT, after = HK_STRLIST_INIT;
	hk_auto_close int dir = fresh_dir("ours");

	import_filtered("none");
	OK(hk_fs_list(AT_FDCWD, git_dir, &before, &err));
	OK(export_to("refs/heads/main", dir));
	filter_config("none", "\tsmudge = false\n\trequired = true\n");
	close(dir);
	dir = fresh_dir("ours");
	assert_int_equal(export_to("refs/heads/main", dir), HK_E_COMMAND_FAILED);
	OK(hk_fs_list(AT_FDCWD, git_dir, &after, &err));
	assert_int_equal(after.len, before.len);
}

static void test_many_files(void **state HK_UNUSED)
{
	struct hk_export_result result;
	hk_auto_buf in = HK_BUF_INIT;

	import_start(&in);
	for (int i = 0; i < 1200; i++) {
		hk_auto_free char *name = hk_xasprintf("d%d/e%d/f%d", i % 7, i % 11, i);
		hk_auto_free char *text =
			hk_xasprintf("%d\n%d\nthe same for all\n", i % 400, i % 2);

		import_file(&in, i % 3 ? "100644" : "100755", name, text);
	}
	import(&in);
	git("repack", "-adq");
	import_file(&in, "100644", "loose", "loose\n");
	import(&in);
	git("-c", "fastimport.unpackLimit=0", "repack", "-dq");
	hk_auto_free char *blob = put_object("blob", "really loose\n", 13);

	git("read-tree", "main");
	git("update-index", "--add", "--cacheinfo", "100644", blob, "d1/loose");
	hk_auto_free char *tree = git_prints("write-tree");
	hk_auto_free char *commit = commit_tree(tree);

	git("update-ref", "refs/heads/main", commit);
	close(compare_with_git(&result));
	assert_int_equal(result.files, 1202);
	hk_export_result_release(&result);
}

/* Larger than every buffer, as a loose object (streamed) and in a pack. */
static void test_large_files(void **state HK_UNUSED)
{
	size_t len = 5 * 1024 * 1024 + 17;
	hk_auto_free char *data = hk_xmalloc(len);
	hk_auto_free char *tree = NULL, *commit = NULL;
	uint32_t x = 1;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525 + 1013904223;
		data[i] = (char)(x >> 24);
	}
	hk_auto_free char *blob = put_object("blob", data, len);
	hk_auto_buf entries = HK_BUF_INIT;

	add_entry(&entries, "100644", "large", blob);
	tree = put_object("tree", entries.data, entries.len);
	commit = commit_tree(tree);
	git("update-ref", "refs/heads/main", commit);
	for (int packed = 0; packed < 2; packed++) {
		hk_auto_buf got = HK_BUF_INIT;
		hk_auto_close int dir = compare_with_git(NULL);

		read_file_at(dir, "large", &got);
		assert_int_equal(got.len, len);
		git("repack", "-adq");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		repo_test(test_shapes),
		repo_test(test_umask),
		repo_test(test_empty_trees),
		repo_test(test_longer_than_path_max),
		repo_test(test_conversions),
		repo_test(test_rules_from_everywhere),
		repo_test(test_filters),
		repo_test(test_filter_surroundings),
		repo_test(test_leaves_nothing_behind),
		repo_test(test_many_files),
		repo_test(test_large_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
