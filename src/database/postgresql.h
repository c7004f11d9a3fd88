/*
 * PostgreSQL, in two files (private to this folder).
 */
#ifndef HK_DATABASE_POSTGRESQL_H
#define HK_DATABASE_POSTGRESQL_H

#include <database/kinds.h>

#define HK_PG_MAINTENANCE "postgres" /* the database that is there to connect to */

/* When it may not give a new database the settings of the live one. */
#define HK_PG_SETTINGS_HINT                                                                  \
	"as the server's administrator: ALTER DATABASE ... RESET them and set them for the " \
	"role instead, or, as of PostgreSQL 15, GRANT SET ON PARAMETER ... TO that role"

/* The environment of its programs, and the names of the live database and of those beside it. */
struct hk_pg {
	struct hk_strlist env;
	char *name;
	char *new_name, *old_name;
};

#define HK_PG_INIT                     \
	{                              \
		.env = HK_STRLIST_INIT \
	}
#define hk_auto_pg HK_CLEANUP(hk_pg_release) struct hk_pg
void hk_pg_release(struct hk_pg *s);

/* What the settings name; *ret is the caller's. HK_E_CONFIG_INVALID. */
int hk_pg_find(const struct hk_database *db, struct hk_pg *ret, struct hk_error *err) HK_MUST_CHECK;

/*
 * Runs a script of psql's in a database; the names are its variables live, new and old. said gets
 * what it prints, and may be NULL.
 */
int hk_pg_run_script(const struct hk_database *db, struct hk_pg *s, const char *database,
		     const char *text, struct hk_strlist *said, struct hk_error *err) HK_MUST_CHECK;

/* Of struct hk_database_kind: rows, and examine. */
int hk_pg_rows(const struct hk_database *db, const struct hk_dump *d, struct hk_rows *ret,
	       struct hk_error *err) HK_MUST_CHECK;
int hk_pg_examine(const struct hk_database *db, struct hk_strlist *warnings, struct hk_buf *ret,
		  struct hk_error *err) HK_MUST_CHECK;

#endif
