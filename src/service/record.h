/*
 * What a driver remembers of a service, in a file of its own in the state folder (private to
 * service). That of the process driver is written by the service's own process before its exec, so
 * that there is no instant at which it runs unrecorded.
 */
#ifndef HK_SERVICE_RECORD_H
#define HK_SERVICE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <sys/procid.h>

struct hk_service_record {
	/* Of the service's session; pid 0: never started, or systemd knows. */
	struct hk_procid leader;
	int64_t since_ms;  /* wall clock of the start; 0: never started */
	int64_t app_log;   /* size of logs/app.log at the start */
	int64_t error_log; /* and of logs/error.log */
	char release[64];  /* "" unknown */
	bool stopped;	   /* somebody has asked for that */
};

/* A missing file gives an empty record; one that cannot be understood is HK_E_SERVICE_FAILED. */
int hk_service_record_load(int state_fd, const char *file, struct hk_service_record *ret,
			   struct hk_error *err) HK_MUST_CHECK;

int hk_service_record_save(int state_fd, const char *file, const struct hk_service_record *r,
			   struct hk_error *err) HK_MUST_CHECK;

#endif
