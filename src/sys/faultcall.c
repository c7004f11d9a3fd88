/*
 * Faults at the Nth call that changes state: see faultcalls.def. HOSTKIT_FAULT is
 * "PROGRAM:N:ACTION", where ACTION is an errno's name (EIO, ENOSPC, …), or "kill". Only the
 * program's own process counts, not what it forks. HOSTKIT_FAULT_LOG names a file that says which
 * call it was, and is not made when there were fewer than N. HOSTKIT_CLOCK_STEP sets the wall
 * clock.
 */
#include <sys/failpoint.h>

#ifdef HK_FAILPOINTS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <base/human.h>

struct fault {
	pid_t pid;	/* whose calls count; 0: not read yet */
	int64_t at;	/* 0: none */
	int sys_errno;	/* 0: SIGKILL */
	int64_t passed; /* so far */
};

static int action_errno(const char *action)
{
	static const int known[] = { EIO, ENOSPC, EMFILE, EAGAIN, EDQUOT, EROFS };

	for (size_t i = 0; i < HK_ARRAY_LEN(known); i++)
		if (!strcmp(action, strerrorname_np(known[i])))
			return known[i];
	return 0;
}

static void read_fault(struct fault *f)
{
	const char *wanted = getenv("HOSTKIT_FAULT");
	size_t len = strlen(program_invocation_short_name);
	char number[16] = "";
	struct hk_error ignored;
	const char *action;

	f->pid = getpid();
	if (!wanted || strncmp(wanted, program_invocation_short_name, len) || wanted[len] != ':')
		return;
	wanted += len + 1;
	action = strchr(wanted, ':');
	if (!action)
		return;
	snprintf(number, sizeof(number), "%.*s", (int)(action - wanted), wanted);
	if (!hk_human_parse_int(number, 1, 1 << 20, &f->at, &ignored))
		f->sys_errno = action_errno(action + 1);
}

/* Not through write(2) and open(2), which are ours here. */
static void log_fault(const char *call)
{
	const char *path = getenv("HOSTKIT_FAULT_LOG");
	long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0644)
		       : -1;

	if (fd < 0)
		return;
	syscall(SYS_write, fd, call, strlen(call));
	syscall(SYS_write, fd, "\n", (size_t)1);
	syscall(SYS_close, fd);
}

/* Whether the call fails, with errno set. */
static bool is_due(const char *call)
{
	static struct fault f;
	static bool reading;

	if (!f.pid && !reading) {
		reading = true;
		read_fault(&f);
	}
	if (!f.at || f.pid != getpid() || ++f.passed != f.at)
		return false;
	log_fault(call);
	if (!f.sys_errno)
		raise(SIGKILL);
	errno = f.sys_errno;
	return true;
}

#define REAL(name)                     \
	static __typeof__(&name) real; \
	if (!real)                     \
	*(void **)&real = dlsym(RTLD_NEXT, #name)

#define HK_CALL(type, name, parameters, arguments) \
	type name parameters                       \
	{                                          \
		REAL(name);                        \
		if (is_due(#name))                 \
			return -1;                 \
		return real arguments;             \
	}

#define CHANGES(flags) ((flags) & (O_CREAT | O_TRUNC))

#define HK_OPEN(name, parameters, arguments)         \
	int name parameters                          \
	{                                            \
		mode_t mode = 0;                     \
		va_list ap;                          \
		REAL(name);                          \
		if (CHANGES(flags)) {                \
			va_start(ap, flags);         \
			mode = va_arg(ap, mode_t);   \
			va_end(ap);                  \
		}                                    \
		if (CHANGES(flags) && is_due(#name)) \
			return -1;                   \
		return real arguments;               \
	}

#include <sys/faultcalls.def>

/* HOSTKIT_CLOCK_STEP: seconds that the wall clock was set forward, or back. */
int clock_gettime(clockid_t id, struct timespec *ret)
{
	const char *step = getenv("HOSTKIT_CLOCK_STEP");
	struct hk_error ignored;
	int64_t seconds;
	int r;

	REAL(clock_gettime);
	r = real(id, ret);
	if (!r && step && id == CLOCK_REALTIME &&
	    !hk_human_parse_int(step, -(1 << 30), 1 << 30, &seconds, &ignored))
		ret->tv_sec += seconds;
	return r;
}

/* What failpoint.c refers to, so that the linker takes this file. */
const int hk_faultcalls_are_on = 1;

#else

/* An empty file is not C. */
extern const int hk_faultcalls_are_on;

#endif
