/*
 * Where this installation's own programs and data are.
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

/*
 * The absolute path that a file of the installation's own data has ("templates/x"), wherever the
 * installation was moved; whether it is there is not looked at. The caller frees *ret.
 */
int hk_self_data(const char *path, char **ret, struct hk_error *err) HK_MUST_CHECK;

#endif
