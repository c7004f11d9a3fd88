/*
 * [database] kind = postgresql: by the programs of its client package, with everything about the
 * connection in their environment. Names are passed to psql as variables, which it quotes.
 */
#include <database/kinds.h>

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <base/alloc.h>
#include <base/clock.h>
#include <base/human.h>
#include <sys/failpoint.h>
#include <sys/fs.h>

#define URL "DATABASE_URL="
#define NAME_MAX_BYTES 63 /* NAMEDATALEN - 1 */
#define SWAP_MS 60000
#define MAINTENANCE "postgres" /* the database that is there to connect to */

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

/* What the statistics say, without reading the tables. */
static const char rows_script[] =
	"SELECT 'rows ' || n_live_tup || ' ' || CASE schemaname WHEN 'public' THEN '' ELSE"
	" schemaname || '.' END || relname FROM pg_stat_user_tables\n"
	"ORDER BY n_live_tup DESC, schemaname, relname LIMIT 21;\n";

static const char examine_script[] =
	"SELECT 'server ' || current_setting('server_version_num')::int / 10000;\n"
	"SELECT 'restores' FROM pg_roles WHERE rolname = current_user AND (rolsuper OR (rolcreatedb"
	" AND EXISTS (SELECT FROM pg_database WHERE datname = :'live'"
	" AND pg_has_role(current_user, datdba, 'MEMBER'))));\n";

struct server {
	struct hk_strlist env;
	char *name; /* of the live database */
	char *new_name, *old_name;
};

static void release_server(struct server *s)
{
	hk_strlist_wipe(&s->env);
	free(s->name);
	free(s->new_name);
	free(s->old_name);
}
#define auto_server HK_CLEANUP(release_server) struct server

static const char *find_url(const struct hk_database *db)
{
	const char *url = db->conf->database_url;

	for (size_t i = 0; !*url && db->env && i < db->env->len; i++)
		if (!strncmp(db->env->items[i], URL, sizeof(URL) - 1))
			url = db->env->items[i] + sizeof(URL) - 1;
	return url;
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

static int find(const struct hk_database *db, struct server *ret, struct hk_error *err)
{
	const char *url = find_url(db);

	*ret = (struct server){ .env = HK_STRLIST_INIT };
	if (!*url) {
		hk_error_set(err, HK_E_CONFIG_INVALID,
			     "[database] kind = postgresql needs [database] url, or DATABASE_URL "
			     "in .env");
		return hk_error_hint(err,
				     "set [database] url in the project's INI file, then: "
				     "hostkit config check %s",
				     db->project);
	}
	hk_strlist_add_list(&ret->env, db->env);
	hk_database_set_variable(&ret->env, "PGCONNECT_TIMEOUT", "10");
	hk_database_set_variable(&ret->env, "PGAPPNAME", "hostkit");
	if (hk_database_parse_url(url, &ret->env, &ret->name, err) || check_name(ret->name, err))
		return err->code;
	ret->new_name = hk_xasprintf("%s_hostkit_new", ret->name);
	ret->old_name = hk_xasprintf("%s_hostkit_old", ret->name);
	return 0;
}

static const char *variable(const struct server *s, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < s->env.len; i++)
		if (!strncmp(s->env.items[i], name, len) && s->env.items[i][len] == '=')
			return s->env.items[i] + len + 1;
	return "";
}

static int target(const struct hk_database *db, struct hk_buf *ret, struct hk_error *err)
{
	auto_server s = { .name = NULL };
	const char *host, *port;

	if (find(db, &s, err))
		return err->code;
	host = *variable(&s, "PGHOSTADDR") ? variable(&s, "PGHOSTADDR") : variable(&s, "PGHOST");
	port = variable(&s, "PGPORT");
	hk_buf_addf(ret, "%s at %s%s%s", s.name, *host ? host : "the local socket",
		    *port ? ":" : "", port);
	return 0;
}

static int check_settings(const struct hk_database *db, struct hk_error *err)
{
	auto_server s = { .name = NULL };

	return find(db, &s, err);
}

static int dump(const struct hk_database *db, const struct hk_dump *to, struct hk_error *err)
{
	static const char *const argv[] = { "pg_dump", "--format=custom", "--no-password", NULL };
	auto_server s = { .name = NULL };
	struct hk_database_program p = {
		.argv = argv,
		.env = &s.env,
		.stdin_fd = -1,
		.stdout_fd = to->fd,
		.code = HK_E_CHECKPOINT_FAILED,
	};

	return find(db, &s, err) ? err->code : hk_database_run(db, &p, err);
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

/* Runs a script in a database; said gets what it prints, and may be NULL. */
static int run_script(const struct hk_database *db, struct server *s, const char *database,
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

static int explain_load(const struct server *s, struct hk_error *err)
{
	if (strstr(err->message, "permission denied to create database"))
		hk_error_hint(err, "a restore makes a new database first; as the server's "
				   "administrator: ALTER ROLE ... CREATEDB");
	return hk_error_prefix(err, "beside the database '%.60s'", s->name);
}

static int restore_into_new(const struct hk_database *db, struct server *s,
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

static int clean(const struct hk_database *db, struct hk_error *err)
{
	struct hk_database whole = *db;
	auto_server s = { .name = NULL };

	whole.cancel_fd = -1;
	whole.deadline = hk_clock_deadline(SWAP_MS);
	return find(db, &s, err) ? err->code
				 : run_script(&whole, &s, MAINTENANCE, clean_script, NULL, err);
}

static int load(const struct hk_database *db, const struct hk_dump *from, struct hk_error *err)
{
	auto_server s = { .name = NULL };

	/* What one before could not remove. */
	if (clean(db, err) || find(db, &s, err))
		return err->code;
	/* ANALYZE is for the planner, which knows nothing of the new tables, and reads them. */
	if (run_script(db, &s, MAINTENANCE, load_script, NULL, err) ||
	    restore_into_new(db, &s, from, err) ||
	    run_script(db, &s, MAINTENANCE, properties_script, NULL, err) ||
	    run_script(db, &s, s.new_name, "ANALYZE;\n", NULL, err))
		return explain_load(&s, err);
	return 0;
}

static int swap(const struct hk_database *db, const struct hk_dump *from HK_UNUSED,
		struct hk_error *err)
{
	struct hk_database whole = *db;
	auto_server s = { .name = NULL };

	whole.cancel_fd = -1;
	whole.deadline = hk_clock_deadline(SWAP_MS);
	return find(db, &s, err) ? err->code
				 : run_script(&whole, &s, MAINTENANCE, swap_script, NULL, err);
}

static int look(const struct hk_database *db, bool *ret_beside, struct hk_error *err)
{
	auto_server s = { .name = NULL };
	hk_auto_strlist said = HK_STRLIST_INIT;

	if (find(db, &s, err) || run_script(db, &s, MAINTENANCE, look_script, &said, err))
		return err->code;
	*ret_beside = hk_strlist_has(&said, "beside");
	if (*ret_beside || hk_strlist_has(&said, "gone"))
		return 0;
	return hk_error_set(err, HK_E_RESTORE_FAILED, "psql did not tell what databases there are");
}

/* --- Looking */

static void take_rows(const struct hk_strlist *said, struct hk_rows *ret)
{
	static const char sign[] = "rows ";
	struct hk_error ignored;
	int64_t n;

	ret->estimated = true;
	for (size_t i = 0; i < said->len; i++) {
		const char *number = said->items[i] + sizeof(sign) - 1, *name;
		struct hk_table_rows *r;

		if (strncmp(said->items[i], sign, sizeof(sign) - 1) ||
		    !(name = strchr(number, ' ')))
			continue;
		hk_auto_free char *digits = hk_xstrndup(number, (size_t)(name - number));

		if (hk_human_parse_int(digits, 0, INT64_MAX, &n, &ignored))
			continue;
		r = hk_rows_of(ret, name + 1);
		if (r)
			r->now = n;
	}
}

static int rows(const struct hk_database *db, const struct hk_dump *d HK_UNUSED,
		struct hk_rows *ret, struct hk_error *err)
{
	auto_server s = { .name = NULL };
	hk_auto_strlist said = HK_STRLIST_INIT;

	if (find(db, &s, err) || run_script(db, &s, s.name, rows_script, &said, err))
		return err->code;
	take_rows(&said, ret);
	return 0;
}

/* The number in "pg_dump (PostgreSQL) 15.14"; 0: none. */
static int64_t major_of(const struct hk_strlist *said)
{
	struct hk_error ignored;
	int64_t major = 0;

	for (size_t i = 0; i < said->len && !major; i++) {
		const char *at = strstr(said->items[i], ") ");
		hk_auto_free char *digits = NULL;

		if (!at)
			continue;
		digits = hk_xstrndup(at + 2, strspn(at + 2, "0123456789"));
		if (hk_human_parse_int(digits, 1, 1000, &major, &ignored))
			major = 0;
	}
	return major;
}

static int examine_program(const struct hk_database *db, const struct server *s,
			   const char *program, int64_t server, struct hk_error *err)
{
	const char *const argv[] = { program, "--version", NULL };
	hk_auto_strlist said = HK_STRLIST_INIT;
	const struct hk_database_program p = {
		.argv = argv,
		.env = &s->env,
		.stdin_fd = -1,
		.stdout_fd = -1,
		.code = HK_E_CHECKPOINT_FAILED,
		.said = &said,
	};
	int64_t major;

	if (hk_database_run(db, &p, err))
		return err->code;
	major = major_of(&said);
	if (!major || major >= server)
		return 0;
	hk_error_set(err, HK_E_CHECKPOINT_FAILED,
		     "%s is of version %lld, and the server of version %lld", program,
		     (long long)major, (long long)server);
	return hk_error_hint(err,
			     "install the client programs of the server's version, or name their "
			     "folder first in [project] path of the project's INI file");
}

static int64_t take_server(const struct hk_strlist *said)
{
	static const char sign[] = "server ";
	struct hk_error ignored;
	int64_t server = 0;

	for (size_t i = 0; i < said->len; i++)
		if (!strncmp(said->items[i], sign, sizeof(sign) - 1) &&
		    hk_human_parse_int(said->items[i] + sizeof(sign) - 1, 1, 1000, &server,
				       &ignored))
			server = 0;
	return server;
}

static int examine(const struct hk_database *db, struct hk_strlist *warnings, struct hk_buf *ret,
		   struct hk_error *err)
{
	static const char *const programs[] = { "pg_dump", "pg_restore", "psql" };
	hk_auto_strlist said = HK_STRLIST_INIT, ignored = HK_STRLIST_INIT;
	struct hk_error failed = HK_ERROR_INIT;
	auto_server s = { .name = NULL };
	int64_t server;

	if (find(db, &s, err) || run_script(db, &s, s.name, examine_script, &said, err))
		return err->code;
	server = take_server(&said);
	for (size_t i = 0; i < HK_ARRAY_LEN(programs); i++)
		if (examine_program(db, &s, programs[i], server, err))
			return err->code;
	if (!hk_strlist_has(&said, "restores")) {
		hk_strlist_addf(warnings,
				"the role of the database '%s' may not restore: it has to "
				"own it, and to create databases",
				s.name);
		hk_strlist_add(warnings, "as the server's administrator: ALTER ROLE ... CREATEDB, "
					 "and ALTER DATABASE ... OWNER TO that role");
	} else if (run_script(db, &s, MAINTENANCE, "SELECT 1;\n", &ignored, &failed)) {
		hk_strlist_addf(warnings, "restores begin in the database '" MAINTENANCE "': %s",
				failed.message);
		hk_strlist_add(
			warnings,
			"as the server's administrator: GRANT CONNECT ON DATABASE " MAINTENANCE
			" TO that role");
	}
	hk_buf_addf(ret, "'%s' of a server of version %lld, and its programs", s.name,
		    (long long)server);
	return 0;
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
	.rows = rows,
	.examine = examine,
	.runs_programs = true,
};
