/*
 * Digests (contract in digest.h).
 */
#include <store/digest.h>

#include <errno.h>
#include <unistd.h>

#include <sodium.h>

#include <base/alloc.h>

#define CHUNK (1 << 18)

int hk_digest_file(int fd, char ret[HK_SHA256_HEX_LEN], int64_t *ret_size, struct hk_error *err)
{
	hk_auto_free unsigned char *chunk = hk_xmalloc(CHUNK);
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	int64_t size = 0;

	if (sodium_init() < 0)
		return hk_error_set(err, HK_E_INTERNAL, "cannot set up libsodium");
	crypto_hash_sha256_init(&state);
	for (;;) {
		ssize_t n = pread(fd, chunk, CHUNK, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot read it");
		if (!n)
			break;
		crypto_hash_sha256_update(&state, chunk, (size_t)n);
		size += n;
	}
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(ret, HK_SHA256_HEX_LEN, hash, sizeof(hash));
	*ret_size = size;
	return 0;
}
