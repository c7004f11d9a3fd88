/*
 * Signals turned into descriptors.
 */
#include <sys/signals.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>

static int cancel_pipe = -1; /* for the handler, which gets no context */

static void on_cancel(int sig HK_UNUSED)
{
	int saved = errno;

	/* A full pipe says "cancel" already. */
	if (write(cancel_pipe, "", 1) < 0)
		errno = EAGAIN;
	errno = saved;
}

void hk_signals_ignore_pipe(void)
{
	signal(SIGPIPE, SIG_IGN);
}

void hk_signals_default_pipe(void)
{
	signal(SIGPIPE, SIG_DFL);
}

int hk_signals_cancel_fd(int *ret_fd, struct hk_error *err)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct sigaction action = { .sa_handler = on_cancel };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a pipe");
	cancel_pipe = ends[1];
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < HK_ARRAY_LEN(signals); i++)
		sigaction(signals[i], &action, NULL);
	*ret_fd = ends[0];
	return 0;
}
