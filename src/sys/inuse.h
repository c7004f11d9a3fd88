/*
 * Which folders running processes use: as working folder, as program, or mapped.
 */
#ifndef HK_SYS_INUSE_H
#define HK_SYS_INUSE_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

struct hk_inuse {
	pid_t pid;
	char program[32]; /* the process's name, made printable */
	const char *as;	  /* "working folder", "program", "mapped file" */
};

/*
 * Calls fn for every use of something below folder by a process that the caller may inspect: name
 * is the first component below folder. A process is told once per name. Nothing on failure.
 */
typedef void hk_inuse_fn(void *ctx, const char *name, const struct hk_inuse *use);
void hk_inuse_each(const char *folder, hk_inuse_fn *fn, void *ctx);

/*
 * Whether another process that the caller may inspect has that file open (st_dev and st_ino are
 * compared); *ret tells one of them, as "open file".
 */
bool hk_inuse_find_file(const struct stat *file, struct hk_inuse *ret);

#endif
