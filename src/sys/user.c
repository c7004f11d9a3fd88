/*
 * Users of the machine (contract in user.h).
 */
#include <sys/user.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/strlist.h>
#include <sys/fs.h>

#define ENTRY_MAX 65536
#define ANSWER_MAX (16 << 20)

extern char **environ;

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

static bool is_kept(const char *entry)
{
	static const char *const prefixes[] = { "HOSTKIT_", "LANG=", "LC_", "TERM=", "TZ=" };

	for (size_t i = 0; i < HK_ARRAY_LEN(prefixes); i++)
		if (!strncmp(entry, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

void hk_user_environment(const struct hk_user *u)
{
	hk_auto_strlist kept = HK_STRLIST_INIT;

	for (char **e = environ; e && *e; e++)
		if (is_kept(*e))
			hk_strlist_add(&kept, *e);
	clearenv();
	for (size_t i = 0; i < kept.len; i++) {
		char *value = strchr(kept.items[i], '=');

		if (!value)
			continue;
		*value++ = '\0';
		setenv(kept.items[i], value, 1);
	}
	setenv("HOME", u->home, 1);
	setenv("USER", u->name, 1);
	setenv("LOGNAME", u->name, 1);
	setenv("SHELL", u->shell, 1);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
}

/* In the child: the error first, since it has a fixed size, and then what fn has to say. */
_Noreturn static void answer(int fd, const struct hk_error *err, const struct hk_buf *out)
{
	fflush(NULL);
	_exit(hk_fs_write_all(fd, err, sizeof(*err)) || hk_fs_write_all(fd, out->data, out->len));
}

_Noreturn static void run_child(const struct hk_user *u, pid_t parent, hk_user_fn *fn, void *ctx,
				int fd)
{
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_buf out = HK_BUF_INIT;

	/* Behind the change of the user, which clears it. */
	if (hk_user_become(u, &err) || prctl(PR_SET_PDEATHSIG, SIGKILL))
		answer(fd, &err, &out);
	if (getppid() != parent)
		_exit(1);
	hk_user_environment(u);
	umask(022);
	if (chdir("/"))
		hk_error_set_errno(&err, HK_E_IO, errno, "cannot change to '/'");
	else if (!fn(ctx, &out, &err))
		err = (struct hk_error)HK_ERROR_INIT;
	answer(fd, &err, &out);
}

static int take_answer(const struct hk_user *u, const struct hk_buf *all, struct hk_buf *out,
		       struct hk_error *err)
{
	struct hk_error theirs;

	if (all->len < sizeof(theirs))
		return hk_error_set(err, HK_E_INTERNAL,
				    "a process of the user '%s' died before its end", u->name);
	memcpy(&theirs, all->data, sizeof(theirs));
	if (out)
		hk_buf_add(out, all->data + sizeof(theirs), all->len - sizeof(theirs));
	if (theirs.code)
		*err = theirs;
	return theirs.code;
}

int hk_user_run(const struct hk_user *u, hk_user_fn *fn, void *ctx, struct hk_buf *out,
		struct hk_error *err)
{
	hk_auto_close int reader = -1, writer = -1;
	hk_auto_buf all = HK_BUF_INIT;
	pid_t parent = getpid(), pid;
	int ends[2], failed;

	if (pipe2(ends, O_CLOEXEC))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make a pipe");
	reader = ends[0];
	writer = ends[1];
	/* What stdio holds would be written twice. */
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot start a process");
	if (!pid)
		run_child(u, parent, fn, ctx, writer);
	close(hk_steal_fd(&writer));
	failed = hk_fs_read_all(reader, ANSWER_MAX, &all);
	if (failed)
		kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (failed)
		return hk_error_set_errno(err, HK_E_IO, failed, "cannot read what '%s' answers",
					  u->name);
	return take_answer(u, &all, out, err);
}
