/*
 * exec with an explanation (for sys), and its search alone.
 */
#ifndef HK_SYS_EXEC_H
#define HK_SYS_EXEC_H

#include <base/error.h>

/*
 * Becomes the program argv[0], looked up in the PATH of env (empty entries are skipped) when it has
 * no slash; a file without a #! line is not given to a shell. Returns only on failure.
 */
int hk_exec(const char *const *argv, const char *const *env, struct hk_error *err);

/* The first file of that name that may be executed in the folders of path; NULL, or the caller's.
 */
char *hk_exec_find(const char *path, const char *name);

#endif
