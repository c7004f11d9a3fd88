/*
 * Releases on disk: releases/YYYYMMDD-HHMMSS below a project's home.
 */
#ifndef HK_DEPLOY_RELEASE_H
#define HK_DEPLOY_RELEASE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>
#include <store/ledger.h>

#define HK_RELEASE_NAME_LEN 16

/* Whether a name has the form of a release: eight digits, a hyphen, six digits. */
bool hk_release_is_name(const char *name);

/*
 * Chooses a name that is neither in the folder nor in the ledger (which remembers removed ones) and
 * does not have to be waited for: the label of wall_ms, or of the next free second after it. It is
 * a label, not a time stamp: the ledger has the times.
 */
int hk_release_choose_name(int releases_fd, struct hk_ledger *l, int64_t wall_ms,
			   char ret[HK_RELEASE_NAME_LEN], struct hk_error *err) HK_MUST_CHECK;

#endif
