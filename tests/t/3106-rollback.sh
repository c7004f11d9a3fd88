#!/bin/bash
#
# Rollback: the last good release before the live one, by the ledger; nothing is built.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "rollback"
not_in_quick_run
require_programs flaky-http curl pgrep
new_project site
home=$(home_of site)

settings() {
	configure site deploy.keep_releases=9 health.interval=100ms "health.timeout=${limit:-20s}" \
		service.stop_timeout=2s "service.start=flaky-http ${answer:-200}" "$@"
}

version() { # deploys one, and remembers its release
	echo "$1" >site/index.html
	push site
	[ "$(cat "$home/app/index.html")" = "$1" ]
	live site | sed 's/.*\///' >"release.$1"
}

is_live() { # VERSION: the link, and the service in it
	[ "$(cat "$home/app/index.html")" = "$1" ]
	[ "$(live site)" = "releases/$(cat "release.$1")" ]
	[ "$(answers release -- service status site)" = "$(cat "release.$1")" ]
	pid=$(answers pid -- service status site)
	[ "$(readlink "/proc/$pid/cwd")" = "$home/releases/$(cat "release.$1")" ]
	curl -sf -m 5 "$(url_of site)/" | contains /dev/stdin "$pid"
}

none() {
	local status=0

	settings
	hostkit rollback site >out 2>&1 || status=$?
	[ "$status" = 50 ]
	contains out "error: there is no good release of 'site' before the one that is live"
	version 1
	hostkit rollback site >out 2>&1 && return 1
	contains out "hint: there is no other release of 'site' on disk"
}
ok_when "with nothing to go back to it is refused" none

once() {
	# A build that is run again would show.
	settings "build.command=sh: echo built >>$T/outside/builds"
	version 2
	version 3
	wc -l <outside/builds >before
	hostkit rollback site >out
	is_live 2
	contains out "success: site: "
	contains out "is live again, from release $(cat release.2)"
	[ "$(wc -l <outside/builds)" = "$(cat before)" ]
	expect site last.trigger=rollback last.status=succeeded "last.release=$(cat release.2)" \
		stage.preflight=succeeded stage.activate=succeeded stage.restart=succeeded \
		stage.health=succeeded active.state=good
	[ -d "$home/releases/$(cat release.3)" ]
}
ok_when "it goes back to the last good release: link, service and record, without a build" once

twice() {
	hostkit rollback site
	is_live 1
}
ok_when "twice goes back twice" twice

forward() {
	hostkit rollback site --to "$(cat release.3)" >out
	is_live 3
	contains out "preflight    ok"
	contains out "$(cat release.1) -> $(cat release.3)"
}
ok_when "--to names any, also a newer one" forward

failed_is_never_chosen() {
	limit=1s answer=500 settings
	echo 4 >site/index.html
	push site
	expect site last.status=failed stage.health=failed active.state=failed
	contains said "or, on the server: hostkit rollback site"
	live site | sed 's/.*\///' >release.4
	settings
	version 5
	hostkit rollback site
	is_live 3
	hostkit rollback site --to "$(cat release.5)"
	is_live 5
	limit=1s settings
	hostkit rollback site --to "$(cat release.4)" >out && return 1
	expect site last.status=failed stage.health=failed active.state=failed
	settings
	hostkit rollback site --to "$(cat release.5)"
}
ok_when "a release whose health check failed is only taken by name" failed_is_never_chosen

dry() {
	remember_live site
	hostkit --json deploy history site --last 1 >before
	hostkit rollback site --dry-run >out
	contains out "live     release $(cat release.5)"
	contains out "back to  release $(cat release.3)"
	answers "release=$(cat release.3)" -- rollback site --dry-run
	still_live site
	hostkit --json deploy history site --last 1 | diff - before
}
ok_when "--dry-run says what would happen, and changes nothing" dry

refused() {
	local status=0

	hostkit rollback site --to 20200101-000000 >out 2>&1 || status=$?
	[ "$status" = 50 ]
	contains out "error: there is no release '20200101-000000' of 'site'"
	contains out "hint: name one: hostkit rollback site --to RELEASE; there are "
	contains out "$(cat release.1) (good)"
	hostkit rollback site --to ../../etc >out 2>&1 && return 1
	contains out "there is no release '../../etc'"
	hostkit rollback site --to "$(cat release.5)" >out 2>&1 && return 1
	contains out "release $(cat release.5) is live already"
}
ok_when "a release that is not there is refused, with the list of those that are" refused

unhealthy() { # what is asked for stays live, and what is good stays good
	limit=1s settings
	version_start 1 '["flaky-http","500"]'
	hostkit rollback site --to "$(cat release.1)" >out 2>&1 && return 1
	expect site last.status=failed stage.health=failed active.state=good
	contains out "error: site: health: "
	settings
	version_start 1 '["flaky-http","200"]'
	hostkit rollback site --to "$(cat release.5)"
	is_live 5
}
version_start() { # VERSION COMMAND
	sqlite3 "$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" \
		"UPDATE release SET start = '$2' WHERE name = '$(cat "release.$1")'"
}
if command -v sqlite3 >/dev/null; then
	ok_when "one that is not well is told, and is not marked as bad" unhealthy
else
	skip "one that is not well" "sqlite3 is not installed"
fi

gone() { # between the choice and its turn
	local back

	fifos begun go
	settings "build.command=sh: echo >$T/begun; cat $T/go"
	echo 6 >site/index.html
	push site >/dev/null &
	timeout 20 cat begun
	hostkit rollback site --to "$(cat release.1)" >out 2>&1 &
	back=$!
	wait_until 20 grep -q "waiting for deployment" out
	mv "$home/releases/$(cat release.1)" aside
	echo >go
	not wait "$back"
	contains out "there is no release"
	[ "$(cat "$home/app/index.html")" = 6 ]
	expect site last.trigger=rollback last.status=failed last.release=null active.state=good
	mv aside "$home/releases/$(cat release.1)"
	settings
}
ok_when "it waits for its turn, and looks again then" gone

killed() {
	local point

	for point in activate_synced link_switched service_stopped record_release; do
		echo "before $point" >site/index.html
		push site
		HOSTKIT_FAILPOINT=$point:kill hostkit rollback site --to "$(cat release.5)" >out 2>&1 &&
			return 1
		hostkit recover site
		expect site last.status=interrupted active.state=good
		pid=$(answers pid -- service status site)
		[ "$(readlink "/proc/$pid/cwd")" = "$(realpath "$home/app")" ]
		[ -d "$home/releases/$(cat release.5)" ]
		hostkit rollback site --to "$(cat release.5)" >out 2>&1 || contains out "is live already"
		is_live 5
	done
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "killed at any point: the link is whole, and the service runs what it names" killed
else
	skip "killed at any point" "built without --enable-failpoints"
fi

done_testing
