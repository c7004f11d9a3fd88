/*
 * Owners of projects (contract in owner.h).
 */
#include <deploy/owner.h>

#include <unistd.h>

#include <deploy/installation.h>

int hk_owner_find(const char *name, struct hk_user *ret, struct hk_error *err)
{
	hk_auto_user u = HK_USER_INIT;
	bool found;

	if (hk_user_find(name, &found, &u, err))
		return err->code;
	if (!found || !u.uid) {
		hk_error_set(err, HK_E_PERMISSION, "the project '%s' has no user of its name",
			     name);
		return hk_error_hint(err, "see: hostkit doctor %s", name);
	}
	*ret = u;
	u = (struct hk_user)HK_USER_INIT;
	return 0;
}

int hk_owner_check(const char *root, const char *name, struct hk_error *err)
{
	hk_auto_user u = HK_USER_INIT;

	if (!hk_installation_is_host(root))
		return 0;
	if (hk_owner_find(name, &u, err))
		return err->code;
	if (geteuid() == u.uid && getuid() == u.uid)
		return 0;
	hk_error_set(err, HK_E_PERMISSION, "what is of the project '%s' is for the user '%s' to do",
		     name, name);
	return hk_error_hint(err, "push to %s@HOST, or use hostkit as root", name);
}
