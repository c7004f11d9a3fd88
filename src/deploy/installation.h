/*
 * Changing what an installation has: projects are made, changed and removed one at a time, so that
 * no two of them get the same port or take each other's folders for leftovers. Under "/" that is
 * root's to do, which the command line sees to.
 */
#ifndef HK_DEPLOY_INSTALLATION_H
#define HK_DEPLOY_INSTALLATION_H

#include <stdbool.h>

#include <base/error.h>
#include <sys/lock.h>

struct hk_installation {
	const char *root; /* borrowed */
	struct hk_lock lock;
	unsigned made; /* the folders that entering has made, as bits */
};

#define HK_INSTALLATION_INIT                       \
	{                                          \
		.root = NULL, .lock = HK_LOCK_INIT \
	}
#define hk_auto_installation HK_CLEANUP(hk_installation_leave) struct hk_installation

/* Whether projects of that root are users of the machine: "/". */
bool hk_installation_is_host(const char *root);

/*
 * Makes the folders that projects lie in, and waits for whoever else is at work. Under "/" only
 * root may list the folder of projects, so that nobody else can hold the lock on it.
 */
int hk_installation_enter(const char *root, struct hk_installation *ret,
			  struct hk_error *err) HK_MUST_CHECK;

/* Removes the empty ones of these folders, or only those that entering has made; while entered. */
void hk_installation_sweep(struct hk_installation *in, bool all);

void hk_installation_leave(struct hk_installation *in);

#endif
