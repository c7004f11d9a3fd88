/*
 * base/lines.h: what programs write. The first byte of the input is the limit of a line.
 */
#include "fuzz.h"

#include <base/lines.h>
#include <base/strlist.h>

#define SGR "0123456789;"

struct collected {
	struct hk_strlist lines;
	size_t limit;
};

static bool is_hostile(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} ranges[] = {
		{ 0x00, 0x08 },	    { 0x0a, 0x1f },	{ 0x7f, 0x9f },	    { 0x061c, 0x061c },
		{ 0x200e, 0x200f }, { 0x202a, 0x202e }, { 0x2066, 0x2069 },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].from && c <= ranges[i].to)
			return true;
	return false;
}

static void check_safe(const char *line, size_t len, size_t limit)
{
	bool red = false;
	uint32_t c;
	size_t n;

	FUZZ_CHECK(len <= limit && strlen(line) == len && hk_utf8_valid(line, len));
	for (size_t i = 0; i < len; i += n) {
		n = hk_utf8_decode(line + i, len - i, &c);
		if (c != 0x1b) {
			FUZZ_CHECK(!is_hostile(c));
			continue;
		}
		FUZZ_CHECK(line[i + 1] == '[');
		n = 2 + strspn(line + i + 2, SGR) + 1;
		FUZZ_CHECK(line[i + n - 1] == 'm');
		red = n == 5 && line[i + 2] == '3' && line[i + 3] < '8' && line[i + 3] != ';';
	}
	/* A plain colour that nothing follows would colour the next line too. */
	FUZZ_CHECK(!red);
}

static void check_again(const char *line, size_t len, size_t limit)
{
	hk_auto_buf again = HK_BUF_INIT;

	hk_lines_sanitize(&again, line, len, limit);
	FUZZ_CHECK(again.len == len && !memcmp(again.data, line, len));
}

static void collect(void *ctx, const char *line, size_t len)
{
	struct collected *c = ctx;

	check_safe(line, len, c->limit);
	check_again(line, len, c->limit);
	hk_strlist_add(&c->lines, line);
}

/* Feeds pieces of up to max bytes, each in memory of its own so that none is read beyond. */
static void feed(struct collected *c, const char *data, size_t len, size_t max, uint32_t seed)
{
	struct hk_lines l = HK_LINES_INIT(c->limit);
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		hk_auto_free char *piece = NULL;

		seed = seed * 1664525u + 1013904223u;
		n = 1 + (seed >> 8) % max;
		n = n < len - i ? n : len - i;
		piece = hk_xmalloc(n);
		memcpy(piece, data + i, n);
		hk_lines_feed(&l, piece, n, collect, c);
		FUZZ_CHECK(l.line.len <= 4 * c->limit && l.last_redraw.len <= c->limit);
	}
	hk_lines_finish(&l, collect, c);
	hk_lines_release(&l);
}

static void check_same(const struct hk_strlist *a, const struct hk_strlist *b)
{
	FUZZ_CHECK(a->len == b->len);
	for (size_t i = 0; i < a->len; i++)
		FUZZ_CHECK(!strcmp(a->items[i], b->items[i]));
}

static void check_sanitize(const char *data, size_t len, size_t limit)
{
	hk_auto_buf out = HK_BUF_INIT;

	hk_buf_addstr(&out, "> ");
	hk_lines_sanitize(&out, data, len, limit);
	FUZZ_CHECK(!strncmp(out.data, "> ", 2));
	check_safe(out.data + 2, out.len - 2, limit);
	check_again(out.data + 2, out.len - 2, limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 3, 40 };
	struct collected whole = { HK_STRLIST_INIT, size ? data[0] : 0 };
	const char *text = (const char *)data + (size ? 1 : 0);
	size_t len = size ? size - 1 : 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(pieces); i++) {
		struct collected c = { HK_STRLIST_INIT, whole.limit };

		feed(i ? &c : &whole, text, len, i ? pieces[i] : len + !len, (uint32_t)len);
		if (i)
			check_same(&whole.lines, &c.lines);
		hk_strlist_release(&c.lines);
	}
	check_sanitize(text, len, whole.limit);
	hk_strlist_release(&whole.lines);
	return 0;
}
