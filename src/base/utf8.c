/*
 * Strict UTF-8. The table is the one of well-formed byte sequences in the Unicode standard (3.9):
 * the range of the second byte excludes overlong forms, surrogates and values above U+10FFFF.
 */
#include <base/utf8.h>

static const struct {
	unsigned char first_min, first_max; /* the lead byte */
	unsigned char second_min, second_max;
	unsigned char len;
} forms[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Reads the bytes behind the lead byte; the result is as in hk_utf8_decode. */
static size_t decode_tail(const unsigned char *s, size_t len, size_t form, uint32_t *ret)
{
	size_t want = forms[form].len;
	uint32_t v = want == 1 ? s[0] : s[0] & (0x7fU >> want);

	for (size_t i = 1; i < want; i++) {
		unsigned char min = i == 1 ? forms[form].second_min : 0x80;
		unsigned char max = i == 1 ? forms[form].second_max : 0xbf;

		if (i >= len || s[i] < min || s[i] > max)
			return i;
		v = v << 6 | (s[i] & 0x3f);
	}
	*ret = v;
	return want;
}

size_t hk_utf8_decode(const char *text, size_t len, uint32_t *ret)
{
	const unsigned char *s = (const unsigned char *)text;

	*ret = UINT32_MAX;
	for (size_t i = 0; i < HK_ARRAY_LEN(forms); i++)
		if (s[0] >= forms[i].first_min && s[0] <= forms[i].first_max)
			return decode_tail(s, len, i, ret);
	return 1;
}

bool hk_utf8_valid(const char *s, size_t len)
{
	uint32_t c;

	for (size_t i = 0; i < len;) {
		i += hk_utf8_decode(s + i, len - i, &c);
		if (c == UINT32_MAX)
			return false;
	}
	return true;
}

void hk_utf8_repair(struct hk_buf *out, const char *s, size_t len)
{
	uint32_t c;
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = hk_utf8_decode(s + i, len - i, &c);
		if (c == UINT32_MAX)
			hk_buf_addstr(out, HK_UTF8_REPLACEMENT);
		else
			hk_buf_add(out, s + i, n);
	}
}
