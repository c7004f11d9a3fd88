/*
 * Error objects and the table of codes.
 */
#include <base/error.h>

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct {
	enum hk_code code;
	const char *name;
	const char *text;
} codes[] = {
	{ HK_OK, "OK", "success" },
#define HK_CODE(name, status, text) { HK_E_##name, #name, text },
#include <base/codes.def>
#undef HK_CODE
};

int hk_error_set(struct hk_error *err, enum hk_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	err->sys_errno = 0;
	err->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	return code;
}

static enum hk_code refine(enum hk_code code, int sys_errno)
{
	if (code != HK_E_IO)
		return code;
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
		return HK_E_NO_SPACE;
	case EACCES:
	case EPERM:
	case EROFS:
		return HK_E_PERMISSION;
	default:
		return code;
	}
}

bool hk_error_says_full(const char *line)
{
	return strstr(line, strerrordesc_np(ENOSPC)) || strstr(line, strerrordesc_np(EDQUOT));
}

bool hk_error_says_denied(const char *line)
{
	return strcasestr(line, strerrordesc_np(EACCES)) ||
	       strcasestr(line, strerrordesc_np(EROFS));
}

int hk_error_set_errno(struct hk_error *err, enum hk_code code, int sys_errno, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	err->code = refine(code, sys_errno);
	err->sys_errno = sys_errno;
	err->hint[0] = '\0';
	va_start(ap, fmt);
	vsnprintf(err->message, sizeof(err->message), fmt, ap);
	va_end(ap);
	len = strlen(err->message);
	snprintf(err->message + len, sizeof(err->message) - len, ": %s", strerror(sys_errno));
	return err->code;
}

int hk_error_hint(struct hk_error *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
	va_end(ap);
	return err->code;
}

int hk_error_prefix(struct hk_error *err, const char *fmt, ...)
{
	char text[HK_ERROR_MESSAGE_MAX];
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	len = strlen(text);
	snprintf(text + len, sizeof(text) - len, ": %.*s", (int)(sizeof(text) - len), err->message);
	memcpy(err->message, text, sizeof(text));
	return err->code;
}

const char *hk_code_name(enum hk_code code)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "INTERNAL";
}

enum hk_code hk_code_from_name(const char *name)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(codes); i++)
		if (!strcmp(codes[i].name, name))
			return codes[i].code;
	return HK_E_INTERNAL;
}

const char *hk_code_text(enum hk_code code)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(codes); i++)
		if (codes[i].code == code)
			return codes[i].text;
	return "unknown error";
}

int hk_code_exit(enum hk_code code)
{
	return -(int)code;
}
