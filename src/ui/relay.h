/*
 * Relaying a deployment's log to whoever watches: a pushing client (the hook's stderr) or a
 * terminal.
 *
 * The relay never blocks on the watcher and the worker does not know it. It ends when the worker
 * has ended and everything was shown, or when the watcher is gone: a lost git client sends neither
 * a signal nor EPIPE to a hook, but its receive-pack gets another parent, or the pipe stays full.
 */
#ifndef HK_UI_RELAY_H
#define HK_UI_RELAY_H

#include <stdint.h>
#include <sys/types.h>

#include <base/error.h>
#include <sys/procid.h>

struct hk_relay_spec {
	const char *log_path;
	const struct hk_procid *worker; /* NULL or ended: only show what is there */
	int out_fd;
	int detach_fd;	  /* readable: leave (Ctrl-C in a terminal); -1: none */
	pid_t client;	  /* its parents must stay what they are; 0: not watched */
	int64_t stall_ms; /* leave when nothing could be written for so long; < 0: wait for ever */
};

enum hk_relay_end {
	HK_RELAY_COMPLETE,
	HK_RELAY_DETACHED,    /* detach_fd */
	HK_RELAY_CLIENT_GONE, /* client, or an error on out_fd */
	HK_RELAY_STALLED,
};

int hk_relay_run(const struct hk_relay_spec *spec, enum hk_relay_end *ret,
		 struct hk_error *err) HK_MUST_CHECK;

#endif
