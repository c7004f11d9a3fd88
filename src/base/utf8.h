/*
 * One character of UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
 */
#ifndef HK_BASE_UTF8_H
#define HK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/buf.h>

#define HK_UTF8_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/*
 * Reads the character at s (len > 0 bytes are there). Returns how many bytes it has, *ret its code
 * point; for bytes that are no character, the length of the maximal bad prefix (at least 1) with
 * *ret = UINT32_MAX, so that each such prefix becomes one replacement character.
 */
size_t hk_utf8_decode(const char *s, size_t len, uint32_t *ret);

bool hk_utf8_valid(const char *s, size_t len);

/* Appends s with what is invalid replaced by U+FFFD. */
void hk_utf8_repair(struct hk_buf *out, const char *s, size_t len);

#endif
