/*
 * PostgreSQL: what is looked at, and changed by nobody (contract in postgresql.h).
 */
#include <database/postgresql.h>

#include <string.h>

#include <base/alloc.h>
#include <base/human.h>

/*
 * What the statistics say, without reading the tables; after a crash of the server those begin
 * anew, and what the last ANALYZE has found is the better guess.
 */
static const char rows_script[] =
	"SELECT 'rows ' || CASE WHEN n_live_tup + n_tup_ins + n_tup_upd + n_tup_del = 0 THEN"
	" greatest(reltuples, 0)::bigint ELSE n_live_tup END || ' ' || CASE schemaname"
	" WHEN 'public' THEN '' ELSE schemaname || '.' END || s.relname\n"
	"FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid\n"
	"ORDER BY greatest(n_live_tup, reltuples) DESC, schemaname, s.relname LIMIT 21;\n";

static const char examine_script[] =
	"SELECT 'server ' || current_setting('server_version_num')::int / 10000;\n"
	"SELECT 'restores' FROM pg_roles WHERE rolname = current_user AND (rolsuper OR (rolcreatedb"
	" AND EXISTS (SELECT FROM pg_database WHERE datname = :'live'"
	" AND pg_has_role(current_user, datdba, 'MEMBER'))));\n"
	"SELECT current_setting('server_version_num')::int >= 150000 AS grants \\gset\n"
	"\\if :grants\n"
	"\\set may 'has_parameter_privilege(split_part(c, ''='', 1), ''SET'')'\n"
	"\\else\n"
	"\\set may false\n"
	"\\endif\n"
	"SELECT DISTINCT 'fixed ' || split_part(c, '=', 1) FROM pg_db_role_setting s"
	" JOIN pg_database d ON d.oid = s.setdatabase JOIN pg_roles r ON r.rolname = current_user"
	" CROSS JOIN unnest(s.setconfig) c"
	" LEFT JOIN pg_settings p ON lower(p.name) = lower(split_part(c, '=', 1))\n"
	"WHERE d.datname = :'live' AND NOT r.rolsuper AND ("
	/* A parameter that is not shown is for superusers, unless it is an extension's. */
	"(coalesce(p.context IN ('superuser', 'superuser-backend'), c NOT LIKE '%.%=%')"
	" AND NOT :may)"
	" OR (s.setrole NOT IN (0, r.oid) AND NOT r.rolcreaterole)) ORDER BY 1;\n";

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

int hk_pg_rows(const struct hk_database *db, const struct hk_dump *d HK_UNUSED, struct hk_rows *ret,
	       struct hk_error *err)
{
	hk_auto_pg s = HK_PG_INIT;
	hk_auto_strlist said = HK_STRLIST_INIT;

	if (hk_pg_find(db, &s, err) || hk_pg_run_script(db, &s, s.name, rows_script, &said, err))
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

static int examine_program(const struct hk_database *db, const struct hk_pg *s, const char *program,
			   int64_t server, struct hk_error *err)
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

static void warn_of_settings(const struct hk_pg *s, const struct hk_strlist *said,
			     struct hk_strlist *warnings)
{
	static const char sign[] = "fixed ";
	hk_auto_buf names = HK_BUF_INIT;

	for (size_t i = 0; i < said->len; i++)
		if (!strncmp(said->items[i], sign, sizeof(sign) - 1))
			hk_buf_addf(&names, "%s%s", names.len ? ", " : "",
				    said->items[i] + sizeof(sign) - 1);
	if (!names.len)
		return;
	hk_strlist_addf(warnings,
			"restores fail: the role may not give a new database the settings of "
			"'%s': %.200s",
			s->name, names.data);
	hk_strlist_add(warnings, HK_PG_SETTINGS_HINT);
}

int hk_pg_examine(const struct hk_database *db, struct hk_strlist *warnings, struct hk_buf *ret,
		  struct hk_error *err)
{
	static const char *const programs[] = { "pg_dump", "pg_restore", "psql" };
	hk_auto_strlist said = HK_STRLIST_INIT, ignored = HK_STRLIST_INIT;
	struct hk_error failed = HK_ERROR_INIT;
	hk_auto_pg s = HK_PG_INIT;
	int64_t server;

	if (hk_pg_find(db, &s, err) || hk_pg_run_script(db, &s, s.name, examine_script, &said, err))
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
	} else if (hk_pg_run_script(db, &s, HK_PG_MAINTENANCE, "SELECT 1;\n", &ignored, &failed)) {
		hk_strlist_addf(warnings,
				"restores begin in the database '" HK_PG_MAINTENANCE "': %s",
				failed.message);
		hk_strlist_add(
			warnings,
			"as the server's administrator: GRANT CONNECT ON DATABASE " HK_PG_MAINTENANCE
			" TO that role");
	}
	warn_of_settings(&s, &said, warnings);
	hk_buf_addf(ret, "'%s' of a server of version %lld, and its programs", s.name,
		    (long long)server);
	return 0;
}
