/*
 * hk_process_run, the caller's side: starts the supervisor, hands output on line by line, watches
 * the deadline and the cancel descriptor, and turns the outcome into an error that says what
 * failed.
 */
#include <sys/process.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <base/human.h>
#include <base/log.h>
#include <sys/supervisor.h>

#define READ_SIZE 16384 /* small enough that a flood leaves deadline and cancel their turn */
#define COMMAND_SHOWN 120

struct run {
	const struct hk_process_spec *spec;
	struct hk_process_result result;
	int control; /* our end of the supervisor's socket */
	int output;  /* read end; -1 after its end */
	int64_t deadline;
	struct hk_lines lines;
	struct hk_procid command;
	int status;		 /* of the command, as of waitpid; -1 unknown */
	unsigned refused;	 /* processes that could not be ended */
	bool asked;		 /* the supervisor was told to end the tree */
	bool exited;		 /* the command has ended by itself */
	bool over;		 /* the supervisor has done its work */
	bool lost;		 /* it ended without saying so */
	struct hk_error failure; /* why there was no exec */
};

/* The command as people know it, for messages. */
static void describe(const char *const *argv, struct hk_buf *out)
{
	hk_auto_buf text = HK_BUF_INIT;

	if (argv[0] && argv[1] && argv[2] && !argv[3] && !strcmp(argv[0], "/bin/sh") &&
	    !strcmp(argv[1], "-c"))
		argv += 2;
	for (size_t i = 0; argv[i]; i++) {
		if (i)
			hk_buf_addch(&text, ' ');
		hk_buf_addstr(&text, argv[i]);
	}
	hk_lines_sanitize(out, text.data, text.len, COMMAND_SHOWN);
}

static void take_line(void *ctx, const char *line, size_t len)
{
	const struct run *r = ctx;

	if (r->spec->on_line)
		r->spec->on_line(r->spec->ctx, line, len);
}

/* One read; returns the number of bytes, 0 when there are none now. */
static size_t read_output(struct run *r)
{
	char data[READ_SIZE];
	ssize_t n = read(r->output, data, sizeof(data));

	if (n > 0) {
		hk_lines_feed(&r->lines, data, (size_t)n, take_line, r);
		return (size_t)n;
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close(r->output);
		r->output = -1;
	}
	return 0;
}

/*
 * What the pipe still holds when the tree is dead. Bounded by the pipe's size: something outside
 * the tree, or a service that was meant to stay, may hold it open and go on writing.
 */
static void drain_output(struct run *r)
{
	long left = r->output < 0 ? 0 : fcntl(r->output, F_GETPIPE_SZ);

	while (left > 0 && r->output >= 0) {
		size_t n = read_output(r);

		if (!n)
			break;
		left -= (long)n;
	}
	hk_lines_finish(&r->lines, take_line, r);
}

static void take_report(struct run *r)
{
	struct hk_supervisor_report report;
	ssize_t n = recv(r->control, &report, sizeof(report), MSG_DONTWAIT);

	/*
	 * ECONNRESET comes once when the supervisor ended without having read our request, ahead of
	 * what it had sent.
	 */
	if (n < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET))
		return;
	if (n != (ssize_t)sizeof(report)) {
		r->over = r->lost = true;
		return;
	}
	switch (report.event) {
	case HK_SUPERVISOR_STARTED:
		r->command = report.id;
		break;
	case HK_SUPERVISOR_FAILED:
		r->failure = report.error;
		break;
	case HK_SUPERVISOR_OVER:
		r->over = true;
		r->refused = report.refused;
		r->status = report.status;
		r->result.events = report.events;
		break;
	case HK_SUPERVISOR_EXITED:
		r->exited = true;
		r->result.leftovers = report.leftovers;
		break;
	}
}

static void ask_to_end(struct run *r)
{
	r->asked = true;
	if (send(r->control, "", 1, MSG_NOSIGNAL) < 0)
		hk_log_debug("the supervisor is gone: %s", strerror(errno));
}

static void check_limits(struct run *r, bool cancel)
{
	if (r->asked || r->exited || r->over)
		return;
	if (cancel)
		r->result.cancelled = true;
	else if (!hk_clock_left(r->deadline))
		r->result.timed_out = true;
	else
		return;
	ask_to_end(r);
}

static void watch(struct run *r)
{
	while (!r->over) {
		bool settled = r->asked || r->exited;
		struct pollfd p[] = {
			{ .fd = r->control, .events = POLLIN },
			{ .fd = r->output, .events = POLLIN },
			{ .fd = settled ? -1 : r->spec->cancel_fd, .events = POLLIN },
		};

		if (poll(p, HK_ARRAY_LEN(p), settled ? -1 : hk_clock_left(r->deadline)) < 0)
			continue;
		if (p[0].revents)
			take_report(r);
		check_limits(r, p[2].revents != 0);
		if (p[1].revents)
			read_output(r);
	}
}

static int start_supervisor(struct run *r, pid_t *ret_pid, struct hk_error *err)
{
	const struct hk_process_spec *spec = r->spec;
	hk_auto_close int theirs = -1;
	hk_auto_close int writer = -1;
	int pair[2], ends[2];
	struct hk_supervisor_spec s = {
		.grace_ms = spec->grace_ms,
		.may_daemonize = spec->flags & HK_PROCESS_MAY_DAEMONIZE,
		.waits = spec->admit != NULL,
		.sandbox = spec->sandbox,
		.caller = getpid(),
	};

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a socket");
	r->control = pair[0];
	theirs = pair[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a pipe");
	r->output = ends[0];
	writer = ends[1];
	fcntl(r->output, F_SETFL, O_NONBLOCK);
	s.spawn = (struct hk_spawn){
		.argv = spec->argv,
		.env = spec->env,
		.cwd_fd = spec->cwd_fd,
		.fds = { spec->stdin_fd, spec->stdout_fd < 0 ? writer : spec->stdout_fd, writer },
	};
	*ret_pid = fork();
	if (*ret_pid < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot start a process");
	if (*ret_pid == 0)
		hk_supervisor_main(&s, theirs);
	return 0;
}

static void admit(struct run *r, pid_t supervisor)
{
	unsigned char covered;

	if (!r->spec->admit)
		return;
	covered = (unsigned char)r->spec->admit(r->spec->ctx, supervisor);
	r->result.covered = covered;
	if (send(r->control, &covered, sizeof(covered), MSG_NOSIGNAL) < 0)
		hk_log_debug("the supervisor is gone: %s", strerror(errno));
}

static void end_orphans(const struct run *r)
{
	struct hk_error ignored = HK_ERROR_INIT;

	/* Without its supervisor the session and the mark are the handles on the tree. */
	if (r->command.pid && hk_process_end_session(&r->command, r->spec->grace_ms, &ignored))
		hk_log_debug("%s", ignored.message);
	if (r->spec->mark && hk_process_end_marked(r->spec->mark, NULL, &ignored))
		hk_log_debug("%s", ignored.message);
}

static void fill_result(struct run *r)
{
	if (r->lost || r->failure.code || r->status == -1)
		return;
	if (WIFEXITED(r->status))
		r->result.exit_status = WEXITSTATUS(r->status);
	else if (WIFSIGNALED(r->status))
		r->result.signal = WTERMSIG(r->status);
}

static int signalled(const char *what, int sig, struct hk_error *err)
{
	const char *name = sigabbrev_np(sig);

	if (name)
		hk_error_set(err, HK_E_COMMAND_SIGNALLED, "'%s' was ended by SIG%s", what, name);
	else
		hk_error_set(err, HK_E_COMMAND_SIGNALLED, "'%s' was ended by signal %d", what, sig);
	if (sig == SIGKILL)
		return hk_error_hint(err, "a KILL from outside often means that memory ran out: "
					  "see dmesg");
	return err->code;
}

static int verdict(const struct run *r, struct hk_error *err)
{
	hk_auto_buf what = HK_BUF_INIT;
	char limit[HK_HUMAN_LEN];

	describe(r->spec->argv, &what);
	if (r->failure.code) {
		*err = r->failure;
		return err->code;
	}
	if (r->lost)
		return hk_error_set(err, HK_E_IO, "the supervisor of '%s' was killed", what.data);
	if (r->refused)
		return hk_error_set_errno(err, HK_E_IO, EPERM, "cannot end %u process%s of '%s'",
					  r->refused, r->refused == 1 ? "" : "es", what.data);
	if (r->result.cancelled)
		return hk_error_set(err, HK_E_CANCELLED, "'%s' was cancelled", what.data);
	if (r->result.timed_out)
		return hk_error_set(err, HK_E_COMMAND_TIMEOUT, "'%s' ran past its limit of %s",
				    what.data, hk_human_duration(r->spec->timeout_ms, limit));
	if (r->result.signal)
		return signalled(what.data, r->result.signal, err);
	if (r->result.exit_status)
		return hk_error_set(err, HK_E_COMMAND_FAILED, "'%s' exited with status %d",
				    what.data, r->result.exit_status);
	return 0;
}

static void run_release(struct run *r)
{
	if (r->control >= 0)
		close(r->control);
	if (r->output >= 0)
		close(r->output);
	hk_lines_release(&r->lines);
}

int hk_process_run(const struct hk_process_spec *spec, struct hk_process_result *ret,
		   struct hk_error *err)
{
	HK_CLEANUP(run_release)
	struct run r = {
		.spec = spec,
		.result = { .exit_status = -1 },
		.control = -1,
		.output = -1,
		.deadline = hk_clock_deadline(spec->timeout_ms),
		.lines = HK_LINES_INIT(spec->max_line ? spec->max_line : HK_LINES_MAX),
		.status = -1,
	};
	int64_t start = hk_clock_mono_ms();
	pid_t supervisor = -1;
	int code;

	code = start_supervisor(&r, &supervisor, err);
	if (!code) {
		admit(&r, supervisor);
		watch(&r);
		while (waitpid(supervisor, NULL, 0) < 0 && errno == EINTR)
			;
		if (r.lost)
			end_orphans(&r);
		drain_output(&r);
		fill_result(&r);
		code = verdict(&r, err);
	}
	r.result.ms = hk_clock_mono_ms() - start;
	if (ret)
		*ret = r.result;
	return code;
}
