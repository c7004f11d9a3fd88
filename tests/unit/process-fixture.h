/*
 * What the process tests share: the helper program, a lifeline (a pipe whose writing end a whole
 * process tree holds as its stdin, so that its end proves that the tree is gone), and a temporary
 * folder.
 */
#ifndef HK_TESTS_PROCESS_FIXTURE_H
#define HK_TESTS_PROCESS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>

#define PATIENCE_MS 20000 /* for events that do come; only a failing test waits that long */

struct lifeline {
	int reader;
	int writer; /* give it to the tree, then cut it here */
};

static inline void lifeline_open(struct lifeline *l)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	l->reader = ends[0];
	l->writer = ends[1];
}

/* Whether everybody else lets go of it within ms. */
static inline bool lifeline_ends(struct lifeline *l, int ms)
{
	struct pollfd p = { .fd = l->reader, .events = POLLIN };
	bool ended;
	int r;

	if (l->writer >= 0)
		close(l->writer);
	do {
		r = poll(&p, 1, ms);
	} while (r < 0 && errno == EINTR);
	ended = r == 1 && (p.revents & POLLHUP);
	close(l->reader);
	l->reader = l->writer = -1;
	return ended;
}

/* The helper program as argv[0]. */
static inline const char *stubborn_path(void)
{
	static char path[4096];
	const char *dir = getenv("HK_HELPER_DIR");

	assert_non_null(dir);
	snprintf(path, sizeof(path), "%s/stubborn", dir);
	assert_int_equal(access(path, X_OK), 0);
	return path;
}

/* A new folder; *ret_path is the caller's to remove with remove_temp. */
static inline int make_temp(char **ret_path)
{
	const char *base = getenv("TMPDIR");
	char *path = hk_xasprintf("%s/hk-test-XXXXXX", base ? base : "/tmp");
	int fd;

	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	*ret_path = path;
	return fd;
}

static inline void make_file(int dirfd, const char *name, const char *text, mode_t mode)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* A line-collecting hk_line_fn; ctx is a struct hk_buf. */
static inline void collect_line(void *ctx, const char *line, size_t len)
{
	hk_buf_add(ctx, line, len);
	hk_buf_addch(ctx, '\n');
}

#endif
