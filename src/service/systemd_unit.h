/*
 * What systemd says of a project's unit, and that in words.
 */
#ifndef HK_SERVICE_SYSTEMD_UNIT_H
#define HK_SERVICE_SYSTEMD_UNIT_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <conf/conf.h>
#include <service/sdbus.h>

/* The properties of that name (systemd.service(5), org.freedesktop.systemd1(5)). */
struct hk_systemd_unit {
	char load_state[32];
	char active_state[32];
	char sub_state[32];
	char result[32];
	char status_text[96];
	char invocation[40];
	int64_t main_pid;
	int64_t restarts;
	int64_t exit_code; /* of the last process: CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0: none */
	int64_t exit_status;
	int64_t started_us; /* wall clock; 0: never */
	int64_t ended_us;
	int64_t condition_us; /* when conditions were looked at; 0: never */
	int64_t condition;    /* whether they were met */
};

/* "hostkit-NAME.service"; the caller frees. */
char *hk_systemd_unit_name(const char *project);

int hk_systemd_unit_read(struct hk_sdbus *b, const char *unit, const struct hk_sdbus_limit *limit,
			 struct hk_systemd_unit *ret, struct hk_error *err) HK_MUST_CHECK;

/* Whether its process is there and wanted: neither ended nor about to be started again. */
bool hk_systemd_unit_runs(const struct hk_systemd_unit *u);

/*
 * Why it does not run, as the end of "the service …": "exited with status 1 after 2.1 s", "is not
 * running". conf is for the limits that it may have come to.
 */
void hk_systemd_unit_describe(const struct hk_systemd_unit *u, const struct hk_conf *conf,
			      char *out, size_t size);

#endif
