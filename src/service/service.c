/*
 * The table of service drivers, and what does not depend on the driver.
 */
#include <service/service.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <service/drivers.h>
#include <service/logs.h>
#include <service/record.h>

static const struct hk_service_driver *const drivers[] = {
	&hk_service_driver_systemd,
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
		if (drivers[i] != driver && drivers[i]->leave && drivers[i]->leave(s, err))
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

void hk_service_recent_log(const struct hk_service_driver *driver, const struct hk_service *s,
			   size_t max, struct hk_strlist *ret)
{
	hk_auto_strlist lines = HK_STRLIST_INIT;
	struct hk_error ignored = HK_ERROR_INIT;
	struct hk_service_record r;

	if (!driver->record || hk_service_record_load(s->state_fd, driver->record, &r, &ignored) ||
	    !r.since_ms)
		return;
	hk_service_logs_read(s->home_fd, "error.log", r.error_log, &lines);
	if (!lines.len)
		hk_service_logs_read(s->home_fd, "app.log", r.app_log, &lines);
	if (!lines.len && driver->recent_log)
		driver->recent_log(s, max, &lines);
	for (size_t i = lines.len > max ? lines.len - max : 0; i < lines.len; i++)
		hk_strlist_add(ret, lines.items[i]);
}
