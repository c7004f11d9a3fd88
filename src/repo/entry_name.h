/*
 * Which names of a tree may be written to disk.
 *
 * Stricter than git on Linux: core.protectHFS and core.protectNTFS (git-config(1)) are both taken
 * as set, because what is exported here may be copied to a filesystem that folds names.
 */
#ifndef HK_REPO_ENTRY_NAME_H
#define HK_REPO_ENTRY_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Says why a name (len bytes, no terminator needed) must not be written, as the end of the
 * sentence "entry 'x' …"; NULL when it may. link: the entry is a symbolic link.
 */
const char *hk_entry_name_refusal(const char *name, size_t len, bool link);

#define HK_ENTRY_LABEL_LEN 320

/*
 * A path as messages show it: control characters as \ooo, so that a name cannot forge a line, and
 * of a long path only the end.
 */
const char *hk_entry_label(const char *path, char out[HK_ENTRY_LABEL_LEN]);

#endif
