# shellcheck shell=bash
#
# A real PostgreSQL server on a socket, for tests of a project "site" that have sourced lib.sh and
# deploying.sh. It runs as another user than root, and the application's role is no superuser and has a
# password.
#
#	postgresql_begin	the server, with a database "app" that is the role's
#	admin SQL, app SQL	as the server's administrator, and as the application
#	start_server, stop_server
#	settings OPTION…	the project's, set_url its DATABASE_URL

postgresql_begin() {
	bin=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
	[ -x "${bin:-/nowhere}/initdb" ] || skip_all "there is no PostgreSQL server"
	require_programs python3 psql pg_dump pg_restore setpriv
	new_project site
	# shellcheck disable=SC2034 # tests use it
	home=$(home_of site)
	dumps=$HOSTKIT_ROOT/var/lib/hostkit/site/checkpoints
	# This test's own: another one beside it has its own in a command line.
	password="canary-$$-p@ss/word:%"
	url_password=canary-$$-p%40ss%2Fword%3A%25
	sock=$T/sock
	pgdata=$T/pgdata
	if [ "$(id -u)" -eq 0 ]; then
		as_server=(setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ TMPDIR=/tmp)
	else
		as_server=(env)
	fi
	install -d -m 700 "$pgdata"
	install -d -m 755 "$sock"
	[ "$(id -u)" -ne 0 ] || chown 65534:65534 "$pgdata" "$sock"

	(cd / && "${as_server[@]}" "$bin/initdb" -D "$pgdata" -U admin -A trust -E UTF8 --no-sync >/dev/null)
	printf 'local all admin trust\nlocal all all scram-sha-256\n' >"$T/hba"
	cat "$T/hba" >"$pgdata/pg_hba.conf"
	start_server
	admin "CREATE ROLE app LOGIN CREATEDB PASSWORD '$password'"
	admin "CREATE ROLE reader"
	admin "CREATE DATABASE app OWNER app"
	admin "ALTER DATABASE app SET statement_timeout TO '77s'"
	admin "ALTER DATABASE app SET search_path TO public, other"
	admin "GRANT CONNECT ON DATABASE app TO reader"
	admin "COMMENT ON DATABASE app IS 'what''s in it'"
	app "CREATE TABLE entry (n serial PRIMARY KEY, filler text)"
	app "CREATE TABLE total (n integer)"
	app "INSERT INTO total VALUES (0)"

	url="postgresql://app:$url_password@/app?host=$sock"
	echo page >site/index.html
}

admin() { # SQL…
	PGHOST=$sock PGUSER=admin PGDATABASE=${PGDATABASE:-postgres} psql -XqAt -v ON_ERROR_STOP=1 -c "$1"
}

app() { # SQL: as the application
	PGHOST=$sock PGUSER=app PGPASSWORD=$password PGDATABASE=app psql -XqAt -v ON_ERROR_STOP=1 -c "$1"
}

# It only lies here until the test is over.
start_server() {
	(cd / && "${as_server[@]}" "$bin/pg_ctl" -D "$pgdata" -l "$pgdata/log" -w -s \
		-o "-k $sock -c listen_addresses= -c fsync=off -c max_connections=40" start) 3>&-
}

stop_server() {
	(cd / && "${as_server[@]}" "$bin/pg_ctl" -D "$pgdata" -m fast -w -s stop)
}

settings() {
	configure site service.driver=none database.kind=postgresql "$@"
}

set_url() {
	hostkit env set site "DATABASE_URL=$url"
}

databases() {
	admin "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database WHERE NOT datistemplate"
}

nothing_beside() {
	[ "$(databases)" = app,postgres ]
	not ls "$dumps"/*.tmp
}

id_of() { # LABEL
	hostkit --json checkpoint list site | python3 -c '
import json, sys
print(next(c["id"] for c in json.load(sys.stdin)["data"]["checkpoints"] if c["label"] == sys.argv[1]))' "$1"
}

open_restores() {
	python3 -c '
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute(
    "SELECT count(*) FROM restore WHERE finished_at IS NULL").fetchone()[0])' \
		"$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db"
}
