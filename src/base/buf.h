/*
 * A growing byte buffer, always NUL-terminated. Transparent: read data and len directly, change
 * them through the functions. Growth from untrusted input is bounded by the callers that read it
 * (see hk_fs_read_file and hk_lines).
 */
#ifndef HK_BASE_BUF_H
#define HK_BASE_BUF_H

#include <stddef.h>

#include <base/cleanup.h>

struct hk_buf {
	char *data; /* never NULL: an empty buffer points at a shared "" */
	size_t len;
	size_t cap; /* 0 while data is the shared "" */
};

extern char hk_buf_empty[];

#define HK_BUF_INIT                  \
	{                            \
		.data = hk_buf_empty \
	}
#define hk_auto_buf HK_CLEANUP(hk_buf_release) struct hk_buf

void hk_buf_release(struct hk_buf *b); /* frees; the buffer is empty and usable afterwards */
void hk_buf_wipe(struct hk_buf *b);    /* for secrets: zeroes, then releases */
void hk_buf_reset(struct hk_buf *b);   /* empties, keeps the memory */
char *hk_buf_detach(struct hk_buf *b); /* the caller frees the result; b is empty afterwards */
void hk_buf_reserve(struct hk_buf *b, size_t more); /* room for that many bytes and the NUL */
void hk_buf_add(struct hk_buf *b, const void *data, size_t len);
void hk_buf_addstr(struct hk_buf *b, const char *s);
void hk_buf_addch(struct hk_buf *b, char c);
void hk_buf_addf(struct hk_buf *b, const char *fmt, ...) HK_PRINTF(2, 3);
void hk_buf_cut(struct hk_buf *b, size_t len); /* shortens to len; does nothing when shorter */

#endif
