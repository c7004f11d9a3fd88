/*
 * Diagnostics for whoever debugs hostkit itself, on stderr, off by default (HOSTKIT_DEBUG=1).
 * Nothing a user needs to know goes here: progress has the report, facts have the ledger.
 */
#ifndef HK_BASE_LOG_H
#define HK_BASE_LOG_H

#include <base/cleanup.h>

void hk_log_debug(const char *fmt, ...) HK_PRINTF(1, 2);

#endif
