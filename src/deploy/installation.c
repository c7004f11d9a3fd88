/*
 * Installations (contract in installation.h).
 */
#include <deploy/installation.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <deploy/project.h>
#include <sys/fs.h>

#define PROJECTS "etc/hostkit/projects"
#define TRIES 100 /* against whoever removes the last project just then */

/* Those above first. Below "/" names of projects are not for everybody to list. */
static const struct {
	const char *path;
	mode_t mode, host_mode;
	bool ours; /* removed when it is empty, also where it is not known who made it */
} folders[] = {
	{ "etc/hostkit", 0755, 0755, true },
	{ PROJECTS, 0755, 0711, true },
	{ "var/lib/hostkit", 0755, 0711, true },
	{ "home", 0755, 0755, false },
};

bool hk_installation_is_host(const char *root)
{
	return !strcmp(root, "/");
}

static int make_folder(struct hk_installation *in, size_t i, struct hk_error *err)
{
	hk_auto_free char *path = hk_project_root_path(in->root, folders[i].path);
	bool host = hk_installation_is_host(in->root), there = hk_fs_exists(AT_FDCWD, path);

	if (hk_fs_mkdir_p(AT_FDCWD, path, host ? folders[i].host_mode : folders[i].mode, err))
		return err->code;
	if (there)
		return 0;
	in->made |= 1U << i;
	if (host && chmod(path, folders[i].host_mode))
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot change the mode of '%s'",
					  path);
	return 0;
}

static int try_enter(struct hk_installation *in, struct hk_error *err)
{
	hk_auto_free char *projects = hk_project_root_path(in->root, PROJECTS);

	for (size_t i = 0; i < HK_ARRAY_LEN(folders); i++)
		if (make_folder(in, i, err))
			return err->code;
	return hk_lock_wait_folder(&in->lock, projects, err);
}

int hk_installation_enter(const char *root, struct hk_installation *ret, struct hk_error *err)
{
	struct hk_installation in = { .root = root, .lock = HK_LOCK_INIT };

	for (int i = 0; i < TRIES; i++) {
		struct hk_error why = HK_ERROR_INIT;

		if (!try_enter(&in, &why)) {
			*ret = in;
			return 0;
		}
		if (why.sys_errno != ENOENT || i == TRIES - 1) {
			*err = why;
			return err->code;
		}
	}
	return 0;
}

void hk_installation_sweep(struct hk_installation *in, bool all)
{
	for (size_t i = HK_ARRAY_LEN(folders); i-- > 0;) {
		hk_auto_free char *path = hk_project_root_path(in->root, folders[i].path);

		if (in->made & 1U << i || (all && folders[i].ours))
			rmdir(path);
	}
}

void hk_installation_leave(struct hk_installation *in)
{
	hk_lock_release(&in->lock);
}
