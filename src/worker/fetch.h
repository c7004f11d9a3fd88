/*
 * hostkit-worker ROOT NAME fetch ID: fetches what a deployment asks for from another repository.
 * Started by that deployment's worker (deploy/fetch.c), which ends it at the limit or on cancel,
 * wherever it waits. It changes nothing but objects and two refs of the project's repository.
 */
#ifndef HK_WORKER_FETCH_H
#define HK_WORKER_FETCH_H

/* Returns the exit status; the reason of a failure is on stdout as in deploy/fetch.h. */
int hk_worker_fetch(const char *root, const char *name, const char *id);

#endif
