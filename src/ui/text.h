/*
 * The report as lines of text, for the log of a deployment, from which pushing clients and
 *terminals are fed. Every line is one write to an O_APPEND descriptor, ends in LF, uses no cursor
 *movement, and begins with error:, warning:, hint: or success: where git colours it.
 *
 *	 3/10 install      npm ci --omit=dev
 *	      added 68 packages in 2s
 *	 3/10 install      ok           2.4 s
 */
#ifndef HK_UI_TEXT_H
#define HK_UI_TEXT_H

#include <stdbool.h>

#include <deploy/report.h>

struct hk_text {
	struct hk_report report;
	int fd;		/* borrowed */
	bool in_output; /* the last line was a command's */
	bool blank;	/* and a blank line came behind it */
};

/* Failing writes (a full disk) are dropped: a deployment does not end for its log. */
void hk_text_init(struct hk_text *t, int fd);

#endif
