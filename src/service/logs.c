/*
 * The log files of a service (contract in logs.h).
 */
#include <service/logs.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <base/lines.h>
#include <sys/fs.h>

#define LOGS "logs"
#define READ_MAX (64 << 10) /* from the end of a log */

static int open_log(int logs_fd, const char *name, int *ret_fd, struct hk_error *err)
{
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	hk_auto_close int fd = openat(logs_fd, name, flags | O_NONBLOCK, 0640);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open the log '%s/%s'", LOGS,
					  name);
	if (!S_ISREG(st.st_mode))
		return hk_error_set(err, HK_E_IO, "the log '%s/%s' is no regular file", LOGS, name);
	/* Only against a FIFO in its place; the service should not inherit it. */
	fcntl(fd, F_SETFL, O_APPEND);
	*ret_fd = hk_steal_fd(&fd);
	return 0;
}

int hk_service_logs_open(int home_fd, int *ret_app, int *ret_error, struct hk_error *err)
{
	hk_auto_close int logs = -1, app = -1, error = -1;

	if (hk_fs_mkdir_p(home_fd, LOGS, 0750, err) || hk_fs_open_dir(home_fd, LOGS, &logs, err) ||
	    open_log(logs, "app.log", &app, err) || open_log(logs, "error.log", &error, err))
		return err->code;
	*ret_app = hk_steal_fd(&app);
	*ret_error = hk_steal_fd(&error);
	return 0;
}

int64_t hk_service_logs_size(int home_fd, const char *name)
{
	hk_auto_close int logs = -1;
	struct hk_error ignored;
	struct stat st;

	if (hk_fs_open_dir(home_fd, LOGS, &logs, &ignored) ||
	    fstatat(logs, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return st.st_size;
}

static void take_line(void *ctx, const char *line, size_t len)
{
	struct hk_strlist *lines = ctx;

	if (len)
		hk_strlist_addf(lines, "%.*s", (int)len, line);
}

static int open_to_read(int home_fd, const char *name)
{
	hk_auto_close int logs = -1;
	struct hk_error ignored = HK_ERROR_INIT;

	if (hk_fs_open_dir(home_fd, LOGS, &logs, &ignored))
		return -1;
	return openat(logs, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

void hk_service_logs_read(int home_fd, const char *name, int64_t from, struct hk_strlist *ret)
{
	struct hk_lines lines = HK_LINES_INIT(HK_LINES_MAX);
	hk_auto_close int fd = open_to_read(home_fd, name);
	struct stat st;
	char data[8192];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* Cut or replaced since the start: everything in it is new. */
	if (st.st_size < from)
		from = 0;
	if (st.st_size - from > READ_MAX)
		from = st.st_size - READ_MAX;
	while (from < st.st_size && (n = pread(fd, data, sizeof(data), from)) > 0) {
		hk_lines_feed(&lines, data, (size_t)n, take_line, ret);
		from += n;
	}
	hk_lines_finish(&lines, take_line, ret);
	hk_lines_release(&lines);
}
