/*
 * From fork to exec.
 */
#include <sys/spawn.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/alloc.h>
#include <sys/exec.h>

void hk_spawn_reset_signals(void)
{
	/* The kernel's struct sigaction, all zero: SIG_DFL, no flags, an empty mask. */
	static const uint64_t by_default[4];

	/* Not sigaction(3), which hides two signals that a parent may have ignored all the same. */
	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, by_default, NULL, sizeof(by_default[3]));
}

int hk_spawn_dup_high(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int place_fds(const int fds[3], struct hk_error *err)
{
	int high[3];

	/* All away from 0, 1, 2 first, or one placement could overwrite the source of the next. */
	for (int i = 0; i < 3; i++) {
		hk_auto_close int null = -1;

		if (fds[i] < 0)
			null = open("/dev/null", O_RDWR | O_CLOEXEC);
		high[i] = hk_spawn_dup_high(fds[i] < 0 ? null : fds[i]);
		if (high[i] < 0)
			return hk_error_set_errno(err, HK_E_IO, errno,
						  "cannot set up descriptor %d of a program", i);
	}
	for (int i = 0; i < 3; i++) {
		if (dup2(high[i], i) < 0)
			return hk_error_set_errno(err, HK_E_IO, errno,
						  "cannot set up descriptor %d of a program", i);
		close(high[i]);
	}
	return 0;
}

static int enter_folder(int cwd_fd, struct hk_error *err)
{
	if ((cwd_fd < 0 ? chdir("/") : fchdir(cwd_fd)) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno,
					  "cannot enter the working folder of a program");
	return 0;
}

int hk_spawn_exec(const struct hk_spawn *s, struct hk_error *err)
{
	sigset_t none;
	int r;

	setsid();
	hk_spawn_reset_signals();
	umask(022);
	r = enter_folder(s->cwd_fd, err);
	if (!r)
		r = place_fds(s->fds, err);
	if (!r && s->before_exec)
		r = s->before_exec(s->ctx, err);
	if (r)
		return r;
	/* Close-on-exec, not closed: the caller's error pipe has to work until exec succeeds. */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot close descriptors");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return hk_exec(s->argv, s->env, err);
}
