/*
 * Fingerprints of ssh's public keys, as ssh-keygen(1) and sshd's log have them, by libsodium.
 */
#ifndef HK_STORE_FINGERPRINT_H
#define HK_STORE_FINGERPRINT_H

#include <base/error.h>

#define HK_FINGERPRINT_LEN 51 /* "SHA256:" and 43 characters of base64, without padding */

/* Of a key in base64, as a .pub file has it. HK_E_USAGE when it is no base64, or too long. */
int hk_fingerprint_of(const char *base64, char ret[HK_FINGERPRINT_LEN],
		      struct hk_error *err) HK_MUST_CHECK;

#endif
