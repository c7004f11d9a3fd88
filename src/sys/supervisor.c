/*
 * The supervisor process: starts the command, collects every orphan of its tree, and ends what is
 * left. The proof that nothing is left is waitpid saying ECHILD to a subreaper.
 */
#include <sys/supervisor.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <base/clock.h>
#include <sys/process.h>
#include <sys/proclist.h>

#define KILL_PAUSE_MS 20    /* between two rounds of KILL when no child ends meanwhile */
#define FREEZE_ROUNDS 16    /* of STOP, before each round of KILL */
#define REFUSED_ROUNDS 50   /* of KILL, before processes of another user are given up */
#define CALLER_DIED SIGUSR1 /* the parent death signal; only ever read from the signalfd */

struct supervisor {
	const struct hk_supervisor_spec *spec;
	int control;
	int signals;
	struct hk_procid command;
	int status; /* of the command, as of waitpid; -1 while it runs */
	bool ended; /* the command has */
	unsigned leftovers;
	unsigned refused;
	unsigned covered; /* HK_COVERS_… */
};

static void tell(const struct supervisor *s, struct hk_supervisor_report *report)
{
	/* A caller that is gone is noticed by its closed end; nothing else can go wrong here. */
	while (send(s->control, report, sizeof(*report), MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

static void tell_event(const struct supervisor *s, enum hk_supervisor_event event)
{
	struct hk_supervisor_report report = {
		.event = event,
		.status = s->status,
		.leftovers = s->leftovers,
		.refused = s->refused,
		.id = s->command,
	};

	/* Only here: the group may be gone when its last process is. */
	if (event == HK_SUPERVISOR_OVER && s->covered)
		hk_cgroup_read_events(&report.events);
	tell(s, &report);
}

static void tell_failure(const struct supervisor *s, const struct hk_error *err)
{
	struct hk_supervisor_report report = {
		.event = HK_SUPERVISOR_FAILED,
		.status = -1,
		.error = *err,
	};

	tell(s, &report);
}

/* Collects what has ended; returns whether any child is left. */
static bool reap(struct supervisor *s)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->command.pid)
			continue;
		s->status = status;
		s->ended = true;
	}
	return pid == 0;
}

/* Waits for a signal, at most ms; returns whether the caller's death was among them. */
static bool wait_signal(const struct supervisor *s, int ms)
{
	struct pollfd p = { .fd = s->signals, .events = POLLIN };
	struct signalfd_siginfo info;
	bool died = false;

	if (poll(&p, 1, ms) <= 0)
		return false;
	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		died |= info.ssi_signo == CALLER_DIED;
	return died;
}

static void signal_tree(int sig, struct hk_proclist_sent *ret)
{
	hk_auto_proclist tree = HK_PROCLIST_INIT;

	hk_proclist_descendants(getpid(), &tree);
	hk_proclist_signal(&tree, sig, ret);
}

/* KILL until there is no child. Stopping comes first: what is stopped forks no more. */
static void kill_tree(struct supervisor *s)
{
	struct hk_proclist_sent sent = { .sent = 1 };

	for (int round = 0; reap(s); round++) {
		for (int i = 0; i < FREEZE_ROUNDS && sent.sent; i++)
			signal_tree(SIGSTOP, &sent);
		signal_tree(SIGKILL, &sent);
		if (sent.sent || !sent.refused)
			s->refused = 0;
		else
			s->refused = sent.refused;
		if (s->refused && round >= REFUSED_ROUNDS)
			return;
		wait_signal(s, KILL_PAUSE_MS);
		sent.sent = 1;
	}
	s->refused = 0;
}

static void end_tree(struct supervisor *s)
{
	int64_t deadline = hk_clock_deadline(s->spec->grace_ms < 0 ? 0 : s->spec->grace_ms);
	struct hk_proclist_sent sent;

	if (!reap(s))
		return;
	if (s->spec->grace_ms > 0) {
		signal_tree(SIGTERM, &sent);
		signal_tree(SIGCONT, &sent);
		while (reap(s) && hk_clock_left(deadline))
			wait_signal(s, hk_clock_left(deadline));
	}
	kill_tree(s);
}

/* Ends a command that was not made a tree (HK_PROCESS_MAY_DAEMONIZE): also its orphans. */
static void end_command(struct supervisor *s)
{
	struct hk_error ignored = HK_ERROR_INIT;

	end_tree(s);
	if (s->spec->may_daemonize &&
	    hk_process_end_session(&s->command, s->spec->grace_ms, &ignored))
		s->refused = 1;
}

static unsigned count_tree(void)
{
	hk_auto_proclist tree = HK_PROCLIST_INIT;

	hk_proclist_descendants(getpid(), &tree);
	return (unsigned)tree.len;
}

/* Until the command has ended (true), or the tree has to (asked to, or the caller is gone). */
static bool wait_command(struct supervisor *s)
{
	struct pollfd p[] = {
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->control, .events = POLLIN },
	};

	for (;;) {
		reap(s);
		if (s->ended)
			return true;
		if (poll(p, HK_ARRAY_LEN(p), -1) < 0)
			continue;
		if (p[1].revents || wait_signal(s, 0))
			return false;
	}
}

static void supervise(struct supervisor *s)
{
	if (!wait_command(s)) {
		end_command(s);
		return;
	}
	if (!s->spec->may_daemonize)
		s->leftovers = count_tree();
	tell_event(s, HK_SUPERVISOR_EXITED);
	if (!s->spec->may_daemonize)
		end_tree(s);
}

/* Runs in the child, just before exec. */
static int enter_sandbox(void *ctx, struct hk_error *err)
{
	const struct supervisor *s = ctx;

	return hk_sandbox_enter(s->spec->sandbox, s->covered, err);
}

static void run_command(struct supervisor *s, pid_t supervisor)
{
	struct hk_spawn spawn = s->spec->spawn;
	struct hk_error err = HK_ERROR_INIT;

	/* The last line of defence, for a supervisor that is killed: at least the command goes too.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == supervisor) {
		if (s->spec->sandbox) {
			spawn.before_exec = enter_sandbox;
			spawn.ctx = s;
		}
		hk_spawn_exec(&spawn, &err);
		tell_failure(s, &err);
	}
	_exit(127);
}

static int start_command(struct supervisor *s, struct hk_error *err)
{
	pid_t self = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot start a process");
	if (pid == 0)
		run_command(s, self);
	/* Not reaped yet, so it exists. */
	if (!hk_procid_of(pid, &s->command))
		s->command.pid = pid;
	return 0;
}

static int set_up(struct supervisor *s, struct hk_error *err)
{
	static const int ignored[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP };
	hk_auto_close int fd = -1;
	sigset_t mask;

	setsid();
	prctl(PR_SET_NAME, "hostkit-super");
	hk_spawn_reset_signals();
	for (size_t i = 0; i < HK_ARRAY_LEN(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigaddset(&mask, CALLER_DIED);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	prctl(PR_SET_PDEATHSIG, CALLER_DIED);
	if (!s->spec->may_daemonize && prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot become a subreaper");
	if (!hk_proclist_supported())
		return hk_error_set(err, HK_E_NOT_SUPPORTED,
				    "the kernel does not list child processes in /proc "
				    "(CONFIG_PROC_CHILDREN)");
	fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	s->signals = fd < 0 ? -1 : hk_spawn_dup_high(fd);
	if (s->signals < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a signal descriptor");
	return 0;
}

/* Closes everything but what it works with: above all the output pipe, whose end is an event. */
static void close_others(const struct supervisor *s)
{
	int low = s->control < s->signals ? s->control : s->signals;
	int high = s->control < s->signals ? s->signals : s->control;
	int null;

	close_range(0, (unsigned)low - 1, 0);
	if (low + 1 < high)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	close_range((unsigned)high + 1, ~0U, 0);
	null = open("/dev/null", O_RDWR);
	for (int i = null + 1; null >= 0 && i < 3; i++)
		dup2(null, i);
}

/* False: the caller is gone. */
static bool wait_admitted(struct supervisor *s)
{
	unsigned char covered;
	ssize_t n;

	do {
		n = recv(s->control, &covered, sizeof(covered), 0);
	} while (n < 0 && errno == EINTR);
	s->covered = covered;
	return n == 1;
}

void hk_supervisor_main(const struct hk_supervisor_spec *spec, int control)
{
	struct supervisor s = { .spec = spec, .control = control, .signals = -1, .status = -1 };
	struct hk_error err = HK_ERROR_INIT;
	int r;

	/* Above 2, so that the command's set-up leaves it alone until exec. */
	s.control = hk_spawn_dup_high(control);
	if (s.control < 0)
		_exit(1);
	r = set_up(&s, &err);
	/* The caller may have died before its death signal was asked for. */
	if (!r && getppid() != spec->caller)
		_exit(0);
	if (!r && spec->waits && !wait_admitted(&s))
		_exit(0);
	if (!r)
		r = start_command(&s, &err);
	if (r) {
		tell_failure(&s, &err);
		_exit(0);
	}
	close_others(&s);
	tell_event(&s, HK_SUPERVISOR_STARTED);
	supervise(&s);
	tell_event(&s, HK_SUPERVISOR_OVER);
	_exit(0);
}
