/*
 * The supervisor of one command: a forked process that owns the command's whole descendant tree
 * (private to sys; see process.h for what it promises). Caller and supervisor talk over a socket of
 * whole messages; when the caller's end closes, the caller has died and the tree has to end.
 */
#ifndef HK_SYS_SUPERVISOR_H
#define HK_SYS_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <sys/cgroup.h>
#include <sys/procid.h>
#include <sys/sandbox.h>
#include <sys/spawn.h>

enum hk_supervisor_event {
	HK_SUPERVISOR_STARTED, /* id: the command, perhaps before its exec */
	HK_SUPERVISOR_FAILED,  /* error: there was no exec */
	HK_SUPERVISOR_EXITED,  /* the command ended by itself: status, leftovers */
	HK_SUPERVISOR_OVER,    /* the last one: nothing is left, or refused says how many */
};

/* From the supervisor, one message each; a request to end the tree is any message to it. */
struct hk_supervisor_report {
	enum hk_supervisor_event event;
	int status; /* as of waitpid; -1: none */
	unsigned leftovers;
	unsigned refused; /* processes that it was not allowed to end */
	struct hk_cgroup_events events;
	struct hk_procid id;
	struct hk_error error;
};

struct hk_supervisor_spec {
	struct hk_spawn spawn;
	int64_t grace_ms;
	bool may_daemonize;
	bool waits; /* for one byte of HK_COVERS_…, before it starts the command */
	const struct hk_sandbox *sandbox; /* NULL: none */
	pid_t caller;
};

/* In the forked child: runs the command and ends. control is its end of the socket. */
void hk_supervisor_main(const struct hk_supervisor_spec *spec, int control)
	__attribute__((noreturn));

#endif
