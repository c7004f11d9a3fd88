/*
 * SQLite databases of applications, as files that others have open.
 *
 * Paths must be resolved: a link in any component is refused. Errors are HK_E_CHECKPOINT_FAILED,
 * HK_E_CHECKPOINT_DAMAGED and HK_E_RESTORE_FAILED, as each says; HK_E_STAGE_TIMEOUT and
 * HK_E_CANCELLED by the limits; HK_E_NO_SPACE and HK_E_PERMISSION.
 */
#ifndef HK_STORE_SQLITE_FILE_H
#define HK_STORE_SQLITE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/error.h>

struct hk_sqlite_limits {
	int cancel_fd;	  /* readable: stop; -1: none */
	int64_t deadline; /* see hk_clock_deadline */
};

/*
 * Copies a live database into an empty file by the backup API, as of one instant, whatever others
 * write meanwhile: in WAL mode nobody waits; with a rollback journal, writers wait for the copy.
 * The copy is not synced. HK_E_CHECKPOINT_FAILED.
 */
int hk_sqlite_copy(const char *from, const char *to, const struct hk_sqlite_limits *limits,
		   struct hk_error *err) HK_MUST_CHECK;

/* A file that nobody writes, by integrity_check, without a trace: HK_E_CHECKPOINT_DAMAGED. */
int hk_sqlite_check(const char *path, const struct hk_sqlite_limits *limits,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * Calls fn with the rows of each ordinary table, by name, and stops behind max tables: *ret_more
 * tells whether there are others. still: nobody writes the file, and it is read without a trace.
 * HK_E_CHECKPOINT_FAILED.
 */
typedef void hk_sqlite_rows_fn(void *ctx, const char *table, int64_t rows);
int hk_sqlite_count_rows(const char *path, bool still, size_t max,
			 const struct hk_sqlite_limits *limits, hk_sqlite_rows_fn *fn, void *ctx,
			 bool *ret_more, struct hk_error *err) HK_MUST_CHECK;

/*
 * Puts the file `with` in the place of a database, which may be missing or damaged, in one rename,
 * under SQLite's exclusive lock and with nothing left in a -wal or -journal file that the new one
 * would be taken to belong to. HK_E_RESTORE_FAILED, with everything as it was, when somebody else
 * has it open. Does not sync the folder.
 */
int hk_sqlite_replace(const char *path, const char *with, struct hk_error *err) HK_MUST_CHECK;

#endif
