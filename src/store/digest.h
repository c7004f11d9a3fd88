/*
 * SHA-256 of files.
 */
#ifndef HK_STORE_DIGEST_H
#define HK_STORE_DIGEST_H

#include <stdint.h>

#include <base/error.h>

#define HK_SHA256_HEX_LEN 65

/* Of the whole file behind fd, which is read by position; *ret_size is its size. HK_E_IO. */
int hk_digest_file(int fd, char ret[HK_SHA256_HEX_LEN], int64_t *ret_size,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
