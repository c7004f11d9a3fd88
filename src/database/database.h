/*
 * The databases of applications: what takes and restores a dump of one. A const table, a row per
 * [database] kind; the rest of the program knows no kind by name.
 *
 * A restore never destroys before it has succeeded: load puts the dump beside what is live, and
 * swap lets both change places in one step. Whatever dies meanwhile, look and clean find what is
 * there. Passwords reach programs by their environment only.
 *
 * Errors are HK_E_CONFIG_INVALID, HK_E_CHECKPOINT_FAILED, HK_E_CHECKPOINT_DAMAGED and
 * HK_E_RESTORE_FAILED, and those of running programs and of files.
 */
#ifndef HK_DATABASE_DATABASE_H
#define HK_DATABASE_DATABASE_H

#include <stdbool.h>
#include <stdint.h>

#include <base/buf.h>
#include <base/error.h>
#include <base/lines.h>
#include <base/strlist.h>
#include <conf/conf.h>
#include <database/rows.h>

/* What a kind works on; all borrowed, filled by the caller. */
struct hk_database {
	const struct hk_conf *conf;
	int home_fd; /* the project's home */
	const char *home_path;
	const char *project; /* its name, for hints */
	const struct hk_strlist
		*env;	     /* for programs; its DATABASE_URL counts without a [database] url */
	const char *mark;    /* see hk_process_spec; one more entry of their environment */
	int cancel_fd;	     /* readable: stop; -1: none */
	int64_t deadline;    /* see hk_clock_deadline */
	hk_line_fn *on_line; /* what programs say; may be NULL */
	void *ctx;
};

/* A file of the caller's, open for reading and writing. */
struct hk_dump {
	int fd;
	const char *path; /* resolved */
};

struct hk_database_kind {
	const char *name;   /* the value of [database] kind */
	bool stops_service; /* the service must not run while the databases change places */
	/* Whether the settings say what is needed; asks nothing outside. */
	int (*check_settings)(const struct hk_database *db, struct hk_error *err);
	/*
	 * Which database the settings name, in words without secrets: a checkpoint goes back into
	 * that one, and a restore that died is settled on it. NULL: it is not known.
	 */
	int (*target)(const struct hk_database *db, struct hk_buf *ret, struct hk_error *err);
	/* Whether there is a database yet; NULL: that shows when it is dumped. */
	bool (*exists)(const struct hk_database *db);
	/* Of the live database, as of one instant, into an empty file. */
	int (*dump)(const struct hk_database *db, const struct hk_dump *to, struct hk_error *err);
	/* Whether a dump is one, as far as can be told without restoring it; NULL: it cannot be. */
	int (*check)(const struct hk_database *db, const struct hk_dump *d, struct hk_error *err);
	/* Restores it beside what is live, and looks whether it is sound. NULL: nothing is. */
	int (*load)(const struct hk_database *db, const struct hk_dump *from, struct hk_error *err);
	/* Both change places. After a failure, look tells whether they have. */
	int (*swap)(const struct hk_database *db, const struct hk_dump *from, struct hk_error *err);
	/*
	 * Whether what was loaded is still beside what is live; NULL: after a swap that did not
	 * end well nobody knows what is live.
	 */
	int (*look)(const struct hk_database *db, bool *ret_beside, struct hk_error *err);
	/* Removes what is beside the live database, which is open to all again. Idempotent. */
	int (*clean)(const struct hk_database *db, struct hk_error *err);
	/* The rows by table, live and in a dump, where that is cheap; NULL: it is not. */
	int (*rows)(const struct hk_database *db, const struct hk_dump *d, struct hk_rows *ret,
		    struct hk_error *err);
	/*
	 * For doctor: an error says why there can be no checkpoint, *ret what there is, in a line,
	 * and warnings, each followed by its hint, what a restore lacks. Changes nothing.
	 */
	int (*examine)(const struct hk_database *db, struct hk_strlist *warnings,
		       struct hk_buf *ret, struct hk_error *err);
	bool runs_programs; /* to examine it */
};

/* The kind with that name; NULL for "none" and for an unknown one. */
const struct hk_database_kind *hk_database_kind(const char *name);

#endif
