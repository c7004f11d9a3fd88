/*
 * What the repository tests share: a temporary folder that is also HOME, real git in a clean
 * environment, and trees and commits made by hand where git itself would refuse to make them.
 */
#ifndef HK_TESTS_REPO_FIXTURE_H
#define HK_TESTS_REPO_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/strlist.h>
#include <repo/repo.h>
#include <sys/fs.h>
#include <sys/process.h>

static char *root;    /* the test's folder, and HOME */
static char *git_dir; /* root/r.git */
static struct hk_error err;

#define OK(call)                                                         \
	do {                                                             \
		int rc_ = (call);                                        \
		if (rc_)                                                 \
			fail_msg("%s: %d, %s", #call, rc_, err.message); \
	} while (0)

static HK_UNUSED void assert_contains(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not contain '%s'", text, part);
}

static void add_line(void *ctx, const char *line, size_t len)
{
	struct hk_buf *out = ctx;

	if (out->len)
		hk_buf_addch(out, '\n');
	hk_buf_add(out, line, len);
}

/* Runs git with that input; its lines, without the last end, are left in out (may be NULL). */
static void git_argv(const char *const *argv, const void *input, size_t len, struct hk_buf *out)
{
	hk_auto_free char *home = hk_xasprintf("HOME=%s", root);
	hk_auto_free char *index = hk_xasprintf("GIT_INDEX_FILE=%s/index", root);
	hk_auto_free char *dir = hk_xasprintf("GIT_DIR=%s", git_dir);
	const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin",
				    home,
				    index,
				    dir,
				    "GIT_CONFIG_NOSYSTEM=1",
				    "GIT_AUTHOR_NAME=Ann Author",
				    "GIT_AUTHOR_EMAIL=ann@example.org",
				    "GIT_AUTHOR_DATE=1700000000 +0000",
				    "GIT_COMMITTER_NAME=Carl",
				    "GIT_COMMITTER_EMAIL=carl@example.org",
				    "GIT_COMMITTER_DATE=1700000001 +0000",
				    NULL };
	hk_auto_close int fd = memfd_create("input", MFD_CLOEXEC);
	hk_auto_buf lines = HK_BUF_INIT;
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;

	assert_int_equal(write(fd, input, len), len);
	lseek(fd, 0, SEEK_SET);
	spec.argv = argv;
	spec.env = env;
	spec.stdin_fd = fd;
	spec.on_line = add_line;
	spec.ctx = &lines;
	if (hk_process_run(&spec, NULL, &err))
		fail_msg("%s: %s", err.message, lines.data);
	if (out)
		hk_buf_add(out, lines.data, lines.len);
}

#define git_with(input, len, out, ...) \
	git_argv((const char *const[]){ "git", __VA_ARGS__, NULL }, input, len, out)
#define git(...) git_with("", 0, NULL, __VA_ARGS__)

/* What git prints, as a string to be freed. */
#define git_prints(...)                                  \
	({                                               \
		struct hk_buf printed_ = HK_BUF_INIT;    \
		git_with("", 0, &printed_, __VA_ARGS__); \
		hk_buf_detach(&printed_);                \
	})

static HK_UNUSED char *put_object(const char *type, const void *data, size_t len)
{
	struct hk_buf out = HK_BUF_INIT;

	git_with(data, len, &out, "hash-object", "-w", "--stdin", "--literally", "-t", type);
	return hk_buf_detach(&out);
}

/* Appends a raw tree entry; oid in hex. */
static HK_UNUSED void add_entry(struct hk_buf *tree, const char *mode, const char *name,
				const char *oid)
{
	hk_buf_addf(tree, "%s %s", mode, name);
	hk_buf_addch(tree, '\0');
	for (size_t i = 0; i < 40; i += 2) {
		unsigned byte;

		assert_int_equal(sscanf(oid + i, "%2x", &byte), 1);
		hk_buf_addch(tree, (char)byte);
	}
}

static HK_UNUSED char *commit_tree(const char *tree)
{
	hk_auto_buf text = HK_BUF_INIT;

	hk_buf_addf(
		&text,
		"tree %s\nauthor A <a@example.org> 0 +0000\ncommitter A <a@example.org> 0 +0000\n"
		"\nmade by hand\n",
		tree);
	return put_object("commit", text.data, text.len);
}

/* Input for git fast-import: a commit on main, then files in any order. */
static HK_UNUSED void import_start(struct hk_buf *in)
{
	hk_buf_addstr(in, "commit refs/heads/main\ncommitter c <c@example.org> 0 +0000\ndata 0\n");
	hk_buf_addstr(in, "deleteall\n");
}

static HK_UNUSED void import_bytes(struct hk_buf *in, const char *mode, const char *path,
				   const void *data, size_t len)
{
	hk_buf_addf(in, "M %s inline \"", mode);
	for (const char *s = path; *s; s++)
		hk_buf_addf(in, "\\%03o", (unsigned char)*s);
	hk_buf_addf(in, "\"\ndata %zu\n", len);
	hk_buf_add(in, data, len);
	hk_buf_addch(in, '\n');
}

static HK_UNUSED void import_file(struct hk_buf *in, const char *mode, const char *path,
				  const char *text)
{
	import_bytes(in, mode, path, text, strlen(text));
}

static HK_UNUSED void import(const struct hk_buf *in)
{
	git_with(in->data, in->len, NULL, "fast-import", "--quiet", "--force");
}

/* Writes root/name. */
static HK_UNUSED void put_file(const char *name, const char *text)
{
	hk_auto_free char *path = hk_xasprintf("%s/%s", root, name);
	hk_auto_free char *folder = hk_xstrndup(path, (size_t)(strrchr(path, '/') - path));

	OK(hk_fs_mkdir_p(AT_FDCWD, folder, 0777, &err));
	OK(hk_fs_write_file(AT_FDCWD, path, text, strlen(text), 0644, &err));
}

static int setup(void **state HK_UNUSED)
{
	const char *tmp = getenv("TMPDIR");

	root = hk_xasprintf("%s/hostkit-repo-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(root));
	git_dir = hk_xasprintf("%s/r.git", root);
	err = (struct hk_error)HK_ERROR_INIT;
	umask(022); /* what hk_process_run gives git */
	git("init", "-q", "--bare", "-b", "main");
	return 0;
}

static int teardown(void **state HK_UNUSED)
{
	OK(hk_fs_remove_tree(AT_FDCWD, root, &err));
	free(root);
	free(git_dir);
	return 0;
}

#define repo_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
