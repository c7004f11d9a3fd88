/*
 * Finding our own programs and data from /proc/self/exe.
 */
#include <sys/self.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <sys/fs.h>

/*
 * DESTDIR/usr/local/bin/hostkit with bindir /usr/local/bin: the installation was moved below
 * DESTDIR, of which this is the length.
 */
static size_t length_moved(const char *exe, size_t dir_len)
{
	static const char *const folders[] = { HK_BINDIR, HK_PKGLIBEXECDIR };

	for (size_t i = 0; i < HK_ARRAY_LEN(folders); i++) {
		size_t len = strlen(folders[i]);

		if (dir_len >= len && !strncmp(exe + dir_len - len, folders[i], len))
			return dir_len - len;
	}
	return 0;
}

int hk_self_program(const char *name, char **ret, struct hk_error *err)
{
	hk_auto_free char *exe = NULL;
	hk_auto_free char *beside = NULL;
	hk_auto_free char *installed = NULL;
	size_t dir_len;

	if (hk_fs_read_link(AT_FDCWD, "/proc/self/exe", &exe, err))
		return err->code;
	dir_len = (size_t)(strrchr(exe, '/') - exe);
	beside = hk_xasprintf("%.*s/%s", (int)dir_len, exe, name);
	installed = hk_xasprintf("%.*s%s/%s", (int)length_moved(exe, dir_len), exe,
				 HK_PKGLIBEXECDIR, name);
	if (hk_fs_is_file(AT_FDCWD, beside))
		*ret = hk_steal_ptr(beside);
	else if (hk_fs_is_file(AT_FDCWD, installed))
		*ret = hk_steal_ptr(installed);
	else
		return hk_error_set(err, HK_E_INTERNAL,
				    "cannot find '%s', neither at '%s' nor at '%s'", name, beside,
				    installed);
	return 0;
}

int hk_self_data(const char *path, char **ret, struct hk_error *err)
{
	hk_auto_free char *exe = NULL;
	size_t dir_len;

	if (hk_fs_read_link(AT_FDCWD, "/proc/self/exe", &exe, err))
		return err->code;
	dir_len = (size_t)(strrchr(exe, '/') - exe);
	*ret = hk_xasprintf("%.*s%s/%s", (int)length_moved(exe, dir_len), exe, HK_PKGDATADIR, path);
	return 0;
}
