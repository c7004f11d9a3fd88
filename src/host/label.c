/*
 * Labels of keys.
 */
#include <host/label.h>

#include <string.h>

#define ALNUM "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define BASE64 ALNUM "+/"
#define PREFIX "SHA256:"
#define HASH_LEN 43

bool hk_label_is_valid(const char *label)
{
	size_t len = strlen(label);

	return len && len < HK_LABEL_LEN && strchr(ALNUM, *label) &&
	       strspn(label, ALNUM "._@-") == len;
}

int hk_label_check(const char *label, struct hk_error *err)
{
	if (hk_label_is_valid(label))
		return 0;
	hk_error_set(err, HK_E_USAGE, "'%.100s' cannot be the label of a key", label);
	return hk_error_hint(err,
			     "1 to %d letters, digits and . _ @ -, beginning with a letter or "
			     "digit, such as --label ann@laptop",
			     HK_LABEL_LEN - 1);
}

void hk_label_from(const char *comment, char ret[HK_LABEL_LEN])
{
	size_t n = 0;

	for (; *comment && n < HK_LABEL_LEN - 1; comment++) {
		bool plain = strchr(ALNUM "._@", *comment);

		if (n ? plain || ret[n - 1] != '-' : strchr(ALNUM, *comment) != NULL)
			ret[n++] = plain ? *comment : '-';
	}
	while (n && ret[n - 1] == '-')
		n--;
	ret[n] = '\0';
}

bool hk_label_is_fingerprint(const char *text)
{
	size_t n = sizeof(PREFIX) - 1;

	return !strncmp(text, PREFIX, n) && strlen(text + n) == HASH_LEN &&
	       strspn(text + n, BASE64) == HASH_LEN;
}
