/*
 * A folder with the two configuration files, for the tests of conf/.
 */
#ifndef HK_TESTS_CONF_FIXTURE_H
#define HK_TESTS_CONF_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include <base/alloc.h>
#include <conf/conf.h>

/* A folder with the two files, empty at first; tests write and load them. */
struct fixture {
	char dir[64];
	char defaults[128], project[128];
};

static inline void write_bytes(const char *path, const char *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
}

static inline void write_file(const char *path, const char *text)
{
	write_bytes(path, text, strlen(text));
}

static inline int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	struct fixture *f = hk_xcalloc(1, sizeof(*f));

	umask(022);
	snprintf(f->dir, sizeof(f->dir), "%.40s/hk-conf-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->defaults, sizeof(f->defaults), "%s/d.ini", f->dir);
	snprintf(f->project, sizeof(f->project), "%s/p.ini", f->dir);
	write_file(f->defaults, "");
	write_file(f->project, "");
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->defaults);
	unlink(f->project);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static inline void load(const struct fixture *f, struct hk_conf *ret)
{
	hk_auto_strlist problems = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;

	if (hk_conf_load(f->defaults, f->project, ret, &problems, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(problems.len, 0);
	assert_int_equal(err.code, HK_OK);
}

static inline void load_text(const struct fixture *f, const char *text, struct hk_conf *ret)
{
	write_file(f->project, text);
	load(f, ret);
}

static inline uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

#define WITH_FILES(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
