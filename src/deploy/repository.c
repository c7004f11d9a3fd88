/*
 * Settings and hooks of repositories (contract in repository.h).
 */
#include <deploy/repository.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <base/human.h>
#include <repo/repo.h>
#include <sys/fs.h>
#include <sys/process.h>
#include <sys/self.h>

#define GIT_MS 10000

const char *const hk_repository_hooks[] = { "pre-receive", "proc-receive", "post-receive", NULL };

#define STRICT_KEY "receive." HK_REPOSITORY_STRICT_KEY

const struct hk_repository_setting hk_repository_settings[] = {
	/* Pins of releases are ours: not for clients to see or to push to. */
	{ "transfer.hideRefs", "refs/hostkit" },
	/* An account's own core.hooksPath must not make pushes deploy nothing. */
	{ "core.hooksPath", "hooks" },
	/*
	 * What was accepted survives a power cut: git syncs neither loose objects nor refs by
	 * itself (core.fsync in git-config(1)).
	 */
	{ "core.fsync", "committed,reference" },
	{ "receive.advertisePushOptions", "true" },
	/*
	 * receive-pack also looks at the refs by git-for-each-ref, which tells the pusher of one
	 * that is deleted just then. The pins, which come and go, need not be among these.
	 */
	{ "core.alternateRefsPrefixes", "refs/heads" },
	{ NULL, NULL },
};

/* Hooks are links to the installed programs, so that an upgrade reaches every repository. */
static int link_hooks(const char *repo_path, struct hk_error *err)
{
	hk_auto_free char *dir = hk_xasprintf("%s/hooks", repo_path);
	hk_auto_close int fd = -1;

	if (hk_fs_mkdir_p(AT_FDCWD, dir, 0755, err) || hk_fs_open_dir(AT_FDCWD, dir, &fd, err))
		return err->code;
	for (const char *const *hook = hk_repository_hooks; *hook; hook++) {
		hk_auto_free char *program = NULL;

		if (hk_self_program(*hook, &program, err) ||
		    hk_fs_swap_link(fd, program, *hook, err))
			return err->code;
	}
	return 0;
}

int hk_repository_set_up(const char *path, const char *home, bool strict, struct hk_error *err)
{
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;

	if (hk_repo_open(path, home, &repo, err))
		return err->code;
	for (const struct hk_repository_setting *s = hk_repository_settings; s->key; s++)
		if (hk_repo_set_config(repo, s->key, s->value, err))
			return err->code;
	/* git must not be told of a hook that is not there yet. Every ref begins so. */
	if (link_hooks(path, err) ||
	    hk_repo_set_config(repo, STRICT_KEY, strict ? "refs" : NULL, err))
		return err->code;
	return 0;
}

/* Made aside, so that one which is there is whole. */
int hk_repository_make(const char *path, const char *home, const char *branch, bool strict,
		       struct hk_error *err)
{
	hk_auto_free char *aside = hk_xasprintf("%s.new", path);
	bool is_new = !hk_fs_exists(AT_FDCWD, path);

	if (!is_new)
		return hk_repository_set_up(path, home, strict, err);
	if (hk_fs_remove_tree(AT_FDCWD, aside, err) || hk_repo_create(aside, branch, err) ||
	    hk_repository_set_up(aside, home, strict, err))
		return err->code;
	return hk_fs_move(AT_FDCWD, aside, AT_FDCWD, path, err);
}

static bool hooks_are_there(const char *path)
{
	for (const char *const *hook = hk_repository_hooks; *hook; hook++) {
		hk_auto_free char *file = hk_xasprintf("%s/hooks/%s", path, *hook);

		if (access(file, X_OK))
			return false;
	}
	return true;
}

int hk_repository_follow(const struct hk_project *p, struct hk_error *err)
{
	bool strict = !strcmp(p->conf.push_mode, "strict"), same = hooks_are_there(p->repo_path);
	HK_CLEANUP(hk_cleanup_repo) struct hk_repo *repo = NULL;
	hk_auto_free char *is = NULL;

	if (hk_repo_open(p->repo_path, p->home_path, &repo, err) ||
	    hk_repo_get_config(repo, STRICT_KEY, &is, err))
		return err->code;
	same = same && (is != NULL) == strict;
	hk_auto_free char *options = NULL;

	if (same && hk_repo_get_config(repo, "receive.advertisePushOptions", &options, err))
		return err->code;
	if (same && options)
		return 0;
	if (strict && hk_repository_check_git(getenv("PATH"), err))
		return err->code;
	return hk_repository_set_up(p->repo_path, p->home_path, strict, err);
}

static void take_line(void *ctx, const char *line, size_t len)
{
	struct hk_buf *out = ctx;

	if (!out->len)
		hk_buf_add(out, line, len);
}

bool hk_repository_git_version(const char *line, int64_t *major, int64_t *minor)
{
	static const char before[] = "git version ";
	struct hk_error ignored;
	hk_auto_free char *copy = hk_xstrdup(line);
	char *dot, *end;

	if (strncmp(copy, before, sizeof(before) - 1))
		return false;
	dot = strchr(copy + sizeof(before) - 1, '.');
	if (!dot)
		return false;
	*dot++ = '\0';
	end = dot + strspn(dot, "0123456789");
	*end = '\0';
	return !hk_human_parse_int(copy + sizeof(before) - 1, 0, 1000, major, &ignored) &&
	       !hk_human_parse_int(dot, 0, 100000, minor, &ignored);
}

int hk_repository_check_git(const char *path_variable, struct hk_error *err)
{
	static const char *const argv[] = { "git", "--version", NULL };
	hk_auto_free char *path =
		hk_xasprintf("PATH=%s",
			     path_variable ? path_variable : "/usr/local/bin:/usr/bin:/bin");
	const char *const env[] = { path, "LC_ALL=C", NULL };
	struct hk_process_spec spec = HK_PROCESS_SPEC_INIT;
	hk_auto_buf line = HK_BUF_INIT;
	int64_t major, minor;

	spec.argv = argv;
	spec.env = env;
	spec.timeout_ms = GIT_MS;
	spec.on_line = take_line;
	spec.ctx = &line;
	if (hk_process_run(&spec, NULL, err))
		return err->code;
	if (hk_repository_git_version(line.data, &major, &minor) &&
	    (major > HK_REPOSITORY_STRICT_MAJOR ||
	     (major == HK_REPOSITORY_STRICT_MAJOR && minor >= HK_REPOSITORY_STRICT_MINOR)))
		return 0;
	hk_error_set(err, HK_E_NOT_SUPPORTED,
		     "the strict mode needs git %d.%d or later on the server, and this is '%.60s'",
		     HK_REPOSITORY_STRICT_MAJOR, HK_REPOSITORY_STRICT_MINOR, line.data);
	return hk_error_hint(err, "install a newer git, or set [push] mode = post-receive");
}
