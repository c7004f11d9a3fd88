/*
 * The doctor: the tables of checks, and the walk over them.
 */
#include <deploy/doctor_checks.h>

#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/lines.h>
#include <base/words.h>
#include <sys/fs.h>

#define MESSAGE_MAX 1000

static void check_settings(struct hk_doctor *d);

static const struct hk_doctor_check installation_checks[] = {
	{ .name = "programs", .run = hk_doctor_check_installed },
	{ .name = "root", .run = hk_doctor_check_root },
};

static const struct hk_doctor_check host_checks[] = {
	{ .name = "user", .run = hk_doctor_check_user },
	{ .name = "modes", .run = hk_doctor_check_modes },
	{ .name = "unit", .run = hk_doctor_check_unit },
	{ .name = "rights", .run = hk_doctor_check_rights },
	{ .name = "enabled", .run = hk_doctor_check_enabled },
	{ .name = "site", .run = hk_doctor_check_site },
};

/* Those first that explain what comes later. */
static const struct hk_doctor_check project_checks[] = {
	{ .name = "settings", .run = check_settings },
	{ .name = "folders", .run = hk_doctor_check_folders },
	{ .name = "owner", .run = hk_doctor_check_owner },
	{ .name = "permissions", .run = hk_doctor_check_permissions },
	{ .name = "keys", .run = hk_doctor_check_keys },
	{ .name = "hooks", .run = hk_doctor_check_hooks },
	{ .name = "repository", .run = hk_doctor_check_repository },
	{ .name = "path", .run = hk_doctor_check_path },
	{ .name = "git", .run = hk_doctor_check_program, .purpose = "deployments" },
	{ .name = "node",
	  .run = hk_doctor_check_program,
	  .needed_by = "nextjs-standalone|nextjs|node",
	  .purpose = "Node.js applications" },
	{ .name = "npm",
	  .run = hk_doctor_check_program,
	  .needed_by = "nextjs-standalone|nextjs|node",
	  .purpose = "Node.js applications" },
	{ .name = "python3",
	  .run = hk_doctor_check_program,
	  .needed_by = "python",
	  .purpose = "Python applications" },
	{ .name = "rsync",
	  .run = hk_doctor_check_program,
	  .needed_by = "",
	  .purpose = "deployments with --source" },
	{ .name = "git-lfs",
	  .run = hk_doctor_check_program,
	  .needed_by = "",
	  .purpose = "repositories with LFS files" },
	{ .name = "confinement", .run = hk_doctor_check_confinement },
	{ .name = "disk", .run = hk_doctor_check_disk },
	{ .name = "ledger", .run = hk_doctor_check_ledger },
	{ .name = "database", .run = hk_doctor_check_database },
	{ .name = "checkpoints", .run = hk_doctor_check_checkpoints },
	{ .name = "deployments", .run = hk_doctor_check_deployments },
	{ .name = "live", .run = hk_doctor_check_live },
	{ .name = "service", .run = hk_doctor_check_service },
	{ .name = "port", .run = hk_doctor_check_port },
	{ .name = "notify", .run = hk_doctor_check_notify },
	{ .name = "environment", .run = hk_doctor_check_environment },
};

const char *hk_doctor_level_name(enum hk_doctor_level level)
{
	static const char *const names[] = {
		[HK_DOCTOR_OK] = "ok",
		[HK_DOCTOR_WARN] = "warn",
		[HK_DOCTOR_FAIL] = "fail",
	};

	return names[level];
}

/* Names of files and what programs print may hold anything. */
static void say(struct hk_doctor *d, enum hk_doctor_level level, const char *message,
		const char *hint)
{
	hk_auto_buf text = HK_BUF_INIT, next = HK_BUF_INIT;
	struct hk_finding f = { .scope = d->scope, .check = d->check->name, .level = level };

	hk_lines_sanitize(&text, message, strlen(message), MESSAGE_MAX);
	f.message = text.data;
	if (hint) {
		hk_lines_sanitize(&next, hint, strlen(hint), MESSAGE_MAX);
		f.hint = next.data;
	}
	d->said = true;
	d->fn(d->ctx, &f);
}

char *hk_doctor_chmod(const struct hk_doctor *d, uid_t owner, const char *how, const char *path)
{
	const struct hk_user *u = &d->hosted.user;

	if (u->name && u->uid == owner)
		return hk_xasprintf("runuser -u %s -- chmod %s %s", u->name, how, path);
	return hk_xasprintf("chmod %s %s", how, path);
}

void hk_doctor_ok(struct hk_doctor *d, const char *fmt, ...)
{
	hk_auto_free char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		abort();
	va_end(ap);
	say(d, HK_DOCTOR_OK, message, NULL);
}

void hk_doctor_bad(struct hk_doctor *d, enum hk_doctor_level level, char *hint, const char *fmt,
		   ...)
{
	hk_auto_free char *message = NULL, *owned = hint;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		abort();
	va_end(ap);
	say(d, level, message, owned);
}

void hk_doctor_error(struct hk_doctor *d, enum hk_doctor_level level, const struct hk_error *err,
		     char *otherwise)
{
	hk_auto_free char *owned = otherwise;

	say(d, level, err->message, *err->hint ? err->hint : owned);
}

char *hk_doctor_quote(const char *path)
{
	hk_auto_buf quoted = HK_BUF_INIT;

	hk_words_quote(&quoted, path);
	return hk_buf_detach(&quoted);
}

bool hk_doctor_may_run(const struct hk_doctor *d)
{
	return geteuid() || !d->owner;
}

static void walk(struct hk_doctor *d, const struct hk_doctor_check *checks, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		d->check = &checks[i];
		d->said = false;
		checks[i].run(d);
	}
}

/* A private root is one user's; below / every project has a user, who owns its home. */
static void find_owner(struct hk_doctor *d)
{
	hk_auto_free char *home = hk_xasprintf("/home/%s", d->scope);
	struct passwd *pw;
	struct stat st;

	d->owner = geteuid();
	if (!stat(strcmp(d->root, "/") ? d->root : home, &st))
		d->owner = st.st_uid;
	pw = getpwuid(d->owner);
	d->owner_name = pw ? hk_xstrdup(pw->pw_name) : hk_xasprintf("%u", (unsigned)d->owner);
}

/*
 * Another user's project looks broken in ways that are the caller's: what would be said to mend it
 * would break it for its owner. Only below / root sees every project.
 */
static bool is_stranger(struct hk_doctor *d)
{
	static const struct hk_doctor_check owner = { .name = "owner" };

	if (geteuid() == d->owner || (!geteuid() && !strcmp(d->root, "/")))
		return false;
	d->check = &owner;
	hk_doctor_bad(d, HK_DOCTOR_FAIL,
		      hk_xasprintf("sudo -u %s hostkit --root %s doctor %s", d->owner_name, d->root,
				   d->scope),
		      "it belongs to '%s', who alone can use it", d->owner_name);
	return true;
}

static void take_problem(void *ctx, const char *message, const char *hint)
{
	struct hk_doctor *d = ctx;
	hk_auto_free char *mend =
		hk_xasprintf("edit that line, then: hostkit config check %s", d->scope);

	say(d, HK_DOCTOR_FAIL, message, *hint ? hint : mend);
}

/* The problems were told when the files were read. */
static void check_settings(struct hk_doctor *d)
{
	if (!d->bad_settings)
		hk_doctor_ok(d, "%s", d->ini);
}

static void open_ledger(struct hk_doctor *d)
{
	hk_auto_free char *path = hk_xasprintf("%s/ledger.db", d->project.state_path);
	struct hk_error ignored;

	if (!hk_fs_exists(AT_FDCWD, path)) {
		hk_error_set(&d->ledger_err, HK_E_DEPLOYMENT_NOT_FOUND, "there is no ledger '%s'",
			     path);
	} else if (!hk_ledger_look(path, &d->ledger, &d->ledger_err) &&
		   hk_ledger_check(d->ledger, &d->ledger_err)) {
		hk_ledger_close(d->ledger);
		d->ledger = NULL;
	}
	if (hk_project_active(&d->project, &d->active, &ignored))
		d->active = NULL;
	if (d->ledger && d->active &&
	    hk_ledger_get_release(d->ledger, d->active, &d->release, &ignored))
		d->release.id = 0;
}

static void release(struct hk_doctor *d)
{
	hk_release_row_release(&d->release);
	hk_ledger_close(d->ledger);
	hk_project_close(&d->project);
	hk_hosted_release(&d->hosted);
	free(d->active);
	free(d->ini);
	free(d->owner_name);
}

void hk_doctor_installation(const char *root, hk_doctor_fn *fn, void *ctx)
{
	HK_CLEANUP(release)
	struct hk_doctor d = {
		.root = root,
		.scope = "installation",
		.fn = fn,
		.ctx = ctx,
		.project = HK_PROJECT_INIT,
	};

	find_owner(&d);
	walk(&d, installation_checks, HK_ARRAY_LEN(installation_checks));
}

static void ignore_problem(void *ctx HK_UNUSED, const char *message HK_UNUSED,
			   const char *hint HK_UNUSED)
{
}

int hk_doctor_host(const char *name, hk_doctor_fn *fn, void *ctx, struct hk_error *err)
{
	hk_auto_strlist notes = HK_STRLIST_INIT;
	HK_CLEANUP(release)
	struct hk_doctor d = {
		.root = "/",
		.scope = name,
		.fn = fn,
		.ctx = ctx,
		.check = host_checks,
		.project = HK_PROJECT_INIT,
		.ini = hk_project_ini_path("/", name),
	};
	struct hk_error why = HK_ERROR_INIT;

	/* Problems of the settings are told with the rest of the project. */
	if (hk_project_look("/", name, &d.project, ignore_problem, NULL, err))
		return err->code;
	if (hk_hosted_init(&d.hosted, name, &d.project.conf, &notes, &why))
		hk_doctor_error(&d, HK_DOCTOR_FAIL, &why, NULL);
	else
		walk(&d, host_checks, HK_ARRAY_LEN(host_checks));
	return 0;
}

int hk_doctor_project(const char *root, const char *name, hk_doctor_fn *fn, void *ctx,
		      struct hk_strlist *env, struct hk_error *err)
{
	HK_CLEANUP(release)
	struct hk_doctor d = {
		.root = root,
		.scope = name,
		.fn = fn,
		.ctx = ctx,
		.check = project_checks, /* whose findings the problems of the settings are */
		.project = HK_PROJECT_INIT,
		.ini = hk_project_ini_path(root, name),
		.env = env,
	};

	find_owner(&d);
	if (hk_fs_exists(AT_FDCWD, d.ini) && is_stranger(&d))
		return 0;
	if (hk_project_look(root, name, &d.project, take_problem, &d, err))
		return err->code;
	d.bad_settings = d.said;
	open_ledger(&d);
	walk(&d, project_checks, HK_ARRAY_LEN(project_checks));
	return 0;
}
