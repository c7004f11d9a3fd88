/*
 * HMAC-SHA256 (RFC 2104, FIPS 180-4), by libsodium.
 */
#ifndef HK_STORE_HMAC_H
#define HK_STORE_HMAC_H

#include <stddef.h>

#include <base/error.h>

#define HK_HMAC_HEX_LEN 65

/* The code of data under a key of any length, as lowercase hex digits. HK_E_INTERNAL. */
int hk_hmac_sha256(const char *key, const void *data, size_t len, char ret[HK_HMAC_HEX_LEN],
		   struct hk_error *err) HK_MUST_CHECK;

#endif
