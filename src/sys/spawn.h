/*
 * The child's side between fork and exec (private to sys): a session of its own, default signals,
 * descriptors 0, 1, 2 and no others, working folder, and the search for the program. One process
 * only has this code to get right for builds, services and workers alike.
 */
#ifndef HK_SYS_SPAWN_H
#define HK_SYS_SPAWN_H

#include <base/error.h>

struct hk_spawn {
	const char *const *argv;
	const char *const *env;
	int cwd_fd; /* -1: "/" */
	int fds[3]; /* become 0, 1, 2; -1: /dev/null. One may be given twice. */
	int (*before_exec)(void *ctx,
			   struct hk_error *err); /* see hk_process_detach; may be NULL */
	void *ctx;
};

/*
 * In a forked child: becomes the program. Returns only on failure, with the code that err has got:
 * HK_E_COMMAND_NOT_FOUND for a program that is missing or cannot be executed (the message says
 * which), or what before_exec reported. Other descriptors stay usable until exec.
 */
int hk_spawn_exec(const struct hk_spawn *s, struct hk_error *err);

/* All signals back to their defaults, except that the mask is left to the caller. */
void hk_spawn_reset_signals(void);

/* The descriptor's double at 3 or above, O_CLOEXEC: hk_spawn_exec leaves it alone until exec. */
int hk_spawn_dup_high(int fd);

#endif
