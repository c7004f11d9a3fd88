/*
 * service/startfile.h: what is written is read back, whatever the release's own tree has there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <service/startfile.h>
#include <sys/fs.h>

#include "process-fixture.h"

static char *path;
static int base, release;
static struct hk_strlist argv, facts;
static struct hk_error err;

static int set_up(void **state HK_UNUSED)
{
	base = make_temp(&path);
	err = (struct hk_error)HK_ERROR_INIT;
	assert_int_equal(mkdirat(base, "release", 0755), 0);
	assert_int_equal(mkdirat(base, "elsewhere", 0755), 0);
	make_file(base, "elsewhere/start", "theirs\n", 0644);
	release = openat(base, "release", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(release >= 0);
	hk_strlist_add(&argv, "node");
	hk_strlist_add(&argv, "a \"b\" c\n");
	hk_strlist_add(&facts, "HOSTKIT_TAG=v1");
	return 0;
}

static int tear_down(void **state HK_UNUSED)
{
	close(release);
	close(base);
	hk_strlist_release(&argv);
	hk_strlist_release(&facts);
	assert_int_equal(hk_fs_remove_tree(AT_FDCWD, path, &err), 0);
	free(path);
	return 0;
}

static void assert_written(void)
{
	hk_auto_strlist words = HK_STRLIST_INIT, env = HK_STRLIST_INIT;
	struct stat st;

	assert_int_equal(hk_startfile_write(release, &argv, &facts, &err), 0);
	assert_int_equal(hk_startfile_read(release, &words, &env, &err), 0);
	assert_int_equal(words.len, 2);
	assert_string_equal(words.items[0], "node");
	assert_string_equal(words.items[1], "a \"b\" c\n");
	assert_int_equal(env.len, 1);
	assert_string_equal(env.items[0], "HOSTKIT_TAG=v1");
	assert_int_equal(fstatat(release, ".hostkit/start", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_nlink, 1);
}

/* What lies outside of the release is as it was. */
static void assert_untouched(void)
{
	hk_auto_buf text = HK_BUF_INIT;

	assert_int_equal(hk_fs_read_file(base, "elsewhere/start", 100, &text, &err), 0);
	assert_string_equal(text.data, "theirs\n");
}

static void test_fresh(void **state HK_UNUSED)
{
	assert_written();
}

static void test_none(void **state HK_UNUSED)
{
	hk_auto_strlist words = HK_STRLIST_INIT, env = HK_STRLIST_INIT;

	assert_int_equal(hk_startfile_read(release, &words, &env, &err), HK_E_SERVICE_FAILED);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(words.len, 0);
}

/* The same content is not written again; another is. */
static void test_again(void **state HK_UNUSED)
{
	struct stat first, second;

	assert_written();
	assert_int_equal(fstatat(release, ".hostkit/start", &first, 0), 0);
	assert_written();
	assert_int_equal(fstatat(release, ".hostkit/start", &second, 0), 0);
	assert_int_equal(first.st_ino, second.st_ino);
	hk_strlist_release(&facts);
	hk_strlist_add(&facts, "HOSTKIT_TAG=v1");
	assert_int_equal(hk_startfile_write(release, &argv, NULL, &err), 0);
	assert_written();
}

static void test_folder_is_link(void **state HK_UNUSED)
{
	assert_int_equal(symlinkat("../elsewhere", release, ".hostkit"), 0);
	assert_written();
	assert_untouched();
}

static void test_folder_is_file(void **state HK_UNUSED)
{
	make_file(release, ".hostkit", "a file", 0644);
	assert_written();
}

static void test_file_is_link(void **state HK_UNUSED)
{
	assert_int_equal(mkdirat(release, ".hostkit", 0755), 0);
	assert_int_equal(symlinkat("../../elsewhere/start", release, ".hostkit/start"), 0);
	assert_written();
	assert_untouched();
}

static void test_file_is_hard_link(void **state HK_UNUSED)
{
	assert_int_equal(mkdirat(release, ".hostkit", 0755), 0);
	assert_int_equal(linkat(base, "elsewhere/start", release, ".hostkit/start", 0), 0);
	assert_written();
	assert_untouched();
}

/* What else is in a folder of that name is the tree's. */
static void test_file_is_folder(void **state HK_UNUSED)
{
	assert_int_equal(mkdirat(release, ".hostkit", 0755), 0);
	assert_int_equal(mkdirat(release, ".hostkit/start", 0755), 0);
	make_file(release, ".hostkit/start/x", "x", 0644);
	make_file(release, ".hostkit/kept", "x", 0644);
	assert_written();
	assert_true(hk_fs_is_file(release, ".hostkit/kept"));
}

static void test_reader_follows_nothing(void **state HK_UNUSED)
{
	static const char *const broken[] = {
		"", "{", "[]", "{}", "{\"argv\":[1],\"env\":[]}", "\0x", "{\"argv\":[],\"env\":{}}"
	};
	hk_auto_strlist words = HK_STRLIST_INIT, env = HK_STRLIST_INIT;

	assert_int_equal(mkdirat(release, ".hostkit", 0755), 0);
	for (size_t i = 0; i < HK_ARRAY_LEN(broken); i++) {
		make_file(release, ".hostkit/start", broken[i], 0644);
		assert_int_equal(hk_startfile_read(release, &words, &env, &err),
				 HK_E_SERVICE_FAILED);
	}
	assert_int_equal(unlinkat(release, ".hostkit/start", 0), 0);
	make_file(base, "elsewhere/good", "{\"argv\":[\"x\"],\"env\":[]}", 0644);
	assert_int_equal(symlinkat("../../elsewhere/good", release, ".hostkit/start"), 0);
	assert_int_equal(hk_startfile_read(release, &words, &env, &err), HK_E_SERVICE_FAILED);
	assert_int_equal(words.len, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_fresh),
		T(test_none),
		T(test_again),
		T(test_folder_is_link),
		T(test_folder_is_file),
		T(test_file_is_link),
		T(test_file_is_hard_link),
		T(test_file_is_folder),
		T(test_reader_follows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
