/*
 * Filesystem work, relative to directory descriptors, never following a link where a link would be
 * an escape. Every descriptor returned is O_CLOEXEC. Messages name the path as it was passed.
 */
#ifndef HK_SYS_FS_H
#define HK_SYS_FS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <base/buf.h>
#include <base/error.h>
#include <base/strlist.h>

/* Opens a folder; its last component must not be a link. dirfd may be AT_FDCWD. */
int hk_fs_open_dir(int dirfd, const char *path, int *ret_fd, struct hk_error *err) HK_MUST_CHECK;

/*
 * Opens a folder below dirfd, of whose path no component may be a link, ".." or an absolute path;
 * "" is dirfd's own folder.
 */
int hk_fs_open_below(int dirfd, const char *path, int *ret_fd, struct hk_error *err) HK_MUST_CHECK;

/*
 * Makes path and its missing parents (new ones get mode, less the umask); an existing folder is
 * fine.
 */
int hk_fs_mkdir_p(int dirfd, const char *path, mode_t mode, struct hk_error *err) HK_MUST_CHECK;

/* What is there: none of these follow a last-component link; false for any failure. */
bool hk_fs_exists(int dirfd, const char *path);
bool hk_fs_is_dir(int dirfd, const char *path);
bool hk_fs_is_file(int dirfd, const char *path);

/*
 * Appends a regular file to out. Fails with HK_E_IO when it cannot be read (sys_errno ENOENT when
 * it is missing) or is larger than max bytes.
 */
int hk_fs_read_file(int dirfd, const char *path, size_t max, struct hk_buf *out,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * Replaces path by a file with that content: written aside with O_EXCL and mode from the start,
 * fsync'ed, renamed over, folder fsync'ed. At every instant either the old or the new file is
 * there.
 */
int hk_fs_write_file(int dirfd, const char *path, const void *data, size_t len, mode_t mode,
		     struct hk_error *err) HK_MUST_CHECK;

/* The same for root, who writes it for others: uid and gid own it from the start; -1: the caller's.
 */
int hk_fs_write_file_for(uid_t uid, gid_t gid, int dirfd, const char *path, const void *data,
			 size_t len, mode_t mode, struct hk_error *err) HK_MUST_CHECK;

/*
 * Appends what is left to read; 0, or the errno of the read that failed, EFBIG after more than max
 * bytes. out is NUL-terminated then, as always.
 */
int hk_fs_read_all(int fd, size_t max, struct hk_buf *out) HK_MUST_CHECK;

/* Writes everything; 0, or the errno of the write that failed. */
int hk_fs_write_all(int fd, const void *data, size_t len) HK_MUST_CHECK;

/* The target of a link; *ret is the caller's to free. sys_errno is EINVAL when it is no link. */
int hk_fs_read_link(int dirfd, const char *path, char **ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Makes the link `path` -> target, replacing an existing link in one renameat: at every instant the
 * old or the new link is there. Does not sync: see hk_fs_sync_dir. Fails when path is a folder.
 * The link is made as path.tmp first, which a crash may leave and the next call replaces; callers
 * hold a lock.
 */
int hk_fs_swap_link(int dirfd, const char *target, const char *path,
		    struct hk_error *err) HK_MUST_CHECK;

/* Removes path with everything below it; links are removed, not followed. Missing is success. */
int hk_fs_remove_tree(int dirfd, const char *path, struct hk_error *err) HK_MUST_CHECK;

/*
 * Copies a folder's content (or a file, or a link) to a new name; modes are kept (without setuid,
 * setgid and sticky), links are copied as they are. Existing folders are merged into, an existing
 * file or link is an error. Data is shared with the source where the filesystem can (FICLONE).
 */
int hk_fs_copy_tree(int from_dirfd, const char *from, int to_dirfd, const char *to,
		    struct hk_error *err) HK_MUST_CHECK;

/* Renames, never over something that exists; copies and removes between two filesystems. */
int hk_fs_move(int from_dirfd, const char *from, int to_dirfd, const char *to,
	       struct hk_error *err) HK_MUST_CHECK;

/* The names in a folder, sorted by byte value, without "." and "..". */
int hk_fs_list(int dirfd, const char *path, struct hk_strlist *ret,
	       struct hk_error *err) HK_MUST_CHECK;

int hk_fs_sync_dir(int dirfd, struct hk_error *err) HK_MUST_CHECK;     /* fsync of a folder */
int hk_fs_sync_filesystem(int fd, struct hk_error *err) HK_MUST_CHECK; /* syncfs */

/* Free for an unprivileged process. inodes is -1 where the filesystem does not count them. */
int hk_fs_space(int fd, int64_t *ret_bytes, int64_t *ret_inodes,
		struct hk_error *err) HK_MUST_CHECK;

/* Bytes on disk (st_blocks) below path, and the number of entries; unreadable parts count 0. */
void hk_fs_usage(int dirfd, const char *path, int64_t *ret_bytes, int64_t *ret_entries);

#endif
