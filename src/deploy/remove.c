/*
 * project remove: a table of steps, in the reverse order of those of project create.
 */
#include <deploy/remove.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <conf/edit.h>
#include <deploy/dead.h>
#include <deploy/hosted.h>
#include <deploy/installation.h>
#include <deploy/project.h>
#include <deploy/running.h>
#include <host/account.h>
#include <host/folders.h>
#include <host/keys.h>
#include <host/parts.h>
#include <host/unit.h>
#include <sys/failpoint.h>
#include <sys/fs.h>
#include <sys/lock.h>
#include <sys/process.h>

#define FREEZE "the project is being removed"
#define INI_MAX (256 * 1024)

/* One run. */
struct removal {
	const char *root, *name;
	bool purge;
	bool host;   /* under "/" */
	bool exists; /* it has an INI file */
	char *home, *state, *ini;
	struct hk_conf conf;
	struct hk_hosted hosted;
	struct hk_buf settings; /* the INI file, before it was frozen */
	struct stat ini_stat;
	struct hk_strlist *notes;
};

static void release(struct removal *r)
{
	free(r->home);
	free(r->state);
	free(r->ini);
	hk_conf_release(&r->conf);
	hk_hosted_release(&r->hosted);
	hk_buf_release(&r->settings);
}

/* Whose group a user that is gone already has left: the INI file is still its. */
static void find_group(struct removal *r)
{
	if (r->host && !r->hosted.user.name && r->exists)
		r->hosted.hp.gid = r->ini_stat.st_gid;
}

static void ignore_problem(void *ctx HK_UNUSED, const char *message HK_UNUSED,
			   const char *hint HK_UNUSED)
{
}

static int check_there(struct removal *r, struct hk_error *err)
{
	bool left = hk_fs_exists(AT_FDCWD, r->home) || hk_fs_exists(AT_FDCWD, r->state) ||
		    (r->host && r->hosted.user.name);

	if (r->exists || (r->purge && left))
		return 0;
	hk_error_set(err, HK_E_PROJECT_NOT_FOUND, "there is no project '%s' under '%s'", r->name,
		     r->root);
	if (left)
		return hk_error_hint(err,
				     "to remove what it has left: hostkit project remove %s "
				     "--purge",
				     r->name);
	return hk_error_hint(err, "see: hostkit project list");
}

static int init(struct removal *r, struct hk_error *err)
{
	hk_auto_free char *homes = hk_project_root_path(r->root, "home");
	hk_auto_free char *states = hk_project_root_path(r->root, "var/lib/hostkit");
	hk_auto_free char *defaults = hk_project_root_path(r->root, "etc/hostkit/hostkit.ini");

	if (hk_project_check_name(r->name, err))
		return err->code;
	r->host = hk_installation_is_host(r->root);
	r->home = hk_xasprintf("%s/%s", homes, r->name);
	r->state = hk_xasprintf("%s/%s", states, r->name);
	r->ini = hk_project_ini_path(r->root, r->name);
	r->exists = !stat(r->ini, &r->ini_stat);
	/* A project with a broken file can be removed, too. */
	if (r->exists)
		hk_conf_load_anyway(defaults, r->ini, &r->conf, ignore_problem, NULL);
	if (r->host &&
	    hk_hosted_init(&r->hosted, r->name, r->exists ? &r->conf : NULL, r->notes, err))
		return err->code;
	find_group(r);
	return check_there(r, err);
}

static int as_user(struct removal *r, hk_user_fn *fn, struct hk_error *err)
{
	if (!r->host)
		return fn(r, NULL, err);
	return r->hosted.user.name ? hk_user_run(&r->hosted.user, fn, r, NULL, err) : 0;
}

/* --- Nothing new may be deployed, and nothing may be at it */

/* Hooks refuse pushes from here on; a file with a problem makes them refuse anyway. */
static int freeze(struct removal *r, struct hk_error *err HK_UNUSED)
{
	struct hk_error ignored;

	if (!r->exists || hk_fs_read_file(AT_FDCWD, r->ini, INI_MAX, &r->settings, &ignored))
		return 0;
	if (hk_conf_edit(r->ini, "deploy", "freeze", FREEZE, &ignored))
		hk_buf_reset(&r->settings);
	return 0;
}

static void unfreeze(struct removal *r)
{
	uid_t uid = r->host ? r->ini_stat.st_uid : (uid_t)-1;
	gid_t gid = r->host ? r->ini_stat.st_gid : (gid_t)-1;
	struct hk_error err = HK_ERROR_INIT;

	if (r->settings.len &&
	    hk_fs_write_file_for(uid, gid, AT_FDCWD, r->ini, r->settings.data, r->settings.len,
				 r->ini_stat.st_mode & 0777, &err))
		hk_strlist_addf(r->notes, "[deploy] freeze is left in '%s': %s", r->ini,
				err.message);
}

static int busy(const struct removal *r, const char *what, struct hk_error *err)
{
	hk_error_set(err, HK_E_LOCKED, "'%s' is being deployed%s%s", r->name, *what ? ": " : "",
		     what);
	return hk_error_hint(err, "wait for its end, or: hostkit deploy cancel %s", r->name);
}

static int note_alive(void *ctx, const struct hk_deployment *d, struct hk_error *err HK_UNUSED)
{
	*(bool *)ctx |= !hk_deployment_is_dead(d);
	return 0;
}

/* Those that wait for the lock have rows. A ledger that cannot be read tells nothing. */
static bool has_open_rows(const struct removal *r)
{
	hk_auto_free char *path = hk_xasprintf("%s/ledger.db", r->state);
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *l = NULL;
	struct hk_error ignored;
	bool alive = false;

	if (!hk_fs_exists(AT_FDCWD, path) || hk_ledger_look(path, &l, &ignored) ||
	    hk_ledger_each_deployment(l, HK_DEPLOYMENTS_OPEN, -1, note_alive, &alive, &ignored))
		return false;
	return alive;
}

static int look_idle(void *ctx, struct hk_buf *out HK_UNUSED, struct hk_error *err)
{
	const struct removal *r = ctx;
	hk_auto_close int state = open(r->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct hk_lock lock = HK_LOCK_INIT;
	hk_auto_buf holder = HK_BUF_INIT;
	struct hk_error ignored;
	bool held = true;

	if (state < 0)
		return 0;
	/* What no deployment could lock either is in nobody's way. */
	if (hk_lock_try(&lock, state, "lock", &held, &ignored))
		held = true;
	hk_lock_release(&lock);
	if (!held) {
		hk_lock_read_holder(state, "lock", &holder);
		return busy(r, holder.data, err);
	}
	return has_open_rows(r) ? busy(r, "", err) : 0;
}

static int check_idle(struct removal *r, struct hk_error *err)
{
	if (!as_user(r, look_idle, err))
		return 0;
	unfreeze(r);
	return err->code;
}

/* --- The service */

/* What systemd runs is stopped with its unit. */
static bool is_stopped_later(const struct removal *r, const struct hk_running *running)
{
	return r->host && hk_host_unit_is_used(&r->conf) && running->driver->uses_start;
}

static int stop(void *ctx, struct hk_buf *out HK_UNUSED, struct hk_error *err)
{
	const struct removal *r = ctx;
	hk_auto_running running = HK_RUNNING_INIT;
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_project_look(r->root, r->name, &p, ignore_problem, NULL, err))
		return err->code;
	if (p.home_fd < 0 || p.state_fd < 0)
		return 0;
	if (hk_running_prepare_stop(&p, NULL, NULL, &running, err) ||
	    hk_service_stop_others(&running.service, running.driver, err))
		return err->code;
	return is_stopped_later(r, &running) ? 0 : running.driver->stop(&running.service, err);
}

/* Under "/" whatever is left of it is ended as the user's. */
static int stop_service(struct removal *r, struct hk_error *err)
{
	struct hk_error why = HK_ERROR_INIT;

	if (!r->exists || !as_user(r, stop, &why))
		return 0;
	if (!r->host) {
		*err = why;
		return err->code;
	}
	hk_strlist_addf(r->notes, "the service was not stopped, but ended: %s", why.message);
	return 0;
}

static int remove_parts(struct removal *r, struct hk_error *err)
{
	return hk_host_parts_remove(&r->hosted.hp, ~0U, err);
}

static int end_processes(struct removal *r, struct hk_error *err)
{
	return r->hosted.user.name ? hk_process_end_user(r->hosted.user.uid, err) : 0;
}

/* --- What is the project's own */

/* Lines that are not ours stay; a purge takes the whole file, with the home. */
static int remove_private_keys(struct removal *r, struct hk_error *err)
{
	const struct hk_keys_of of = { .root = r->root, .project = r->name, .home = r->home };
	hk_auto_keys keys = HK_KEYS_INIT;

	if (r->purge || !hk_fs_is_dir(AT_FDCWD, r->home))
		return 0;
	if (hk_keys_list(&of, &keys, err))
		return err->code;
	for (size_t i = 0; i < keys.len; i++)
		if (hk_keys_remove(&of, keys.items[i].label, err))
			return err->code;
	return 0;
}

/* A project that is made again must not be open to whoever could push before. */
static int remove_keys(struct removal *r, struct hk_error *err)
{
	return r->host ? hk_host_ssh_remove(&r->hosted.hp, err) : remove_private_keys(r, err);
}

static int remove_home(struct removal *r, struct hk_error *err)
{
	return r->host ? hk_host_home_remove(&r->hosted.hp, err)
		       : hk_fs_remove_tree(AT_FDCWD, r->home, err);
}

static int remove_state(struct removal *r, struct hk_error *err)
{
	return r->host ? hk_host_state_remove(&r->hosted.hp, err)
		       : hk_fs_remove_tree(AT_FDCWD, r->state, err);
}

static int remove_leftovers(struct removal *r, struct hk_error *err HK_UNUSED)
{
	hk_host_leftovers_remove(&r->hosted.hp);
	return 0;
}

static int remove_account(struct removal *r, struct hk_error *err)
{
	return hk_host_account_remove(&r->hosted.hp, err);
}

/* Also the one that an interrupted create has left. */
static int remove_settings(struct removal *r, struct hk_error *err)
{
	hk_auto_free char *staged = hk_xasprintf("%s.new", r->ini);
	hk_auto_free char *path = hk_project_root_path(r->root, "etc/hostkit/projects");
	hk_auto_close int dir = -1;

	if ((unlink(staged) && errno != ENOENT) || (unlink(r->ini) && errno != ENOENT))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot remove '%s'", r->ini);
	if (hk_fs_open_dir(AT_FDCWD, path, &dir, err))
		return err->code;
	return hk_fs_sync_dir(dir, err);
}

/* --- The steps */

enum when {
	HOST_ONLY = 1 << 0,
	PURGE_ONLY = 1 << 1,
};

static const struct step {
	unsigned when;
	int (*run)(struct removal *r, struct hk_error *err);
} steps[] = {
	{ 0, freeze },
	{ 0, check_idle },
	{ 0, stop_service },
	{ HOST_ONLY, remove_parts },
	{ 0, remove_keys },
	{ HOST_ONLY, end_processes },
	{ PURGE_ONLY, remove_home },
	{ PURGE_ONLY, remove_state },
	{ HOST_ONLY | PURGE_ONLY, remove_leftovers },
	{ HOST_ONLY | PURGE_ONLY, remove_account },
	{ 0, remove_settings },
};

static int walk(struct removal *r, struct hk_error *err)
{
	for (size_t i = 0; i < HK_ARRAY_LEN(steps); i++) {
		if ((steps[i].when & HOST_ONLY && !r->host) ||
		    (steps[i].when & PURGE_ONLY && !r->purge))
			continue;
		if (steps[i].run(r, err) || HK_FAILPOINT(remove_step, err))
			return err->code;
	}
	return 0;
}

int hk_project_remove(const char *root, const char *name, bool purge, struct hk_strlist *notes,
		      struct hk_error *err)
{
	HK_CLEANUP(release)
	struct removal r = { .root = root,
			     .name = name,
			     .purge = purge,
			     .conf = HK_CONF_INIT,
			     .hosted = HK_HOSTED_INIT,
			     .settings = HK_BUF_INIT,
			     .notes = notes };
	hk_auto_installation in = HK_INSTALLATION_INIT;
	int ret = 0;

	if (hk_project_check_name(name, err) || hk_installation_enter(root, &in, err))
		return err->code;
	if (init(&r, err) || walk(&r, err))
		ret = err->code;
	hk_installation_sweep(&in, purge && !ret);
	return ret;
}

/* --- What is asked about */

static void add_if_there(struct hk_strlist *list, const char *what, const char *path)
{
	if (hk_fs_exists(AT_FDCWD, path))
		hk_strlist_addf(list, "%s %s", what, path);
}

static void look_host(const struct removal *r, struct hk_strlist *goes, struct hk_strlist *own)
{
	hk_auto_free char *unit = hk_host_file_path(&hk_host_unit_file, r->name);
	hk_auto_free char *rule = hk_host_file_path(&hk_host_rule_file, r->name);

	add_if_there(goes, "unit", unit);
	add_if_there(goes, "polkit rule", rule);
	if (r->exists && *r->conf.project_domain)
		hk_strlist_addf(goes, "site %s", r->conf.project_domain);
	if (r->hosted.user.name)
		hk_strlist_addf(own, "user %s", r->name);
}

int hk_project_remove_look(const char *root, const char *name, bool purge, struct hk_strlist *goes,
			   struct hk_strlist *stays, struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	HK_CLEANUP(release)
	struct removal r = { .root = root,
			     .name = name,
			     .purge = purge,
			     .conf = HK_CONF_INIT,
			     .hosted = HK_HOSTED_INIT,
			     .settings = HK_BUF_INIT,
			     .notes = &notes };
	struct hk_strlist *own = purge ? goes : stays;
	hk_auto_free char *keys = NULL;

	if (init(&r, err))
		return err->code;
	keys = hk_xasprintf("%s/.ssh/authorized_keys", r.home);
	if (r.exists)
		hk_strlist_add(goes, "the service, if it runs");
	add_if_there(goes, "settings", r.ini);
	add_if_there(goes, "keys", keys);
	if (r.host)
		look_host(&r, goes, own);
	add_if_there(own, "home", r.home);
	add_if_there(own, "state", r.state);
	return 0;
}
