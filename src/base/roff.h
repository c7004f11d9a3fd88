/*
 * Text for manual pages.
 */
#ifndef HK_BASE_ROFF_H
#define HK_BASE_ROFF_H

#include <base/buf.h>

/* Appends plain text in man(7) markup: nothing in it is a request or an escape. */
void hk_roff_text(struct hk_buf *out, const char *text);

#endif
