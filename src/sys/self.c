/*
 * Finding our own programs from /proc/self/exe.
 */
#include <sys/self.h>

#include <fcntl.h>
#include <string.h>

#include <base/alloc.h>
#include <sys/fs.h>

int hk_self_program(const char *name, char **ret, struct hk_error *err)
{
	static const char bindir[] = HK_BINDIR;
	hk_auto_free char *exe = NULL;
	hk_auto_free char *beside = NULL;
	hk_auto_free char *installed = NULL;
	size_t dir_len, bin_len = sizeof(bindir) - 1, moved = 0;

	if (hk_fs_read_link(AT_FDCWD, "/proc/self/exe", &exe, err))
		return err->code;
	dir_len = (size_t)(strrchr(exe, '/') - exe);
	beside = hk_xasprintf("%.*s/%s", (int)dir_len, exe, name);
	/*
	 * DESTDIR/usr/local/bin/hostkit with bindir /usr/local/bin: the installation was moved
	 * below DESTDIR.
	 */
	if (dir_len >= bin_len && !strncmp(exe + dir_len - bin_len, bindir, bin_len))
		moved = dir_len - bin_len;
	installed = hk_xasprintf("%.*s%s/%s", (int)moved, exe, HK_PKGLIBEXECDIR, name);
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
