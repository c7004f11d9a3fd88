/*
 * Mirrors: git fetches, libgit2 looks.
 */
#include <repo/mirror.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <repo/git_edge.h>
#include <repo/git_run.h>
#include <repo/stale.h>
#include <sys/fs.h>

#define KEPT_REF "refs/hostkit/commits/"

/* What git said when it could not fetch a commit by its id. */
struct fetch {
	const struct hk_export_spec *limits;
	bool unknown;	/* the server has no such object */
	bool not_by_id; /* it gives out what its refs name only, or cannot do without history */
};

static void listen(void *ctx, const char *line, size_t len)
{
	struct fetch *f = ctx;

	f->unknown |= strstr(line, "not our ref") != NULL;
	f->not_by_id |= strstr(line, "unadvertised object") || strstr(line, "shallow");
	if (f->limits->on_line)
		f->limits->on_line(f->limits->ctx, line, len);
}

/* Of the environment only what git needs, and what a crashed worker's children are found by. */
static void minimal_environment(const struct hk_export_spec *limits, struct hk_strlist *ret)
{
	static const char *const kept[] = { "PATH=", "HOSTKIT_RUN=" };

	for (const char *const *e = limits->env; e && *e; e++)
		for (size_t i = 0; i < HK_ARRAY_LEN(kept); i++)
			if (!strncmp(*e, kept[i], strlen(kept[i])))
				hk_strlist_add(ret, *e);
}

static int set_up(struct hk_git_run *run, const struct hk_mirror_spec *spec, struct hk_repo *mirror,
		  struct fetch *f, struct hk_error *err)
{
	hk_auto_free char *config = hk_xasprintf("%s/config", spec->origin->path);
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_export_spec limits = *spec->limits;
	hk_auto_free char *ssh = NULL;

	if (hk_git_config_string(spec->origin, "core.sshCommand", &ssh, err))
		return err->code;
	minimal_environment(spec->limits, &env);
	limits.env = hk_strlist_argv(&env);
	limits.dir_fd = -1;
	limits.on_line = listen;
	limits.ctx = f;
	hk_git_run_init(run, mirror, &limits);
	run->late = "the time is over before every submodule was fetched";
	hk_strlist_add(&run->env, "LC_ALL=C");
	hk_strlist_addf(&run->env, "GIT_SSH_COMMAND=%s -o BatchMode=yes", ssh ? ssh : "ssh");
	hk_strlist_addf(&run->env, "GIT_ALLOW_PROTOCOL=https:ssh%s",
			spec->local_allowed ? ":file" : "");
	hk_git_run_set(run, "include.path", config);
	return 0;
}

static int fetch_by_id(struct hk_git_run *run, const struct hk_mirror_spec *spec,
		       struct hk_error *err)
{
	hk_auto_free char *refspec = hk_xasprintf("+%s:" KEPT_REF "%s", spec->commit, spec->commit);
	const char *const argv[] = { "git",
				     "fetch",
				     "--quiet",
				     "--depth=1",
				     "--no-tags",
				     "--no-write-fetch-head",
				     "--no-auto-maintenance",
				     "--no-recurse-submodules",
				     "--",
				     spec->url,
				     refspec,
				     NULL };

	return hk_git_run(run, argv, err);
}

static int fetch_refs(struct hk_git_run *run, const struct hk_mirror_spec *spec,
		      struct hk_error *err)
{
	const char *const argv[] = { "git",
				     "fetch",
				     "--quiet",
				     "--no-write-fetch-head",
				     "--no-auto-maintenance",
				     "--no-recurse-submodules",
				     "--",
				     spec->url,
				     "+refs/heads/*:refs/heads/*",
				     "+refs/tags/*:refs/tags/*",
				     NULL };

	return hk_git_run(run, argv, err);
}

static int missing(const struct hk_mirror_spec *spec, struct hk_error *err)
{
	return hk_error_set(err, HK_E_REF_NOT_FOUND, "'%s' does not have commit %s", spec->url,
			    spec->commit);
}

static int keep(struct hk_repo *mirror, const struct hk_mirror_spec *spec, struct hk_error *err)
{
	hk_auto_free char *ref = hk_xasprintf(KEPT_REF "%s", spec->commit);
	struct hk_commit commit;
	int rc = hk_repo_resolve(mirror, spec->commit, &commit, err);

	if (rc == HK_E_REF_NOT_FOUND)
		return missing(spec, err);
	return rc ? rc : hk_repo_update_ref(mirror, ref, spec->commit, err);
}

static int fetch(const struct hk_mirror_spec *spec, struct hk_repo *mirror, struct hk_error *err)
{
	struct fetch f = { .limits = spec->limits };
	hk_auto_git_run run = HK_GIT_RUN_INIT;
	unsigned removed = 0;
	int rc;

	if (hk_repo_remove_stale_locks(mirror->path, &removed, err) ||
	    set_up(&run, spec, mirror, &f, err))
		return err->code;
	rc = fetch_by_id(&run, spec, err);
	if (rc != HK_E_COMMAND_FAILED)
		return rc;
	if (f.unknown)
		return missing(spec, err);
	if (!f.not_by_id)
		return rc;
	rc = fetch_refs(&run, spec, err);
	return rc ? rc : keep(mirror, spec, err);
}

/* What a crash has left of an export from it. */
static int sweep(const char *path, struct hk_error *err)
{
	hk_auto_strlist names = HK_STRLIST_INIT;
	hk_auto_close int fd = -1;

	if (hk_fs_open_dir(AT_FDCWD, path, &fd, err) || hk_fs_list(fd, ".", &names, err))
		return err->code;
	for (size_t i = 0; i < names.len; i++)
		if (!strncmp(names.items[i], HK_EXPORT_INDEX_PREFIX,
			     strlen(HK_EXPORT_INDEX_PREFIX)) &&
		    hk_fs_remove_tree(fd, names.items[i], err))
			return err->code;
	return 0;
}

/* git takes a folder for a repository only when HEAD is sound; libgit2 is not that strict. */
static bool opens(const char *path, const char *home, struct hk_repo **ret)
{
	hk_auto_git_reference *head = NULL;
	struct hk_error ignored;

	if (hk_repo_open(path, home, ret, &ignored))
		return false;
	if (!git_reference_lookup(&head, (*ret)->git, "HEAD"))
		return true;
	hk_repo_close(*ret);
	*ret = NULL;
	return false;
}

static int open_or_make(const struct hk_mirror_spec *spec, const char *path, struct hk_repo **ret,
			struct hk_error *err)
{
	const char *home = spec->origin->home;

	if (opens(path, home, ret))
		return sweep(path, err);
	/* Not there, or half made by one that died. */
	if (hk_fs_remove_tree(AT_FDCWD, path, err) ||
	    hk_fs_mkdir_p(AT_FDCWD, spec->cache, 0755, err) || hk_repo_create(path, "main", err) ||
	    hk_repo_open(path, home, ret, err))
		return err->code;
	/* Where git-lfs looks for a server. */
	return hk_repo_set_config(*ret, "remote.origin.url", spec->url, err);
}

int hk_mirror_open(const struct hk_mirror_spec *spec, struct hk_repo **ret, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *mirror = NULL;
	hk_auto_free char *ref = hk_xasprintf(KEPT_REF "%s", spec->commit);
	hk_auto_free char *path = NULL;
	char hex[GIT_OID_HEXSZ + 1];
	struct hk_commit commit;
	git_oid name;
	int rc;

	if (git_odb_hash(&name, spec->url, strlen(spec->url), GIT_OBJECT_BLOB))
		return hk_git_error(err, HK_E_INTERNAL, "cannot hash '%s'", spec->url);
	path = hk_xasprintf("%s/%s.git", spec->cache, git_oid_tostr(hex, sizeof(hex), &name));
	rc = open_or_make(spec, path, &mirror, err);
	if (!rc && hk_repo_resolve(mirror, ref, &commit, err))
		rc = fetch(spec, mirror, err);
	if (rc)
		return rc;
	*ret = hk_steal_ptr(mirror);
	return 0;
}
