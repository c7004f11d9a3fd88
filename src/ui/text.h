/*
 * The report as lines of text, for the log of a deployment, from which pushing clients and
 *terminals are fed. Every line is one write to an O_APPEND descriptor, ends in LF, uses no cursor
 *movement, and begins with error:, warning:, hint: or success: where git colours it.
 *
 *	 3/10 install      npm ci --omit=dev
 *	      added 68 packages in 2s
 *	 3/10 install      ok           2.4 s
 *
 * The output of commands is bounded (hk_text_limit): when the limit is near, only the end of what a
 * command prints is kept, and follows when the command has ended.
 */
#ifndef HK_UI_TEXT_H
#define HK_UI_TEXT_H

#include <stdbool.h>

#include <base/buf.h>
#include <deploy/report.h>

struct hk_text {
	struct hk_report report;
	int fd;		/* borrowed */
	bool in_output; /* the last line was a command's */
	bool blank;	/* and a blank line came behind it */

	int64_t room;	 /* for output, in bytes; < 0: no limit */
	int64_t limit;	 /* as it was set */
	size_t tail_max; /* of what is kept of a command's output beyond that */
	struct hk_buf tail;
	int64_t left_out; /* lines */
	int64_t told_at;  /* monotonic: the last sign of life while output is kept back */
};

/* Failing writes (a full disk) are dropped: a deployment does not end for its log. */
void hk_text_init(struct hk_text *t, int fd);

/*
 * Keeps what commands print within about that many bytes: of what comes then, the end of each
 * command's output stays, with the number of lines that were left out, and every some seconds a
 * line says how far it is.
 */
void hk_text_limit(struct hk_text *t, int64_t bytes);
void hk_text_release(struct hk_text *t);

#endif
