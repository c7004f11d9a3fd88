/*
 * Reporting the ends of deployments to [notify] url. What is owed is in the ledger, written with
 * the end itself; a process of its own (hostkit-worker ROOT NAME notify) posts it, so that nobody
 * waits for the receiver. One such process is at work per project, by a lock of its own; one that
 * died is missed by whoever recovers the project next.
 */
#ifndef HK_DEPLOY_NOTIFY_H
#define HK_DEPLOY_NOTIFY_H

#include <deploy/project.h>

/*
 * Starts the sender when something is owed and none is at work. Never waits, and never fails: what
 * could not be started now is started by the next call.
 */
void hk_notify_start(const struct hk_project *p, struct hk_ledger *l);

/*
 * The sender: posts what is owed, oldest first, until nothing is left; returns at once when another
 * one does so. What is older than an hour is given up. Outcomes are recorded; an error means that
 * they could not be.
 */
int hk_notify_send(const struct hk_project *p, struct hk_ledger *l,
		   struct hk_error *err) HK_MUST_CHECK;

#endif
