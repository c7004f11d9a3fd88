/*
 * store/hmac: the vectors of RFC 4231, with keys shorter and longer than a block.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <store/hmac.h>

static void check(const char *key, const char *data, const char *wanted)
{
	struct hk_error err = HK_ERROR_INIT;
	char got[HK_HMAC_HEX_LEN];

	assert_int_equal(hk_hmac_sha256(key, data, strlen(data), got, &err), 0);
	assert_string_equal(got, wanted);
}

static void test_vectors(void **state)
{
	char key[132] = "";

	(void)state;
	memset(key, 0x0b, 20);
	check(key, "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check("Jefe", "what do ya want for nothing?",
	      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, 131);
	check(key, "Test Using Larger Than Block-Size Key - Hash Key First",
	      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* A body is bytes, not text. */
static void test_nul(void **state)
{
	struct hk_error err = HK_ERROR_INIT;
	char with[HK_HMAC_HEX_LEN], without[HK_HMAC_HEX_LEN];

	(void)state;
	assert_int_equal(hk_hmac_sha256("k", "a\0b", 3, with, &err), 0);
	assert_int_equal(hk_hmac_sha256("k", "a", 1, without, &err), 0);
	assert_string_not_equal(with, without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_nul),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
