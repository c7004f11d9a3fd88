/*
 * Output cut into lines, and lines made safe.
 *
 * A line is kept as it came until its end is known, and made safe as a whole then: so the result
 * cannot depend on how the bytes were spread over reads.
 */
#include <base/lines.h>

#include <stdint.h>
#include <string.h>

#include <base/utf8.h>

#define RAW_FACTOR                                                                    \
	4 /* raw bytes kept per byte of the limit: colours and redraw codes take room \
	   */
#define ELLIPSIS "\xe2\x80\xa6"
#define RESET "\033[0m"
#define ESC 0x1b
#define SGR_MAX 32 /* a longer colour sequence is no colour sequence */

/* What a colour sequence switches on and off; 38 and 48 take arguments that are skipped. */
static const struct {
	unsigned char from, to;
	unsigned on, off;
} attributes[] = {
	{ 0, 0, 0, ~0U },	{ 1, 2, 1U << 0, 0 },	{ 3, 3, 1U << 1, 0 },
	{ 4, 4, 1U << 2, 0 },	{ 5, 6, 1U << 3, 0 },	{ 7, 7, 1U << 4, 0 },
	{ 8, 8, 1U << 5, 0 },	{ 9, 9, 1U << 6, 0 },	{ 22, 22, 0, 1U << 0 },
	{ 23, 23, 0, 1U << 1 }, { 24, 24, 0, 1U << 2 }, { 25, 25, 0, 1U << 3 },
	{ 27, 27, 0, 1U << 4 }, { 28, 28, 0, 1U << 5 }, { 29, 29, 0, 1U << 6 },
	{ 30, 38, 1U << 7, 0 }, { 39, 39, 0, 1U << 7 }, { 40, 48, 1U << 8, 0 },
	{ 49, 49, 0, 1U << 8 }, { 90, 97, 1U << 7, 0 }, { 100, 107, 1U << 8, 0 },
};

#define ATTRIBUTE_OTHER (1U << 31) /* anything else: only a full reset ends it */

/* Characters that a terminal acts on or that reorder what is shown. */
static const struct {
	uint32_t from, to;
} dropped[] = {
	{ 0x00, 0x08 },	    { 0x0a, 0x1f },	{ 0x7f, 0x9f },	    { 0x061c, 0x061c },
	{ 0x200e, 0x200f }, { 0x2028, 0x202e }, { 0x2066, 0x2069 },
};

/* The text so far, and the place to which it is cut when the rest does not fit. */
struct safe {
	struct hk_buf *out;
	size_t start, max;
	unsigned colours; /* attributes that are on */
	size_t fit;	  /* length up to which the ellipsis and a reset still fit */
	unsigned fit_colours;
};

static bool is_dropped(uint32_t c)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(dropped); i++)
		if (c >= dropped[i].from && c <= dropped[i].to)
			return true;
	return false;
}

static unsigned apply_attribute(unsigned colours, unsigned v)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(attributes); i++)
		if (v >= attributes[i].from && v <= attributes[i].to)
			return (colours & ~attributes[i].off) | attributes[i].on;
	return colours | ATTRIBUTE_OTHER;
}

/* The attributes that are on after the sequence with those parameters ("1;31"). */
static unsigned apply_sgr(unsigned colours, const char *s, size_t len)
{
	unsigned skip = 0, v = 0;
	bool select =
		false; /* the last parameter was 38 or 48: its argument says how many follow */

	for (size_t i = 0; i <= len; i++) {
		if (i < len && s[i] != ';') {
			v = v < 1000 ? v * 10 + (unsigned)(s[i] - '0') : v;
			continue;
		}
		if (select) {
			skip = v == 5 ? 1 : v == 2 ? 3 : 0;
			select = false;
		} else if (skip) {
			skip--;
		} else {
			colours = apply_attribute(colours, v);
			select = v == 38 || v == 48;
		}
		v = 0;
	}
	return colours;
}

static size_t span(const char *s, size_t len, unsigned char min, unsigned char max)
{
	size_t n = 0;

	while (n < len && (unsigned char)s[n] >= min && (unsigned char)s[n] <= max)
		n++;
	return n;
}

/* The length of ESC [ …, to its final byte or to where it stops being one. */
static size_t csi_len(const char *s, size_t len)
{
	size_t n = 2;

	n += span(s + n, len - n, 0x30, 0x3f);
	n += span(s + n, len - n, 0x20, 0x2f);
	return n + (span(s + n, len - n, 0x40, 0x7e) ? 1 : 0);
}

/* The length of a control string (title, hyperlink, …); 1, only the ESC, when it has no end. */
static size_t string_len(const char *s, size_t len)
{
	for (size_t i = 2; i < len; i++) {
		if (s[i] == '\a')
			return i + 1;
		if (s[i] == ESC)
			return i + 1 < len && s[i + 1] == '\\' ? i + 2 : 1;
	}
	return 1;
}

static size_t escape_len(const char *s, size_t len)
{
	size_t n;

	if (len < 2)
		return 1;
	if (s[1] == '[')
		return csi_len(s, len);
	if (memchr("]PX^_", s[1], 5))
		return string_len(s, len);
	n = 1 + span(s + 1, len - 1, 0x20, 0x2f);
	return n + (span(s + n, len - n, 0x30, 0x7e) ? 1 : 0);
}

static bool is_sgr(const char *s, size_t len)
{
	if (len < 3 || len > SGR_MAX || s[1] != '[' || s[len - 1] != 'm')
		return false;
	return span(s + 2, len - 3, '0', ';') == len - 3 && !memchr(s + 2, ':', len - 3);
}

/* Appends one piece; returns false when the line is full and was cut. */
static bool put(struct safe *t, const char *s, size_t len, unsigned colours)
{
	size_t now = t->out->len - t->start;
	size_t reset = colours ? sizeof(RESET) - 1 : 0;

	if (len + reset > t->max - now) {
		hk_buf_cut(t->out, t->start + t->fit);
		t->colours = t->fit_colours;
		if (t->max >= sizeof(ELLIPSIS) - 1)
			hk_buf_addstr(t->out, ELLIPSIS);
		return false;
	}
	hk_buf_add(t->out, s, len);
	t->colours = colours;
	now += len;
	if (now + reset + sizeof(ELLIPSIS) - 1 <= t->max) {
		t->fit = now;
		t->fit_colours = colours;
	}
	return true;
}

/* Appends what is safe of the piece at s; *ret is how many bytes it takes there. */
static bool put_piece(struct safe *t, const char *s, size_t len, size_t *ret)
{
	uint32_t c;

	if (*s == ESC) {
		*ret = escape_len(s, len);
		if (!is_sgr(s, *ret))
			return true;
		return put(t, s, *ret, apply_sgr(t->colours, s + 2, *ret - 3));
	}
	*ret = hk_utf8_decode(s, len, &c);
	if (c == UINT32_MAX)
		return put(t, HK_UTF8_REPLACEMENT, sizeof(HK_UTF8_REPLACEMENT) - 1, t->colours);
	return is_dropped(c) || put(t, s, *ret, t->colours);
}

/* How much of a text that was cut anywhere ends with a whole character. */
static size_t whole_len(const char *text, size_t len)
{
	size_t tail = 1;
	uint32_t c;

	while (tail < 4 && tail < len && (text[len - tail] & 0xc0) == 0x80)
		tail++;
	if (tail > len || hk_utf8_decode(text + len - tail, tail, &c) < tail)
		return len;
	return c == UINT32_MAX ? len - tail : len;
}

/* cut: there was more than text, so the ellipsis is due in any case. */
static void sanitize(struct hk_buf *out, const char *text, size_t len, size_t max, bool cut)
{
	struct safe t = { .out = out, .start = out->len, .max = max };
	bool room = true;
	size_t n;

	if (cut)
		len = whole_len(text, len);
	for (size_t i = 0; i < len && room; i += n)
		room = put_piece(&t, text + i, len - i, &n);
	if (room && cut)
		put(&t, ELLIPSIS, sizeof(ELLIPSIS) - 1, t.colours);
	if (t.colours)
		hk_buf_addstr(out, RESET);
}

void hk_lines_sanitize(struct hk_buf *out, const char *text, size_t len, size_t max)
{
	sanitize(out, text, len, max, false);
}

/* Whether a safe line shows nothing: blanks and colours only. */
static bool is_blank(const char *s)
{
	while (*s == ' ' || *s == '\t' || *s == ESC)
		s += *s == ESC ? strcspn(s, "m") + 1 : 1;
	return !*s;
}

static void emit(struct hk_lines *l, bool redraw, hk_line_fn *fn, void *ctx)
{
	hk_auto_buf safe = HK_BUF_INIT;
	bool repeat;

	sanitize(&safe, l->line.data, l->line.len, l->limit, l->cut);
	hk_buf_reset(&l->line);
	l->cut = false;
	if (redraw && is_blank(safe.data))
		return;
	/* The line that ends a progress bar often repeats its last redraw. */
	repeat = l->last_redraw.len && !strcmp(safe.data, l->last_redraw.data);
	if (!redraw || !repeat)
		hk_buf_reset(&l->last_redraw);
	if (redraw && !repeat)
		hk_buf_add(&l->last_redraw, safe.data, safe.len);
	if (!repeat)
		fn(ctx, safe.data, safe.len);
}

static void keep(struct hk_lines *l, const char *data, size_t len)
{
	size_t room = l->limit * RAW_FACTOR - l->line.len;

	if (len > room) {
		l->cut = true;
		len = room;
	}
	hk_buf_add(&l->line, data, len);
}

void hk_lines_release(struct hk_lines *l)
{
	hk_buf_release(&l->line);
	hk_buf_release(&l->last_redraw);
	l->cut = false;
	l->after_cr = false;
}

void hk_lines_feed(struct hk_lines *l, const char *data, size_t len, hk_line_fn *fn, void *ctx)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = 1;
		if (data[i] == '\n') {
			l->after_cr = false;
			emit(l, false, fn, ctx);
		} else if (data[i] == '\r') {
			l->after_cr = true;
		} else {
			if (l->after_cr)
				emit(l, true, fn, ctx);
			l->after_cr = false;
			while (i + n < len && data[i + n] != '\n' && data[i + n] != '\r')
				n++;
			keep(l, data + i, n);
		}
	}
}

void hk_lines_finish(struct hk_lines *l, hk_line_fn *fn, void *ctx)
{
	if (l->line.len || l->cut)
		emit(l, l->after_cr, fn, ctx);
	hk_buf_reset(&l->last_redraw);
	l->after_cr = false;
}

void hk_lines_plain(struct hk_buf *out, const char *text, size_t len, size_t max)
{
	hk_auto_buf plain = HK_BUF_INIT;

	for (size_t i = 0; i < len; i++)
		hk_buf_addch(&plain, (unsigned char)text[i] < 32 || text[i] == 127 ? ' ' : text[i]);
	hk_lines_sanitize(out, plain.data, plain.len, max);
}
