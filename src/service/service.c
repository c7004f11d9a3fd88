/*
 * The table of service drivers, and what does not depend on the driver.
 */
#include <service/service.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/lines.h>
#include <service/drivers.h>
#include <service/record.h>
#include <sys/fs.h>

#define LOG_READ_MAX (64 << 10) /* from the end of a log */

static const struct hk_service_driver *const drivers[] = {
	&hk_service_driver_process,
	&hk_service_driver_command,
	&hk_service_driver_none,
};

const struct hk_service_driver *hk_service_driver(const char *name)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(drivers); i++)
		if (!strcmp(drivers[i]->name, name))
			return drivers[i];
	return NULL;
}

int hk_service_stop_others(const struct hk_service *s, const struct hk_service_driver *driver,
			   struct hk_error *err)
{
	/* What an administrator's commands started is not ours to know. */
	for (size_t i = 0; i < HK_ARRAY_LEN(drivers); i++)
		if (drivers[i] != driver && drivers[i]->uses_start && drivers[i]->stop(s, err))
			return err->code;
	return 0;
}

int hk_service_open_folder(const struct hk_service *s, int *ret_fd, struct hk_error *err)
{
	int fd;

	if (s->cwd_fd >= 0)
		fd = fcntl(s->cwd_fd, F_DUPFD_CLOEXEC, 3);
	else
		fd = openat(s->home_fd, "app", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		hk_error_set(err, HK_E_SERVICE_FAILED, "nothing is deployed to '%s' yet", s->name);
		return hk_error_hint(err, "push something to it, or run: hostkit deploy %s",
				     s->name);
	}
	if (fd < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot open the release of '%s'",
					  s->name);
	*ret_fd = fd;
	return 0;
}

static void take_line(void *ctx, const char *line, size_t len)
{
	struct hk_strlist *lines = ctx;

	if (len)
		hk_strlist_addf(lines, "%.*s", (int)len, line);
}

static int open_log(const struct hk_service *s, const char *name)
{
	hk_auto_close int logs = -1;
	struct hk_error ignored = HK_ERROR_INIT;

	if (hk_fs_open_dir(s->home_fd, "logs", &logs, &ignored))
		return -1;
	return openat(logs, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

/* The lines of a log behind an offset, or of its last part when that is much. */
static void read_log(const struct hk_service *s, const char *name, off_t from,
		     struct hk_strlist *ret)
{
	struct hk_lines lines = HK_LINES_INIT(HK_LINES_MAX);
	hk_auto_close int fd = open_log(s, name);
	struct stat st;
	char data[8192];
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	/* Cut or replaced since the start: everything in it is new. */
	if (st.st_size < from)
		from = 0;
	if (st.st_size - from > LOG_READ_MAX)
		from = st.st_size - LOG_READ_MAX;
	while (from < st.st_size && (n = pread(fd, data, sizeof(data), from)) > 0) {
		hk_lines_feed(&lines, data, (size_t)n, take_line, ret);
		from += n;
	}
	hk_lines_finish(&lines, take_line, ret);
	hk_lines_release(&lines);
}

void hk_service_recent_log(const struct hk_service *s, size_t max, struct hk_strlist *ret)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;
	struct hk_error ignored = HK_ERROR_INIT;
	struct hk_service_record r;

	if (hk_service_record_load(s->state_fd, &r, &ignored) || !r.leader.pid)
		return;
	read_log(s, "error.log", r.error_log, &lines);
	if (!lines.len)
		read_log(s, "app.log", r.app_log, &lines);
	for (size_t i = lines.len > max ? lines.len - max : 0; i < lines.len; i++)
		hk_strlist_add(ret, lines.items[i]);
}
