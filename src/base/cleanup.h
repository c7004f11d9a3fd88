/*
 * Scope-bound release of memory and descriptors.
 *
 * HK_CLEANUP(fn) attaches a destructor to a local variable; hk_steal_ptr and hk_steal_fd hand the
 * value to a new owner and leave the variable empty, so that the destructor does nothing.
 */
#ifndef HK_BASE_CLEANUP_H
#define HK_BASE_CLEANUP_H

#include <stdio.h>
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define HK_CLEANUP(fn) __attribute__((cleanup(fn)))
#define HK_MUST_CHECK __attribute__((warn_unused_result))
#define HK_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define HK_UNUSED __attribute__((unused))
#define HK_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline void hk_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void hk_cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void hk_cleanup_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void hk_cleanup_closedir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define hk_auto_free HK_CLEANUP(hk_cleanup_free)
#define hk_auto_close HK_CLEANUP(hk_cleanup_close)
#define hk_auto_fclose HK_CLEANUP(hk_cleanup_fclose)
#define hk_auto_closedir HK_CLEANUP(hk_cleanup_closedir)

#define hk_steal_ptr(p)                      \
	({                                   \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL;                  \
		stolen_;                     \
	})

static inline int hk_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
