/*
 * Signal set-up for long-running entry points.
 */
#ifndef HK_SYS_SIGNALS_H
#define HK_SYS_SIGNALS_H

#include <base/error.h>

/* Ignores SIGPIPE: a lost reader is an EPIPE to handle, not an end. For every program, first thing.
 */
void hk_signals_ignore_pipe(void);

/* Before a program takes the place of this one: it is not to inherit that. */
void hk_signals_default_pipe(void);

/*
 * Turns SIGTERM and SIGINT into a readable descriptor: once one arrives, *ret_fd (a pipe end that
 * is never read, so it stays readable) says "cancel" to every poll. Handlers are installed without
 * SA_RESTART, so that a blocking flock ends too. Once per process.
 */
int hk_signals_cancel_fd(int *ret_fd, struct hk_error *err) HK_MUST_CHECK;

#endif
