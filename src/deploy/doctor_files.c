/*
 * What doctor looks at on disk: programs, folders, owners, modes, hooks, the repository, space.
 */
#include <deploy/doctor_checks.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <base/alloc.h>
#include <base/human.h>
#include <conf/options.h>
#include <deploy/installation.h>
#include <deploy/repository.h>
#include <repo/repo.h>
#include <repo/stale.h>
#include <sys/fs.h>
#include <sys/self.h>

/* --- The installation */

static void check_installed(struct hk_doctor *d, const char *name)
{
	hk_auto_free char *path = NULL, *quoted = NULL;
	struct hk_error err = HK_ERROR_INIT;
	struct stat st;

	if (hk_self_program(name, &path, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, hk_xstrdup("install hostkit again"));
		return;
	}
	quoted = hk_doctor_quote(path);
	if (access(path, X_OK))
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("chmod 755 %s", quoted),
			      "'%s' is not executable", path);
	else if (!stat(path, &st) && st.st_mode & (S_IWGRP | S_IWOTH))
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("chmod go-w %s", quoted),
			      "others may write '%s'", path);
	else
		hk_doctor_ok(d, "%s", path);
}

void hk_doctor_check_installed(struct hk_doctor *d)
{
	check_installed(d, "hostkit-worker");
	for (const char *const *hook = hk_repository_hooks; *hook; hook++)
		check_installed(d, *hook);
}

/* Tells what is wrong with the mode of path below dirfd, whose name for people is given. */
static void check_mode(struct hk_doctor *d, int dirfd, const char *path, const char *name,
		       mode_t forbidden)
{
	hk_auto_free char *quoted = hk_doctor_quote(name);
	char mode[8];
	mode_t bad;
	struct stat st;

	/* What is missing is told elsewhere; of a link, the mode means nothing. */
	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) || S_ISLNK(st.st_mode))
		return;
	bad = st.st_mode & forbidden;
	if (!bad)
		return;
	snprintf(mode, sizeof(mode), "%03o", (unsigned)(st.st_mode & 0777 & ~forbidden));
	hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_doctor_chmod(d, st.st_uid, mode, quoted),
		      "others may %s '%s' (mode %03o)", bad & 022 ? "write" : "read", name,
		      (unsigned)st.st_mode & 0777);
}

void hk_doctor_check_root(struct hk_doctor *d)
{
	static const char *const folders[] = { "etc/hostkit", "etc/hostkit/projects", "home",
					       "var/lib/hostkit" };

	for (size_t i = 0; i < HK_ARRAY_LEN(folders); i++) {
		hk_auto_free char *path = hk_project_root_path(d->root, folders[i]);

		check_mode(d, AT_FDCWD, path, path, S_IWGRP | S_IWOTH);
	}
	if (!d->said)
		hk_doctor_ok(d, "%s", d->root);
}

/* --- A project's folders */

void hk_doctor_check_folders(struct hk_doctor *d)
{
	const struct hk_project *p = &d->project;
	hk_auto_free char *releases = hk_xasprintf("%s/releases", p->home_path);
	hk_auto_free char *logs = hk_xasprintf("%s/logs", p->home_path);
	const struct {
		const char *path;
		unsigned mode; /* of a new one; 0: an empty one would be of no use */
	} rows[] = {
		{ p->home_path, 0750 }, { p->state_path, 0750 }, { p->repo_path, 0 },
		{ releases, 0755 },	{ logs, 0750 },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		hk_auto_free char *quoted = hk_doctor_quote(rows[i].path);
		hk_auto_close int fd = open(rows[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		struct hk_error err = HK_ERROR_INIT;
		char *mend;

		if (fd >= 0)
			continue;
		hk_error_set_errno(&err, HK_E_IO, errno, "cannot open folder '%s'", rows[i].path);
		mend = rows[i].mode ? hk_xasprintf("restore it from a backup, or begin anew: "
						   "mkdir -m %o %s",
						   rows[i].mode, quoted)
				    : hk_xstrdup("restore it from a backup");
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, mend);
	}
	if (!d->said)
		hk_doctor_ok(d, "%s, %s", p->home_path, p->state_path);
}

struct strangers {
	uid_t owner;
	bool keys_are_roots;
	unsigned count;
	char *first;
};

static void note_stranger(struct strangers *s, int dirfd, const char *path, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) || st.st_uid == s->owner)
		return;
	if (!s->count++)
		s->first = hk_xstrdup(name);
}

/* Under "/" keys are root's to add. */
static bool name_is_kept(const struct strangers *s, const char *below, const char *name)
{
	return s->keys_are_roots && !*below && !strcmp(name, ".ssh");
}

/* What is in a folder, but not what is below that. */
static void note_strangers(struct strangers *s, const char *base, const char *below)
{
	hk_auto_free char *path = hk_xasprintf("%s%s", base, below);
	hk_auto_close int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (fd < 0 || hk_fs_list(fd, ".", &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		hk_auto_free char *name = hk_xasprintf("%s/%s", path, names.items[i]);

		if (name_is_kept(s, below, names.items[i]))
			continue;
		note_stranger(s, fd, names.items[i], name);
	}
}

/*
 * What root has done there once (a push, a command) is in the way of the project's user. Where that
 * shows first: two levels, not every file of every release.
 */
void hk_doctor_check_owner(struct hk_doctor *d)
{
	const struct hk_project *p = &d->project;
	const struct {
		const char *base, *below;
	} folders[] = {
		{ p->home_path, "" },
		{ p->home_path, "/releases" },
		{ p->home_path, "/logs" },
		{ p->repo_path, "" },
		{ p->repo_path, "/objects" },
		{ p->repo_path, "/refs" },
		{ p->repo_path, "/refs/heads" },
		{ p->state_path, "" },
		{ p->state_path, "/log" },
		{ p->state_path, "/cache" },
	};
	hk_auto_free char *home = hk_doctor_quote(p->home_path);
	hk_auto_free char *state = hk_doctor_quote(p->state_path);
	struct strangers s = { .owner = d->owner,
			       .keys_are_roots = hk_installation_is_host(d->root) };

	note_stranger(&s, AT_FDCWD, p->home_path, p->home_path);
	note_stranger(&s, AT_FDCWD, p->state_path, p->state_path);
	for (size_t i = 0; i < HK_ARRAY_LEN(folders); i++)
		note_strangers(&s, folders[i].base, folders[i].below);
	if (s.count)
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("%schown -hR %s: %s %s", geteuid() ? "sudo " : "",
					   d->owner_name, home, state),
			      "%u file%s or folder%s not of '%s', such as '%s'", s.count,
			      s.count == 1 ? "" : "s", s.count == 1 ? " is" : "s are",
			      d->owner_name, s.first);
	free(s.first);
	if (!d->said)
		hk_doctor_ok(d, "%s", d->owner_name);
}

/* A secret option in a file that everybody may read. */
static void check_secret_options(struct hk_doctor *d)
{
	for (size_t i = 0; i < hk_conf_options_len; i++) {
		const struct hk_conf_option *o = &hk_conf_options[i];
		const char *origin = d->project.conf.origins ? d->project.conf.origins[i] : "";
		const char *colon = strrchr(origin, ':');
		hk_auto_free char *file =
			colon ? hk_xstrndup(origin, (size_t)(colon - origin)) : NULL;
		hk_auto_free char *quoted = file ? hk_doctor_quote(file) : NULL;
		struct stat st;

		if (!o->secret || !file || stat(file, &st) || !(st.st_mode & S_IROTH))
			continue;
		hk_doctor_bad(d, HK_DOCTOR_WARN, hk_xasprintf("chmod o-r %s", quoted),
			      "'%s' holds a secret ([%s] %s), and everybody may read it", file,
			      o->section, o->key);
	}
}

void hk_doctor_check_permissions(struct hk_doctor *d)
{
	const struct hk_project *p = &d->project;
	const mode_t write = S_IWGRP | S_IWOTH, any = 077;
	const struct {
		int fd;
		const char *base, *path;
		mode_t forbidden;
	} rows[] = {
		{ p->home_fd, p->home_path, ".", write },
		{ p->home_fd, p->home_path, "releases", write },
		{ p->home_fd, p->home_path, "repo.git", write },
		{ p->home_fd, p->home_path, "repo.git/hooks", write },
		{ p->home_fd, p->home_path, "repo.git/config", write },
		{ p->home_fd, p->home_path, ".env", any },
		{ p->state_fd, p->state_path, ".", write | S_IRWXO },
		{ p->state_fd, p->state_path, "ledger.db", any },
		{ p->state_fd, p->state_path, "ledger.db-wal", any },
		{ p->state_fd, p->state_path, "log", write | S_IRWXO },
	};

	for (size_t i = 0; i < HK_ARRAY_LEN(rows); i++) {
		bool self = !strcmp(rows[i].path, ".");
		hk_auto_free char *name = hk_xasprintf("%s%s%s", rows[i].base, self ? "" : "/",
						       self ? "" : rows[i].path);

		if (rows[i].fd >= 0)
			check_mode(d, rows[i].fd, rows[i].path, name, rows[i].forbidden);
	}
	check_secret_options(d);
	if (!d->said)
		hk_doctor_ok(d, "nobody else may write there, or read what is secret");
}

/* --- The repository */

static bool is_same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static void check_hook(struct hk_doctor *d, const char *hook)
{
	hk_auto_free char *path = hk_xasprintf("%s/hooks/%s", d->project.repo_path, hook);
	hk_auto_free char *program = NULL, *target = NULL, *from = NULL, *to = NULL;
	struct hk_error err = HK_ERROR_INIT;
	char *mend;

	/* Told as a part of the installation. */
	if (hk_self_program(hook, &program, &err))
		return;
	from = hk_doctor_quote(program);
	to = hk_doctor_quote(path);
	mend = hk_xasprintf("ln -sfn %s %s", from, to);
	if (hk_fs_read_link(AT_FDCWD, path, &target, &err))
		hk_doctor_bad(
			d, HK_DOCTOR_FAIL, mend,
			err.sys_errno == ENOENT
				? "'%s' is missing: pushes deploy nothing"
				: "'%s' is not the link that hostkit made: pushes may deploy nothing",
			path);
	else if (is_same_file(path, program) && !access(path, X_OK))
		free(mend);
	else if (access(path, X_OK))
		hk_doctor_bad(d, HK_DOCTOR_FAIL, mend,
			      "'%s' links to '%s', which cannot be run: pushes deploy nothing",
			      path, target);
	else
		hk_doctor_bad(d, HK_DOCTOR_WARN, mend,
			      "'%s' links to '%s', of another installation than this one", path,
			      target);
}

static bool is_ours(const char *name)
{
	for (const char *const *hook = hk_repository_hooks; *hook; hook++)
		if (!strcmp(*hook, name))
			return true;
	return false;
}

/* git runs them beside ours, and they can refuse or hold up what is pushed. */
static void check_other_hooks(struct hk_doctor *d)
{
	hk_auto_free char *dir = hk_xasprintf("%s/hooks", d->project.repo_path);
	hk_auto_strlist names = HK_STRLIST_INIT;
	struct hk_error ignored;

	if (hk_fs_list(AT_FDCWD, dir, &names, &ignored))
		return;
	for (size_t i = 0; i < names.len; i++) {
		hk_auto_free char *path = hk_xasprintf("%s/%s", dir, names.items[i]);
		hk_auto_free char *quoted = hk_doctor_quote(path);

		if (is_ours(names.items[i]) || strchr(names.items[i], '.') || access(path, X_OK))
			continue;
		hk_doctor_bad(d, HK_DOCTOR_WARN, hk_doctor_chmod(d, d->owner, "-x", quoted),
			      "'%s' is not hostkit's, and git runs it", path);
	}
}

void hk_doctor_check_hooks(struct hk_doctor *d)
{
	for (const char *const *hook = hk_repository_hooks; *hook; hook++)
		check_hook(d, *hook);
	check_other_hooks(d);
	if (!d->said)
		hk_doctor_ok(d, "they are links to the installed programs");
}

static void check_config(struct hk_doctor *d, struct hk_repo *repo)
{
	hk_auto_free char *quoted = hk_doctor_quote(d->project.repo_path);

	for (const struct hk_repository_setting *c = hk_repository_settings; c->key; c++) {
		struct hk_error err = HK_ERROR_INIT;
		bool found = false;

		if (hk_repo_has_config(repo, c->key, c->value, &found, &err))
			hk_doctor_error(d, HK_DOCTOR_FAIL, &err, NULL);
		else if (!found)
			hk_doctor_bad(d, HK_DOCTOR_FAIL,
				      hk_xasprintf("git -C %s config --replace-all %s %s", quoted,
						   c->key, c->value),
				      "git's %s is not %s in '%s'", c->key, c->value,
				      d->project.repo_path);
	}
}

void hk_doctor_check_repository(struct hk_doctor *d)
{
	const struct hk_project *p = &d->project;
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	struct hk_error err = HK_ERROR_INIT;
	unsigned locks;

	if (hk_repo_open(p->repo_path, p->home_path, &repo, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, hk_xstrdup("restore it from a backup"));
		return;
	}
	check_config(d, repo);
	locks = hk_repo_count_stale_locks(p->repo_path);
	if (locks)
		hk_doctor_bad(d, HK_DOCTOR_FAIL, hk_xasprintf("hostkit recover %s", p->name),
			      "%u lock%s that git left keep%s pushes out of '%s'", locks,
			      locks == 1 ? "" : "s", locks == 1 ? "s" : "", p->repo_path);
	if (!d->said)
		hk_doctor_ok(d, "%s", p->repo_path);
}

/* --- Space */

static void check_space(struct hk_doctor *d, int fd, const char *path)
{
	const struct hk_conf *conf = &d->project.conf;
	hk_auto_free char *quoted = hk_doctor_quote(d->project.home_path);
	char have[HK_HUMAN_LEN], need[HK_HUMAN_LEN];
	struct hk_error err = HK_ERROR_INIT;
	int64_t bytes, inodes;

	if (fd < 0)
		return;
	if (hk_fs_space(fd, &bytes, &inodes, &err)) {
		hk_doctor_error(d, HK_DOCTOR_FAIL, &err, NULL);
		return;
	}
	hk_human_size(bytes, have);
	if (bytes < conf->deploy_min_free)
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("see what is large: du -xsh %s/*; or lower [deploy] "
					   "min_free in %s",
					   quoted, d->ini),
			      "%s are free in '%s'; a deployment needs %s", have, path,
			      hk_human_size(conf->deploy_min_free, need));
	else if (inodes >= 0 && inodes < conf->deploy_min_inodes)
		hk_doctor_bad(d, HK_DOCTOR_FAIL,
			      hk_xasprintf("see where files are many: du -x --inodes -s %s/*; or "
					   "lower [deploy] min_inodes in %s",
					   quoted, d->ini),
			      "%lld inodes are free in '%s'; a deployment needs %lld",
			      (long long)inodes, path, (long long)conf->deploy_min_inodes);
	else if (inodes >= 0)
		hk_doctor_ok(d, "%s and %lld inodes are free in '%s'", have, (long long)inodes,
			     path);
	else
		hk_doctor_ok(d, "%s are free in '%s'", have, path);
}

void hk_doctor_check_disk(struct hk_doctor *d)
{
	check_space(d, d->project.releases_fd, d->project.home_path);
	check_space(d, d->project.state_fd, d->project.state_path);
}
