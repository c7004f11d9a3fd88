#!/bin/bash
#
# rollback --full: code, .env and database go back together, to what they were just before the
# deployment that is undone; and whatever is killed meanwhile, all of it has happened, or nothing.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "full rollback"
not_in_quick_run
require_programs python3 flaky-http
new_project site
home=$(home_of site)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
db=$home/shared/app.db

settings() {
	configure site "service.start=flaky-http 200" health.interval=100ms health.timeout=20s "$@"
}

sql() {
	python3 - "$1" "$2" <<-'PY'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1], timeout=30)
		for row in db.execute(sys.argv[2]):
		    print('|'.join(str(v) for v in row))
		db.commit()
	PY
}

# Everything has the number of its version.
version() {
	echo "$(cat "$home/app/index.html") $(sql "$db" "SELECT n FROM v") $(sed -n 's/^V=//p' "$home/.env")"
}

deploy() { # N: data and .env change after the deployment of the code
	echo "$1" >site/index.html
	push site
	expect site last.status=succeeded
	sql "$db" "UPDATE v SET n = $1"
	hostkit env set site "V=$1"
}

sql_begin() {
	mkdir -p "$home/shared"
	sql "$db" "PRAGMA journal_mode = WAL"
	sql "$db" "CREATE TABLE v (n)"
	sql "$db" "INSERT INTO v VALUES (0)"
	hostkit env set site V=0
}

settings database.kind=sqlite database.path=shared/app.db
sql_begin

deploys() {
	deploy 1
	deploy 2
	deploy 3
	[ "$(version)" = "3 3 3" ]
}
ok_when "three versions, each with data and settings of its own" deploys

planned() {
	hostkit rollback site --full --dry-run >out
	contains out "back to  release "
	contains out ".env     becomes what it was before deployment 3"
	contains out "~ V"
	contains out "database becomes checkpoint 3 of "
	contains out "Nothing was changed."
	[ "$(version)" = "3 3 3" ]
	answers checkpoint=3 'environment=["V"]' -- rollback site --full --dry-run
}
ok_when "--dry-run says what each part would become" planned

loses() { # by table: what is gone, what comes back, what is another number
	sql "$db" "CREATE TABLE later (n)"
	sql "$db" "INSERT INTO v VALUES (3)"
	hostkit rollback site --full --dry-run >out
	grep -E "^ +v +2 now, 1 then$" out
	grep -E "^ +later +0 now, and goes$" out
	answers 'rows~"table": "later"' 'rows~"now": 2' -- rollback site --full --dry-run
	# Told, and no reason not to go back, when it cannot be counted.
	mv "$db" kept.db
	echo "no database" >"$db"
	hostkit rollback site --full --dry-run >out
	contains out "its rows were not counted: "
	contains out "Nothing was changed."
	mv kept.db "$db"
	sql "$db" "DROP TABLE later"
	sql "$db" "DELETE FROM v WHERE rowid > 1"
	[ "$(version)" = "3 3 3" ]
}
ok_when "and which rows would be lost, by table" loses
fails_with 2 "without a terminal it takes --yes" hostkit rollback site --full

goes_back() {
	hostkit rollback site --full --yes >out
	expect site last.status=succeeded last.trigger=rollback stage.restore=succeeded \
		stage.activate=succeeded stage.health=succeeded
	contains out "database and .env, before deployment 3"
	[ "$(version)" = "2 2 2" ]
	answers running=true -- service status site
}
ok_when "all of it goes back to just before the deployment that is undone" goes_back

again() { # two in a row go back twice
	hostkit rollback site --full --yes
	[ "$(version)" = "1 1 1" ]
	hostkit rollback site --full --yes >out 2>&1 && return 1
	contains out "is on record as live before"
	[ "$(version)" = "1 1 1" ]
}
ok_when "and again, to the one before" again

parts() {
	deploy 4
	deploy 5
	hostkit rollback site --with-env --yes
	[ "$(version)" = "4 5 4" ]
	expect site stage.restore=succeeded
	deploy 6
	deploy 7
	hostkit rollback site --with-database --yes
	[ "$(version)" = "6 6 7" ]
	deploy 8
	# The code alone: the last good release. All: what was live before.
	hostkit rollback site
	[ "$(version)" = "7 8 8" ]
	expect site stage.restore=null
	deploy 14
	hostkit rollback site --to "$(basename "$(live site)")" --full --yes >out 2>&1 && return 1
	contains out "is live already"
}
ok_when "parts can be chosen" parts

there_was_none() { # no .env
	rm "$home/.env"
	deploy 9
	hostkit rollback site --with-env --yes
	[ ! -e "$home/.env" ]
	hostkit env set site V=9
}
ok_when "a .env that was not there is removed" there_was_none

not_kept() {
	local status=0 id

	deploy 10
	deploy 11
	id=$(hostkit --json checkpoint list site | python3 -c '
import json, sys
print(json.load(sys.stdin)["data"]["checkpoints"][0]["id"])')
	hostkit checkpoint delete site "$id"
	hostkit rollback site --full --yes >out 2>&1 || status=$?
	[ "$status" = 71 ]
	contains out "there is no checkpoint from the end of release"
	[ "$(version)" = "11 11 11" ]
	deploy 12
	deploy 13
}
ok_when "without its checkpoint it is refused, and nothing has changed" not_kept

damaged() {
	local id

	id=$(hostkit --json rollback site --full --dry-run | python3 -c '
import json, sys
print(json.load(sys.stdin)["data"]["checkpoint"])')
	cp "$state/checkpoints/$id.dump" kept
	flip_byte "$state/checkpoints/$id.dump" 5000
	hostkit rollback site --full --yes >out 2>&1 && return 1
	contains out "is damaged, and is not used"
	expect site last.status=failed stage.restore=failed
	[ "$(version)" = "13 13 13" ]
	answers running=true -- service status site
	cp kept "$state/checkpoints/$id.dump"
}
ok_when "nor with one that was changed" damaged

another_file() { # which the settings name since then
	cp "$db" "$home/shared/moved.db"
	settings database.kind=sqlite database.path=shared/moved.db
	hostkit rollback site --full --yes >out 2>&1 && return 1
	contains out "is of the database 'shared/app.db', and the settings name 'shared/moved.db'"
	contains out "hostkit rollback site --with-env"
	[ "$(version)" = "13 13 13" ]
	settings database.kind=sqlite database.path=shared/app.db
	rm "$home/shared/moved.db"
}
ok_when "nor with one of another database" another_file

# --- Killed

n=13
killed() { # POINT all|nothing
	local before after

	n=$(($(cat n) + 1))
	deploy "$n"
	echo "$n" >n
	before="$n $n $n"
	after="$((n - 1)) $((n - 1)) $((n - 1))"
	HOSTKIT_FAILPOINT=$1:kill hostkit rollback site --full --yes >out 2>&1 || true
	hostkit recover site >>out 2>&1
	if [ "$2" = all ]; then
		[ "$(version)" = "$after" ]
		contains out "was interrupted: it was finished"
	else
		[ "$(version)" = "$before" ]
	fi
	expect site last.status=interrupted running=null active.state=good
	answers running=true "release=$(basename "$(live site)")" -- service status site
	not ls "$db".hostkit-*
	[ "$(sql "$state/ledger.db" "SELECT count(*) FROM restore WHERE finished_at IS NULL")" = 0 ]
	# And from there it is possible.
	deploy "$((n + 1))"
	hostkit rollback site --full --yes
	deploy "$((n + 1))"
	echo "$((n + 1))" >n
}

if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	echo "$n" >n
	for point in restore_begun checkpoint_begun checkpoint_renamed restore_loaded restore_stopped \
		sqlite_replacing; do
		ok_when "killed at $point: nothing has happened" killed "$point" nothing
	done
	for point in restore_swapped restore_environment restore_started; do
		ok_when "killed at $point: all of it has" killed "$point" all
	done
	# Behind it, only the end of the operation is missing.
	later() { # POINT
		n=$(($(cat n) + 1))
		deploy "$n"
		echo "$n" >n
		HOSTKIT_FAILPOINT=$1:kill hostkit rollback site --full --yes >out 2>&1 || true
		hostkit recover site
		[ "$(version)" = "$((n - 1)) $((n - 1)) $((n - 1))" ]
		expect site last.status=interrupted running=null
		answers running=true "release=$(basename "$(live site)")" -- service status site
		deploy "$n"
	}
	for point in stage_done@2 stage_begun@3 link_made service_stopped stage_begun@4 record_release; do
		ok_when "killed at $point: all of it has" later "$point"
	done
else
	skip "killed at each step" "built without --enable-failpoints"
fi

without_database() {
	settings
	n=$(version | cut -d' ' -f1)
	deploy 90
	deploy 91
	hostkit rollback site --full --yes
	[ "$(version)" = "90 91 90" ]
	hostkit rollback site --with-database --yes >out 2>&1 && return 1
	contains out "there is no checkpoint"
}
ok_when "where there is no database, --full is code and .env" without_database

hostkit service stop site
done_testing
