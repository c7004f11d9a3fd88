/*
 * Snapshots of process trees and sessions, and signals to exactly those processes.
 */
#include <sys/proclist.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/clock.h>
#include <sys/fs.h>

#define SCANS_MAX 3  /* for members of a session while other processes come into being */
#define WAIT_MAX 256 /* processes waited for at once; callers look again anyway */
#define ENVIRON_MAX (2 << 20)
#define STATUS_MAX (64 << 10)

void hk_proclist_release(struct hk_proclist *l)
{
	free(l->items);
	*l = (struct hk_proclist)HK_PROCLIST_INIT;
}

static void add(struct hk_proclist *l, const struct hk_procstat *st)
{
	if (l->len == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->items = hk_xreallocarray(l->items, l->cap, sizeof(*l->items));
	}
	l->items[l->len++] = *st;
}

/* Takes the decimal number at *p, which is moved behind it; 0 at the end of the text. */
static pid_t next_pid(const char **p)
{
	pid_t v = 0;

	while (**p == ' ')
		(*p)++;
	for (; isdigit((unsigned char)**p); (*p)++)
		v = v * 10 + (**p - '0');
	return v;
}

bool hk_proclist_supported(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)getpid(), (int)getpid());
	return access(path, R_OK) == 0;
}

static void read_children(int taskfd, const char *tid, struct hk_buf *out)
{
	char path[64];
	ssize_t n;
	hk_auto_close int fd = -1;

	snprintf(path, sizeof(path), "%.40s/children", tid);
	fd = openat(taskfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	hk_buf_addch(out, ' ');
	do {
		hk_buf_reserve(out, 4096);
		n = read(fd, out->data + out->len, 4096);
		if (n > 0)
			out->data[out->len += (size_t)n] = '\0';
	} while (n > 0 || (n < 0 && errno == EINTR));
}

/* The children of each thread of pid, as numbers between spaces. */
static void children_of(pid_t pid, struct hk_buf *out)
{
	char path[40];
	const struct dirent *e;
	hk_auto_closedir DIR *dir = NULL;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]))
			read_children(dirfd(dir), e->d_name, out);
}

static void add_children(pid_t root, pid_t parent, struct hk_proclist *l)
{
	hk_auto_buf text = HK_BUF_INIT;
	struct hk_procstat st;
	const char *p;
	pid_t pid;

	children_of(parent, &text);
	for (p = text.data; (pid = next_pid(&p));) {
		/* Who is a child of neither has got the number of one that ended meanwhile. */
		if (!hk_procstat_read(pid, &st) || (st.ppid != parent && st.ppid != root))
			continue;
		if (st.state != 'Z' && st.state != 'X')
			add(l, &st);
	}
}

void hk_proclist_descendants(pid_t root, struct hk_proclist *ret)
{
	add_children(root, root, ret);
	for (size_t i = 0; i < ret->len; i++)
		add_children(root, ret->items[i].pid, ret);
}

struct namespaces {
	uid_t uid;
	struct stat pid, user; /* the caller's own */
};

/* Which processes a walk over /proc takes; dir is the process's folder there. */
struct wanted {
	bool (*matches)(const struct wanted *w, int dir, const struct hk_procstat *st);
	const struct hk_procid *leader;
	const char *entry;
	const struct stat *folder;
	const struct namespaces *user;
};

static bool scan(const struct wanted *w, struct hk_proclist *ret)
{
	hk_auto_closedir DIR *proc = opendir("/proc");
	const struct dirent *e;
	struct hk_procstat st;

	if (!proc)
		return false;
	while ((e = readdir(proc))) {
		const char *p = e->d_name;
		pid_t pid = next_pid(&p);
		hk_auto_close int dir = -1;

		if (!pid || !hk_procstat_read(pid, &st) || st.state == 'Z' || st.state == 'X')
			continue;
		if (w->entry || w->folder || w->user)
			dir = openat(dirfd(proc), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (w->matches(w, dir, &st))
			add(ret, &st);
	}
	return true;
}

static bool in_session(const struct wanted *w, int dir HK_UNUSED, const struct hk_procstat *st)
{
	return st->session == w->leader->pid && st->start >= w->leader->start;
}

static bool scan_session(const struct hk_procid *leader, struct hk_proclist *ret)
{
	const struct wanted w = { .matches = in_session, .leader = leader };

	return scan(&w, ret);
}

/* Whether one of the texts of /proc/PID/environ, each ending in a NUL, is the entry. */
static bool has_entry(const struct wanted *w, int dir, const struct hk_procstat *st)
{
	hk_auto_close int fd = openat(dir, "environ", O_RDONLY | O_CLOEXEC);
	size_t len = strlen(w->entry) + 1;
	hk_auto_buf text = HK_BUF_INIT;

	/* It belongs to a process that another user owns, or that has ended. */
	if (st->pid == getpid() || fd < 0 || hk_fs_read_all(fd, ENVIRON_MAX, &text))
		return false;
	for (size_t i = 0; i + len <= text.len; i += strlen(text.data + i) + 1)
		if (!memcmp(text.data + i, w->entry, len))
			return true;
	return false;
}

bool hk_proclist_marked(const char *entry, struct hk_proclist *ret)
{
	const struct wanted w = { .matches = has_entry, .entry = entry };

	return scan(&w, ret);
}

static bool is_in(const struct wanted *w, int dir, const struct hk_procstat *st HK_UNUSED)
{
	struct stat cwd;

	return !fstatat(dir, "cwd", &cwd, 0) && cwd.st_dev == w->folder->st_dev &&
	       cwd.st_ino == w->folder->st_ino;
}

void hk_proclist_in_folder(const char *path, struct hk_proclist *ret)
{
	struct stat folder;
	const struct wanted w = { .matches = is_in, .folder = &folder };

	if (stat(path, &folder) || !scan(&w, ret))
		return;
}

static bool is_same(int dir, const char *name, const struct stat *own)
{
	struct stat st;

	return !fstatat(dir, name, &st, 0) && st.st_dev == own->st_dev && st.st_ino == own->st_ino;
}

/* The first three numbers of the line "Uid:" in /proc/PID/status. */
static bool has_uid(int dir, uid_t uid)
{
	hk_auto_close int fd = openat(dir, "status", O_RDONLY | O_CLOEXEC);
	hk_auto_buf text = HK_BUF_INIT;
	unsigned real, effective, saved;
	const char *line;

	if (fd < 0 || hk_fs_read_all(fd, STATUS_MAX, &text))
		return false;
	line = strstr(text.data, "\nUid:");
	return line && sscanf(line, "\nUid: %u %u %u", &real, &effective, &saved) == 3 &&
	       (real == uid || effective == uid || saved == uid);
}

static bool is_of_user(const struct wanted *w, int dir, const struct hk_procstat *st)
{
	return st->pid != getpid() && has_uid(dir, w->user->uid) &&
	       (is_same(dir, "ns/pid", &w->user->pid) || !is_same(dir, "ns/user", &w->user->user));
}

bool hk_proclist_of_user(uid_t uid, struct hk_proclist *ret)
{
	struct namespaces user = { .uid = uid };
	const struct wanted w = { .matches = is_of_user, .user = &user };

	return !stat("/proc/self/ns/pid", &user.pid) && !stat("/proc/self/ns/user", &user.user) &&
	       scan(&w, ret);
}

static bool is_another(const struct wanted *w HK_UNUSED, int dir HK_UNUSED,
		       const struct hk_procstat *st)
{
	return st->pid != getpid();
}

void hk_proclist_all(struct hk_proclist *ret)
{
	const struct wanted w = { .matches = is_another };

	if (!scan(&w, ret))
		return;
}

bool hk_proclist_runs(pid_t pid, const char *ending)
{
	hk_auto_free char *path = hk_xasprintf("/proc/%d/cmdline", (int)pid);
	hk_auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = strlen(ending);
	char text[4096];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	for (const char *word = text; word < text + n; word += strlen(word) + 1) {
		size_t have = strlen(word);

		if (have >= len && !strcmp(word + have - len, ending))
			return true;
	}
	return false;
}

/* The number that the kernel gave out last. */
static pid_t newest_pid(void)
{
	hk_auto_fclose FILE *f = fopen("/proc/loadavg", "re");
	int pid = 0;

	if (!f || fscanf(f, "%*s %*s %*s %*s %d", &pid) != 1)
		return 0;
	return pid;
}

bool hk_proclist_session(const struct hk_procid *leader, struct hk_proclist *ret)
{
	struct hk_procstat st;
	struct hk_procid now;
	pid_t newest, before;

	if (!hk_procid_of(getpid(), &now))
		return false;
	if (strcmp(now.boot, leader->boot))
		return true;
	/* The kernel gives out a number only when no session has it: all of ours are gone then. */
	if (hk_procstat_read(leader->pid, &st) && st.start != leader->start)
		return true;
	/* Finding none proves it only when none was made meanwhile: a scan is no snapshot. */
	newest = newest_pid();
	for (int i = 0; i < SCANS_MAX; i++) {
		before = newest;
		if (!scan_session(leader, ret))
			return false;
		newest = newest_pid();
		if (ret->len || newest == before)
			break;
	}
	return true;
}

/* A descriptor of exactly the process that was seen; -1 and ESRCH when it is gone. */
static int open_same(const struct hk_procstat *seen, struct hk_procstat *ret_now)
{
	hk_auto_close int fd = pidfd_open(seen->pid, 0);

	if (fd < 0)
		return -1;
	if (!hk_procstat_read(seen->pid, ret_now) || ret_now->start != seen->start) {
		errno = ESRCH;
		return -1;
	}
	return hk_steal_fd(&fd);
}

void hk_proclist_signal(const struct hk_proclist *l, int sig, struct hk_proclist_sent *ret)
{
	*ret = (struct hk_proclist_sent){ 0 };
	for (size_t i = 0; i < l->len; i++) {
		struct hk_procstat now;
		hk_auto_close int fd = open_same(&l->items[i], &now);

		if (fd >= 0 && sig == SIGSTOP && now.state == 'T')
			continue;
		if (fd >= 0 && pidfd_send_signal(fd, sig, NULL, 0) == 0) {
			ret->sent++;
		} else if (errno != ESRCH) {
			ret->refused++;
			ret->refused_pid = l->items[i].pid;
			ret->refused_errno = errno;
		}
	}
}

void hk_proclist_wait(const struct hk_proclist *l, int64_t deadline)
{
	struct pollfd fds[WAIT_MAX];
	struct hk_procstat now;
	bool blind = false;
	nfds_t n = 0;

	for (size_t i = 0; i < l->len && n < WAIT_MAX; i++) {
		fds[n].fd = open_same(&l->items[i], &now);
		fds[n].events = POLLIN;
		blind |= fds[n].fd < 0 && errno != ESRCH;
		n += fds[n].fd >= 0;
	}
	/* Nothing to wait for although something runs: no reason to spin. */
	if (!n && blind)
		poll(NULL, 0, hk_clock_left(deadline));
	for (nfds_t i = 0; i < n; i++) {
		/* One after the other: all have to end, in whatever order. */
		while (poll(&fds[i], 1, hk_clock_left(deadline)) < 0 && errno == EINTR)
			;
		close(fds[i].fd);
	}
}
