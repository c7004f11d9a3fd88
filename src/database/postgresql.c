/*
 * [database] kind = postgresql: by the programs of its client package, with everything about the
 * connection in their environment. Names are passed to psql as variables, which it quotes.
 */
#include <database/postgresql.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */
#define SWAP_MS 60000

/* The present state of the three names decides, not what a process believed before it died. */
static const char load_script[] =
	"SET client_min_messages = warning;\n"
	"DROP DATABASE IF EXISTS :\"new\";\n"
	"SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L"
	" LC_CTYPE %L CONNECTION LIMIT %s', :'new', pg_get_userbyid(datdba),"
	" pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit)"
	" || CASE WHEN to_jsonb(d)->>'datlocprovider' = 'i' THEN format(' LOCALE_PROVIDER icu"
	" ICU_LOCALE %L', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale'))"
	" ELSE '' END"
	" || CASE WHEN spcname <> 'pg_default' THEN format(' TABLESPACE %I', spcname) ELSE '' END\n"
	"FROM pg_database d JOIN pg_tablespace t ON t.oid = dattablespace WHERE datname = :'live'\n"
	"UNION ALL SELECT format('CREATE DATABASE %I TEMPLATE template0', :'new')\n"
	"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'live') \\gexec\n";

/* What belongs to a database and is in no dump of it: who may connect, and its settings. */
static const char properties_script[] =
	"SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', :'new') FROM pg_database\n"
	"WHERE datname = :'live' AND datacl IS NOT NULL\n"
	"UNION ALL SELECT format('GRANT %s ON DATABASE %I TO %s%s', privilege_type, :'new',"
	" CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,"
	" CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)\n"
	"FROM pg_database, aclexplode(datacl) WHERE datname = :'live' \\gexec\n"
	"SELECT format(CASE WHEN setrole = 0 THEN 'ALTER DATABASE %2$I' ELSE"
	" 'ALTER ROLE %1$I IN DATABASE %2$I' END || ' SET %3$I TO ' || CASE WHEN"
	" split_part(c, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries',"
	" 'session_preload_libraries') THEN '%4$s' ELSE '%4$L' END,"
	" pg_get_userbyid(setrole), :'new', split_part(c, '=', 1),"
	" substr(c, strpos(c, '=') + 1))\n"
	"FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(setconfig) c\n"
	"WHERE datname = :'live' \\gexec\n"
	"SELECT format('COMMENT ON DATABASE %I IS %L', :'new', shobj_description(oid,"
	" 'pg_database')) FROM pg_database WHERE datname = :'live'"
	" AND shobj_description(oid, 'pg_database') IS NOT NULL \\gexec\n";

/*
 * Nobody new gets in, who is in is sent away, and both names change in one transaction: a crash
 * leaves the old or the new database under the name.
 */
static const char swap_script[] =
	"SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS false', datname) FROM pg_database\n"
	"WHERE datname = :'live' \\gexec\n"
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity\n"
	"WHERE datname IN (:'live', :'new') AND pid <> pg_backend_pid()"
	" AND backend_type = 'client backend';\n"
	"SELECT EXISTS (SELECT FROM pg_database WHERE datname = :'live') AS there \\gset\n"
	"BEGIN;\n"
	"\\if :there\n"
	"ALTER DATABASE :\"live\" RENAME TO :\"old\";\n"
	"\\endif\n"
	"ALTER DATABASE :\"new\" RENAME TO :\"live\";\n"
	"COMMIT;\n";

static const char look_script[] =
	"SELECT CASE WHEN EXISTS (SELECT FROM pg_database WHERE datname = :'new')"
	" THEN 'beside' ELSE 'gone' END;\n";

/* The old database goes only when there is one under its name. */
static const char clean_script[] =
	"SET client_min_messages = warning;\n"
	"SELECT EXISTS (SELECT FROM pg_database WHERE datname = :'live') AS there \\gset\n"
	"DROP DATABASE IF EXISTS :\"new\";\n"
	"\\if :there\n"
	"SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', datname) FROM pg_database\n"
	"WHERE datname = :'live' AND NOT datallowconn \\gexec\n"
	"DROP DATABASE IF EXISTS :\"old\";\n"
	"\\endif\n";

void hk_pg_release(struct hk_pg *s)
{
	hk_strlist_wipe(&s->env);
	free(s->name);
	free(s->new_name);
	free(s->old_name);
}

static const char *variable(const struct hk_strlist *env, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; env && i < env->len; i++)
		if (!strncmp(env->items[i], name, len) && env->items[i][len] == '=')
			return env->items[i] + len + 1;
	return "";
}

static int check_name(const char *name, struct hk_error *err)
{
	/* What has a '=' or "://" would be a connection string to pg_restore. */
	if (strchr(name, '=') || strstr(name, "://") ||
	    strlen(name) + sizeof("_hostkit_new") - 1 > NAME_MAX_BYTES)
		return hk_error_set(err, HK_E_CONFIG_INVALID,
				    "the database's name has a '=' or '://', or more than %d bytes",
				    NAME_MAX_BYTES - (int)sizeof("_hostkit_new") + 1);
	return 0;
}

/* All but what wins over the variables that a URL is put into. */
static void copy_environment(const struct hk_strlist *from, struct hk_strlist *to)
{
	static const char service[] = "PGSERVICE=";

	for (size_t i = 0; i < from->len; i++)
		if (strncmp(from->items[i], service, sizeof(service) - 1))
			hk_strlist_add(to, from->items[i]);
}

int hk_pg_find(const struct hk_database *db, struct hk_pg *ret, struct hk_error *err)
{
	const char *url = db->conf->database_url;

	*ret = (struct hk_pg)HK_PG_INIT;
	if (!*url)
		url = variable(db->env, "DATABASE_URL");
	if (!*url) {
		hk_error_set(err, HK_E_CONFIG_INVALID,
			     "[database] kind = postgresql needs [database] url, or DATABASE_URL "
			     "in .env");
		return hk_error_hint(err,
				     "set [database] url in the project's INI file, then: "
				     "hostkit config check %s",
				     db->project);
	}
	copy_environment(db->env, &ret->env);
	hk_database_set_variable(&ret->env, "PGCONNECT_TIMEOUT", "10");
	hk_database_set_variable(&ret->env, "PGAPPNAME", "hostkit");
	if (hk_database_parse_url(url, &ret->env, &ret->name, err) || check_name(ret->name, err))
		return err->code;
	ret->new_name = hk_xasprintf("%s_hostkit_new", ret->name);
	ret->old_name = hk_xasprintf("%s_hostkit_old", ret->name);
	return 0;
}

static int target(const struct hk_database *db, struct hk_buf *ret, struct hk_error *err)
{
	hk_auto_pg s = HK_PG_INIT;
	const char *host, *port;

	if (hk_pg_find(db, &s, err))
		return err->code;
	host = variable(&s.env, "PGHOSTADDR");
	host = *host ? host : variable(&s.env, "PGHOST");
	port = variable(&s.env, "PGPORT");
	hk_buf_addf(ret, "%s at %s%s%s", s.name, *host ? host : "the local socket",
		    *port ? ":" : "", port);
	return 0;
}

static int check_settings(const struct hk_database *db, struct hk_error *err)
{
	hk_auto_pg s = HK_PG_INIT;

	return hk_pg_find(db, &s, err);
}

static int dump(const struct hk_database *db, const struct hk_dump *to, struct hk_error *err)
{
	static const char *const argv[] = { "pg_dump", "--format=custom", "--no-password", NULL };
	hk_auto_pg s = HK_PG_INIT;
	struct hk_database_program p = {
		.argv = argv,
		.env = &s.env,
		.stdin_fd = -1,
		.stdout_fd = to->fd,
		.code = HK_E_CHECKPOINT_FAILED,
	};

	return hk_pg_find(db, &s, err) ? err->code : hk_database_run(db, &p, err);
}

static int rewind_dump(const struct hk_dump *d, struct hk_error *err)
{
	if (lseek(d->fd, 0, SEEK_SET) < 0)
		return hk_error_set_errno(err, HK_E_IO, errno, "cannot read '%s'", d->path);
	return 0;
}

/* Its table of contents; whether the rest is what was written, its digest tells. */
static int check(const struct hk_database *db, const struct hk_dump *d, struct hk_error *err)
{
	static const char *const argv[] = { "pg_restore", "--list", NULL };
	struct hk_database quiet = *db;
	const struct hk_database_program p = {
		.argv = argv,
		.env = db->env,
		.stdin_fd = d->fd,
		.stdout_fd = -1,
		.code = HK_E_CHECKPOINT_DAMAGED,
	};

	quiet.on_line = NULL;
	return rewind_dump(d, err) ? err->code : hk_database_run(&quiet, &p, err);
}

/* --- Scripts */

static int open_script(const char *text, int *ret, struct hk_error *err)
{
	hk_auto_close int fd = memfd_create("hostkit-psql", MFD_CLOEXEC);
	int failed = fd < 0 ? errno : hk_fs_write_all(fd, text, strlen(text));

	if (failed || lseek(fd, 0, SEEK_SET) < 0)
		return hk_error_set_errno(err, HK_E_IO, failed ? failed : errno,
					  "cannot pass a script to psql");
	*ret = hk_steal_fd(&fd);
	return 0;
}

int hk_pg_run_script(const struct hk_database *db, struct hk_pg *s, const char *database,
		     const char *text, struct hk_strlist *said, struct hk_error *err)
{
	hk_auto_free char *live = hk_xasprintf("live=%s", s->name);
	hk_auto_free char *new_name = hk_xasprintf("new=%s", s->new_name);
	hk_auto_free char *old_name = hk_xasprintf("old=%s", s->old_name);
	const char *const argv[] = { "psql",	"--no-psqlrc",	   "--no-password",
				     "--quiet", "--no-align",	   "--tuples-only",
				     "--set",	"ON_ERROR_STOP=1", "--set",
				     live,	"--set",	   new_name,
				     "--set",	old_name,	   NULL };
	hk_auto_close int fd = -1;
	struct hk_database quiet = *db;
	struct hk_database_program p = {
		.argv = argv,
		.env = &s->env,
		.stdout_fd = -1,
		.code = HK_E_RESTORE_FAILED,
		.said = said,
		.uncancellable = db->cancel_fd < 0,
	};

	quiet.on_line = NULL;
	if (open_script(text, &fd, err))
		return err->code;
	p.stdin_fd = fd;
	hk_database_set_variable(&s->env, "PGDATABASE", database);
	return hk_database_run(&quiet, &p, err);
}

/* --- Restoring */

static int explain_load(const struct hk_pg *s, struct hk_error *err)
{
	if (strstr(err->message, "permission denied to create database"))
		hk_error_hint(err, "a restore makes a new database first; as the server's "
				   "administrator: ALTER ROLE ... CREATEDB");
	else if (strstr(err->message, "permission denied to set parameter") ||
		 strstr(err->message, "permission denied to alter"))
		hk_error_hint(err, HK_PG_SETTINGS_HINT);
	return hk_error_prefix(err, "beside the database '%.60s'", s->name);
}

static int restore_into_new(const struct hk_database *db, struct hk_pg *s,
			    const struct hk_dump *from, struct hk_error *err)
{
	const char *const argv[] = { "pg_restore",
				     "--no-password",
				     "--exit-on-error",
				     "--single-transaction",
				     "--dbname",
				     s->new_name,
				     NULL };
	const struct hk_database_program p = {
		.argv = argv,
		.env = &s->env,
		.stdin_fd = from->fd,
		.stdout_fd = -1,
		.code = HK_E_RESTORE_FAILED,
	};

	return rewind_dump(from, err) ? err->code : hk_database_run(db, &p, err);
}

/* What must not stop half-way: neither a cancellation nor the limit of the rest ends it. */
static int run_whole(const struct hk_database *db, const char *script, struct hk_error *err)
{
	struct hk_database whole = *db;
	hk_auto_pg s = HK_PG_INIT;

	whole.cancel_fd = -1;
	whole.deadline = hk_clock_deadline(SWAP_MS);
	if (hk_pg_find(db, &s, err))
		return err->code;
	return hk_pg_run_script(&whole, &s, HK_PG_MAINTENANCE, script, NULL, err);
}

static int clean(const struct hk_database *db, struct hk_error *err)
{
	return run_whole(db, clean_script, err);
}

static int load(const struct hk_database *db, const struct hk_dump *from, struct hk_error *err)
{
	hk_auto_pg s = HK_PG_INIT;

	/* What one before could not remove. */
	if (clean(db, err) || hk_pg_find(db, &s, err))
		return err->code;
	/* ANALYZE is for the planner, which knows nothing of the new tables, and reads them. */
	if (hk_pg_run_script(db, &s, HK_PG_MAINTENANCE, load_script, NULL, err) ||
	    restore_into_new(db, &s, from, err) ||
	    hk_pg_run_script(db, &s, HK_PG_MAINTENANCE, properties_script, NULL, err) ||
	    hk_pg_run_script(db, &s, s.new_name, "ANALYZE;\n", NULL, err))
		return explain_load(&s, err);
	return 0;
}

static int swap(const struct hk_database *db, const struct hk_dump *from HK_UNUSED,
		struct hk_error *err)
{
	return run_whole(db, swap_script, err);
}

static int look(const struct hk_database *db, bool *ret_beside, struct hk_error *err)
{
	hk_auto_pg s = HK_PG_INIT;
	hk_auto_strlist said = HK_STRLIST_INIT;

	if (hk_pg_find(db, &s, err) ||
	    hk_pg_run_script(db, &s, HK_PG_MAINTENANCE, look_script, &said, err))
		return err->code;
	*ret_beside = hk_strlist_has(&said, "beside");
	if (*ret_beside || hk_strlist_has(&said, "gone"))
		return 0;
	return hk_error_set(err, HK_E_RESTORE_FAILED, "psql did not tell what databases there are");
}

const struct hk_database_kind hk_database_postgresql = {
	.name = "postgresql",
	.check_settings = check_settings,
	.dump = dump,
	.check = check,
	.load = load,
	.swap = swap,
	.look = look,
	.clean = clean,
	.target = target,
	.rows = hk_pg_rows,
	.examine = hk_pg_examine,
	.runs_programs = true,
};
