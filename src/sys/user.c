/*
 * Users of the machine (contract in user.h).
 */
#include <sys/user.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>

#define ENTRY_MAX 65536

void hk_user_release(struct hk_user *u)
{
	free(u->name);
	free(u->home);
	free(u->shell);
	free(u->gecos);
	*u = (struct hk_user)HK_USER_INIT;
}

int hk_user_find(const char *name, bool *ret_found, struct hk_user *ret, struct hk_error *err)
{
	hk_auto_free char *space = hk_xcalloc(1, ENTRY_MAX);
	struct passwd entry, *found = NULL;
	int failed = getpwnam_r(name, &entry, space, ENTRY_MAX, &found);

	/* What getpwnam(3) lists beside 0 for a name that is not there. */
	if (failed && failed != ENOENT && failed != ESRCH && failed != EBADF && failed != EPERM)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot look up the user '%s'",
					  name);
	*ret_found = found != NULL;
	if (found)
		*ret = (struct hk_user){
			.name = hk_xstrdup(found->pw_name),
			.home = hk_xstrdup(found->pw_dir),
			.shell = hk_xstrdup(found->pw_shell),
			.gecos = hk_xstrdup(found->pw_gecos),
			.uid = found->pw_uid,
			.gid = found->pw_gid,
		};
	return 0;
}

static bool is_already(const struct hk_user *u)
{
	uid_t ruid, euid, suid;
	gid_t rgid, egid, sgid;

	return !getresuid(&ruid, &euid, &suid) && !getresgid(&rgid, &egid, &sgid) &&
	       ruid == u->uid && euid == u->uid && suid == u->uid && rgid == u->gid &&
	       egid == u->gid && sgid == u->gid;
}

int hk_user_become(const struct hk_user *u, struct hk_error *err)
{
	if (is_already(u))
		return 0;
	if (initgroups(u->name, u->gid) || setresgid(u->gid, u->gid, u->gid) ||
	    setresuid(u->uid, u->uid, u->uid))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot become the user '%s'",
					  u->name);
	if (!is_already(u) || (u->uid && !setuid(0)))
		return hk_error_set(err, HK_E_IO, "the process has not become the user '%s'",
				    u->name);
	return 0;
}
