/*
 * The log files of a service: logs/app.log and logs/error.log of the project's home. No link is
 * followed on the way, neither to the folder nor to a file.
 */
#ifndef HK_SERVICE_LOGS_H
#define HK_SERVICE_LOGS_H

#include <stdint.h>

#include <base/error.h>
#include <base/strlist.h>

/* Opens both for appending, and makes what is missing. Anything but regular files is HK_E_IO. */
int hk_service_logs_open(int home_fd, int *ret_app, int *ret_error,
			 struct hk_error *err) HK_MUST_CHECK;

/* 0 for one that is not there. */
int64_t hk_service_logs_size(int home_fd, const char *name);

/*
 * Appends the lines of a log behind an offset (of all of it, when it is shorter now), sanitized; of
 * much only the end. Never fails: no log, no lines.
 */
void hk_service_logs_read(int home_fd, const char *name, int64_t from, struct hk_strlist *ret);

#endif
