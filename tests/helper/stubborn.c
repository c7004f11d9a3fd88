/*
 * A program for process tests that behaves as badly as it is told to. The words of the command line
 * are done one after the other; at their end it hangs. Children that it makes hang as well.
 *
 *   pids FILE      from here on, every process made appends its number to FILE, this one at once
 *   ignore-term    ignore SIGTERM (children inherit that)
 *   fork N         make N children
 *   session        make a child in a session of its own
 *   orphan         make a grandchild in a session of its own, whose parent exits
 *   storm N        this process and its children fork as fast as they can, N processes in all
 *   hop N          make a chain of N processes, each of which forks the next and exits
 *   close-output   close stdout and stderr
 *   print TEXT     write TEXT and a newline to stdout; error TEXT does it to stderr
 *   flood          write lines to stdout for ever
 *   fds            print the numbers of the open descriptors, but 0, 1, 2
 *   env            print the environment
 *   state          print session, umask, blocked and ignored signals, folder
 *   exit N         exit with status N
 *   signal N       end by signal N
 *   cat            copy stdin to stdout
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static int pids_fd = -1;

static void fail(const char *what)
{
	perror(what);
	_exit(99);
}

static int number(const char *s)
{
	int v = 0;

	for (; s && isdigit((unsigned char)*s); s++)
		v = v * 10 + (*s - '0');
	return v;
}

static void record(void)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (pids_fd >= 0 && write(pids_fd, text, (size_t)n) != n)
		fail("stubborn: pids");
}

static void hang(void) __attribute__((noreturn));
static void hang(void)
{
	for (;;)
		pause();
}

/* Makes a child that has recorded itself before this returns. */
static void make_child(bool session)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		fail("stubborn: pipe");
	pid = fork();
	if (pid < 0)
		fail("stubborn: fork");
	if (pid == 0) {
		if (session)
			setsid();
		record();
		close(ready[0]);
		close(ready[1]);
		hang();
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 0)
		fail("stubborn: child");
	close(ready[0]);
}

static void do_pids(const char *arg)
{
	pids_fd = open(arg, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (pids_fd < 0)
		fail(arg);
	record();
}

static void do_ignore_term(const char *arg __attribute__((unused)))
{
	signal(SIGTERM, SIG_IGN);
}

static void do_fork(const char *arg)
{
	for (int i = number(arg); i > 0; i--)
		make_child(false);
}

static void do_session(const char *arg __attribute__((unused)))
{
	make_child(true);
}

static void do_orphan(const char *arg __attribute__((unused)))
{
	pid_t pid = fork();

	if (pid < 0)
		fail("stubborn: fork");
	if (pid == 0) {
		setsid();
		make_child(true);
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		fail("stubborn: wait");
}

static void do_storm(const char *arg)
{
	int max = number(arg);
	int *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);

	if (count == MAP_FAILED)
		fail("stubborn: mmap");
	while (__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST) <= max)
		if (fork() == 0)
			record();
}

static void do_hop(const char *arg)
{
	if (fork() != 0)
		return;
	for (int i = number(arg); i > 0; i--)
		if (fork() != 0)
			_exit(0);
	hang();
}

static void do_close_output(const char *arg __attribute__((unused)))
{
	close(1);
	close(2);
}

static void do_print(const char *arg)
{
	printf("%s\n", arg);
	fflush(stdout);
}

static void do_error(const char *arg)
{
	fprintf(stderr, "%s\n", arg);
}

static void do_flood(const char *arg __attribute__((unused)))
{
	char block[8192];

	memset(block, 'y', sizeof(block));
	for (size_t i = 1; i < sizeof(block); i += 2)
		block[i] = '\n';
	while (write(1, block, sizeof(block)) > 0)
		;
}

static void do_fds(const char *arg __attribute__((unused)))
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *e;

	if (!dir)
		fail("/proc/self/fd");
	while ((e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]) && number(e->d_name) > 2 &&
		    number(e->d_name) != dirfd(dir))
			printf("%s\n", e->d_name);
	closedir(dir);
	fflush(stdout);
}

static void do_env(const char *arg __attribute__((unused)))
{
	for (char **e = environ; *e; e++)
		printf("%s\n", *e);
	fflush(stdout);
}

static void do_state(const char *arg __attribute__((unused)))
{
	char cwd[4096] = "?";
	mode_t mask = umask(0);
	struct sigaction act;
	sigset_t blocked;

	printf("leader %s\n", getsid(0) == getpid() ? "yes" : "no");
	printf("umask %03o\n", (unsigned)mask);
	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int i = 1; i < 32; i++) {
		if (sigismember(&blocked, i) == 1)
			printf("blocked %d\n", i);
		if (sigaction(i, NULL, &act) == 0 && act.sa_handler != SIG_DFL)
			printf("not default %d\n", i);
	}
	printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
	fflush(stdout);
}

static void do_exit(const char *arg)
{
	exit(number(arg));
}

static void do_signal(const char *arg)
{
	prctl(PR_SET_DUMPABLE, 0);
	raise(number(arg));
}

static void do_cat(const char *arg __attribute__((unused)))
{
	char data[4096];
	ssize_t n;

	while ((n = read(0, data, sizeof(data))) > 0)
		if (write(1, data, (size_t)n) != n)
			fail("stubborn: stdout");
}

static const struct {
	const char *word;
	bool has_arg;
	void (*act)(const char *arg);
} acts[] = {
	{ "pids", true, do_pids },	{ "ignore-term", false, do_ignore_term },
	{ "fork", true, do_fork },	{ "session", false, do_session },
	{ "orphan", false, do_orphan }, { "storm", true, do_storm },
	{ "hop", true, do_hop },	{ "close-output", false, do_close_output },
	{ "print", true, do_print },	{ "error", true, do_error },
	{ "flood", false, do_flood },	{ "fds", false, do_fds },
	{ "env", false, do_env },	{ "state", false, do_state },
	{ "exit", true, do_exit },	{ "signal", true, do_signal },
	{ "cat", false, do_cat },
};

int main(int argc, char **argv)
{
	const size_t n = sizeof(acts) / sizeof(acts[0]);

	for (int i = 1; i < argc; i++) {
		size_t a = 0;

		while (a < n && strcmp(acts[a].word, argv[i]))
			a++;
		if (a == n || (acts[a].has_arg && i + 1 == argc)) {
			fprintf(stderr, "stubborn: cannot do '%s'\n", argv[i]);
			return 98;
		}
		acts[a].act(acts[a].has_arg ? argv[++i] : NULL);
	}
	hang();
}
