/*
 * project create: a table of steps, each of which can be undone.
 */
#include <deploy/create.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <deploy/hosted.h>
#include <deploy/installation.h>
#include <deploy/missed.h>
#include <deploy/port.h>
#include <deploy/project.h>
#include <deploy/repository.h>
#include <host/account.h>
#include <host/folders.h>
#include <host/parts.h>
#include <host/unit.h>
#include <repo/repo.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

/* Keys that `project create` writes, and the option each comes from. */
struct setting {
	const char *section;
	const char *key;
	const char *value;
};

#define SETTINGS 6

/* One run. */
struct making {
	const char *root;
	const struct hk_create_spec *spec;
	bool host; /* under "/" */
	char *port;
	struct setting settings[SETTINGS];
	char *home, *state, *repo, *ini;
	char *staged; /* the INI file before the project exists */
	struct hk_conf conf;
	struct hk_hosted hosted;
	struct hk_strlist filled; /* paths that the project's user has made */
	unsigned parts;		  /* of the machine's configuration, that were made */
	struct hk_strlist *notes;
};

static void release(struct making *m)
{
	free(m->port);
	free(m->home);
	free(m->state);
	free(m->repo);
	free(m->ini);
	free(m->staged);
	hk_conf_release(&m->conf);
	hk_hosted_release(&m->hosted);
	hk_strlist_release(&m->filled);
}

/* --- The user */

static int make_account(struct making *m, bool *ret_made, struct hk_error *err)
{
	if (hk_host_account_make(&m->hosted.hp, ret_made, err))
		return err->code;
	return hk_hosted_find_user(&m->hosted, err);
}

static int undo_account(struct making *m, struct hk_error *err)
{
	return hk_host_account_remove(&m->hosted.hp, err);
}

/* --- The two folders that are the user's, and .ssh, which is not */

static int make_folder(const char *path, bool *ret_made, struct hk_error *err)
{
	*ret_made = !hk_fs_exists(AT_FDCWD, path);
	return hk_fs_mkdir_p(AT_FDCWD, path, 0750, err);
}

static int make_home(struct making *m, bool *ret_made, struct hk_error *err)
{
	return m->host ? hk_host_home_make(&m->hosted.hp, ret_made, err)
		       : make_folder(m->home, ret_made, err);
}

static int undo_home(struct making *m, struct hk_error *err)
{
	return hk_fs_remove_tree(AT_FDCWD, m->home, err);
}

static int make_state(struct making *m, bool *ret_made, struct hk_error *err)
{
	return m->host ? hk_host_state_make(&m->hosted.hp, ret_made, err)
		       : make_folder(m->state, ret_made, err);
}

static int undo_state(struct making *m, struct hk_error *err)
{
	return hk_fs_remove_tree(AT_FDCWD, m->state, err);
}

static int make_ssh(struct making *m, bool *ret_made, struct hk_error *err)
{
	return hk_host_ssh_make(&m->hosted.hp, ret_made, err);
}

static int undo_ssh(struct making *m, struct hk_error *err)
{
	return hk_host_ssh_remove(&m->hosted.hp, err);
}

/* --- What is in them, made by the project's user */

/* Said before it is made, so that what is half-made can be undone. */
static void say_new(struct hk_buf *out, const char *path)
{
	if (!hk_fs_exists(AT_FDCWD, path))
		hk_buf_addf(out, "%s\n", path);
}

static int fill_folders(const struct making *m, struct hk_buf *out, struct hk_error *err)
{
	const struct {
		const char *dir, *below;
		mode_t mode;
	} folders[] = {
		{ m->state, "log", 0750 },     { m->state, "cache", 0750 },
		{ m->home, "releases", 0755 }, { m->home, "shared", 0750 },
		{ m->home, "logs", 0750 },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(folders); i++) {
		hk_auto_free char *path = hk_xasprintf("%s/%s", folders[i].dir, folders[i].below);

		say_new(out, path);
		if (hk_fs_mkdir_p(AT_FDCWD, path, folders[i].mode, err))
			return err->code;
	}
	return 0;
}

static int fill_repository(const struct making *m, struct hk_buf *out, struct hk_error *err)
{
	say_new(out, m->repo);
	if (hk_repository_make(m->repo, m->home, m->spec->branch ? m->spec->branch : "main",
			       m->spec->strict, err))
		return err->code;
	if (m->host && chmod(m->repo, 0700))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot change the mode of '%s'",
					  m->repo);
	return 0;
}

/* Refs that are there already were not pushed to hostkit: what comes after is compared with them.
 */
static int fill_ledger(const struct making *m, struct hk_buf *out, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/ledger.db", m->state);
	hk_auto_free char *wal = hk_xasprintf("%s-wal", path), *shm = hk_xasprintf("%s-shm", path);
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;

	say_new(out, path);
	say_new(out, wal);
	say_new(out, shm);
	if (hk_ledger_open(path, &ledger, err) || hk_repo_open(m->repo, m->home, &repo, err))
		return err->code;
	return hk_missed_begin(ledger, repo, err);
}

static int fill(void *ctx, struct hk_buf *out, struct hk_error *err)
{
	const struct making *m = ctx;

	if (fill_folders(m, out, err) || fill_repository(m, out, err) || fill_ledger(m, out, err))
		return err->code;
	return 0;
}

/* Root writes nothing into the user's folders: whatever lies there, a link say, is the user's. */
static int as_user(struct making *m, hk_user_fn *fn, struct hk_buf *out, struct hk_error *err)
{
	return m->host ? hk_user_run(&m->hosted.user, fn, m, out, err) : fn(m, out, err);
}

static int make_content(struct making *m, bool *ret_made, struct hk_error *err)
{
	hk_auto_buf out = HK_BUF_INIT;
	int ret = as_user(m, fill, &out, err);

	for (char *p = out.data, *end; (end = strchr(p, '\n')); p = end + 1) {
		*end = '\0';
		hk_strlist_add(&m->filled, p);
	}
	*ret_made = m->filled.len > 0;
	return ret;
}

static int empty(void *ctx, struct hk_buf *out HK_UNUSED, struct hk_error *err)
{
	const struct making *m = ctx;

	for (size_t i = m->filled.len; i-- > 0;)
		if (hk_fs_remove_tree(AT_FDCWD, m->filled.items[i], err))
			return err->code;
	return 0;
}

static int undo_content(struct making *m, struct hk_error *err)
{
	return as_user(m, empty, NULL, err);
}

/* --- Settings */

/* Under a name that makes no project yet; readable for the project's user, and nobody else. */
static int stage_settings(struct making *m, bool *ret_made, struct hk_error *err)
{
	hk_auto_free char *defaults = hk_project_root_path(m->root, "etc/hostkit/hostkit.ini");
	hk_auto_buf text = HK_BUF_INIT;
	const char *section = "";

	hk_buf_addf(&text,
		    "# hostkit project %s. All keys: man hostkit.ini, or hostkit config show %s.\n",
		    m->spec->name, m->spec->name);
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct setting *s = &m->settings[i];

		if (!s->value)
			continue;
		if (strcmp(section, s->section))
			hk_buf_addf(&text, "\n[%s]\n", s->section);
		section = s->section;
		hk_buf_addf(&text, "%s = %s\n", s->key, s->value);
	}
	*ret_made = true;
	if (hk_fs_write_file_for((uid_t)-1, m->host ? m->hosted.hp.gid : (gid_t)-1, AT_FDCWD,
				 m->staged, text.data, text.len, m->host ? 0640 : 0644, err))
		return err->code;
	if (hk_conf_load(defaults, m->staged, &m->conf, NULL, err))
		return err->code;
	m->hosted.hp.conf = &m->conf;
	/* Its site would show the other's service; private roots are for trying things out. */
	return m->host ? hk_port_check_owner(m->root, m->spec->name, m->conf.project_port, err) : 0;
}

static int remove_file(const char *path, struct hk_error *err)
{
	if (unlink(path) && errno != ENOENT)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", path);
	return 0;
}

static int undo_settings(struct making *m, struct hk_error *err)
{
	return remove_file(m->staged, err);
}

/* --- What follows from them */

static int make_parts(struct making *m, bool *ret_made, struct hk_error *err)
{
	int ret = hk_host_parts_make(&m->hosted.hp, &m->parts, err);

	*ret_made = m->parts != 0;
	return ret;
}

static int undo_parts(struct making *m, struct hk_error *err)
{
	return hk_host_parts_remove(&m->hosted.hp, m->parts, err);
}

static int make_project(struct making *m, bool *ret_made, struct hk_error *err)
{
	hk_auto_free char *path = hk_project_root_path(m->root, "etc/hostkit/projects");
	hk_auto_close int dir = -1;

	if (hk_fs_open_dir(AT_FDCWD, path, &dir, err))
		return err->code;
	if (rename(m->staged, m->ini))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot make '%s'", m->ini);
	*ret_made = true;
	return hk_fs_sync_dir(dir, err);
}

static int undo_project(struct making *m, struct hk_error *err)
{
	return remove_file(m->ini, err);
}

/* --- The steps */

enum where {
	EVERYWHERE,
	ON_HOST,
};

static const struct step {
	const char *title;
	enum where where;
	/* Idempotent; *ret_made when it has made something, also where it fails then. */
	int (*make)(struct making *m, bool *ret_made, struct hk_error *err);
	int (*undo)(struct making *m, struct hk_error *err);
} steps[] = {
	{ "the user", ON_HOST, make_account, undo_account },
	{ "the home", EVERYWHERE, make_home, undo_home },
	{ "the state", EVERYWHERE, make_state, undo_state },
	{ "the folder of keys", ON_HOST, make_ssh, undo_ssh },
	{ "the content", EVERYWHERE, make_content, undo_content },
	{ "the settings", EVERYWHERE, stage_settings, undo_settings },
	{ "the machine's configuration", ON_HOST, make_parts, undo_parts },
	{ "the project", EVERYWHERE, make_project, undo_project },
};

static void undo(struct making *m, unsigned made)
{
	for (size_t i = HK_ARRAY_LEN(steps); i-- > 0;) {
		struct hk_error err = HK_ERROR_INIT;

		if (made & 1U << i && steps[i].undo(m, &err))
			hk_strlist_addf(m->notes, "%s could not be undone: %s", steps[i].title,
					err.message);
	}
}

static int walk(struct making *m, struct hk_error *err)
{
	unsigned made = 0;

	for (size_t i = 0; i < HK_ARRAY_LEN(steps); i++) {
		bool is_made = false;
		int ret;

		if (steps[i].where == ON_HOST && !m->host)
			continue;
		ret = steps[i].make(m, &is_made, err);
		made |= (unsigned)is_made << i;
		if (!ret && !HK_FAILPOINT(create_step, err))
			continue;
		undo(m, made);
		return err->code;
	}
	return 0;
}

/* --- Before anything is made */

static int check_settings(struct making *m, struct hk_error *err)
{
	const struct hk_create_spec *spec = m->spec;
	const struct setting settings[SETTINGS] = {
		{ "project", "port", spec->port },
		{ "project", "domain", spec->domain },
		{ "project", "runtime", spec->runtime },
		{ "push", "mode", spec->strict ? "strict" : NULL },
		{ "deploy", "branches", spec->branch },
		{ "service", "driver", spec->driver },
	};

	memcpy(m->settings, settings, sizeof(settings));
	for (size_t i = 0; i < SETTINGS; i++)
		if (settings[i].value && hk_conf_check_value(settings[i].section, settings[i].key,
							     settings[i].value, err))
			return err->code;
	return spec->strict ? hk_repository_check_git(getenv("PATH"), err) : 0;
}

static void set_paths(struct making *m)
{
	const char *name = m->spec->name;
	hk_auto_free char *homes = hk_project_root_path(m->root, "home");
	hk_auto_free char *states = hk_project_root_path(m->root, "var/lib/hostkit");

	m->host = hk_installation_is_host(m->root);
	m->home = hk_xasprintf("%s/%s", homes, name);
	m->state = hk_xasprintf("%s/%s", states, name);
	m->repo = hk_xasprintf("%s/repo.git", m->home);
	m->ini = hk_project_ini_path(m->root, name);
	m->staged = hk_xasprintf("%s.new", m->ini);
}

static int check_new(struct making *m, struct hk_error *err)
{
	const char *name = m->spec->name;

	if (hk_fs_exists(AT_FDCWD, m->ini)) {
		hk_error_set(err, HK_E_PROJECT_EXISTS, "there is a project '%s' already", name);
		return hk_error_hint(err, "see: hostkit project show %s", name);
	}
	if (m->host && (hk_host_account_check(name, err) || hk_host_unit_check(name, err) ||
			hk_hosted_init(&m->hosted, name, NULL, m->notes, err)))
		return err->code;
	if (m->spec->port)
		return 0;
	if (hk_port_choose(m->root, &m->port, err))
		return err->code;
	m->settings[0].value = m->port;
	return 0;
}

int hk_project_create(const char *root, const struct hk_create_spec *spec, struct hk_strlist *notes,
		      struct hk_error *err)
{
	HK_CLEANUP(release)
	struct making m = { .root = root,
			    .spec = spec,
			    .conf = HK_CONF_INIT,
			    .hosted = HK_HOSTED_INIT,
			    .filled = HK_STRLIST_INIT,
			    .notes = notes };
	hk_auto_installation in = HK_INSTALLATION_INIT;

	if (hk_project_check_name(spec->name, err) || check_settings(&m, err) ||
	    hk_installation_enter(root, &in, err))
		return err->code;
	set_paths(&m);
	if (!check_new(&m, err) && !walk(&m, err))
		return 0;
	hk_installation_sweep(&in, false);
	return err->code;
}
