/*
 * What a running deployment says to whoever watches. The pipeline calls these; a sink in ui/ writes
 * them down. Nothing below the entry points prints in any other way.
 */
#ifndef HK_DEPLOY_REPORT_H
#define HK_DEPLOY_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include <base/cleanup.h>
#include <deploy/key_reader.h>

enum hk_report_level {
	HK_REPORT_INFO,
	HK_REPORT_WARNING,
	HK_REPORT_ERROR,
	HK_REPORT_HINT,
	HK_REPORT_SUCCESS,
};

enum hk_stage_result {
	HK_STAGE_SUCCEEDED,
	HK_STAGE_SKIPPED,
	HK_STAGE_FAILED,
	HK_STAGE_CANCELLED,
};

/* A stage as the watcher sees it. */
struct hk_report_stage {
	unsigned number; /* from 1 */
	unsigned total;
	const char *title;
};

struct hk_report;

struct hk_report_ops {
	/* A command starts; its output follows. */
	void (*command)(struct hk_report *r, const struct hk_report_stage *stage, const char *what);
	/* A line of a command's output, already sanitized, without its end. */
	void (*output)(struct hk_report *r, const char *line, size_t len);
	/* detail may be NULL. */
	void (*stage_end)(struct hk_report *r, const struct hk_report_stage *stage,
			  enum hk_stage_result result, int64_t ms, const char *detail);
	void (*message)(struct hk_report *r, enum hk_report_level level, const char *text);
};

/* Embedded first in a sink's own struct. */
struct hk_report {
	const struct hk_report_ops *ops;
	struct hk_key_reader reader; /* who gets the hints; by default somebody with a shell */
};

/* A message with a format. A hint is put as its reader can use it. */
void hk_report_say(struct hk_report *r, enum hk_report_level level, const char *fmt, ...)
	HK_PRINTF(3, 4);

#endif
