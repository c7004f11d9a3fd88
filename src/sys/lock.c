/*
 * The project lock: flock on a file that stays.
 */
#include <sys/lock.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define HOLDER_MAX 1024

static int open_lock(int dirfd, const char *name, int *ret_fd, struct hk_error *err)
{
	int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0640);

	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open the lock '%s'", name);
	*ret_fd = fd;
	return 0;
}

int hk_lock_try(struct hk_lock *lock, int dirfd, const char *name, bool *ret_held,
		struct hk_error *err)
{
	hk_auto_close int fd = -1;
	int r;

	r = open_lock(dirfd, name, &fd, err);
	if (r)
		return r;
	do {
		r = flock(fd, LOCK_EX | LOCK_NB);
	} while (r < 0 && errno == EINTR);
	if (r < 0 && errno != EWOULDBLOCK)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot lock '%s'", name);
	*ret_held = r == 0;
	if (*ret_held)
		lock->fd = hk_steal_fd(&fd);
	return 0;
}

int hk_lock_wait(struct hk_lock *lock, int dirfd, const char *name, struct hk_error *err)
{
	hk_auto_close int fd = -1;
	int r;

	r = open_lock(dirfd, name, &fd, err);
	if (r)
		return r;
	if (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			return hk_error_set(err, HK_E_CANCELLED,
					    "cancelled while waiting for the lock '%s'", name);
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot lock '%s'", name);
	}
	lock->fd = hk_steal_fd(&fd);
	return 0;
}

static bool is_still(int fd, const char *path)
{
	struct stat held, there;

	return !fstat(fd, &held) && !stat(path, &there) && held.st_dev == there.st_dev &&
	       held.st_ino == there.st_ino;
}

int hk_lock_wait_folder(struct hk_lock *lock, const char *path, struct hk_error *err)
{
	for (;;) {
		hk_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int r;

		if (fd < 0)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'",
						  path);
		do {
			r = flock(fd, LOCK_EX);
		} while (r && errno == EINTR);
		if (r)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot lock '%s'", path);
		if (is_still(fd, path)) {
			lock->fd = hk_steal_fd(&fd);
			return 0;
		}
	}
}

static int write_at_start(int fd, const char *data, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, data + done, len - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		done += (size_t)n;
	}
	return ftruncate(fd, (off_t)len);
}

int hk_lock_describe(struct hk_lock *lock, const char *text, struct hk_error *err)
{
	hk_auto_buf line = HK_BUF_INIT;

	if (lock->fd < 0)
		return hk_error_set(err, HK_E_INTERNAL, "the lock to describe is not held");
	hk_buf_addstr(&line, text);
	hk_buf_cut(&line, HOLDER_MAX - 1);
	hk_buf_addch(&line, '\n');
	/* Never empty in between: a reader sees the old line or the new one. */
	if (write_at_start(lock->fd, line.data, line.len) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot write to the lock");
	return 0;
}

void hk_lock_read_holder(int dirfd, const char *name, struct hk_buf *out)
{
	char text[HOLDER_MAX];
	const char *end;
	ssize_t n;
	hk_auto_close int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return;
	n = pread(fd, text, sizeof(text), 0);
	if (n <= 0)
		return;
	end = memchr(text, '\n', (size_t)n);
	hk_buf_add(out, text, end ? (size_t)(end - text) : (size_t)n);
}

void hk_lock_release(struct hk_lock *lock)
{
	if (lock->fd < 0)
		return;
	/* Explicitly: a child between fork and exec still shares the open file. */
	flock(lock->fd, LOCK_UN);
	close(lock->fd);
	lock->fd = -1;
}
