/*
 * pkt-lines (contract in pktline.h).
 */
#include <hook/pktline.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>

static int read_full(int fd, char *data, size_t len, struct hk_error *err)
{
	while (len) {
		ssize_t n = read(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hk_error_set_errno(err, HK_E_IO, errno, "cannot read from git");
		if (!n)
			return hk_error_set(err, HK_E_IO, "git has ended the conversation");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static bool parse_length(const char digits[4], size_t *ret)
{
	static const char hex[] = "0123456789abcdef";
	size_t value = 0;

	for (size_t i = 0; i < 4; i++) {
		char lower =
			digits[i] >= 'A' && digits[i] <= 'F' ? (char)(digits[i] + 32) : digits[i];
		const char *at = lower ? strchr(hex, lower) : NULL;

		if (!at)
			return false;
		value = value * 16 + (size_t)(at - hex);
	}
	*ret = value;
	return true;
}

int hk_pktline_read(int fd, bool *ret, struct hk_buf *line, struct hk_error *err)
{
	char digits[4], data[HK_PKTLINE_MAX];
	size_t len;

	if (read_full(fd, digits, sizeof(digits), err))
		return err->code;
	if (!parse_length(digits, &len) || (len && len < 4) || len > HK_PKTLINE_MAX + 4)
		return hk_error_set(err, HK_E_IO, "git sent what is no pkt-line");
	hk_buf_reset(line);
	*ret = len > 0;
	if (len <= 4)
		return 0;
	len -= 4;
	if (read_full(fd, data, len, err))
		return err->code;
	hk_buf_add(line, data, data[len - 1] == '\n' ? len - 1 : len);
	return 0;
}

void hk_pktline_add(struct hk_buf *out, const void *data, size_t len)
{
	hk_buf_addf(out, "%04zx", len + 4);
	hk_buf_add(out, data, len);
}

void hk_pktline_addf(struct hk_buf *out, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		abort();
	hk_pktline_add(out, text, (size_t)len < HK_PKTLINE_MAX ? (size_t)len : HK_PKTLINE_MAX);
	free(text);
}

void hk_pktline_flush(struct hk_buf *out)
{
	hk_buf_addstr(out, "0000");
}
