/*
 * Projects: names, paths, opening.
 */
#include <deploy/project.h>

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <regex.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/words.h>
#include <deploy/release.h>
#include <sys/dumps.h>
#include <sys/fs.h>

#define NAME_PATTERN "^[a-z][a-z0-9-]{1,30}[a-z0-9]$"

/* Words that follow a command: a project of that name could not be told from them. */
static const char *const reserved[] = {
	"add",	     "apply",	"cancel", "check",	  "checkpoint", "clear",   "config",
	"create",    "delete",	"deploy", "deploy-local", "diff",	"disable", "doctor",
	"enable",    "env",	"get",	  "health",	  "help",	"history", "import",
	"key",	     "list",	"log",	  "logs",	  "mcp",	"pause",   "project",
	"ratelimit", "recover", "remove", "reset",	  "restart",	"restore", "resume",
	"rollback",  "rotate",	"run",	  "secrets",	  "service",	"set",	   "shell",
	"show",	     "start",	"status", "stop",	  "unset",	"verify",  "version",
};

int hk_project_check_name(const char *name, struct hk_error *err)
{
	regex_t re;
	int no_match;

	if (regcomp(&re, NAME_PATTERN, REG_EXTENDED | REG_NOSUB))
		return hk_error_set(err, HK_E_INTERNAL, "cannot compile the name pattern");
	no_match = regexec(&re, name, 0, NULL, 0);
	regfree(&re);
	if (no_match) {
		hk_error_set(err, HK_E_NAME_INVALID, "'%.64s' is not a project name", name);
		return hk_error_hint(err,
				     "3 to 32 lowercase letters, digits and hyphens, beginning "
				     "with a letter and not ending with a hyphen");
	}
	for (size_t i = 0; i < HK_ARRAY_LEN(reserved); i++)
		if (!strcmp(reserved[i], name)) {
			hk_error_set(err, HK_E_NAME_INVALID, "'%s' is a hostkit command", name);
			return hk_error_hint(err, "choose another name, such as %s-app", name);
		}
	return 0;
}

char *hk_project_root_path(const char *root, const char *path)
{
	return hk_xasprintf("%s/%s", !strcmp(root, "/") ? "" : root, path);
}

static void list_own(const char *root, struct hk_strlist *ret)
{
	struct passwd *pw = getpwuid(geteuid());
	hk_auto_free char *ini = pw ? hk_project_ini_path(root, pw->pw_name) : NULL;
	struct hk_error ignored;

	if (pw && !hk_project_check_name(pw->pw_name, &ignored) && hk_fs_exists(AT_FDCWD, ini))
		hk_strlist_add(ret, pw->pw_name);
}

int hk_project_list(const char *root, struct hk_strlist *ret, struct hk_error *err)
{
	hk_auto_free char *path = hk_project_root_path(root, "etc/hostkit/projects");
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored, why = HK_ERROR_INIT;

	if (!hk_fs_is_dir(AT_FDCWD, path))
		return 0;
	if (hk_fs_list(AT_FDCWD, path, &names, &why) && why.code == HK_E_PERMISSION) {
		list_own(root, ret);
		return 0;
	}
	if (why.code) {
		*err = why;
		return err->code;
	}
	for (size_t i = 0; i < names.len; i++) {
		size_t len = strlen(names.items[i]);

		if (len <= 4 || strcmp(names.items[i] + len - 4, ".ini"))
			continue;
		names.items[i][len - 4] = '\0';
		if (!hk_project_check_name(names.items[i], &ignored))
			hk_strlist_add(ret, names.items[i]);
	}
	return 0;
}

static int not_found(const char *root, const char *name, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	hk_auto_buf list = HK_BUF_INIT;
	struct hk_error ignored;

	if (!hk_project_list(root, &names, &ignored))
		for (size_t i = 0; i < names.len && i < 8; i++)
			hk_buf_addf(&list, "%s%s", i ? ", " : "", names.items[i]);
	hk_error_set(err, HK_E_PROJECT_NOT_FOUND, "there is no project '%s' under '%s'", name,
		     root);
	if (list.len)
		return hk_error_hint(err, "the projects are: %s", list.data);
	return hk_error_hint(err, "make one with: hostkit project create %s", name);
}

char *hk_project_ini_path(const char *root, const char *name)
{
	hk_auto_free char *dir = hk_project_root_path(root, "etc/hostkit/projects");

	return hk_xasprintf("%s/%s.ini", dir, name);
}

int hk_project_check(const char *root, const char *name, struct hk_error *err)
{
	hk_auto_free char *ini = hk_project_ini_path(root, name);

	if (hk_project_check_name(name, err))
		return err->code;
	return hk_fs_exists(AT_FDCWD, ini) ? 0 : not_found(root, name, err);
}

/* The driver that auto stands for; systemd knows one unit of a name, whatever the root. */
static int resolve_driver(const char *root, struct hk_conf *conf, struct hk_error *err)
{
	bool is_machine = !strcmp(root, "/");

	if (!strcmp(conf->service_driver, "auto")) {
		free(conf->service_driver);
		conf->service_driver = hk_xstrdup(is_machine ? "systemd" : "process");
	}
	if (is_machine || strcmp(conf->service_driver, "systemd"))
		return 0;
	hk_error_set(err, HK_E_CONFIG_INVALID,
		     "%s: [service] driver: systemd is for projects under '/', and this root is "
		     "'%s'",
		     hk_conf_origin(conf, "service", "driver"), root);
	return hk_error_hint(err, "remove that line, or set driver = process");
}

int hk_project_load_conf(const char *root, const char *name, struct hk_conf *ret,
			 struct hk_strlist *problems, struct hk_error *err)
{
	hk_auto_free char *defaults = hk_project_root_path(root, "etc/hostkit/hostkit.ini");
	hk_auto_free char *own = hk_project_ini_path(root, name);
	hk_auto_conf conf = HK_CONF_INIT;

	if (hk_project_check(root, name, err))
		return err->code;
	/* Settings may have secrets, and .env comes next. */
	hk_dumps_prevent();
	if (hk_conf_load(defaults, own, &conf, problems, err))
		return err->code;
	if (resolve_driver(root, &conf, err)) {
		if (problems)
			hk_strlist_add(problems, err->message);
		return err->code;
	}
	*ret = conf;
	conf = (struct hk_conf)HK_CONF_INIT;
	return 0;
}

static char *below(const char *root, const char *dir, const char *name)
{
	hk_auto_free char *path = hk_project_root_path(root, dir);

	return hk_xasprintf("%s/%s", path, name);
}

/* Also through a link: administrators move homes and releases to other disks this way. */
static int open_folder(const char *path, int *ret_fd, struct hk_error *err)
{
	hk_auto_buf quoted = HK_BUF_INIT;
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	hk_error_set_errno(err, HK_E_IO, errno, "cannot open folder '%s'", path);
	hk_words_quote(&quoted, path);
	return hk_error_hint(err, "if it is lost, restore it, or begin anew: mkdir -m 755 %s",
			     quoted.data);
}

static void set_paths(struct hk_project *p, const char *root, const char *name)
{
	p->name = hk_xstrdup(name);
	p->root = hk_xstrdup(root);
	p->home_path = below(root, "home", name);
	p->repo_path = hk_xasprintf("%s/repo.git", p->home_path);
	p->state_path = below(root, "var/lib/hostkit", name);
}

static int open_home(struct hk_project *p, struct hk_error *err)
{
	hk_auto_free char *releases = hk_xasprintf("%s/releases", p->home_path);

	if (open_folder(p->home_path, &p->home_fd, err))
		return err->code;
	return open_folder(releases, &p->releases_fd, err);
}

int hk_project_open(const char *root, const char *name, struct hk_project *ret,
		    struct hk_error *err)
{
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_project_load_conf(root, name, &p.conf, NULL, err))
		return err->code;
	set_paths(&p, root, name);
	if (open_home(&p, err) || open_folder(p.state_path, &p.state_fd, err))
		return err->code;
	*ret = p;
	p = (struct hk_project)HK_PROJECT_INIT;
	return 0;
}

int hk_project_open_home(const char *root, const char *name, struct hk_project *ret,
			 struct hk_error *err)
{
	hk_auto_project p = HK_PROJECT_INIT;

	if (hk_project_load_conf(root, name, &p.conf, NULL, err))
		return err->code;
	set_paths(&p, root, name);
	free(hk_steal_ptr(p.state_path));
	if (open_home(&p, err))
		return err->code;
	*ret = p;
	p = (struct hk_project)HK_PROJECT_INIT;
	return 0;
}

int hk_project_look(const char *root, const char *name, struct hk_project *ret,
		    hk_conf_problem_fn *fn, void *ctx, struct hk_error *err)
{
	hk_auto_free char *defaults = hk_project_root_path(root, "etc/hostkit/hostkit.ini");
	hk_auto_free char *own = hk_project_ini_path(root, name);
	hk_auto_free char *releases = NULL;
	struct hk_error ignored, driver;

	if (hk_project_check(root, name, err))
		return err->code;
	*ret = (struct hk_project)HK_PROJECT_INIT;
	hk_dumps_prevent();
	hk_conf_load_anyway(defaults, own, &ret->conf, fn, ctx);
	if (resolve_driver(root, &ret->conf, &driver))
		fn(ctx, driver.message, driver.hint);
	set_paths(ret, root, name);
	releases = hk_xasprintf("%s/releases", ret->home_path);
	if (open_folder(ret->home_path, &ret->home_fd, &ignored) ||
	    open_folder(releases, &ret->releases_fd, &ignored))
		ret->releases_fd = -1;
	if (open_folder(ret->state_path, &ret->state_fd, &ignored))
		ret->state_fd = -1;
	return 0;
}

void hk_project_close(struct hk_project *p)
{
	if (!p->name)
		return;
	hk_conf_release(&p->conf);
	free(p->name);
	free(p->root);
	free(p->home_path);
	free(p->repo_path);
	free(p->state_path);
	hk_cleanup_close(&p->home_fd);
	hk_cleanup_close(&p->state_fd);
	hk_cleanup_close(&p->releases_fd);
	*p = (struct hk_project)HK_PROJECT_INIT;
}

/* Whether there was a ledger: deployments leave logs. */
static bool has_history(const struct hk_project *p)
{
	hk_auto_strlist logs = HK_STRLIST_INIT;
	struct hk_error ignored;

	return !hk_fs_list(p->state_fd, "log", &logs, &ignored) && logs.len > 0;
}

/* The ends that [notify] wants to be reported, as bits. */
static unsigned notify_statuses(const struct hk_conf *conf)
{
	bool all = hk_strlist_has(&conf->notify_on, "all");
	unsigned bits = 0;

	if (!*conf->notify_url)
		return 0;
	for (unsigned s = HK_STATUS_WAITING; s <= HK_STATUS_INTERRUPTED; s++)
		if (all || hk_strlist_has(&conf->notify_on, hk_status_name((enum hk_status)s)))
			bits |= 1U << s;
	return bits;
}

int hk_project_open_ledger(const struct hk_project *p, struct hk_ledger **ret, struct hk_error *err)
{
	hk_auto_free char *path = hk_xasprintf("%s/ledger.db", p->state_path);

	if (hk_fs_exists(p->state_fd, "ledger.db") || !has_history(p)) {
		if (hk_ledger_open(path, ret, err))
			return err->code;
		hk_ledger_notify_of(*ret, notify_statuses(&p->conf));
		return 0;
	}
	hk_error_set(err, HK_E_LEDGER_DAMAGED, "the ledger '%s' is missing", path);
	return hk_error_hint(err,
			     "restore it from a backup, or make a new one from the releases on "
			     "disk: hostkit recover %s",
			     p->name);
}

char *hk_project_log_path(const struct hk_project *p, int64_t deployment)
{
	return hk_xasprintf("%s/log/%lld.log", p->state_path, (long long)deployment);
}

int hk_project_active(const struct hk_project *p, char **ret, struct hk_error *err)
{
	static const char prefix[] = "releases/";
	hk_auto_free char *target = NULL;
	struct hk_error link_err = HK_ERROR_INIT;
	hk_auto_buf quoted = HK_BUF_INIT;
	size_t n = sizeof(prefix) - 1;

	if (hk_fs_read_link(p->home_fd, "app", &target, &link_err)) {
		if (link_err.sys_errno == ENOENT) {
			*ret = NULL;
			return 0;
		}
		if (link_err.sys_errno != EINVAL) {
			*err = link_err;
			return err->code;
		}
	}
	if (target && !strncmp(target, prefix, n) && hk_release_is_name(target + n)) {
		*ret = hk_xstrdup(target + n);
		return 0;
	}
	hk_error_set(err, HK_E_ACTIVATE_FAILED, "'%s/app' is not a link to a release",
		     p->home_path);
	hk_words_quote(&quoted, p->home_path);
	return hk_error_hint(err, "move it away: mv %s/app %s/app.old", quoted.data, quoted.data);
}

bool hk_project_has_releases_inside(const struct hk_project *p)
{
	struct stat above, home;

	return !fstatat(p->releases_fd, "..", &above, 0) && !fstat(p->home_fd, &home) &&
	       above.st_dev == home.st_dev && above.st_ino == home.st_ino;
}
