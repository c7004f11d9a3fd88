#!/bin/bash
#
# Checkpoints of a real PostgreSQL server, on a socket, under a writer; restoring one; and everything
# that must leave the live data as it is.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=postgresql.sh
. "$(cd "$(dirname "$0")" && pwd)/postgresql.sh"

test_begin "checkpoints of PostgreSQL"
not_in_quick_run
postgresql_begin

# Writes until it is told to stop, over new connections when it loses them.
cat >writer.py <<'PY'
import os, subprocess, sys
stop = sys.argv[1]
while not os.path.exists(stop):
    p = subprocess.Popen(['psql', '-Xq'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        while not os.path.exists(stop) and p.poll() is None:
            p.stdin.write(b"BEGIN; INSERT INTO entry (filler) SELECT repeat('x', 100);"
                          b" UPDATE total SET n = n + 1; COMMIT;\n" * 20)
            p.stdin.flush()
        p.stdin.close()
    except BrokenPipeError:
        pass
    p.wait()
PY

start_writer() {
	rm -f stop
	PGHOST=$sock PGUSER=app PGPASSWORD=$password PGDATABASE=app python3 writer.py stop 3>&- &
	writer=$!
}

stop_writer() {
	touch stop
	wait "$writer" || true
}

count() {
	app "SELECT n FROM total"
}

grows() {
	[ "$(count)" -gt "$1" ]
}

sound() {
	[ "$(app "SELECT (SELECT count(*) FROM entry) = (SELECT n FROM total)")" = t ]
}

incomplete() {
	settings
	push site
	expect site last.status=failed last.error.code=CONFIG_INVALID stage.preflight=failed
	contains said "needs [database] url, or DATABASE_URL"
	hostkit env set site DATABASE_URL=mysql://x/y
	push site
	expect site last.status=failed stage.preflight=failed
	contains said "the URL of the database does not begin with postgresql://"
}
ok_when "without a URL a deployment is refused before it builds" incomplete

first() {
	set_url
	push site
	expect site last.status=succeeded stage.snapshot=succeeded
	contains said "checkpoint 1, "
	[ "$(stat -c %a "$dumps/1.dump")" = 600 ]
	pg_restore --list "$dumps/1.dump" | contains /dev/stdin "TABLE DATA public entry app"
}
ok_when "a deployment makes a checkpoint with the URL of .env" first

from_ini() {
	hostkit env unset site DATABASE_URL
	settings "database.url=$url"
	hostkit checkpoint create site --label ini
	hostkit config show site >out
	lacks out "$url_password"
	set_url
	settings
}
ok_when "or with that of the settings, which is not shown" from_ini

from_vault() { # which the deployment is only about to write into .env
	hostkit env unset site DATABASE_URL
	printf '%s' "$url" | hostkit secrets set site DATABASE_URL --stdin
	hostkit deploy site --inject-secrets >said
	expect site last.status=succeeded stage.snapshot=succeeded stage.secrets=succeeded
	lacks said "$url_password"
	hostkit secrets unset site DATABASE_URL
}
ok_when "or with that of the vault, when it is injected" from_vault

# pg_dump and psql, seen by whoever looks at processes while they run.
spy() {
	while [ ! -e "$T/stop-spying" ]; do
		cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep "[c]anary-$$-p" >>"$T/seen" || true
		sleep 0.01
	done
}

under_writes() {
	local i before=0

	start_writer
	wait_until 20 grows 500
	: >seen
	spy 3>&- &
	spy=$!
	for i in 1 2 3; do
		wait_until 20 grows "$before"
		hostkit checkpoint create site --label "round $i"
		before=$(count)
	done
	wait_until 60 grows 3000
	sound
}
ok_when "checkpoints are made while thousands are written" under_writes

restored() {
	app "CREATE TABLE after_it (n integer)"
	hostkit checkpoint restore site "$(id_of "round 1")" --yes >"$T/restored"
	touch stop-spying
	wait "$spy" || true
	contains "$T/restored" "the database of site is that of checkpoint"
	sound
	# Also what was made after the dump is gone, and the writer goes on.
	not app "SELECT * FROM after_it"
	wait_until 20 grows "$(count)"
	stop_writer
	sound
	nothing_beside
}
# The writer is a child of this shell, so these are no steps in a subshell.
under_writes_and_restored() {
	under_writes
	restored
}
ok_when "a restore under the writer: what was then, sound, and it writes on" under_writes_and_restored
ok_when "no password was in a command line" test ! -s seen

properties() {
	[ "$(admin "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'app'")" = app ]
	[ "$(app "SHOW statement_timeout")" = 77s ]
	[ "$(app "SHOW search_path")" = "public, other" ]
	[ "$(admin "SELECT has_database_privilege('reader', 'app', 'CONNECT')")" = t ]
	[ "$(admin "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'app'")" \
		= "what's in it" ]
	admin "SELECT datallowconn FROM pg_database WHERE datname = 'app'" | grep -x t
}
ok_when "owner, settings, rights and comment of the database are kept" properties

went_back() {
	local safety

	safety=$(sed -n 's/.*checkpoint restore site //p' "$T/restored")
	hostkit checkpoint restore site "$safety" --yes
	app "SELECT * FROM after_it"
	[ "$(count)" -ge 3000 ]
	sound
	nothing_beside
}
ok_when "what was there before the restore is a checkpoint of its own" went_back

# --- What must not change anything

remember() {
	app "SELECT sum(n), count(*) FROM entry" >before
	admin "SELECT oid FROM pg_database WHERE datname = 'app'" >>before
}

unharmed() {
	{
		app "SELECT sum(n), count(*) FROM entry"
		admin "SELECT oid FROM pg_database WHERE datname = 'app'"
	} | diff before -
	nothing_beside
}

tampered() {
	local id status=0

	id=$(id_of "round 2")
	remember
	cp "$dumps/$id.dump" kept
	flip_byte "$dumps/$id.dump" 2000
	hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	[ "$status" = 72 ]
	contains out "its dump is not what was written"
	unharmed
	truncate -s -500 "$dumps/$id.dump"
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "another size"
	unharmed
}
ok_when "a dump that was changed or cut off is refused" tampered

truncated() { # and its digest is that of the truncated one
	local id sum

	id=$(id_of "round 2")
	remember
	sum=$(sha256sum <"$dumps/$id.dump" | cut -d' ' -f1)
	python3 - "$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" "$id" "$sum" \
		"$(stat -c %s "$dumps/$id.dump")" <<-'PY'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1])
		db.execute("UPDATE checkpoint SET sha256 = ?, size = ? WHERE id = ?",
		           (sys.argv[3], int(sys.argv[4]), int(sys.argv[2])))
		db.commit()
	PY
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "pg_restore: error:"
	unharmed
	cp kept "$dumps/$id.dump"
}
ok_when "a truncated one leaves the live data even when its digest is right" truncated

wrong_password() {
	local status=0

	remember
	remember_live site
	hostkit env set site "DATABASE_URL=postgresql://app:wrong@/app?host=$sock"
	hostkit checkpoint create site >out 2>&1 || status=$?
	[ "$status" = 70 ]
	contains out "password authentication failed"
	not hostkit checkpoint restore site "$(id_of "round 1")" --yes >out 2>&1
	contains out "password authentication failed"
	push site
	expect site last.status=failed stage.snapshot=failed last.error.code=CHECKPOINT_FAILED
	contains said "password authentication failed"
	still_live site
	set_url
	unharmed
}
ok_when "a wrong password: told, and the deployment fails" wrong_password

server_down() {
	remember
	remember_live site
	stop_server
	not hostkit checkpoint create site >out 2>&1
	contains out "connection to server on socket"
	not hostkit checkpoint restore site "$(id_of "round 1")" --yes >out 2>&1
	push site
	expect site last.status=failed stage.snapshot=failed
	still_live site
	start_server
	unharmed
	push site
	expect site last.status=succeeded
}
ok_when "a server that is down: the same, and afterwards all is well" server_down

no_program() {
	local status=0

	remember_live site
	mkdir -p none
	printf '[project]\nport = %s\npath = %s\n[service]\ndriver = none\n[database]\nkind = postgresql\n' \
		"$(cat site.port)" "$T/none" >"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	hostkit checkpoint create site >out 2>&1 || status=$?
	[ "$status" = 40 ]
	contains out "pg_dump"
	contains out "install it, or add its folder to [project] path"
	settings
}
ok_when "a dump program that is missing is named" no_program

may_not_create() {
	local status=0

	remember
	admin "ALTER ROLE app NOCREATEDB"
	hostkit checkpoint restore site "$(id_of "round 1")" --yes >out 2>&1 || status=$?
	[ "$status" = 73 ]
	contains out "permission denied to create database"
	contains out "CREATEDB"
	admin "ALTER ROLE app CREATEDB"
	unharmed
}
ok_when "a role that may not create databases is told what it lacks" may_not_create

cannot_swap() { # what is connected cannot be sent away: it is another role's
	local status=0

	remember
	admin "CREATE ROLE boss SUPERUSER LOGIN"
	printf 'local all admin,boss trust\nlocal all all scram-sha-256\n' >"$T/hba"
	cat "$T/hba" >"$pgdata/pg_hba.conf"
	admin "SELECT pg_reload_conf()"
	PGHOST=$sock PGUSER=boss PGDATABASE=app psql -Xq -c "SELECT pg_sleep(1000)" 3>&- &
	boss=$!
	wait_until 10 boss_is_there
	hostkit checkpoint restore site "$(id_of "round 1")" --yes >out 2>&1 || status=$?
	kill "$boss"
	wait "$boss" || true
	admin "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'boss'"
	[ "$status" = 73 ]
	unharmed
	app "SELECT 1"
}
boss_is_there() {
	[ "$(admin "SELECT count(*) FROM pg_stat_activity WHERE usename = 'boss'")" = 1 ]
}
ok_when "connections that cannot be ended: the old database stays, open to all" cannot_swap

at_once() {
	local id a=0 b=0

	id=$(id_of "round 1")
	hostkit checkpoint restore site "$id" --yes >out.1 2>&1 3>&- &
	first=$!
	hostkit checkpoint restore site "$id" --yes >out.2 2>&1 || b=$?
	wait "$first" || a=$?
	case $a,$b in
	0,0 | 0,24 | 24,0) ;;
	*) cat out.1 out.2 >&2; return 1 ;;
	esac
	sound
	nothing_beside
}
ok_when "of two restores at once, one is told to come later" at_once

dropped() {
	admin "DROP DATABASE app"
	not hostkit checkpoint restore site "$(id_of "round 1")" --yes >out 2>&1
	contains out "--no-safety"
	hostkit checkpoint restore site "$(id_of "round 1")" --yes --no-safety
	sound
	[ "$(count)" -ge 500 ]
	nothing_beside
}
ok_when "a database that is gone comes back" dropped

# --- Killed

live_is() { # old|new: by a table that was made after the dump
	[ "$(app "SELECT CASE WHEN to_regclass('after_it') IS NULL THEN 'new' ELSE 'old' END")" = "$1" ]
}

killed() { # POINT old|new
	local status=0

	app "CREATE TABLE IF NOT EXISTS after_it (n integer)"
	HOSTKIT_FAILPOINT=$1:kill hostkit checkpoint restore site "$(id_of "round 1")" --yes \
		>out 2>&1 || status=$?
	[ "$status" = 137 ]
	hostkit checkpoint list site >out 2>&1
	contains out "recovered: the restore of checkpoint"
	live_is "$2"
	sound
	nothing_beside
	[ "$(open_restores)" = 0 ]
}

settled_later() { # the server is down when somebody comes
	app "CREATE TABLE IF NOT EXISTS after_it (n integer)"
	HOSTKIT_FAILPOINT=restore_loaded:kill hostkit checkpoint restore site "$(id_of "round 1")" \
		--yes || true
	stop_server
	hostkit checkpoint list site >out 2>&1
	contains out "cannot be settled yet: "
	[ "$(open_restores)" = 1 ]
	start_server
	hostkit recover site >out 2>&1
	contains out "the database is as it was before"
	live_is old
	nothing_beside
	[ "$(open_restores)" = 0 ]
}

another_database() { # is not asked which of the two is live
	app "CREATE TABLE IF NOT EXISTS after_it (n integer)"
	HOSTKIT_FAILPOINT=restore_stopped:kill hostkit checkpoint restore site "$(id_of "round 1")" \
		--yes || true
	admin "CREATE DATABASE elsewhere OWNER app"
	sed -i '/^DATABASE_URL=/s,@/app?,@/elsewhere?,' "$home/.env" # hostkit env would recover first
	hostkit checkpoint list site >out 2>&1
	contains out "cannot be settled yet: it was begun on the database 'app at $sock'"
	contains out "the settings name 'elsewhere at $sock'"
	[ "$(open_restores)" = 1 ]
	sed -i '/^DATABASE_URL=/s,@/elsewhere?,@/app?,' "$home/.env"
	hostkit recover site >out 2>&1
	contains out "the database is as it was before"
	live_is old
	admin "DROP DATABASE elsewhere"
	nothing_beside
}

url_is_gone() { # when it is known that the restored one is live, that stops nothing
	app "CREATE TABLE IF NOT EXISTS after_it (n integer)"
	HOSTKIT_FAILPOINT=restore_clean:kill hostkit checkpoint restore site "$(id_of "round 1")" \
		--yes || true
	sed -i '/^DATABASE_URL=/d' "$home/.env"
	hostkit recover site >out 2>&1
	contains out "the restored database is live"
	contains out "what is left beside the database is not removed: [database] kind = postgresql needs"
	[ "$(open_restores)" = 0 ]
	set_url
	live_is new
	databases | grep app_hostkit_old
	hostkit checkpoint restore site "$(id_of "round 1")" --yes
	live_is new
	nothing_beside
}

if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "killed when all is loaded: the old database is live" killed restore_loaded old
	ok_when "killed just before the swap: the old one" killed restore_stopped old
	ok_when "killed just after it: the new one" killed restore_swapped new
	ok_when "killed before the end is on record: the new one" killed restore_started new
	ok_when "killed when that is on record: the new one" killed restore_clean new
	ok_when "a server that is down at the recovery: it is settled later" settled_later
	ok_when "another DATABASE_URL at the recovery: it waits for the one of before" another_database
	ok_when "no DATABASE_URL when the databases have changed places: it is finished" url_is_gone
else
	skip "killed at each step" "built without --enable-failpoints"
fi

slow() {
	settings database.timeout=500ms
	app "CREATE TABLE big AS SELECT i, repeat(md5(i::text), 30) AS t FROM generate_series(1, 200000) i"
	not hostkit checkpoint create site >out 2>&1
	contains out "ran past its limit of 500 ms"
	nothing_beside
	app "DROP TABLE big"
	settings
}
ok_when "a limit ends what takes too long" slow

# --- All of it: code, .env and database

full() {
	settings deploy.keep_releases=5
	hostkit env set site V=1
	echo one >site/index.html
	push site
	app "CREATE TABLE orders (n integer)"
	app "INSERT INTO orders SELECT generate_series(1, 40)"
	echo two >site/index.html
	push site
	expect site last.status=succeeded stage.snapshot=succeeded
	hostkit env set site V=2
	app "INSERT INTO orders SELECT generate_series(41, 100)"
	app "CREATE TABLE newer (n integer)"
	app "ANALYZE"
	wait_until 10 told_of 100
	contains out "database becomes checkpoint"
	grep -E "^ +newer +about 0 now$" out
	contains out "Nothing was changed."
	[ "$(app "SELECT count(*) FROM orders")" = 100 ]
	hostkit rollback site --full --yes >out
	expect site last.status=succeeded stage.restore=succeeded
	[ "$(cat "$home/app/index.html")" = one ]
	[ "$(app "SELECT count(*) FROM orders")" = 40 ]
	not app "SELECT * FROM newer"
	contains "$home/.env" V=1
	nothing_beside
	hostkit checkpoint restore site "$(sed -n 's/.*checkpoint restore site //p' out)" --yes
	[ "$(app "SELECT count(*) FROM orders")" = 100 ]
}
told_of() { # the server's statistics come later than what they tell of
	hostkit rollback site --full --dry-run >out
	grep -E "^ +orders +about $1 now$" out
}
ok_when "a full rollback takes it back with code and .env" full

after_crash() { # the server's statistics begin anew
	(cd / && "${as_server[@]}" "$bin/pg_ctl" -D "$pgdata" -m immediate -w -s stop)
	start_server
	hostkit rollback site --full --dry-run >out
	grep -E "^ +orders +about 100 now$" out
}
ok_when "after a crash of the server rows are still told" after_crash

full_without_server() {
	echo three >site/index.html
	push site
	expect site last.status=succeeded
	remember
	stop_server
	hostkit rollback site --full --dry-run >out
	contains out "its rows were not counted: psql: error: "
	lacks out "$password"
	not hostkit rollback site --full --yes >out 2>&1
	expect site last.status=failed stage.restore=failed
	[ "$(cat "$home/app/index.html")" = three ]
	contains "$home/.env" V=1
	start_server
	unharmed
}
ok_when "without the server it fails, and all is as it was" full_without_server

full_killed() { # POINT old|new
	app "CREATE TABLE IF NOT EXISTS after_it (n integer)"
	echo four >site/index.html
	push site
	app "DROP TABLE after_it"
	hostkit env set site V=4
	HOSTKIT_FAILPOINT=$1:kill hostkit rollback site --full --yes >out 2>&1 || true
	hostkit recover site >>out 2>&1
	expect site last.status=interrupted running=null
	if [ "$2" = new ]; then
		app "SELECT * FROM after_it"
		not contains "$home/.env" V=4
		[ "$(cat "$home/app/index.html")" = three ]
	else
		not app "SELECT * FROM after_it"
		contains "$home/.env" V=4
		[ "$(cat "$home/app/index.html")" = four ]
		echo three >site/index.html
		push site
	fi
	nothing_beside
	[ "$(open_restores)" = 0 ]
	hostkit env set site V=3
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "killed before the databases change places: nothing has happened" \
		full_killed restore_stopped old
	ok_when "killed behind that: all of it has" full_killed restore_swapped new
else
	skip "a full rollback that is killed" "built without --enable-failpoints"
fi

# --- Doctor

looked_at() { # LEVEL TEXT
	hostkit doctor site >out 2>&1 || true
	grep -E "^  $1 +database " out | contains /dev/stdin "$2"
	lacks out "$password"
	lacks out "$url_password"
}

set_path() {
	sed -i "s#^path = .*#path = $1#" "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
}

doctor() {
	local dir

	looked_at ok "'app' of a server of version "
	admin "ALTER ROLE app NOCREATEDB"
	looked_at warn "the role of the database 'app' may not restore"
	contains out "CREATEDB"
	admin "ALTER ROLE app CREATEDB"
	looked_at ok "'app' of a server of version "
	admin "ALTER DATABASE app SET log_statement TO 'all'"
	admin "ALTER DATABASE app SET session_preload_libraries TO auto_explain"
	admin "ALTER DATABASE app SET app.own TO 'x'"
	admin "ALTER ROLE reader IN DATABASE app SET work_mem TO '8MB'"
	looked_at warn "may not give a new database the settings of 'app': log_statement, session_preload_libraries, work_mem"
	contains out "GRANT SET ON PARAMETER"
	hostkit checkpoint create site --label doctor
	hostkit checkpoint restore site "$(id_of doctor)" --yes >out 2>&1 && return 1
	contains out "permission denied to "
	contains out "GRANT SET ON PARAMETER"
	admin "ALTER DATABASE app RESET log_statement"
	admin "ALTER DATABASE app RESET session_preload_libraries"
	admin "ALTER ROLE reader IN DATABASE app RESET work_mem"
	looked_at ok "'app' of a server of version "
	hostkit env set site "DATABASE_URL=postgresql://app:wrong@/app?host=$sock"
	looked_at FAIL "password authentication failed"
	set_url
	# An older client, which pg_dump would refuse.
	mkdir -p old
	printf '#!/bin/sh\necho "pg_dump (PostgreSQL) 9.6.24"\n' >old/pg_dump
	chmod 755 old/pg_dump
	dir=$(dirname "$(command -v psql)")
	set_path "$T/old:$dir:/usr/bin:/bin"
	looked_at FAIL "pg_dump is of version 9, and the server of version "
	rm old/pg_dump
	set_path "$T/old"
	looked_at FAIL psql
	settings
	stop_server
	looked_at FAIL "connection to server on socket"
	start_server
}
ok_when "doctor tells whether checkpoints and restores are possible" doctor

nowhere() { # in no file but those that are told the URL, not the log, the ledger, the dumps
	grep -rlF --exclude-dir=pgdata --exclude=.stdout --exclude=.stderr -e "$url_password" \
		-e "$password" "$T/root" >found || true
	printf '%s\n' "$home/.env" | diff - found
}
ok_when "the password is nowhere but in .env" nowhere

stop_server
done_testing
