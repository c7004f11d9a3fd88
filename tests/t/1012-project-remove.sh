#!/bin/bash
#
# `project remove` in a private root: what goes, what stays, and what it asks.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "removing projects"
not_in_quick_run
require_programs flaky-http
mkdir -p "$HOSTKIT_ROOT/home" "$HOSTKIT_ROOT/var/lib"
find "$HOSTKIT_ROOT" | sort >empty
new_project site
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini
home=$(home_of site)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
configure site health.interval=100ms "service.start=flaky-http 200"
echo hi >site/index.html
push site >/dev/null
pid=$(hostkit --json service status site | sed 's/.*"pid":\([0-9]*\).*/\1/')

unconfirmed() { # STDIN…: nothing is removed
	local status=0

	"$@" | hostkit project remove site >out 2>err || status=$?
	[ "$status" = 2 ]
	contains err "nothing was removed"
	contains err "hostkit project remove site --yes"
	[ -e "$ini" ]
	kill -0 "$pid"
}
ok_when "without an answer nothing is removed" unconfirmed true
ok_when "nor with a wrong one" unconfirmed echo yes
shows() {
	contains err "this will be removed:"
	contains err "  settings $ini"
	contains err "this will stay:"
	contains err "  home $home"
	contains err "  state $state"
}
ok_when "what goes and what stays is shown" shows
json() {
	hostkit --json project remove site >out </dev/null || [ $? -eq 2 ]
	contains out '"code":"USAGE"'
	[ -e "$ini" ]
}
ok_when "with --json there is no question" json

# A build that waits until the file `go` is there.
slow_push() {
	configure site health.interval=100ms "service.start=flaky-http 200" \
		"build.command=sh: touch $T/outside/builds; until [ -e $T/outside/go ]; do sleep 0.05; done"
	echo more >>site/index.html
	push site >/dev/null &
	wait_until 20 [ -e outside/builds ]
}
while_deploying() {
	local status=0

	slow_push
	cp "$ini" before
	hostkit project remove site --yes 2>err || status=$?
	[ "$status" = 24 ]
	contains err "hostkit deploy cancel site"
	cmp before "$ini"
	touch outside/go
	wait
	expect site last.status=succeeded
}
ok_when "while a deployment runs it is refused, and nothing is changed" while_deploying

removed() {
	pid=$(hostkit --json service status site | sed 's/.*"pid":\([0-9]*\).*/\1/')
	kill -0 "$pid"
	echo site | hostkit project remove site >out
	contains out "hostkit project remove site --purge"
	wait_until 10 not kill -0 "$pid"
	[ ! -e "$ini" ]
	[ -d "$home/app/" ]
	[ -e "$state/ledger.db" ]
}
ok_when "the service is stopped, the settings go, the files stay" removed
fails_with 12 "there is no project then" hostkit deploy status site
nothing_to_remove() {
	hostkit project remove site --yes 2>err || [ $? -eq 12 ]
	contains err "hostkit project remove site --purge"
}
ok_when "and nothing to remove but what is left, as it says" nothing_to_remove

again() { # with its history
	hostkit project create site --port "$(cat site.port)"
	[ "$(hostkit --json deploy history site | grep -o '"id":' | wc -l)" = 2 ]
}
ok_when "made again, it goes on where it was" again

purged() {
	ln -s "$T/elsewhere" "$home/link"
	mkdir "$T/elsewhere"
	echo safe >"$T/elsewhere/file"
	mkdir -m 0 "$home/closed"
	hostkit --json project remove site --purge --yes >out
	contains out '"success":true'
	contains out "home $home"
	contains elsewhere/file safe
	find "$HOSTKIT_ROOT" | sort | diff empty -
}
ok_when "a purge leaves nothing, and follows no link" purged

left_over() { # by a removal without it
	hostkit project create site
	hostkit project remove site --yes
	hostkit project remove site --purge --yes
	[ ! -e "$home" ]
	[ ! -e "$state" ]
	hostkit project remove site --purge --yes || [ $? -eq 12 ]
}
ok_when "also of what a removal has left" left_over

broken() { # settings that nothing can be done with
	hostkit project create site
	echo '[nonsense]' >>"$ini"
	hostkit project remove site --purge --yes
	[ ! -e "$ini" ]
	[ ! -e "$home" ]
}
ok_when "a project with broken settings can be removed" broken

killed() {
	local n=0 status=137

	while [ "$status" -ne 0 ]; do
		n=$((n + 1))
		hostkit project create site
		status=0
		HOSTKIT_FAILPOINT=remove_step@$n:kill \
			hostkit project remove site --purge --yes || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 137 ]
		hostkit project remove site --purge --yes || [ $? -eq 12 ]
		[ ! -e "$ini" ]
		[ ! -e "$home" ]
		[ ! -e "$state" ]
	done
	[ "$n" -gt 4 ]
}
frozen() { # while it is under way nothing new is deployed, and it can be finished
	hostkit project create site --port "$(cat site.port)"
	git -C site commit -q --allow-empty -m more
	HOSTKIT_FAILPOINT=remove_step@1:fail hostkit project remove site --yes && return 1
	git -C site push hostkit main 2>said && return 1
	contains said "the project is being removed"
	hostkit project remove site --purge --yes
	[ ! -e "$home" ]
}
hostkit project create point
if HOSTKIT_FAILPOINT=remove_step:fail hostkit project remove point --yes; then
	skip "a run that was killed is finished by the next" "built without failpoints"
else
	ok_when "nothing is deployed while a project is being removed" frozen
	ok_when "a run that was killed is finished by the next" killed
fi

done_testing
