/*
 * git's pkt-lines (gitprotocol-common(5)): four hexadecimal digits of length, then the data. Only
 * for talking to receive-pack, which waits for every answer.
 */
#ifndef HK_HOOK_PKTLINE_H
#define HK_HOOK_PKTLINE_H

#include <stdbool.h>

#include <base/buf.h>
#include <base/error.h>

#define HK_PKTLINE_MAX 65516 /* bytes of data */

/*
 * Reads one line from fd into line (emptied first), without the newline that may end it. *ret is
 * false for a flush packet. HK_E_IO when the input ends or is no pkt-line.
 */
int hk_pktline_read(int fd, bool *ret, struct hk_buf *line, struct hk_error *err) HK_MUST_CHECK;

/* Appends a line of len bytes, or a flush packet. */
void hk_pktline_add(struct hk_buf *out, const void *data, size_t len);
void hk_pktline_addf(struct hk_buf *out, const char *fmt, ...) HK_PRINTF(2, 3);
void hk_pktline_flush(struct hk_buf *out);

#endif
