/*
 * Growing byte buffer.
 */
#include <base/buf.h>

#include <stdarg.h>
#include <string.h>

#include <base/alloc.h>

char hk_buf_empty[1];

void hk_buf_release(struct hk_buf *b)
{
	if (b->cap)
		free(b->data);
	*b = (struct hk_buf)HK_BUF_INIT;
}

void hk_buf_wipe(struct hk_buf *b)
{
	if (b->cap)
		explicit_bzero(b->data, b->cap);
	hk_buf_release(b);
}

void hk_buf_reset(struct hk_buf *b)
{
	b->len = 0;
	if (b->cap)
		b->data[0] = '\0';
}

char *hk_buf_detach(struct hk_buf *b)
{
	char *data = b->cap ? b->data : hk_xstrdup("");

	*b = (struct hk_buf)HK_BUF_INIT;
	return data;
}

void hk_buf_reserve(struct hk_buf *b, size_t more)
{
	size_t want = b->len + more + 1;
	size_t cap = b->cap ? b->cap : 64;

	if (want <= b->cap)
		return;
	while (cap < want)
		cap += cap / 2;
	b->data = hk_xreallocarray(b->cap ? b->data : NULL, cap, 1);
	b->data[b->len] = '\0';
	b->cap = cap;
}

void hk_buf_add(struct hk_buf *b, const void *data, size_t len)
{
	if (!len)
		return;
	hk_buf_reserve(b, len);
	memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void hk_buf_addstr(struct hk_buf *b, const char *s)
{
	hk_buf_add(b, s, strlen(s));
}

void hk_buf_addch(struct hk_buf *b, char c)
{
	hk_buf_add(b, &c, 1);
}

void hk_buf_addf(struct hk_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n <= 0)
		return;
	hk_buf_reserve(b, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void hk_buf_cut(struct hk_buf *b, size_t len)
{
	if (len >= b->len)
		return;
	b->len = len;
	b->data[len] = '\0';
}
