/*
 * Authentication codes for what is sent out.
 */
#include <store/hmac.h>

#include <string.h>

#include <sodium.h>

int hk_hmac_sha256(const char *key, const void *data, size_t len, char ret[HK_HMAC_HEX_LEN],
		   struct hk_error *err)
{
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;

	if (sodium_init() < 0)
		return hk_error_set(err, HK_E_INTERNAL, "cannot set up libsodium");
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key, strlen(key));
	crypto_auth_hmacsha256_update(&state, data, len);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_bin2hex(ret, HK_HMAC_HEX_LEN, mac, sizeof(mac));
	sodium_memzero(&state, sizeof(state));
	return 0;
}
