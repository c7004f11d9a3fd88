/*
 * Users of the machine: under the root "/" every project is one, and what root does for a project
 * it does as that user.
 */
#ifndef HK_SYS_USER_H
#define HK_SYS_USER_H

#include <stdbool.h>
#include <sys/types.h>

#include <base/buf.h>
#include <base/error.h>

struct hk_user {
	char *name;
	char *home;
	char *shell;
	char *gecos; /* the comment of passwd(5) */
	uid_t uid;
	gid_t gid;
};

#define HK_USER_INIT         \
	{                    \
		.name = NULL \
	}
#define hk_auto_user HK_CLEANUP(hk_user_release) struct hk_user

void hk_user_release(struct hk_user *u);

/* *ret_found is false for a name that nobody has; HK_E_IO when the user database cannot be read. */
int hk_user_find(const char *name, bool *ret_found, struct hk_user *ret,
		 struct hk_error *err) HK_MUST_CHECK;

/*
 * The process becomes that user for good: groups of the group database, then gid, then uid, real,
 * effective and saved. Fails with HK_E_IO unless all of it is so afterwards, and root is out of
 * reach. Only for root, unless the process is that user already.
 */
int hk_user_become(const struct hk_user *u, struct hk_error *err) HK_MUST_CHECK;

/*
 * The process's environment becomes the user's: HOME, USER, LOGNAME, SHELL and a plain PATH. Of
 * what was there only the language, the terminal, the time zone and HOSTKIT_* stay; the rest may
 * name folders and sockets of whoever called.
 */
void hk_user_environment(const struct hk_user *u);

/*
 * Runs fn in a child process that has become the user, with the user's environment, umask 022 and
 * "/" as its folder, and waits for its end. What fn appends to out comes back, and so does its
 * error. HK_E_IO when there is no process to be had or the user cannot be become, HK_E_INTERNAL
 * when the child died. Whatever the child holds by flock through inherited descriptors it holds
 * until it ends; it ends when the caller does.
 */
typedef int hk_user_fn(void *ctx, struct hk_buf *out, struct hk_error *err);
int hk_user_run(const struct hk_user *u, hk_user_fn *fn, void *ctx, struct hk_buf *out,
		struct hk_error *err) HK_MUST_CHECK;

#endif
