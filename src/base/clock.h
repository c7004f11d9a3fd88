/*
 * Time: monotonic milliseconds for deadlines and durations, wall-clock milliseconds for records.
 */
#ifndef HK_BASE_CLOCK_H
#define HK_BASE_CLOCK_H

#include <stdint.h>

int64_t hk_clock_mono_ms(void); /* CLOCK_MONOTONIC; only differences mean anything */
int64_t hk_clock_wall_ms(void); /* since 1970-01-01 UTC */

/* The monotonic instant that lies ms ahead; ms < 0 means never (INT64_MAX). */
int64_t hk_clock_deadline(int64_t ms);

/* Milliseconds until a deadline, 0 when passed, as a poll(2) timeout (-1 for never). */
int hk_clock_left(int64_t deadline);

#define HK_CLOCK_RFC3339_LEN 32
#define HK_CLOCK_LABEL_LEN 32

/* "2026-11-24T10:30:00.123Z" */
const char *hk_clock_rfc3339(int64_t wall_ms, char out[HK_CLOCK_RFC3339_LEN]);

/* "20261124-103000": the name of a release made at that time, UTC. */
const char *hk_clock_label(int64_t wall_ms, char out[HK_CLOCK_LABEL_LEN]);

#endif
