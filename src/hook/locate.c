/*
 * From a repository's folder to root and project.
 */
#include <hook/locate.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <base/alloc.h>
#include <deploy/owner.h>
#include <sys/fs.h>

/* Cuts the last component off path and returns it; NULL when there is none left. */
static char *cut_last(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	return slash + 1;
}

static bool has_project(const char *root, const char *name)
{
	hk_auto_free char *dir = hk_project_root_path(root, "etc/hostkit/projects");
	hk_auto_free char *path = hk_xasprintf("%s/%s.ini", dir, name);

	return hk_fs_exists(AT_FDCWD, path);
}

int hk_locate_check(struct hk_error *err)
{
	if (getenv("GIT_DIR"))
		return 0;
	hk_error_set(err, HK_E_USAGE, "this is a git hook, and git did not start it");
	return hk_error_hint(err, "to deploy by hand: hostkit deploy NAME");
}

/* Another folder may be called like a project's repository: an old copy, say. */
static bool is_here(const char *path)
{
	struct stat there, here;

	return stat(path, &there) == 0 && stat(".", &here) == 0 && there.st_dev == here.st_dev &&
	       there.st_ino == here.st_ino;
}

static int not_a_project(const char *cwd, struct hk_error *err)
{
	return hk_error_set(err, HK_E_USAGE, "'%s' is not the repository of a hostkit project",
			    cwd);
}

/* Who pushes by a path of this machine, root say, is not the project's user. */
static int open_project(const char *root, const char *name, struct hk_project *ret,
			struct hk_error *err)
{
	char host[256] = "HOST";

	if (hk_owner_check(root, name, err)) {
		gethostname(host, sizeof(host) - 1);
		return hk_error_hint(err, "push to: ssh://%s@%s/home/%s/repo.git", name, host,
				     name);
	}
	return hk_project_open(root, name, ret, err);
}

int hk_locate_project(struct hk_project *ret, struct hk_error *err)
{
	const char *other = getenv("HOSTKIT_ROOT");
	hk_auto_free char *cwd = getcwd(NULL, 0);
	hk_auto_free char *path = NULL;
	char *repo, *name, *home;

	if (!cwd)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot read the working folder");
	path = hk_xstrdup(cwd);
	repo = cut_last(path);
	name = repo ? cut_last(path) : NULL;
	home = name ? cut_last(path) : NULL;
	if (!home || strcmp(repo, "repo.git") || strcmp(home, "home"))
		return not_a_project(cwd, err);
	if (has_project(*path ? path : "/", name) || !other)
		return open_project(*path ? path : "/", name, ret, err);
	if (open_project(other, name, ret, err))
		return err->code;
	return is_here(ret->repo_path) ? 0 : not_a_project(cwd, err);
}
