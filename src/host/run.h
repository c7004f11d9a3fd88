/*
 * The machine's own programs (useradd, systemctl, …), run as root.
 */
#ifndef HK_HOST_RUN_H
#define HK_HOST_RUN_H

#include <base/error.h>
#include <base/lines.h>

/*
 * Runs argv with a plain environment, for at most a minute. Errors as hk_process_run; the message
 * ends with the last line that the program printed.
 */
int hk_host_run(const char *const *argv, struct hk_error *err) HK_MUST_CHECK;

/* The same for a caller who reads what it prints: fn (may be NULL) gets each line. */
int hk_host_read(const char *const *argv, hk_line_fn *fn, void *ctx,
		 struct hk_error *err) HK_MUST_CHECK;

/* Where hk_host_run looks for programs. */
#define HK_HOST_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

#endif
