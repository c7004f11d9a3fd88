/*
 * SHA-256 of a public key's bytes.
 */
#include <store/fingerprint.h>

#include <string.h>

#include <sodium.h>

#define PREFIX "SHA256:"
#define KEY_MAX 8192

int hk_fingerprint_of(const char *base64, char ret[HK_FINGERPRINT_LEN], struct hk_error *err)
{
	unsigned char key[KEY_MAX], hash[crypto_hash_sha256_BYTES];
	size_t len = 0;

	if (sodium_init() < 0)
		return hk_error_set(err, HK_E_INTERNAL, "cannot set up libsodium");
	if (sodium_base642bin(key, sizeof(key), base64, strlen(base64), NULL, &len, NULL,
			      sodium_base64_VARIANT_ORIGINAL) ||
	    !len)
		return hk_error_set(err, HK_E_USAGE, "the key is not in base64");
	crypto_hash_sha256(hash, key, len);
	memcpy(ret, PREFIX, sizeof(PREFIX));
	sodium_bin2base64(ret + sizeof(PREFIX) - 1, HK_FINGERPRINT_LEN - (sizeof(PREFIX) - 1), hash,
			  sizeof(hash), sodium_base64_VARIANT_ORIGINAL_NO_PADDING);
	return 0;
}
