/*
 * Formatting for report messages.
 */
#include <deploy/report.h>

#include <stdarg.h>

#include <base/alloc.h>

void hk_report_say(struct hk_report *r, enum hk_report_level level, const char *fmt, ...)
{
	hk_auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (level == HK_REPORT_HINT) {
		hk_auto_free char *hint = hk_key_reader_say(&r->reader, text);

		r->ops->message(r, level, hint);
		return;
	}
	r->ops->message(r, level, text);
}
