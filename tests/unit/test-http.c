/*
 * Every outcome of a GET, against the scripted server of tests/helper.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <net/http.h>

#define LONG_MS 20000
#define BODY_MAX (1 << 20)

struct server {
	pid_t pid;
	int port;
};

static void exec_server(int out, const char *script)
{
	const char *dir = getenv("HK_HELPER_DIR");
	hk_auto_free char *path = hk_xasprintf("%s/flaky-http", dir ? dir : ".");

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	execl(path, path, "--port", "0", script, (char *)NULL);
	_exit(127);
}

/* Starts a server and waits for the line that tells its port. */
static struct server start(const char *script)
{
	struct hk_error err = HK_ERROR_INIT;
	struct server s = { .port = 0 };
	char line[64] = "";
	int64_t port;
	size_t len = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s.pid = fork();
	assert_true(s.pid >= 0);
	if (!s.pid)
		exec_server(fds[1], script);
	close(fds[1]);
	while (len + 1 < sizeof(line) && read(fds[0], line + len, 1) == 1 && line[len] != '\n')
		len++;
	line[len] = '\0';
	if (strncmp(line, "port ", 5))
		fail_msg("flaky-http did not start: is HK_HELPER_DIR set?");
	assert_int_equal(hk_human_parse_int(line + 5, 1, 65535, &port, &err), 0);
	s.port = (int)port;
	/* The server's access lines go to a pipe without a reader: it does not mind. */
	close(fds[0]);
	return s;
}

static void stop(const struct server *s)
{
	kill(s->pid, SIGKILL);
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
}

static struct hk_http_response get(int port, int64_t timeout_ms, int64_t max_body)
{
	hk_auto_free char *url = hk_xasprintf("http://127.0.0.1:%d/api/health", port);
	struct hk_error err = HK_ERROR_INIT;
	struct hk_http_response r;

	memset(&r, 0xa5, sizeof(r));
	assert_int_equal(hk_http_get(url, timeout_ms, max_body, &r, &err), 0);
	assert_int_equal(err.code, HK_OK);
	assert_true(r.ms >= 0 && r.ms < LONG_MS + 5000);
	return r;
}

/* One request to a server of its own. */
static struct hk_http_response once(const char *script, int64_t timeout_ms)
{
	struct server s = start(script);
	struct hk_http_response r = get(s.port, timeout_ms, BODY_MAX);

	stop(&s);
	return r;
}

static void test_answered(void **state)
{
	static const int statuses[] = { 200, 204, 404, 500, 503 };

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(statuses); i++) {
		hk_auto_free char *script = hk_xasprintf("%d", statuses[i]);
		hk_auto_free char *body = hk_xasprintf("status %d from process ", statuses[i]);
		struct hk_http_response r = once(script, LONG_MS);

		assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
		assert_int_equal(r.status, statuses[i]);
		assert_string_equal(r.location, "");
		assert_string_equal(r.detail, "");
		if (statuses[i] == 204)
			assert_string_equal(r.excerpt, "");
		else
			assert_ptr_equal(strstr(r.excerpt, body), r.excerpt);
		assert_int_equal(strlen(r.excerpt) ? strlen(r.excerpt) + 1 : 0, r.body_bytes);
	}
}

static void test_script_order(void **state)
{
	static const int want[] = { 500, 500, 503, 200, 200 };
	struct server s = start("500*2,503,200");

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(want); i++)
		assert_int_equal(get(s.port, LONG_MS, BODY_MAX).status, want[i]);
	stop(&s);
}

static void test_redirect(void **state)
{
	struct hk_http_response r = once("redirect=/login", LONG_MS);

	(void)state;
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_int_equal(r.status, 302);
	assert_string_equal(r.location, "/login");
}

static void test_hostile_location(void **state)
{
	struct hk_http_response r = once("redirect=/\x1b]0;x\x07\xff\xe2\x80\xae", LONG_MS);

	(void)state;
	assert_int_equal(r.status, 302);
	assert_true(r.location[0] == '/');
	for (const char *p = r.location; *p; p++)
		assert_true((unsigned char)*p >= ' ');
	assert_null(strchr(r.location, '\xff'));
	assert_null(strstr(r.location, "\xe2\x80\xae"));
}

static void test_long_location(void **state)
{
	hk_auto_free char *script = hk_xasprintf("redirect=/%0600d", 7);
	struct hk_http_response r = once(script, LONG_MS);

	(void)state;
	assert_int_equal(r.status, 302);
	assert_in_range(strlen(r.location), 200, sizeof(r.location) - 1);
}

/* A socket that is bound and does not listen: its port cannot be anybody else's. */
static void test_refused(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	struct hk_http_response r;
	int fd;

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	r = get(ntohs(a.sin_port), LONG_MS, BODY_MAX);
	assert_int_equal(r.outcome, HK_HTTP_REFUSED);
	assert_int_equal(r.status, 0);
	assert_string_not_equal(r.detail, "");
	/* Now it listens, and nobody accepts: no refusal, but no answer either. */
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(get(ntohs(a.sin_port), 150, BODY_MAX).outcome, HK_HTTP_TIMEOUT);
	close(fd);
}

static void test_timeout(void **state)
{
	struct hk_http_response r = once("hang", 200);

	(void)state;
	assert_int_equal(r.outcome, HK_HTTP_TIMEOUT);
	assert_int_equal(r.status, 0);
	assert_in_range(r.ms, 190, LONG_MS);
	assert_int_equal(once("slow=30s:200", 200).outcome, HK_HTTP_TIMEOUT);
}

static void test_slow(void **state)
{
	struct hk_http_response r = once("slow=150ms:200", LONG_MS);

	(void)state;
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_int_equal(r.status, 200);
	assert_in_range(r.ms, 140, LONG_MS);
}

static void test_too_large(void **state)
{
	struct server s = start("big=2M,big=1M,big=10");
	struct hk_http_response r = get(s.port, LONG_MS, BODY_MAX);

	(void)state;
	assert_int_equal(r.outcome, HK_HTTP_TOO_LARGE);
	assert_int_equal(r.status, 200);
	/* Cut, and not read to its end. */
	assert_in_range(r.body_bytes, BODY_MAX + 1, BODY_MAX + (512 << 10));
	r = get(s.port, LONG_MS, BODY_MAX);
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_int_equal(r.body_bytes, BODY_MAX);
	assert_in_range(strlen(r.excerpt), 150, sizeof(r.excerpt) - 1);
	r = get(s.port, LONG_MS, 10);
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_string_equal(r.excerpt, "xxxxxxxxxx");
	assert_int_equal(get(s.port, LONG_MS, 9).outcome, HK_HTTP_TOO_LARGE);
	stop(&s);
}

static void test_broken(void **state)
{
	static const char *const scripts[] = { "close", "garbage", "partial", "exit=3" };
	struct hk_error err = HK_ERROR_INIT;
	struct hk_http_response r;

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(scripts); i++) {
		r = once(scripts[i], LONG_MS);

		assert_int_equal(r.outcome, HK_HTTP_BROKEN);
		assert_string_not_equal(r.detail, "");
		assert_null(strchr(r.detail, '\n'));
	}
	assert_int_equal(once("partial", LONG_MS).status, 200);
	/* Not to be reached at all, which is not the same as nobody listening. */
	assert_int_equal(hk_http_get("http://255.255.255.255:9/", LONG_MS, BODY_MAX, &r, &err), 0);
	assert_int_equal(r.outcome, HK_HTTP_BROKEN);
	assert_int_equal(once("garbage", LONG_MS).status, 0);
}

static void test_refuse_then_listen(void **state)
{
	int64_t deadline = hk_clock_deadline(LONG_MS);
	struct server s = start("refuse=300ms,200");
	struct hk_http_response r = get(s.port, LONG_MS, BODY_MAX);

	(void)state;
	assert_int_equal(r.outcome, HK_HTTP_REFUSED);
	while ((r = get(s.port, LONG_MS, BODY_MAX)).outcome == HK_HTTP_REFUSED) {
		assert_true(hk_clock_left(deadline) > 0);
		poll(NULL, 0, 20);
	}
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_int_equal(r.status, 200);
	stop(&s);
}

/* Neither a proxy of the environment nor anything but http is ever used. */
static void test_not_elsewhere(void **state)
{
	static const char *const urls[] = { "https://127.0.0.1/", "ftp://127.0.0.1/",
					    "file:///etc/passwd", "gopher://x/",
					    "nonsense",		  "" };
	struct server s = start("200");

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	assert_int_equal(get(s.port, LONG_MS, BODY_MAX).status, 200);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	stop(&s);
	for (size_t i = 0; i < HK_ARRAY_LEN(urls); i++) {
		struct hk_http_response r = { .status = 77 };
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_http_get(urls[i], 1000, BODY_MAX, &r, &err), HK_E_INTERNAL);
		assert_int_equal(err.code, HK_E_INTERNAL);
		assert_int_equal(r.status, 77);
	}
}

static void test_post_elsewhere(void **state)
{
	static const char *const urls[] = { "ftp://u:hunter2@127.0.0.1/", "file:///etc/passwd",
					    "" };
	struct hk_strlist none = HK_STRLIST_INIT;

	(void)state;
	for (size_t i = 0; i < HK_ARRAY_LEN(urls); i++) {
		const struct hk_http_post post = { .url = urls[i],
						   .headers = &none,
						   .body = "",
						   .timeout_ms = 1000,
						   .max_body = BODY_MAX };
		struct hk_http_response r = { .status = 77 };
		struct hk_error err = HK_ERROR_INIT;

		assert_int_equal(hk_http_post(&post, &r, &err), HK_E_INTERNAL);
		assert_null(strstr(err.message, "hunter2"));
		assert_int_equal(r.status, 77);
	}
}

static void accept_post(int listener)
{
	char request[4096] = "";
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n, len = 0;

	while (!memmem(request, (size_t)len, "\r\n\r\na\0b", 7)) {
		n = recv(fd, request + len, sizeof(request) - 1 - (size_t)len, 0);
		if (n <= 0)
			_exit(1);
		len += n;
	}
	if (strncmp(request, "POST /a HTTP/1.1\r\n", 18) ||
	    !strstr(request, "\r\nUser-Agent: hostkit/" PACKAGE_VERSION "\r\n") ||
	    !strstr(request, "\r\nX-One: 1\r\n") || !strstr(request, "\r\nContent-Length: 3\r\n") ||
	    strcasestr(request, "\r\nExpect:"))
		_exit(1);
	dprintf(fd, "HTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n");
	_exit(0);
}

/* The body is bytes; the answer may say when to come again. */
static void test_post(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	hk_auto_strlist headers = HK_STRLIST_INIT;
	struct hk_http_post post = { .headers = &headers,
				     .body = "a\0b",
				     .len = 3,
				     .timeout_ms = LONG_MS,
				     .max_body = 100 };
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_free char *url = NULL;
	socklen_t len = sizeof(a);
	struct hk_http_response r;
	int fd, status;
	pid_t pid;

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	pid = fork();
	if (!pid)
		accept_post(fd);
	url = hk_xasprintf("http://127.0.0.1:%d/a", ntohs(a.sin_port));
	post.url = url;
	hk_strlist_add(&headers, "X-One: 1");
	assert_int_equal(hk_http_post(&post, &r, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_int_equal(r.status, 503);
	assert_int_equal(r.retry_s, 7);
	close(fd);
}

static void accept_and_check(int listener)
{
	char request[4096] = "";
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);

	if (n <= 0 || strncmp(request, "GET /a?b=c HTTP/1.1\r\n", 21) ||
	    !strstr(request, "\r\nUser-Agent: hostkit/") || !strstr(request, " health-check\r\n") ||
	    strcasestr(request, "\r\nAccept-Encoding:") ||
	    strcasestr(request, "\r\nAuthorization:"))
		_exit(1);
	dprintf(fd, "HTTP/1.0 200 OK\r\n\r\n a\tb\r\n\x1b[2Jc\xff ");
	_exit(0);
}

/* What is sent, and how a body is made printable. A server without lengths ends by closing. */
static void test_request_and_excerpt(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_free char *url = NULL;
	socklen_t len = sizeof(a);
	struct hk_http_response r;
	int fd, status;
	pid_t pid;

	(void)state;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	pid = fork();
	if (!pid)
		accept_and_check(fd);
	url = hk_xasprintf("http://127.0.0.1:%d/a?b=c", ntohs(a.sin_port));
	assert_int_equal(hk_http_get(url, LONG_MS, 100, &r, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(r.outcome, HK_HTTP_ANSWERED);
	assert_string_equal(r.excerpt, "a b [2Jc\xef\xbf\xbd");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answered),
		cmocka_unit_test(test_script_order),
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_hostile_location),
		cmocka_unit_test(test_long_location),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_refuse_then_listen),
		cmocka_unit_test(test_not_elsewhere),
		cmocka_unit_test(test_request_and_excerpt),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_post_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
