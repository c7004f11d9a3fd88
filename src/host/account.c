/*
 * Users of projects (contract in account.h). The machine's own programs change the user database,
 * which may be more than files.
 */
#include <host/account.h>

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <shadow.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <host/run.h>

#define COMMENT "hostkit project "
#define SHELL "/bin/sh" /* sshd runs the forced command of a key through it */
#define NO_PASSWORD "*" /* none fits; sshd takes an account with "!" for locked */
#define ENTRY_MAX 65536

static bool is_ours(const struct hk_user *u, const char *name)
{
	hk_auto_free char *comment = hk_xasprintf("%s%s", COMMENT, name);
	size_t len = strlen(comment);

	/* chfn(1) and others put commas behind it. */
	return u->uid && !strncmp(u->gecos, comment, len) &&
	       strspn(u->gecos + len, ",") == strlen(u->gecos + len);
}

static int taken(const char *kind, const char *name, struct hk_error *err)
{
	hk_error_set(err, HK_E_NAME_TAKEN, "there is a %s '%s' that is not hostkit's", kind, name);
	return hk_error_hint(err, "choose another name, such as %s-app", name);
}

int hk_host_account_find(const char *name, bool *ret_found, struct hk_user *ret,
			 struct hk_error *err)
{
	hk_auto_user u = HK_USER_INIT;

	if (hk_user_find(name, ret_found, &u, err))
		return err->code;
	if (*ret_found && !is_ours(&u, name))
		return taken("user", name, err);
	if (*ret_found) {
		*ret = u;
		u = (struct hk_user)HK_USER_INIT;
	}
	return 0;
}

static int find_group(const char *name, bool *ret_found, gid_t *ret, struct hk_error *err)
{
	hk_auto_free char *space = hk_xcalloc(1, ENTRY_MAX);
	struct group entry, *found = NULL;
	int failed = getgrnam_r(name, &entry, space, ENTRY_MAX, &found);

	/* What getgrnam(3) lists beside 0 for a name that is not there. */
	if (failed && failed != ENOENT && failed != ESRCH && failed != EBADF && failed != EPERM)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot look up the group '%s'",
					  name);
	*ret_found = found != NULL;
	if (found)
		*ret = entry.gr_gid;
	return 0;
}

int hk_host_account_check(const char *name, struct hk_error *err)
{
	hk_auto_user u = HK_USER_INIT;
	bool user, group;
	gid_t gid = 0;

	if (hk_host_account_find(name, &user, &u, err) || find_group(name, &group, &gid, err))
		return err->code;
	return group && (!user || gid != u.gid) ? taken("group", name, err) : 0;
}

/*
 * A home whose owner is nobody any more (a userdel, a restored disk) gets its user back by number.
 * Who put it below /home is root.
 */
static char *orphaned_uid(const char *home)
{
	struct stat st;

	if (lstat(home, &st) || !S_ISDIR(st.st_mode) || !st.st_uid || getpwuid(st.st_uid))
		return NULL;
	return hk_xasprintf("%u", (unsigned)st.st_uid);
}

static int add(const struct hk_host_project *hp, struct hk_error *err)
{
	hk_auto_free char *comment = hk_xasprintf("%s%s", COMMENT, hp->name);
	hk_auto_free char *uid = orphaned_uid(hp->home);
	const char *const words[] = { "useradd",    "--system", "--user-group", "--no-create-home",
				      "--home-dir", hp->home,	"--shell",	SHELL,
				      "--comment",  comment,	"--password",	NO_PASSWORD };
	hk_auto_strlist argv = HK_STRLIST_INIT;

	for (size_t i = 0; i < HK_ARRAY_LEN(words); i++)
		hk_strlist_add(&argv, words[i]);
	if (uid) {
		hk_strlist_add(&argv, "--uid");
		hk_strlist_add(&argv, uid);
	}
	hk_strlist_add(&argv, "--");
	hk_strlist_add(&argv, hp->name);
	return hk_host_run(hk_strlist_argv(&argv), err);
}

/* useradd writes passwd, shadow and group one after another. */
static int complete(const struct hk_host_project *hp, const struct hk_user *u, bool *ret_made,
		    struct hk_error *err)
{
	hk_auto_free char *number = hk_xasprintf("%u", (unsigned)u->gid);
	const char *const group[] = {
		"groupadd", "--system", "--gid", number, "--", hp->name, NULL
	};
	const char *const password[] = {
		"usermod", "--password", NO_PASSWORD, "--", hp->name, NULL
	};
	bool found;
	gid_t gid;

	if (find_group(hp->name, &found, &gid, err))
		return err->code;
	if (!found && hk_host_run(group, err))
		return err->code;
	*ret_made |= !found;
	if (getspnam(hp->name))
		return 0;
	*ret_made = true;
	return hk_host_run(password, err);
}

int hk_host_account_make(const struct hk_host_project *hp, bool *ret_made, struct hk_error *err)
{
	hk_auto_user u = HK_USER_INIT;
	bool found;

	if (hk_host_account_check(hp->name, err) || hk_host_account_find(hp->name, &found, &u, err))
		return err->code;
	if (found)
		return complete(hp, &u, ret_made, err);
	*ret_made = true;
	return add(hp, err);
}

/* userdel takes the group with it, unless login.defs(5) says otherwise. */
int hk_host_account_remove(const struct hk_host_project *hp, struct hk_error *err)
{
	const char *const userdel[] = { "userdel", "--", hp->name, NULL };
	const char *const groupdel[] = { "groupdel", "--", hp->name, NULL };
	hk_auto_user u = HK_USER_INIT;
	bool user, group;
	gid_t gid, own = hp->gid;

	if (hk_host_account_find(hp->name, &user, &u, err))
		return err->code;
	if (user) {
		own = u.gid;
		if (hk_host_run(userdel, err))
			return err->code;
	}
	if (find_group(hp->name, &group, &gid, err))
		return err->code;
	return group && own && gid == own ? hk_host_run(groupdel, err) : 0;
}
