/*
 * The one error mechanism.
 *
 * A fallible function returns 0 or a negative enum hk_code and takes a struct hk_error last. The
 * object belongs to the caller, has a fixed size, is untouched on success and is filled exactly
 * once, by whoever found the problem; callers on the way up may add context with a prefix.
 * Messages are lowercase, without a full stop, with the subject in single quotes. A hint says what
 * to do next, with the exact command.
 */
#ifndef HK_BASE_ERROR_H
#define HK_BASE_ERROR_H

#include <stdbool.h>

#include <base/cleanup.h>

enum hk_code {
	HK_OK = 0,
#define HK_CODE(name, status, text) HK_E_##name = -(status),
#include <base/codes.def>
#undef HK_CODE
};

#define HK_ERROR_MESSAGE_MAX 768
#define HK_ERROR_HINT_MAX 384

struct hk_error {
	enum hk_code code;
	int sys_errno; /* 0 when no system call was involved */
	char message[HK_ERROR_MESSAGE_MAX];
	char hint[HK_ERROR_HINT_MAX]; /* "" when there is none */
};

#define HK_ERROR_INIT         \
	{                     \
		.code = HK_OK \
	}

/* Fills err (any older content is replaced) and returns code. A long text is cut. */
int hk_error_set(struct hk_error *err, enum hk_code code, const char *fmt, ...) HK_PRINTF(3, 4);

/*
 * Like hk_error_set, for a failed system call: appends ": " and the text of sys_errno. HK_E_IO is
 * refined to HK_E_NO_SPACE for ENOSPC and EDQUOT and to HK_E_PERMISSION for EACCES, EPERM and
 * EROFS.
 */
int hk_error_set_errno(struct hk_error *err, enum hk_code code, int sys_errno, const char *fmt, ...)
	HK_PRINTF(4, 5);

/* Whether what a program wrote, in the C locale, names one of the two errors of a full disk. */
bool hk_error_says_full(const char *line);

/* The same for a file that must not be written or read, however the program writes it. */
bool hk_error_says_denied(const char *line);

/* Sets the hint; returns the code that err already has, so that it can end a return statement. */
int hk_error_hint(struct hk_error *err, const char *fmt, ...) HK_PRINTF(2, 3);

/* Puts text and ": " in front of the message; returns the code that err already has. */
int hk_error_prefix(struct hk_error *err, const char *fmt, ...) HK_PRINTF(2, 3);

/* The stable name of a code, such as "COMMAND_TIMEOUT"; "INTERNAL" for a number that is no code. */
const char *hk_code_name(enum hk_code code);

/* The code with that stable name; HK_E_INTERNAL for an unknown one. */
enum hk_code hk_code_from_name(const char *name);

/* The text of codes.def. */
const char *hk_code_text(enum hk_code code);

/* The exit status for a code: 0 for HK_OK. */
int hk_code_exit(enum hk_code code);

#endif
