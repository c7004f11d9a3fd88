/*
 * Starting a program that stays: the worker, and services of the process driver.
 */
#include <sys/process.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include <sys/spawn.h>

static void write_error(int fd, const struct hk_error *err)
{
	/* Smaller than PIPE_BUF, so whole or not at all. */
	while (write(fd, err, sizeof(*err)) < 0 && errno == EINTR)
		;
}

int hk_process_become(const struct hk_process_detach *spec, struct hk_error *err)
{
	const struct hk_spawn s = {
		.argv = spec->argv,
		.env = spec->env,
		.cwd_fd = spec->cwd_fd,
		.fds = { spec->stdin_fd, spec->stdout_fd, spec->stderr_fd },
		.before_exec = spec->before_exec,
		.ctx = spec->ctx,
	};

	return hk_spawn_exec(&s, err);
}

static void child(const struct hk_process_detach *spec, int errors)
{
	struct hk_error err = HK_ERROR_INIT;

	errors = hk_spawn_dup_high(errors);
	if (hk_process_become(spec, &err))
		write_error(errors, &err);
	_exit(127);
}

/* Waits for exec (end of file: true) or its failure, which is put into err. */
static bool wait_exec(int errors, struct hk_error *err)
{
	struct hk_error reported;
	ssize_t n;

	do {
		n = read(errors, &reported, sizeof(reported));
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return true;
	if (n == (ssize_t)sizeof(reported))
		*err = reported;
	else
		hk_error_set_errno(err, HK_E_IO, n < 0 ? errno : EIO, "cannot start a process");
	return false;
}

int hk_process_detach(const struct hk_process_detach *spec, pid_t *ret_pid, struct hk_error *err)
{
	hk_auto_close int reader = -1;
	hk_auto_close int writer = -1;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a pipe");
	reader = ends[0];
	writer = ends[1];
	pid = fork();
	if (pid < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot start a process");
	if (pid == 0)
		child(spec, writer);
	close(hk_steal_fd(&writer));
	if (!wait_exec(reader, err)) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return err->code;
	}
	*ret_pid = pid;
	return 0;
}
