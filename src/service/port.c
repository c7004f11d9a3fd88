/*
 * Finding out that a port is taken, and by whom.
 */
#include <service/port.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <base/clock.h>
#include <base/human.h>
#include <base/lines.h>

#define CONNECT_MS 500 /* a listener whose queue is full does not answer */
#define STATE_LISTEN 0x0A

struct listener {
	unsigned uid;
	unsigned long inode;
};

static struct sockaddr_in address_of(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* Whether a socket can be bound there: 0 or an errno. */
static int try_bind(int port)
{
	const struct sockaddr_in addr = address_of(port);
	const int on = 1;
	hk_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return errno;
	return bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ? errno : 0;
}

/* Whether something accepts connections there, or would if it were less busy. */
static bool answers(int port)
{
	const struct sockaddr_in addr = address_of(port);
	int64_t deadline = hk_clock_deadline(CONNECT_MS);
	hk_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int e = 0;
	socklen_t len = sizeof(e);
	int n;

	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd >= 0;
	if (errno != EINPROGRESS)
		return false;
	do {
		n = poll(&p, 1, hk_clock_left(deadline));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return true;
	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &len) == 0 && e == 0;
}

/* Whether an address of /proc/net/tcp or tcp6 is one that 127.0.0.1 reaches: itself, or "any". */
static bool is_local(const char *hex)
{
	char loopback[9];
	size_t len = strlen(hex);

	snprintf(loopback, sizeof(loopback), "%08X", (unsigned)htonl(INADDR_LOOPBACK));
	return len >= 8 && (!strcmp(hex + len - 8, loopback) || strspn(hex, "0") == len);
}

static bool find_listener(const char *table, int port, struct listener *ret)
{
	hk_auto_fclose FILE *f = fopen(table, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		struct listener l;
		char address[33];
		unsigned at, state;

		if (sscanf(line, "%*s %32[0-9A-F]:%x %*s %x %*s %*s %*s %u %*d %lu", address, &at,
			   &state, &l.uid, &l.inode) != 5)
			continue;
		if (state != STATE_LISTEN || at != (unsigned)port || !is_local(address))
			continue;
		*ret = l;
		return true;
	}
	return false;
}

static bool holds_socket(const char *pid, unsigned long inode)
{
	char path[300], wanted[40], target[40];
	const struct dirent *e;
	hk_auto_closedir DIR *dir = NULL;

	snprintf(wanted, sizeof(wanted), "socket:[%lu]", inode);
	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (!strcmp(target, wanted))
			return true;
	}
	return false;
}

static void add_name(const char *pid, struct hk_buf *out)
{
	char path[300], name[64];
	ssize_t n = -1;
	hk_auto_close int fd = -1;

	snprintf(path, sizeof(path), "/proc/%s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, name, sizeof(name));
	if (n <= 1)
		return;
	hk_buf_addstr(out, " ('");
	hk_lines_sanitize(out, name, (size_t)n - 1, sizeof(name));
	hk_buf_addstr(out, "')");
}

/* Appends "process 4711 ('node')", or as much as can be known. */
static pid_t describe_holder(const struct listener *l, struct hk_buf *out)
{
	hk_auto_closedir DIR *proc = opendir("/proc");
	const struct dirent *e;
	struct hk_error ignored;
	int64_t pid;

	while (proc && (e = readdir(proc))) {
		if (hk_human_parse_int(e->d_name, 1, INT32_MAX, &pid, &ignored) ||
		    !holds_socket(e->d_name, l->inode))
			continue;
		hk_buf_addf(out, "process %s", e->d_name);
		add_name(e->d_name, out);
		return (pid_t)pid;
	}
	hk_buf_addf(out, "a process of user %u", l->uid);
	return 0;
}

static bool find_any(int port, struct listener *ret)
{
	return find_listener("/proc/net/tcp", port, ret) ||
	       find_listener("/proc/net/tcp6", port, ret);
}

bool hk_port_find_owner(int port, uid_t *ret)
{
	struct listener l;

	if (!find_any(port, &l))
		return false;
	*ret = l.uid;
	return true;
}

bool hk_port_find_listener(int port, pid_t *ret_pid, struct hk_buf *who)
{
	struct listener l;

	if (!find_any(port, &l))
		return false;
	*ret_pid = describe_holder(&l, who);
	return true;
}

static int taken(int port, struct hk_error *err)
{
	hk_auto_buf who = HK_BUF_INIT;
	pid_t pid;

	if (!hk_port_find_listener(port, &pid, &who))
		hk_buf_addstr(&who, "another process");
	hk_error_set(err, HK_E_PORT_IN_USE, "port %d is taken by %s", port, who.data);
	return hk_error_hint(err, "stop it, or give the project another port ([project] port)");
}

int hk_port_check(int port, struct hk_error *err)
{
	int e = try_bind(port);

	switch (e) {
	case 0:
		return 0;
	case EADDRINUSE: /* also for what a server without SO_REUSEADDR leaves in TIME_WAIT */
	case EACCES:	 /* a port below 1024 */
		return answers(port) ? taken(port, err) : 0;
	default:
		return hk_error_set_errno(err, HK_E_IO, e, "cannot check port %d", port);
	}
}
