/*
 * The relay loop.
 */
#include <ui/relay.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/inotify.h>

#include <base/clock.h>

#define CLIENT_CHECK_MS 500

struct relay {
	const struct hk_relay_spec *spec;
	int log_fd;
	int notify_fd;
	int worker_fd; /* pidfd; -1 once the worker has ended */
	pid_t client_parents[2];
	int64_t last_progress;
	size_t from, to;      /* what of chunk is still to be written */
	char chunk[PIPE_BUF]; /* a pipe that poll calls writable takes that much without blocking */
};

enum { POLL_OUT, POLL_NOTIFY, POLL_WORKER, POLL_DETACH, POLL_COUNT };

/*
 * Who has to stay: the parent of pid, and, where that is of the same session (a shell), its parent
 * too. git starts receive-pack through a shell for a local path, and a login shell need not exec:
 * it outlives the client and keeps receive-pack from becoming an orphan.
 */
static void parents_of(pid_t pid, pid_t ret[2])
{
	struct hk_procstat own, parent;

	ret[0] = 0;
	ret[1] = 0;
	if (!pid || !hk_procstat_read(pid, &own))
		return;
	ret[0] = own.ppid;
	if (hk_procstat_read(own.ppid, &parent) && parent.session == own.session)
		ret[1] = parent.ppid;
}

static bool client_is_gone(const struct relay *r)
{
	pid_t now[2];

	parents_of(r->spec->client, now);
	return memcmp(now, r->client_parents, sizeof(now)) != 0;
}

static int open_log(struct relay *r, struct hk_error *err)
{
	r->log_fd = open(r->spec->log_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (r->log_fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open log '%s'",
					  r->spec->log_path);
	r->notify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* Without inotify (its limits are per user) the periodic check below still reads on. */
	if (r->notify_fd >= 0 &&
	    inotify_add_watch(r->notify_fd, r->spec->log_path, IN_MODIFY) < 0) {
		close(r->notify_fd);
		r->notify_fd = -1;
	}
	r->worker_fd = r->spec->worker ? hk_procid_open(r->spec->worker) : -1;
	return 0;
}

static void close_log(struct relay *r)
{
	hk_cleanup_close(&r->log_fd);
	hk_cleanup_close(&r->notify_fd);
	hk_cleanup_close(&r->worker_fd);
}

/* Reads on when everything read so far is written; false: nothing more is there now. */
static bool fill(struct relay *r)
{
	ssize_t n;

	if (r->from < r->to)
		return true;
	do {
		n = read(r->log_fd, r->chunk, sizeof(r->chunk));
	} while (n < 0 && errno == EINTR);
	r->from = 0;
	r->to = n > 0 ? (size_t)n : 0;
	/* The stall clock runs only while there is something to write. */
	r->last_progress = hk_clock_mono_ms();
	return r->to > 0;
}

/* False: the watcher is gone. */
static bool drain(struct relay *r)
{
	ssize_t n = write(r->spec->out_fd, r->chunk + r->from, r->to - r->from);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	r->from += (size_t)n;
	r->last_progress = hk_clock_mono_ms();
	return true;
}

static void wait_for_event(struct relay *r, bool pending, struct pollfd *fds)
{
	char events[4096];

	fds[POLL_OUT] = (struct pollfd){ .fd = r->spec->out_fd, .events = pending ? POLLOUT : 0 };
	fds[POLL_NOTIFY] = (struct pollfd){ .fd = pending ? -1 : r->notify_fd, .events = POLLIN };
	fds[POLL_WORKER] = (struct pollfd){ .fd = r->worker_fd, .events = POLLIN };
	fds[POLL_DETACH] = (struct pollfd){ .fd = r->spec->detach_fd, .events = POLLIN };
	if (poll(fds, POLL_COUNT, CLIENT_CHECK_MS) < 0)
		for (int i = 0; i < POLL_COUNT; i++)
			fds[i].revents = 0;
	if (fds[POLL_NOTIFY].revents & POLLIN)
		while (read(r->notify_fd, events, sizeof(events)) > 0)
			;
}

/* One round; true: *ret says why the relay ends. */
static bool step(struct relay *r, enum hk_relay_end *ret)
{
	struct pollfd fds[POLL_COUNT];
	/* Asked before reading: what it wrote last is there then. */
	bool ended = r->worker_fd < 0 && !(r->spec->worker && hk_procid_alive(r->spec->worker));
	bool pending = fill(r);

	*ret = HK_RELAY_COMPLETE;
	if (!pending && ended)
		return true;
	wait_for_event(r, pending, fds);
	if (fds[POLL_WORKER].revents) {
		close(r->worker_fd);
		r->worker_fd = -1;
	}
	*ret = HK_RELAY_DETACHED;
	if (fds[POLL_DETACH].revents)
		return true;
	*ret = HK_RELAY_CLIENT_GONE;
	if (fds[POLL_OUT].revents & (POLLERR | POLLHUP | POLLNVAL) ||
	    (fds[POLL_OUT].revents & POLLOUT && !drain(r)) || client_is_gone(r))
		return true;
	*ret = HK_RELAY_STALLED;
	return pending && r->spec->stall_ms >= 0 &&
	       hk_clock_mono_ms() - r->last_progress > r->spec->stall_ms;
}

int hk_relay_run(const struct hk_relay_spec *spec, enum hk_relay_end *ret, struct hk_error *err)
{
	struct relay r = { .spec = spec, .log_fd = -1, .notify_fd = -1, .worker_fd = -1 };

	parents_of(spec->client, r.client_parents);
	if (open_log(&r, err)) {
		close_log(&r);
		return err->code;
	}
	while (!step(&r, ret))
		;
	close_log(&r);
	return 0;
}
