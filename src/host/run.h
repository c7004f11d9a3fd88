/*
 * The machine's own programs (useradd, systemctl, …), run as root.
 */
#ifndef HK_HOST_RUN_H
#define HK_HOST_RUN_H

#include <base/error.h>

/*
 * Runs argv with a plain environment, for at most a minute. Errors as hk_process_run; the message
 * ends with the last line that the program printed.
 */
int hk_host_run(const char *const *argv, struct hk_error *err) HK_MUST_CHECK;

#endif
