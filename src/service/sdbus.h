/*
 * The one edge to sd-bus (private to service): managers of systemd, jobs of their units, and
 * properties. Without libsystemd (configure --without-systemd) hk_sdbus_open says so, with
 * HK_E_NOT_SUPPORTED, and nothing else is ever reached.
 *
 * Errors: HK_E_NOT_SUPPORTED when there is no manager to talk to; HK_E_PERMISSION when it refuses
 * the caller (polkit(8)); HK_E_SERVICE_FAILED for the rest, with sys_errno ENOENT for a unit that
 * does not exist and ETIMEDOUT when no answer has come. Hints are the caller's to give, who knows
 * what the unit is.
 */
#ifndef HK_SERVICE_SDBUS_H
#define HK_SERVICE_SDBUS_H

#include <stddef.h>
#include <stdint.h>

#include <base/error.h>

struct hk_sdbus;

enum hk_sdbus_manager {
	HK_SDBUS_SYSTEM, /* root has a socket to it that needs no message bus */
	HK_SDBUS_USER,	 /* the caller's own, of a login session or lingering */
};

/* Connects. *ret is the caller's to close. */
int hk_sdbus_open(enum hk_sdbus_manager manager, struct hk_sdbus **ret,
		  struct hk_error *err) HK_MUST_CHECK;
void hk_sdbus_close(struct hk_sdbus *b);
void hk_cleanup_sdbus(struct hk_sdbus **b);
#define hk_auto_sdbus HK_CLEANUP(hk_cleanup_sdbus) struct hk_sdbus

/* How long to wait. */
struct hk_sdbus_limit {
	int64_t deadline; /* see hk_clock_deadline */
	int cancel_fd;	  /* readable means: do not wait any longer (HK_E_CANCELLED); -1: none */
};

#define HK_SDBUS_RESULT_LEN 24

/*
 * Asks for a job ("StartUnit", "StopUnit", "RestartUnit") in the place of any other of that unit,
 * and waits for its end. ret_result gets systemd's own word for that: "done", "failed", "timeout",
 * "canceled", "dependency", "skipped", …; "" when the deadline has come first. The job goes on
 * then, as it does after HK_E_CANCELLED.
 */
int hk_sdbus_run_job(struct hk_sdbus *b, const char *method, const char *unit,
		     const struct hk_sdbus_limit *limit, char ret_result[HK_SDBUS_RESULT_LEN],
		     struct hk_error *err) HK_MUST_CHECK;

/* A property to make a unit with. */
struct hk_sdbus_setting {
	const char *name;
	char type; /* of D-Bus: 's' text, 't' or 'b' number, 'P' an array of one process number */
	const char *text;
	uint64_t number;
};

/* Makes and starts a unit that has no file ("StartTransientUnit"); the rest as above. */
int hk_sdbus_run_transient(struct hk_sdbus *b, const char *unit,
			   const struct hk_sdbus_setting *settings, size_t n,
			   const struct hk_sdbus_limit *limit, char ret_result[HK_SDBUS_RESULT_LEN],
			   struct hk_error *err) HK_MUST_CHECK;

enum hk_sdbus_type {
	HK_SDBUS_TEXT,	 /* ret is a char[size]; longer texts are cut */
	HK_SDBUS_NUMBER, /* ret is an int64_t; what is larger becomes INT64_MAX */
	HK_SDBUS_ID,	 /* ret is a char[size]: bytes as hexadecimal digits */
};

struct hk_sdbus_field {
	const char *name; /* of the property, whatever its interface */
	enum hk_sdbus_type type;
	void *ret;
	size_t size;
};

/*
 * Reads properties of a unit, all as they were at one instant. One that the unit does not have, or
 * that is of another type, leaves its ret as it is. A unit that does not exist is none of the
 * errors: its LoadState is "not-found".
 */
int hk_sdbus_read_unit(struct hk_sdbus *b, const char *unit, const struct hk_sdbus_field *fields,
		       size_t n, const struct hk_sdbus_limit *limit,
		       struct hk_error *err) HK_MUST_CHECK;

#endif
