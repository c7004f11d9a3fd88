/*
 * project create.
 */
#include <deploy/create.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include <base/alloc.h>
#include <deploy/missed.h>
#include <deploy/project.h>
#include <repo/repo.h>
#include <sys/fs.h>
#include <sys/self.h>

#define FIRST_PORT 3000
#define LAST_PORT 9999

const char *const hk_create_hooks[] = { "post-receive", NULL };

const struct hk_create_config hk_create_config[] = {
	/* Pins of releases are ours: not for clients to see or to push to. */
	{ "transfer.hideRefs", "refs/hostkit" },
	/* An account's own core.hooksPath must not make pushes deploy nothing. */
	{ "core.hooksPath", "hooks" },
	/*
	 * What was accepted survives a power cut: git syncs neither loose objects nor refs by
	 * itself (core.fsync in git-config(1)).
	 */
	{ "core.fsync", "committed,reference" },
	{ NULL, NULL },
};

/* Keys that `project create` writes, and the option each comes from. */
struct setting {
	const char *section;
	const char *key;
	const char *value;
};

static int check_settings(const struct setting *settings, size_t n, struct hk_error *err)
{
	for (size_t i = 0; i < n; i++)
		if (settings[i].value && hk_conf_check_value(settings[i].section, settings[i].key,
							     settings[i].value, err))
			return err->code;
	return 0;
}

static bool is_free(int port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	hk_auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	return !bind(fd, (struct sockaddr *)&addr, sizeof(addr));
}

/* Ports of the other projects; one whose file is broken is left out and not our concern here. */
static bool is_taken(const char *root, const struct hk_strlist *names, int port)
{
	for (size_t i = 0; i < names->len; i++) {
		struct hk_error ignored;
		struct hk_conf conf;
		bool same;

		if (hk_project_load_conf(root, names->items[i], &conf, NULL, &ignored))
			continue;
		same = conf.project_port == port;
		hk_conf_release(&conf);
		if (same)
			return true;
	}
	return false;
}

static int choose_port(const char *root, char **ret, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_project_list(root, &names, err))
		return err->code;
	for (int port = FIRST_PORT; port <= LAST_PORT; port++) {
		if (is_taken(root, &names, port) || !is_free(port))
			continue;
		*ret = hk_xasprintf("%d", port);
		return 0;
	}
	hk_error_set(err, HK_E_PORT_IN_USE, "no port from %d to %d is free", FIRST_PORT, LAST_PORT);
	return hk_error_hint(err, "name one with --port");
}

static int make_folders(const char *root, const char *name, struct hk_error *err)
{
	static const struct {
		const char *dir; /* NAME is put behind it */
		const char *below;
		mode_t mode;
	} folders[] = {
		{ "etc/hostkit/projects", NULL, 0755 },
		{ "var/lib/hostkit", "", 0750 },
		{ "var/lib/hostkit", "/log", 0750 },
		{ "var/lib/hostkit", "/cache", 0750 },
		{ "home", "", 0750 },
		{ "home", "/releases", 0755 },
		{ "home", "/shared", 0750 },
		{ "home", "/logs", 0750 },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(folders); i++) {
		hk_auto_free char *dir = hk_project_root_path(root, folders[i].dir);
		hk_auto_free char *path =
			folders[i].below ? hk_xasprintf("%s/%s%s", dir, name, folders[i].below)
					 : hk_xstrdup(dir);

		if (hk_fs_mkdir_p(AT_FDCWD, dir, 0755, err) ||
		    hk_fs_mkdir_p(AT_FDCWD, path, folders[i].mode, err))
			return err->code;
	}
	return 0;
}

/* Hooks are links to the installed programs, so that an upgrade reaches every repository. */
static int link_hooks(const char *repo_path, struct hk_error *err)
{
	hk_auto_free char *dir = hk_xasprintf("%s/hooks", repo_path);
	hk_auto_close int fd = -1;

	if (hk_fs_mkdir_p(AT_FDCWD, dir, 0755, err) || hk_fs_open_dir(AT_FDCWD, dir, &fd, err))
		return err->code;
	for (const char *const *hook = hk_create_hooks; *hook; hook++) {
		hk_auto_free char *program = NULL;

		if (hk_self_program(*hook, &program, err) ||
		    hk_fs_swap_link(fd, program, *hook, err))
			return err->code;
	}
	return 0;
}

/* Made aside, so that one which is there is whole. */
static int make_repository(const char *home, const char *branch, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/repo.git", home);
	hk_auto_free char *aside = hk_xasprintf("%s.new", path);
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	bool is_new = !hk_fs_exists(AT_FDCWD, path);
	const char *made = is_new ? aside : path;

	if (is_new &&
	    (hk_fs_remove_tree(AT_FDCWD, aside, err) || hk_repo_create(aside, branch, err)))
		return err->code;
	if (hk_repo_open(made, home, &repo, err))
		return err->code;
	for (const struct hk_create_config *c = hk_create_config; c->key; c++)
		if (hk_repo_set_config(repo, c->key, c->value, err))
			return err->code;
	if (link_hooks(made, err))
		return err->code;
	return is_new ? hk_fs_move(AT_FDCWD, aside, AT_FDCWD, path, err) : 0;
}

static int write_ini(const char *root, const char *name, const struct setting *settings, size_t n,
		     struct hk_error *err)
{
	hk_auto_free char *dir = hk_project_root_path(root, "etc/hostkit/projects");
	hk_auto_free char *path = hk_xasprintf("%s/%s.ini", dir, name);
	const char *section = "";
	hk_auto_buf text = HK_BUF_INIT;

	hk_buf_addf(&text,
		    "# hostkit project %s. All keys: man hostkit.ini, or hostkit config show %s.\n",
		    name, name);
	for (size_t i = 0; i < n; i++) {
		if (!settings[i].value)
			continue;
		if (strcmp(section, settings[i].section))
			hk_buf_addf(&text, "\n[%s]\n", settings[i].section);
		section = settings[i].section;
		hk_buf_addf(&text, "%s = %s\n", settings[i].key, settings[i].value);
	}
	return hk_fs_write_file(AT_FDCWD, path, text.data, text.len, 0644, err);
}

/* Refs that are there already were not pushed to hostkit: what comes after is compared with them.
 */
static int make_ledger(const char *root, const char *name, const char *home, struct hk_error *err)
{
	hk_auto_free char *dir = hk_project_root_path(root, "var/lib/hostkit");
	hk_auto_free char *path = hk_xasprintf("%s/%s/ledger.db", dir, name);
	hk_auto_free char *repo_path = hk_xasprintf("%s/repo.git", home);
	HK_CLEANUP(hk_cleanup_ledger) struct hk_ledger *ledger = NULL;
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;

	if (hk_ledger_open(path, &ledger, err) || hk_repo_open(repo_path, home, &repo, err))
		return err->code;
	return hk_missed_begin(ledger, repo, err);
}

static int check_new(const char *root, const char *name, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;

	if (hk_project_check_name(name, err))
		return err->code;
	if (!strcmp(root, "/")) {
		hk_error_set(
			err, HK_E_NOT_SUPPORTED,
			"projects under / need users and units of their own, which this version "
			"does not make yet");
		return hk_error_hint(err,
				     "use a private root: hostkit --root DIR project create %s",
				     name);
	}
	if (hk_project_list(root, &names, err))
		return err->code;
	if (!hk_strlist_has(&names, name))
		return 0;
	hk_error_set(err, HK_E_PROJECT_EXISTS, "there is a project '%s' already", name);
	return hk_error_hint(err, "see: hostkit project show %s", name);
}

int hk_project_create(const char *root, const struct hk_create_spec *spec, struct hk_error *err)
{
	hk_auto_free char *homes = hk_project_root_path(root, "home");
	hk_auto_free char *home = hk_xasprintf("%s/%s", homes, spec->name);
	hk_auto_free char *port = spec->port ? hk_xstrdup(spec->port) : NULL;

	if (check_new(root, spec->name, err) || (!port && choose_port(root, &port, err)))
		return err->code;
	const struct setting settings[] = {
		{ "project", "port", port },
		{ "project", "runtime", spec->runtime },
		{ "deploy", "branches", spec->branch },
		{ "service", "driver", spec->driver },
	};

	if (check_settings(settings, HK_ARRAY_LEN(settings), err) ||
	    make_folders(root, spec->name, err) ||
	    make_repository(home, spec->branch ? spec->branch : "main", err) ||
	    make_ledger(root, spec->name, home, err))
		return err->code;
	return write_ini(root, spec->name, settings, HK_ARRAY_LEN(settings), err);
}
