/*
 * Text sink for reports.
 */
#include <ui/text.h>

#include <string.h>

#include <base/buf.h>
#include <base/clock.h>
#include <base/human.h>
#include <base/lines.h>
#include <sys/fs.h>

#define OUTPUT_INDENT "      "
#define TAILS                                                                                    \
	16 /* half of them are expected at most: install, build, dependencies, the service's log \
	    */
#define TAIL_MAX (64 << 10)
#define SIGN_OF_LIFE_MS 5000

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

/* The oldest lines go, in large steps, so that a flood costs a copy now and then. */
static void cut_tail(struct hk_text *t)
{
	size_t from = t->tail.len - t->tail_max;
	const char *line = memchr(t->tail.data + from, '\n', t->tail.len - from);

	from = line ? (size_t)(line - t->tail.data) + 1 : t->tail.len;
	for (size_t i = 0; i < from; i++)
		t->left_out += t->tail.data[i] == '\n';
	memmove(t->tail.data, t->tail.data + from, t->tail.len - from);
	hk_buf_cut(&t->tail, t->tail.len - from);
}

static void say_left_out(struct hk_text *t, const char *what)
{
	hk_auto_buf line = HK_BUF_INIT;
	char size[HK_HUMAN_LEN];

	hk_buf_addf(&line, OUTPUT_INDENT "[%lld lines %s: [deploy] max_log is %s]",
		    (long long)t->left_out, what, hk_human_size(t->limit, size));
	put(t, &line);
}

/* A line beyond the limit. */
static void keep_back(struct hk_text *t, struct hk_buf *line)
{
	hk_buf_addch(line, '\n');
	hk_buf_add(&t->tail, line->data, line->len);
	if (t->tail.len > 2 * t->tail_max)
		cut_tail(t);
	if (!t->told_at)
		t->told_at = hk_clock_mono_ms();
	if (hk_clock_mono_ms() - t->told_at < SIGN_OF_LIFE_MS)
		return;
	t->told_at = hk_clock_mono_ms();
	say_left_out(t, "left out so far, and it goes on");
}

/* What was kept back follows, under a line that says what is missing. */
static void show_tail(struct hk_text *t)
{
	if (!t->tail.len)
		return;
	if (t->tail.len > t->tail_max)
		cut_tail(t);
	say_left_out(t, "left out");
	if (hk_fs_write_all(t->fd, t->tail.data, t->tail.len))
		return; /* see hk_text_init */
	hk_buf_reset(&t->tail);
	t->left_out = 0;
	t->told_at = 0;
}

static void end_output(struct hk_text *t)
{
	show_tail(t);
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
	if (t->room < 0 || (!t->tail.len && t->room >= (int64_t)line.len)) {
		t->room -= t->room < 0 ? 0 : (int64_t)line.len;
		put(t, &line);
	} else {
		t->room = 0;
		keep_back(t, &line);
	}
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

	show_tail((struct hk_text *)r);
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
	*t = (struct hk_text){
		.report = { .ops = &ops }, .fd = fd, .room = -1, .tail = HK_BUF_INIT
	};
}

void hk_text_limit(struct hk_text *t, int64_t bytes)
{
	t->limit = bytes;
	t->tail_max = bytes / TAILS < TAIL_MAX ? (size_t)(bytes / TAILS) : TAIL_MAX;
	t->room = bytes - (int64_t)t->tail_max * (TAILS / 2);
}

void hk_text_release(struct hk_text *t)
{
	hk_buf_release(&t->tail);
	hk_key_reader_release(&t->report.reader);
}
