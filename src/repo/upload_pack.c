/*
 * Speaking with git-upload-pack (contract in upload_pack.h).
 */
#include <repo/upload_pack.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <git2/errors.h>
#include <git2/sys/transport.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/strlist.h>
#include <sys/fs.h>
#include <sys/process.h>

/* Both are what libgit2 knows; the stream lives from the first action on. */
struct local {
	git_smart_subtransport transport;
	git_smart_subtransport_stream stream;
	char *home;
	int in, out; /* our ends; -1: not connected */
	pid_t pid;
};

static struct local *of_stream(git_smart_subtransport_stream *s)
{
	return (struct local *)s->subtransport;
}

static int failed(const char *what)
{
	hk_auto_free char *text = hk_xasprintf("%s: %s", what, strerror(errno));

	git_error_set_str(GIT_ERROR_OS, text);
	return -1;
}

static int read_some(git_smart_subtransport_stream *s, char *buffer, size_t size, size_t *ret)
{
	ssize_t n;

	do
		n = read(of_stream(s)->in, buffer, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return failed("cannot read from git-upload-pack");
	*ret = (size_t)n;
	return 0;
}

static int write_all(git_smart_subtransport_stream *s, const char *buffer, size_t len)
{
	int code = hk_fs_write_all(of_stream(s)->out, buffer, len);

	if (!code)
		return 0;
	errno = code;
	return failed("cannot write to git-upload-pack");
}

/* It ends when its pipes do. */
static void hang_up(struct local *l)
{
	hk_cleanup_close(&l->in);
	hk_cleanup_close(&l->out);
	l->in = l->out = -1;
	while (l->pid && waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
		;
	l->pid = 0;
}

static void free_stream(git_smart_subtransport_stream *s)
{
	hang_up(of_stream(s));
}

/* --- The other side */

static char hex_digit(char c)
{
	return (char)(isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10);
}

/* The path of a URL, as git reads it: file:// URLs have %XX for bytes. */
static char *path_of(const char *url)
{
	static const char scheme[] = "file://";
	hk_auto_buf path = HK_BUF_INIT;

	if (strncmp(url, scheme, sizeof(scheme) - 1))
		return hk_xstrdup(url);
	for (url += sizeof(scheme) - 1; *url; url++) {
		if (*url != '%' || !isxdigit((unsigned char)url[1]) ||
		    !isxdigit((unsigned char)url[2])) {
			hk_buf_addch(&path, *url);
			continue;
		}
		hk_buf_addch(&path, (char)(hex_digit(url[1]) * 16 + hex_digit(url[2])));
		url += 2;
	}
	return hk_buf_detach(&path);
}

static int start(struct local *l, const char *url, int in, int out)
{
	hk_auto_free char *path = path_of(url);
	const char *const argv[] = { "git", "upload-pack", path, NULL };
	struct hk_process_detach spec = HK_PROCESS_DETACH_INIT;
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_error err;

	hk_strlist_addf(&env, "PATH=%s", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	hk_strlist_addf(&env, "HOME=%s", l->home);
	spec.argv = argv;
	spec.env = hk_strlist_argv(&env);
	spec.stdin_fd = in;
	spec.stdout_fd = out;
	spec.stderr_fd = STDERR_FILENO;
	if (!hk_process_detach(&spec, &l->pid, &err))
		return 0;
	git_error_set_str(GIT_ERROR_OS, err.message);
	return -1;
}

static int connect_local(struct local *l, const char *url)
{
	hk_auto_close int to_read = -1, from_write = -1;
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC))
		return failed("cannot make a pipe");
	to_read = to[0];
	l->out = to[1];
	if (pipe2(from, O_CLOEXEC))
		return failed("cannot make a pipe");
	l->in = from[0];
	from_write = from[1];
	return start(l, url, to_read, from_write);
}

/* --- What libgit2 calls */

static int act(git_smart_subtransport_stream **out, git_smart_subtransport *t, const char *url,
	       git_smart_service_t action)
{
	struct local *l = (struct local *)t;

	*out = &l->stream;
	if (action == GIT_SERVICE_UPLOADPACK && l->pid)
		return 0;
	if (action == GIT_SERVICE_UPLOADPACK_LS)
		return connect_local(l, url);
	git_error_set_str(GIT_ERROR_NET, "only fetching is possible");
	return -1;
}

static int close_transport(git_smart_subtransport *t)
{
	hang_up((struct local *)t);
	return 0;
}

static void free_transport(git_smart_subtransport *t)
{
	struct local *l = (struct local *)t;

	hang_up(l);
	free(l->home);
	free(l);
}

static int make(git_smart_subtransport **out, git_transport *owner HK_UNUSED, void *home)
{
	struct local *l = hk_xcalloc(1, sizeof(*l));

	l->transport.action = act;
	l->transport.close = close_transport;
	l->transport.free = free_transport;
	l->stream.subtransport = &l->transport;
	l->stream.read = read_some;
	l->stream.write = write_all;
	l->stream.free = free_stream;
	l->home = hk_xstrdup(home);
	l->in = l->out = -1;
	*out = &l->transport;
	return 0;
}

int hk_upload_pack_transport(git_transport **out, git_remote *owner, const char *home)
{
	git_smart_subtransport_definition definition = { .callback = make, .param = (void *)home };

	return git_transport_smart(out, owner, &definition);
}
