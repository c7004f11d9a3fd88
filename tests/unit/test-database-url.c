/*
 * PostgreSQL URLs as libpq's variables.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <base/alloc.h>
#include <base/buf.h>
#include <database/kinds.h>

/* What a URL sets, in order, one after the other. */
static void sets(const char *url, const char *want)
{
	hk_auto_strlist env = HK_STRLIST_INIT;
	hk_auto_buf got = HK_BUF_INIT;
	hk_auto_free char *name = NULL;
	struct hk_error err = HK_ERROR_INIT;

	if (hk_database_parse_url(url, &env, &name, &err))
		fail_msg("%s: %s", url, err.message);
	for (size_t i = 0; i < env.len; i++)
		hk_buf_addf(&got, "%s%s", i ? " " : "", env.items[i]);
	assert_string_equal(got.data, want);
}

static void refused(const char *url)
{
	hk_auto_strlist env = HK_STRLIST_INIT;
	hk_auto_free char *name = NULL;
	struct hk_error err = HK_ERROR_INIT;

	assert_int_equal(hk_database_parse_url(url, &env, &name, &err), HK_E_CONFIG_INVALID);
	assert_null(name);
	/* Nothing of it is told. */
	assert_null(strstr(err.message, "canary"));
	assert_null(strstr(err.hint, "canary"));
}

static void test_forms(void **state)
{
	(void)state;
	sets("postgresql://ann:secret@db.example:5433/app",
	     "PGUSER=ann PGPASSWORD=secret PGHOST=db.example PGPORT=5433 PGDATABASE=app");
	sets("postgres://db/app", "PGHOST=db PGDATABASE=app");
	sets("postgresql+psycopg2://ann@/app", "PGUSER=ann PGDATABASE=app");
	sets("postgresql:///app?host=/run/sock&port=77",
	     "PGDATABASE=app PGHOST=/run/sock PGPORT=77");
	sets("postgresql://%2Frun%2Fsock/app", "PGHOST=/run/sock PGDATABASE=app");
	sets("postgresql://u@[::1]:5/app", "PGUSER=u PGHOST=::1 PGPORT=5 PGDATABASE=app");
	sets("postgresql://a:1,b:2/app", "PGHOST=a,b PGPORT=1,2 PGDATABASE=app");
	sets("postgresql://h/app?sslmode=require&schema=public&pgbouncer=true",
	     "PGHOST=h PGDATABASE=app PGSSLMODE=require");
	sets("postgresql://h/app?requirepeer=postgres&require_auth=scram-sha-256"
	     "&ssl_min_protocol_version=TLSv1.3&sslcrldir=/crl",
	     "PGHOST=h PGDATABASE=app PGREQUIREPEER=postgres PGREQUIREAUTH=scram-sha-256"
	     " PGSSLMINPROTOCOLVERSION=TLSv1.3 PGSSLCRLDIR=/crl");
	sets("postgresql://h/app?ssl=true", "PGHOST=h PGDATABASE=app PGSSLMODE=require");
	sets("postgresql://h/app?ssl=false", "PGHOST=h PGDATABASE=app");
	sets("postgresql://h/app?sslmode=no-verify", "PGHOST=h PGDATABASE=app PGSSLMODE=require");
}

static void test_odd_passwords(void **state)
{
	(void)state;
	sets("postgresql://u:p%40ss%2Fw%3Ard%25@h/app",
	     "PGUSER=u PGPASSWORD=p@ss/w:rd% PGHOST=h PGDATABASE=app");
	sets("postgresql://u:a@b@h/app", "PGUSER=u PGPASSWORD=a@b PGHOST=h PGDATABASE=app");
	sets("postgresql://u:a:b@h/app", "PGUSER=u PGPASSWORD=a:b PGHOST=h PGDATABASE=app");
	sets("postgresql://u:@h/app", "PGUSER=u PGHOST=h PGDATABASE=app");
}

static void test_refused(void **state)
{
	(void)state;
	refused("mysql://u:canary@h/app");
	refused("postgresql:u:canary@h/app");
	refused("postgresql://u:canary@h");
	refused("postgresql://u:canary@h/");
	refused("postgresql://u:canary@h/?x=1");
	refused("postgresql://u:canary%4@h/app");
	refused("postgresql://u:canary%zz@h/app");
	refused("postgresql://u:canary%00@h/app");
	refused("postgresql://u:canary%0a@h/app");
	refused("postgresql://u:canary@h/app?port=%");
	refused("postgresql://u:canary@h/app?service=canary");
	refused("postgresql://u:canary@h/app?sslmode=require&dbname=canary");
	refused("");
}

static void test_replaces(void **state)
{
	hk_auto_strlist env = HK_STRLIST_INIT;
	struct hk_error err = HK_ERROR_INIT;
	hk_auto_free char *name = NULL;

	(void)state;
	hk_strlist_add(&env, "PGPASSWORD=old");
	assert_int_equal(hk_database_parse_url("postgresql://u:new@h/app", &env, &name, &err), 0);
	assert_string_equal(name, "app");
	assert_string_equal(env.items[0], "PGPASSWORD=new");
	assert_int_equal(env.len, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_forms),
					    cmocka_unit_test(test_odd_passwords),
					    cmocka_unit_test(test_refused),
					    cmocka_unit_test(test_replaces) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
