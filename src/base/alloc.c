/*
 * Allocation wrappers that abort.
 */
#include <base/alloc.h>

#include <stdarg.h>
#include <string.h>

static void *must(void *p)
{
	if (!p) {
		static const char text[] = "error: out of memory\n";

		if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
			_exit(3);
		abort();
	}
	return p;
}

void *hk_xmalloc(size_t size)
{
	return must(malloc(size ? size : 1));
}

void *hk_xcalloc(size_t n, size_t size)
{
	return must(calloc(n ? n : 1, size ? size : 1));
}

void *hk_xreallocarray(void *p, size_t n, size_t size)
{
	return must(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *hk_xstrdup(const char *s)
{
	return must(strdup(s));
}

char *hk_xstrndup(const char *s, size_t n)
{
	return must(strndup(s, n));
}

char *hk_xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return must(s);
}
