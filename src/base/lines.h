/*
 * Program output, cut into lines that are safe to show and to keep.
 *
 * Bytes come in as a program writes them; whole lines go out. A line ends at LF, CR LF, or a lone
 * CR (progress bars redraw with it), so each redraw is a line of its own; redraws that show nothing
 * and immediate repeats of a redraw (also as the line that ends it) are dropped. A line is made
 * safe for a terminal: control characters and escape sequences go, except TAB and SGR colour
 * sequences (ESC [ digits;… m), which are kept; invalid UTF-8 becomes U+FFFD; C1 controls and
 * bidirectional overrides go. A line over the limit is cut, at a character boundary, and "…" shows
 * it. A colour that is still on at the end of a line is reset.
 */
#ifndef HK_BASE_LINES_H
#define HK_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include <base/buf.h>

#define HK_LINES_MAX 1000 /* bytes of a line that are kept by default */

typedef void hk_line_fn(void *ctx, const char *line, size_t len);

/* Opaque in spirit; set up with HK_LINES_INIT(limit). Memory use is bounded by the limit. */
struct hk_lines {
	size_t limit;
	struct hk_buf line;
	struct hk_buf last_redraw;
	bool cut;      /* the current line went over the limit */
	bool after_cr; /* the last byte was CR: an LF next belongs to it */
};

#define HK_LINES_INIT(max)                                                      \
	{                                                                       \
		.limit = (max), .line = HK_BUF_INIT, .last_redraw = HK_BUF_INIT \
	}

void hk_lines_release(struct hk_lines *l);

/* Takes bytes; calls fn for every line that they complete. */
void hk_lines_feed(struct hk_lines *l, const char *data, size_t len, hk_line_fn *fn, void *ctx);

/* Hands over an unfinished last line, if there is one. */
void hk_lines_finish(struct hk_lines *l, hk_line_fn *fn, void *ctx);

/* Appends text (one line, without its end) to out, made safe as above, at most max bytes. */
void hk_lines_sanitize(struct hk_buf *out, const char *text, size_t len, size_t max);

/* The same for what is no program's output: no colours either, and no line ends or tabs. */
void hk_lines_plain(struct hk_buf *out, const char *text, size_t len, size_t max);

#endif
