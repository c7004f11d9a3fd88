/*
 * Paths below a release, as lists of the configuration name them.
 */
#ifndef HK_CONF_RELPATH_H
#define HK_CONF_RELPATH_H

#include <stdbool.h>

#include <base/error.h>

/*
 * Fails with HK_E_CONFIG_INVALID unless the path stays below the folder that it begins in, has one
 * spelling (no empty component, no "."), and is neither git's (.git, in any case) nor hostkit's
 * (.env at the top).
 */
int hk_relpath_check(const char *path, struct hk_error *err) HK_MUST_CHECK;

/* Whether the paths are the same, or one lies below the other. */
bool hk_relpath_overlap(const char *a, const char *b);

#endif
