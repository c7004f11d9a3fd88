/*
 * Text sink for reports.
 */
#include <ui/text.h>

#include <string.h>

#include <base/buf.h>
#include <base/human.h>
#include <base/lines.h>
#include <sys/fs.h>

#define OUTPUT_INDENT "      "

static void put(struct hk_text *t, struct hk_buf *line)
{
	hk_buf_addch(line, '\n');
	if (hk_fs_write_all(t->fd, line->data, line->len))
		return; /* see hk_text_init */
}

static void add_stage(struct hk_buf *line, const struct hk_report_stage *stage)
{
	hk_buf_addf(line, "%2u/%u %-12s ", stage->number, stage->total, stage->title);
}

static void end_output(struct hk_text *t)
{
	t->in_output = false;
	t->blank = false;
}

static void command(struct hk_report *r, const struct hk_report_stage *stage, const char *what)
{
	hk_auto_buf line = HK_BUF_INIT;

	end_output((struct hk_text *)r);
	add_stage(&line, stage);
	hk_lines_sanitize(&line, what, strlen(what), 400);
	put((struct hk_text *)r, &line);
}

/* Blank lines are kept where they separate, one of them; not around a command's output. */
static void output(struct hk_report *r, const char *text, size_t len)
{
	struct hk_text *t = (struct hk_text *)r;
	hk_auto_buf line = HK_BUF_INIT;

	if (!len) {
		t->blank = t->in_output;
		return;
	}
	if (t->blank)
		hk_buf_addch(&line, '\n');
	t->blank = false;
	t->in_output = true;
	hk_buf_addstr(&line, OUTPUT_INDENT);
	hk_buf_add(&line, text, len);
	put(t, &line);
}

static void stage_end(struct hk_report *r, const struct hk_report_stage *stage,
		      enum hk_stage_result result, int64_t ms, const char *detail)
{
	static const char *const words[] = {
		[HK_STAGE_SUCCEEDED] = "ok",
		[HK_STAGE_SKIPPED] = "skipped",
		[HK_STAGE_FAILED] = "FAILED",
		[HK_STAGE_CANCELLED] = "cancelled",
	};
	hk_auto_buf line = HK_BUF_INIT;
	char took[HK_HUMAN_LEN];

	end_output((struct hk_text *)r);
	add_stage(&line, stage);
	hk_buf_addf(&line, "%-9s %8s", words[result], hk_human_duration(ms, took));
	if (detail) {
		hk_buf_addstr(&line, "  ");
		hk_lines_sanitize(&line, detail, strlen(detail), 200);
	}
	put((struct hk_text *)r, &line);
}

static void message(struct hk_report *r, enum hk_report_level level, const char *text)
{
	static const char *const prefixes[] = {
		[HK_REPORT_INFO] = "",
		[HK_REPORT_WARNING] = "warning: ",
		[HK_REPORT_ERROR] = "error: ",
		[HK_REPORT_HINT] = "hint: ",
		[HK_REPORT_SUCCESS] = "success: ",
	};
	hk_auto_buf line = HK_BUF_INIT;

	hk_buf_addstr(&line, prefixes[level]);
	hk_lines_sanitize(&line, text, strlen(text), 2000);
	put((struct hk_text *)r, &line);
}

static const struct hk_report_ops ops = {
	.command = command,
	.output = output,
	.stage_end = stage_end,
	.message = message,
};

void hk_text_init(struct hk_text *t, int fd)
{
	*t = (struct hk_text){ .report = { .ops = &ops }, .fd = fd };
}
