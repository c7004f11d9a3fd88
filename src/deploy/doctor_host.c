/*
 * What doctor looks at of the machine, for projects under "/".
 */
#include <deploy/doctor_checks.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <host/account.h>
#include <host/site.h>
#include <host/unit.h>
#include <sys/fs.h>

static char *apply(const struct hk_doctor *d)
{
	return hk_xasprintf("hostkit project apply %s", d->scope);
}

/* That there is one which is somebody else's was told before. */
void hk_doctor_check_user(struct hk_doctor *d)
{
	const struct hk_user *u = &d->hosted.user;

	if (!u->name)
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("hostkit project remove %s && hostkit project create %s",
					   d->scope, d->scope),
			      "the project's user '%s' is missing", d->scope);
	else if (strcmp(u->home, d->hosted.home))
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("usermod --home %s %s", d->hosted.home, u->name),
			      "the home of the user '%s' is '%s'", u->name, u->home);
	else if (strstr(u->shell, "nologin") || strstr(u->shell, "/false"))
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("usermod --shell /bin/sh %s", u->name),
			      "sshd cannot run the command of a key with the shell '%s' of '%s'",
			      u->shell, u->name);
	else
		hk_doctor_ok(d, "%s (%u)", u->name, (unsigned)u->uid);
}

/* --- Owners and modes */

struct made {
	const char *base, *below;
	bool roots; /* root is the owner; else the user */
	mode_t mode;
	bool any_group; /* the web server's, where it serves files */
};

/* A folder of keys that is not root's may have keys in it that are not root's choice. */
static char *mend_owner(const struct hk_doctor *d, const struct made *m, uid_t owner,
			const char *path)
{
	if (m->roots && *m->below && owner)
		return hk_xasprintf("mv -T %s %s.old", path, path);
	return hk_xasprintf("chown -h %s:%s %s", m->roots ? "root" : d->scope, d->scope, path);
}

static void check_made(struct hk_doctor *d, const struct made *m)
{
	hk_auto_free char *path = hk_xasprintf("%s%s", m->base, m->below);
	hk_auto_free char *quoted = hk_doctor_quote(path);
	uid_t uid = m->roots ? 0 : d->hosted.hp.uid;
	char mode[8];
	struct stat st;

	/* What is missing, or moved to another disk by a link, is told by others. */
	if (lstat(path, &st) || S_ISLNK(st.st_mode))
		return;
	snprintf(mode, sizeof(mode), "%o", (unsigned)m->mode);
	if (st.st_uid != uid || (!m->any_group && st.st_gid != d->hosted.hp.gid))
		hk_doctor_bad(d, HK_DOCTOR_FAIL, mend_owner(d, m, st.st_uid, quoted),
			      "'%s' is not of %s and the group '%s'", path,
			      m->roots ? "root" : "the project's user", d->scope);
	else if ((st.st_mode & 07777) != m->mode)
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_doctor_chmod(d, uid, mode, quoted),
			      "'%s' has the mode %03o instead of %03o", path,
			      (unsigned)st.st_mode & 07777, (unsigned)m->mode);
}

void hk_doctor_check_modes(struct hk_doctor *d)
{
	const char *home = d->hosted.home, *state = d->hosted.state;
	const struct made rows[] = {
		{ d->ini, "", true, 0640, false },	  { home, "", false, 0750, true },
		{ home, "/.ssh", true, 0750, false },	  { home, "/repo.git", false, 0700, false },
		{ home, "/releases", false, 0755, true }, { home, "/shared", false, 0750, true },
		{ home, "/logs", false, 0750, true },	  { state, "", false, 0750, false },
	};

	if (!d->hosted.user.name)
		return;
	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++)
		check_made(d, &rows[i]);
	if (!d->said)
		hk_doctor_ok(d, "as they were made");
}

/* --- Files of the machine's configuration */

static void check_file(struct hk_doctor *d, const struct hk_host_file *f)
{
	hk_auto_free char *path = hk_host_file_path(f, d->scope);
	hk_auto_free char *quoted = hk_doctor_quote(path);
	struct hk_error err = HK_ERROR_INIT;
	enum hk_host_file_state state;

	if (hk_host_file_look(f, &d->hosted.hp, &state, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, apply(d));
		return;
	}
	switch (state) {
	case HK_HOST_FILE_MISSING:
		hk_doctor_bad(d, HK_DOCTOR_FAIL, apply(d), "there is no %s '%s'", f->what, path);
		return;
	case HK_HOST_FILE_FOREIGN:
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("mv %s %s.old && hostkit project apply %s", quoted,
					   quoted, d->scope),
			      "the %s '%s' is not hostkit's", f->what, path);
		return;
	case HK_HOST_FILE_OUTDATED:
		hk_doctor_bad(d, HK_DOCTOR_WARN, apply(d),
			      "the %s '%s' is not as template and settings say", f->what, path);
		return;
	case HK_HOST_FILE_CHANGED:
		hk_doctor_ok(d, "%s, which was changed by hand, and is left as it is", path);
		return;
	case HK_HOST_FILE_UNREADABLE:
		hk_doctor_ok(d, "only root sees the %s", f->what);
		return;
	case HK_HOST_FILE_AS_MADE:
		hk_doctor_ok(d, "%s", path);
	}
}

void hk_doctor_check_unit(struct hk_doctor *d)
{
	check_file(d, &hk_host_unit_file);
}

void hk_doctor_check_rights(struct hk_doctor *d)
{
	check_file(d, &hk_host_rule_file);
}

void hk_doctor_check_site(struct hk_doctor *d)
{
	const char *domain = d->project.conf.project_domain;
	struct hk_host_file f = hk_host_site_file(&d->hosted.hp);

	if (!*domain)
		hk_doctor_ok(d, "no [project] domain is set");
	else if (!hk_host_site_has_server())
		hk_doctor_bad(d, HK_DOCTOR_WARN,
			      hk_xasprintf("apt install nginx && hostkit project apply %s",
					   d->scope),
			      "nginx is not installed, so nothing answers for '%s'", domain);
	else
		check_file(d, &f);
}

void hk_doctor_check_enabled(struct hk_doctor *d)
{
	bool used = hk_host_unit_is_used(&d->project.conf);
	bool enabled = hk_host_unit_is_enabled(d->scope);

	if (enabled == used)
		hk_doctor_ok(d, "%s",
			     used ? "the service starts with the machine"
				  : "systemd does not run the service");
	else
		hk_doctor_bad(d, HK_DOCTOR_WARN, apply(d), "the service %s with the machine",
			      used ? "does not start" : "is systemd's to start");
}
