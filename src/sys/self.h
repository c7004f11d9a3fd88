/*
 * Where this installation's own programs are.
 */
#ifndef HK_SYS_SELF_H
#define HK_SYS_SELF_H

#include <base/error.h>

/*
 * The absolute path of one of hostkit's helper programs ("hostkit-worker", "post-receive"): beside
 * the running program, or in libexecdir of the installation it belongs to, which may have been
 * moved as a whole (DESTDIR). The caller frees *ret. HK_E_INTERNAL names the places that were
 * tried.
 */
int hk_self_program(const char *name, char **ret, struct hk_error *err) HK_MUST_CHECK;

#endif
