/*
 * What doctor looks at of a project's ssh keys: whether sshd takes the file, what in it is not
 * ours, and whether the forced command can be run.
 */
#include <deploy/doctor_checks.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <host/keys.h>
#include <sys/self.h>
#include <sys/user.h>

/* sshd refuses a file that others may write, and reads it as the user. */
static void check_file(struct hk_doctor *d, const char *path)
{
	hk_auto_free char *quoted = hk_doctor_quote(path);
	bool whole = !strcmp(d->root, "/");
	hk_auto_user user = HK_USER_INIT;
	struct hk_error ignored;
	bool found = false;
	struct stat st;

	if (lstat(path, &st) || !S_ISREG(st.st_mode))
		return;
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("chmod go-w %s", quoted),
			      "others may write '%s', so sshd ignores it", path);
	if (!whole || hk_user_find(d->scope, &found, &user, &ignored) || !found)
		return;
	if (st.st_uid || st.st_gid != user.gid || (st.st_mode & 0777) != 0640)
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("chown root:%s %s && chmod 640 %s", d->scope, quoted,
					   quoted),
			      "'%s' is not root's and readable for the group '%s'", path, d->scope);
}

static void check_program(struct hk_doctor *d, const char *path, const struct hk_key *key)
{
	hk_auto_free char *quoted = hk_doctor_quote(path);
	hk_auto_free char *program = NULL;
	struct hk_error ignored;

	if (!access(key->program, X_OK) || hk_self_program("hostkit", &program, &ignored))
		return;
	hk_doctor_bad(d, HK_DOCTOR_FAIL,
		      hk_xasprintf("sed -i 's|%s shell|%s shell|' %s", key->program, program,
				   quoted),
		      "the key '%s' runs '%s', which is not there: it can do nothing", key->label,
		      key->program);
}

void hk_doctor_check_keys(struct hk_doctor *d)
{
	const struct hk_project *p = &d->project;
	const struct hk_keys_of of = { .root = d->root, .project = p->name, .home = p->home_path };
	hk_auto_free char *path = hk_xasprintf("%s/.ssh/authorized_keys", p->home_path);
	hk_auto_free char *quoted = hk_doctor_quote(path);
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_keys keys = HK_KEYS_INIT;

	/* A missing home is told elsewhere. */
	if (p->home_fd < 0)
		return;
	if (hk_keys_list(&of, &keys, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, hk_xasprintf("ls -la %s", quoted));
		return;
	}
	check_file(d, path);
	for (size_t i = 0; i < keys.len; i++)
		check_program(d, path, &keys.items[i]);
	if (keys.others)
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xasprintf("see: grep -nv '^restrict,' %s", quoted),
			      "%zu line%s of '%s' %s not hostkit's, and may let a key do anything",
			      keys.others, keys.others == 1 ? "" : "s", path,
			      keys.others == 1 ? "is" : "are");
	if (d->said)
		return;
	if (keys.len)
		hk_doctor_ok(d, "%zu, in %s", keys.len, path);
	else
		hk_doctor_ok(d, "none; add one with: hostkit key add %s FILE", p->name);
}
