/*
 * Numbers as people read them, and people's numbers read back: durations and sizes.
 */
#ifndef HK_BASE_HUMAN_H
#define HK_BASE_HUMAN_H

#include <stdint.h>

#include <base/error.h>

#define HK_HUMAN_LEN 32

/* "3 ms", "1.2 s", "2 m 05 s", "1 h 02 m" */
const char *hk_human_duration(int64_t ms, char out[HK_HUMAN_LEN]);

/* "812 B", "12.3 KiB", "1.5 GiB" */
const char *hk_human_size(int64_t bytes, char out[HK_HUMAN_LEN]);

/*
 * The parsers take a whole string, no surrounding space, no sign but '-' for integers, and fail
 * with HK_E_USAGE and a message that quotes the text and names what was expected. Callers that
 * know a file and line prefix them. *ret is written on success only.
 */
int hk_human_parse_int(const char *s, int64_t min, int64_t max, int64_t *ret,
		       struct hk_error *err) HK_MUST_CHECK;

/* "250ms", "5s", "10m", "1h", and a bare number of seconds; the result is in milliseconds. */
int hk_human_parse_duration(const char *s, int64_t *ret_ms, struct hk_error *err) HK_MUST_CHECK;

/* "512", "64K", "200M", "2G" (powers of 1024); the result is in bytes. */
int hk_human_parse_size(const char *s, int64_t *ret_bytes, struct hk_error *err) HK_MUST_CHECK;

#endif
