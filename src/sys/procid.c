/*
 * Process identity, from /proc and pidfds.
 */
#include <sys/procid.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/pidfd.h>
#include <string.h>

#include <base/clock.h>

#define LOOK_MS 20 /* where there is no pidfd */

/* Reads a small file of /proc whole; returns its length, or -1. */
static ssize_t read_small(const char *path, char *out, size_t size)
{
	hk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	do {
		n = read(fd, out, size - 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	out[n] = '\0';
	return n;
}

bool hk_procstat_read(pid_t pid, struct hk_procstat *ret)
{
	struct hk_procstat st = { .pid = pid };
	int threads;
	char path[40];
	char text[1024];
	const char *p;

	memset(ret, 0, sizeof(*ret));
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || read_small(path, text, sizeof(text)) <= 0)
		return false;
	/* The name in parentheses may hold anything, also ") R 1": the last one closes it. */
	p = strrchr(text, ')');
	if (!p)
		return false;
	if (sscanf(p + 1,
		   " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d %*d "
		   "%" SCNu64,
		   &st.state, &st.ppid, &st.pgrp, &st.session, &threads, &st.start) != 6)
		return false;
	/* Z also stands for a process of which only the main thread has ended. */
	if (st.state == 'Z' && threads > 1)
		st.state = 'S';
	*ret = st;
	return true;
}

static bool boot_id(char out[HK_PROCID_BOOT_LEN])
{
	if (read_small("/proc/sys/kernel/random/boot_id", out, HK_PROCID_BOOT_LEN) <= 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	return true;
}

bool hk_procid_of(pid_t pid, struct hk_procid *ret)
{
	struct hk_procid id = { .pid = pid };
	struct hk_procstat st;

	if (!hk_procstat_read(pid, &st) || !boot_id(id.boot))
		return false;
	id.start = st.start;
	*ret = id;
	return true;
}

int hk_procid_open(const struct hk_procid *id)
{
	hk_auto_close int fd = -1;
	char boot[HK_PROCID_BOOT_LEN];
	struct hk_procstat st;

	if (id->pid <= 0 || !boot_id(boot) || strcmp(boot, id->boot))
		return -1;
	fd = pidfd_open(id->pid, 0);
	/* In this order: a match after the open means that the descriptor is that process. */
	if (fd < 0 || !hk_procstat_read(id->pid, &st) || st.start != id->start)
		return -1;
	return hk_steal_fd(&fd);
}

bool hk_procid_alive(const struct hk_procid *id)
{
	char boot[HK_PROCID_BOOT_LEN];
	struct hk_procstat st;

	if (id->pid <= 0)
		return false;
	errno = 0;
	if (!boot_id(boot))
		return true;
	if (strcmp(boot, id->boot))
		return false;
	errno = 0;
	if (!hk_procstat_read(id->pid, &st))
		return errno && errno != ENOENT && errno != ESRCH;
	return st.start == id->start && st.state != 'Z' && st.state != 'X';
}

bool hk_procid_wait(const struct hk_procid *id, int64_t ms)
{
	hk_auto_close int fd = hk_procid_open(id);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t deadline = hk_clock_deadline(ms);
	int left;

	while (hk_procid_alive(id) && (left = hk_clock_left(deadline)) != 0)
		poll(&p, 1, fd < 0 && (left < 0 || left > LOOK_MS) ? LOOK_MS : left);
	return !hk_procid_alive(id);
}
