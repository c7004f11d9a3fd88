/*
 * A small HTTP server for tests, as healthy or as broken as its script says.
 *
 *	flaky-http [--port N] [--port-file FILE] [SCRIPT]
 *
 * Listens on 127.0.0.1; the port is N, or PORT of the environment, or 0: any free one. "port N"
 *goes to stdout and to FILE (whole: written aside and renamed) once connections are accepted, or,
 *under refuse=, once the port is reserved. Each request takes the next step of SCRIPT; the last
 *repeats.
 *
 *	STEP[*COUNT][,STEP…]
 *	200             any status, with a body that names the server's process
 *	slow=300ms:200  that status after a pause
 *	redirect=/x     status 302 with that Location
 *	big=5M          status 200 with a body of that size
 *	partial         announces more body than it sends
 *	hang            reads the request and never answers
 *	close           reads the request and closes
 *	garbage         answers with what is not HTTP
 *	exit=3          the server exits with that status, without an answer
 *	refuse=500ms    no request: nobody listens before that time has passed since the start
 *
 * Connections that send no request take no step. Runs until it is ended.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define STEPS_MAX 64
#define REQUEST_MAX 16384

struct step;
typedef void act_fn(int fd, const struct step *step);

struct step {
	act_fn *act;
	long count;
	long number;	  /* a status, milliseconds, bytes, or an exit status */
	long status;	  /* after a pause */
	const char *text; /* a location */
};

/* Shared by the process that accepts and those that answer. */
struct shared {
	unsigned requests;
	int exit_status; /* -1: go on */
};

static struct shared *shared;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fputs("flaky-http: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(2);
}

/* Reads digits; *end is what follows them. */
static long number(const char *s, const char **end)
{
	long v = 0;

	if (!isdigit((unsigned char)*s))
		die("'%s' does not begin with a number", s);
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, *s - '0', &v))
			die("a number is too large");
	*end = s;
	return v;
}

static long scaled(const char *s, const char **end)
{
	static const struct {
		const char *unit;
		long factor;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "K", 1 << 10 }, { "M", 1 << 20 } };
	long v = number(s, end);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t len = strlen(units[i].unit);

		if (strncmp(*end, units[i].unit, len))
			continue;
		*end += len;
		return v * units[i].factor;
	}
	return v;
}

static void send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		data += n;
		len -= (size_t)n;
	}
}

static void __attribute__((format(printf, 2, 3))) say(int fd, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	send_all(fd, text, strlen(text));
}

static void wait_for_peer(int fd)
{
	char c;

	while (recv(fd, &c, 1, 0) > 0)
		;
}

static void answer(int fd, long status)
{
	char body[64];

	snprintf(body, sizeof(body), "status %ld from process %ld\n", status, (long)getppid());
	say(fd, "HTTP/1.1 %ld Scripted\r\nContent-Type: text/plain\r\nConnection: close\r\n",
	    status);
	/* These have no body, by definition. */
	if (status == 204 || status == 304)
		say(fd, "\r\n");
	else
		say(fd, "Content-Length: %zu\r\n\r\n%s", strlen(body), body);
}

static void act_status(int fd, const struct step *step)
{
	answer(fd, step->number);
}

static void act_slow(int fd, const struct step *step)
{
	poll(NULL, 0, (int)step->number);
	answer(fd, step->status);
}

static void act_redirect(int fd, const struct step *step)
{
	say(fd, "HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n", step->text);
}

static void act_big(int fd, const struct step *step)
{
	char block[4096];

	memset(block, 'x', sizeof(block));
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: %ld\r\n\r\n", step->number);
	for (long left = step->number; left > 0; left -= (long)sizeof(block))
		send_all(fd, block, left < (long)sizeof(block) ? (size_t)left : sizeof(block));
}

static void act_partial(int fd, const struct step *step)
{
	(void)step;
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
}

static void act_hang(int fd, const struct step *step)
{
	(void)step;
	wait_for_peer(fd);
}

static void act_close(int fd, const struct step *step)
{
	(void)fd;
	(void)step;
}

static void act_garbage(int fd, const struct step *step)
{
	(void)step;
	say(fd, "\x01\x02 this is not HTTP at all\n");
}

static void act_exit(int fd, const struct step *step)
{
	(void)fd;
	__atomic_store_n(&shared->exit_status, (int)step->number, __ATOMIC_SEQ_CST);
	kill(getppid(), SIGUSR1);
}

struct action {
	const char *word; /* with '=' when a value follows */
	act_fn *act;
	void (*read_value)(struct step *step, const char *text, const char **end);
};

static void value_scaled(struct step *step, const char *text, const char **end)
{
	step->number = scaled(text, end);
}

static void value_slow(struct step *step, const char *text, const char **end)
{
	step->number = scaled(text, end);
	if (**end != ':')
		die("slow= wants DURATION:STATUS");
	step->status = number(*end + 1, end);
}

static void value_text(struct step *step, const char *text, const char **end)
{
	*end = text + strcspn(text, ",*");
	step->text = strndup(text, (size_t)(*end - text));
	if (!step->text)
		die("out of memory");
}

/* A step without an act is a property of the server, not an answer. */
static const struct action actions[] = {
	{ "slow=", act_slow, value_slow }, { "redirect=", act_redirect, value_text },
	{ "big=", act_big, value_scaled }, { "exit=", act_exit, value_scaled },
	{ "refuse=", NULL, value_scaled }, { "partial", act_partial, NULL },
	{ "hang", act_hang, NULL },	   { "close", act_close, NULL },
	{ "garbage", act_garbage, NULL },  { "", act_status, value_scaled },
};

static const char *read_step(const char *s, struct step *step)
{
	const struct action *a = actions;

	while (strncmp(s, a->word, strlen(a->word)))
		a++;
	s += strlen(a->word);
	*step = (struct step){ .act = a->act, .count = 1 };
	if (a->read_value)
		a->read_value(step, s, &s);
	if (*s == '*')
		step->count = number(s + 1, &s);
	if (*s && *s != ',')
		die("'%s' is left over in the script", s);
	return *s ? s + 1 : s;
}

/* Fills steps; *ret_refuse_ms is the time before anybody listens. */
static size_t read_script(const char *s, struct step *steps, long *ret_refuse_ms)
{
	size_t n = 0;

	while (*s) {
		if (n == STEPS_MAX)
			die("the script has too many steps");
		s = read_step(s, &steps[n]);
		if (steps[n].act)
			n++;
		else
			*ret_refuse_ms = steps[n].number;
	}
	if (!n)
		steps[n++] = (struct step){ .act = act_status, .count = 1, .number = 200 };
	return n;
}

static const struct step *next_step(const struct step *steps, size_t n)
{
	long at = __atomic_fetch_add(&shared->requests, 1, __ATOMIC_SEQ_CST);
	size_t i = 0;

	while (i + 1 < n && at >= steps[i].count)
		at -= steps[i++].count;
	return &steps[i];
}

static bool read_request(int fd, char request[REQUEST_MAX])
{
	size_t len = 0;

	while (len + 1 < REQUEST_MAX) {
		ssize_t got = recv(fd, request + len, REQUEST_MAX - 1 - len, 0);

		if (got <= 0)
			return false;
		len += (size_t)got;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n"))
			return true;
	}
	return false;
}

static void serve(int fd, const struct step *steps, size_t n)
{
	char request[REQUEST_MAX];
	const struct step *step;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!read_request(fd, request))
		_exit(0);
	request[strcspn(request, "\r\n")] = '\0';
	dprintf(STDOUT_FILENO, "request: %s\n", request);
	step = next_step(steps, n);
	step->act(fd, step);
	/* Closing with unread input would send a reset, and the peer could lose the answer. */
	shutdown(fd, SHUT_WR);
	if (step->act != act_close)
		wait_for_peer(fd);
	_exit(0);
}

static int reserve_port(long port, int *ret_port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(a);
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		die("cannot use port %ld: %s", port, strerror(errno));
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void tell_port(int port, const char *file)
{
	char aside[4096];
	FILE *f;

	printf("port %d\n", port);
	fflush(stdout);
	if (!file)
		return;
	snprintf(aside, sizeof(aside), "%s.new", file);
	f = fopen(aside, "we");
	if (!f || fprintf(f, "port %d\n", port) < 0 || fclose(f) || rename(aside, file))
		die("cannot write '%s': %s", file, strerror(errno));
}

static void note_exit(int sig)
{
	(void)sig;
	_exit(__atomic_load_n(&shared->exit_status, __ATOMIC_SEQ_CST));
}

static void run(int listener, const struct step *steps, size_t n)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0)
			continue;
		if (!fork()) {
			close(listener);
			serve(fd, steps, n);
		}
		close(fd);
	}
}

int main(int argc, char **argv)
{
	const char *script = "200", *file = NULL, *port_text = getenv("PORT"), *end;
	struct step steps[STEPS_MAX + 1];
	long refuse_ms = 0;
	int port, listener;
	size_t n;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--port") && i + 1 < argc)
			port_text = argv[++i];
		else if (!strcmp(argv[i], "--port-file") && i + 1 < argc)
			file = argv[++i];
		else if (argv[i][0] != '-')
			script = argv[i];
		else
			die("unknown option '%s'", argv[i]);
	}
	n = read_script(script, steps, &refuse_ms);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("cannot map memory: %s", strerror(errno));
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGUSR1, note_exit);
	listener = reserve_port(port_text && *port_text ? number(port_text, &end) : 0, &port);
	if (refuse_ms) {
		tell_port(port, file);
		poll(NULL, 0, (int)refuse_ms);
	}
	if (listen(listener, 64))
		die("cannot listen: %s", strerror(errno));
	if (!refuse_ms)
		tell_port(port, file);
	run(listener, steps, n);
}
