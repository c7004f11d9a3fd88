/*
 * exec with an explanation (private to sys).
 */
#ifndef HK_SYS_EXEC_H
#define HK_SYS_EXEC_H

#include <base/error.h>

/*
 * Becomes the program argv[0], looked up in the PATH of env (empty entries are skipped) when it has
 * no slash; a file without a #! line is not given to a shell. Returns only on failure.
 */
int hk_exec(const char *const *argv, const char *const *env, struct hk_error *err);

#endif
