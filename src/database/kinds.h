/*
 * The rows of the table, and what they share (private to this folder).
 */
#ifndef HK_DATABASE_KINDS_H
#define HK_DATABASE_KINDS_H

#include <database/database.h>

extern const struct hk_database_kind hk_database_sqlite, hk_database_postgresql,
	hk_database_command;

struct hk_database_program {
	const char *const *argv;
	const struct hk_strlist *env;
	int stdin_fd;	   /* -1: /dev/null */
	int stdout_fd;	   /* -1: told like stderr */
	enum hk_code code; /* when it fails by itself */
	bool uncancellable;
	struct hk_strlist *said; /* gets its lines; may be NULL */
};

/*
 * Runs one, within the limits of db. Its failure has the line that tells most of what it said.
 */
int hk_database_run(const struct hk_database *db, const struct hk_database_program *p,
		    struct hk_error *err) HK_MUST_CHECK;

/*
 * A PostgreSQL URL as variables of libpq (PGHOST, PGPASSWORD, …), put into env; *ret_name is the
 * database's name, the caller's to free. Parameters that are no business of libpq are left out;
 * those that would name another database are refused.
 * HK_E_CONFIG_INVALID, without anything of the URL in the message.
 */
int hk_database_parse_url(const char *url, struct hk_strlist *env, char **ret_name,
			  struct hk_error *err) HK_MUST_CHECK;

/* Puts NAME=value into env, in the place of an entry of that name. */
void hk_database_set_variable(struct hk_strlist *env, const char *name, const char *value);

#endif
