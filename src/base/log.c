/*
 * Debug log.
 */
#include <base/log.h>

#include <stdarg.h>

void hk_log_debug(const char *fmt, ...)
{
	static int enabled = -1; /* the one mutable global: whether to log */
	va_list ap;

	if (enabled < 0)
		enabled = getenv("HOSTKIT_DEBUG") != NULL;
	if (!enabled)
		return;
	va_start(ap, fmt);
	fprintf(stderr, "debug: [%d] ", (int)getpid());
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}
