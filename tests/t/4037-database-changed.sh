#!/bin/bash
#
# Checkpoints of a database that the settings do not name any more: they go into the one that they are
# of, or nowhere.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=postgresql.sh
. "$(cd "$(dirname "$0")" && pwd)/postgresql.sh"

test_begin "databases that have changed"
not_in_quick_run
postgresql_begin

count() {
	app "SELECT n FROM total"
}

settings deploy.keep_releases=5
set_url
push site

other_service() { # of libpq's service files, which would win
	printf '[elsewhere]\ndbname=postgres\nhost=/nowhere\n' >"$home/services"
	hostkit env set site "PGSERVICEFILE=$home/services" PGSERVICE=elsewhere
	hostkit checkpoint create site --label service
	pg_restore --list "$dumps/$(id_of service).dump" | contains /dev/stdin "TABLE DATA public entry app"
	hostkit env unset site PGSERVICEFILE PGSERVICE
}
ok_when "nor does a PGSERVICE in .env name another one" other_service

set_other() {
	hostkit env set site "DATABASE_URL=${url/\/app\?//other?}"
}

other() { # SQL
	PGDATABASE=other admin "$1"
}

make_other() {
	admin "CREATE DATABASE other OWNER app"
	other "CREATE TABLE theirs AS SELECT 1 AS n; ALTER TABLE theirs OWNER TO app"
}

names_app() {
	[ "$(hostkit env get site DATABASE_URL)" = "$url" ]
}

drop_other() {
	set_url
	admin "DROP DATABASE other"
	nothing_beside
}

into_other() { # is asked for
	make_other
	hostkit checkpoint create site --label "of app"
	answers checkpoints.0.label="of app" "checkpoints.0.database=app at $sock" -- checkpoint list site
	set_other
	not hostkit checkpoint restore site "$(id_of "of app")" --yes >out 2>&1
	contains out "checkpoint $(id_of "of app") is of the database 'app at $sock', and the settings name 'other at $sock'"
	contains out "hostkit checkpoint restore site $(id_of "of app") --elsewhere"
	[ "$(other "SELECT n FROM theirs")" = 1 ]
	hostkit checkpoint restore site "$(id_of "of app")" --elsewhere --yes >out
	other "SELECT * FROM total"
	not other "SELECT * FROM theirs"
	# What was there is a checkpoint of that one.
	hostkit checkpoint restore site "$(sed -n 's/.*checkpoint restore site //p' out)" --yes
	[ "$(other "SELECT n FROM theirs")" = 1 ]
	drop_other
}
ok_when "a checkpoint goes into another database only when that is asked for" into_other

moved_since() { # the database was changed by hand after the deployment that is undone
	make_other
	app "CREATE TABLE since (n integer)"
	echo five >site/index.html
	push site
	app "DROP TABLE since"
	set_other
	hostkit rollback site --with-database --dry-run >out 2>&1 && return 1
	contains out "is of the database 'app at $sock', and the settings name 'other at $sock'"
	contains out "hostkit rollback site --with-env"
	hostkit rollback site --full --dry-run >out
	contains out ", into app at $sock"
	contains out "~ DATABASE_URL"
}
full_since() {
	moved_since
	hostkit rollback site --full --yes >out
	expect site last.status=succeeded stage.restore=succeeded
	app "SELECT * FROM since"
	names_app
	[ "$(other "SELECT n FROM theirs")" = 1 ]
	app "DROP TABLE since"
	drop_other
}
ok_when "a full rollback takes back the database that .env goes back to" full_since

killed_since() { # POINT old|new
	moved_since
	HOSTKIT_FAILPOINT=$1:kill hostkit rollback site --full --yes >out 2>&1 || true
	hostkit recover site >>out 2>&1
	[ "$(open_restores)" = 0 ]
	if [ "$2" = new ]; then
		app "SELECT * FROM since"
		app "DROP TABLE since"
		names_app
	else
		not app "SELECT * FROM since"
		not names_app
	fi
	[ "$(other "SELECT n FROM theirs")" = 1 ]
	drop_other
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "and when it is killed before, neither has changed" killed_since restore_stopped old
	ok_when "killed behind it, that one is taken back" killed_since restore_swapped new
	ok_when "also when .env has gone back already" killed_since restore_environment new
else
	skip "a full rollback to another DATABASE_URL that is killed" "built without --enable-failpoints"
fi

by_vault() { # the deployment itself brought the other one, and may have changed it
	make_other
	printf '%s' "${url/\/app\?//other?}" | hostkit secrets set site DATABASE_URL --stdin
	echo six >site/index.html
	git -C site add -A
	git -C site commit -qm six
	git -C site push -q -o inject-secrets hostkit main >said 2>&1
	expect site last.status=succeeded stage.secrets=succeeded
	other "DROP TABLE theirs"
	hostkit secrets unset site DATABASE_URL
	before=$(count)
	hostkit rollback site --full --yes >out
	[ "$(other "SELECT n FROM theirs")" = 1 ]
	names_app
	[ "$(count)" = "$before" ]
	drop_other
}
ok_when "one that the deployment brought is left as it was before" by_vault

stop_server
done_testing
