#!/bin/bash
#
# Services that the administrator's own commands run, and projects with none.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the command driver"
require_programs flaky-http stubborn curl
new_project site
home=$(home_of site)
echo home >"$T/site/index.html"

# What an administrator would write: a daemon with a pid file. It keeps the output that it was given.
cat >"$T/ctl" <<'CTL'
#!/bin/sh
echo "$1 $2 in $PWD" >>"$HOME/calls"
echo "ctl: $1 of $HOSTKIT_PROJECT"
pid=$(cat "$HOME/pid" 2>/dev/null)
case $1 in
start)
	setsid flaky-http --port-file "$HOME/up" 200 &
	echo $! >"$HOME/pid"
	until [ -s "$HOME/up" ]; do sleep 0.02; done ;;
stop)
	[ -n "$pid" ] || exit 0
	kill "$pid"
	while [ "$(ps -o stat= -p "$pid" | cut -c1)" != "" ] &&
		[ "$(ps -o stat= -p "$pid" | cut -c1)" != Z ]; do sleep 0.02; done
	rm -f "$HOME/pid" "$HOME/up" ;;
restart)
	sh "$0" stop && sh "$0" start ;;
status)
	[ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || exit 3 ;;
esac
CTL

# settings VERB… [-- SETTING…]: those of the commands that are configured.
settings() {
	local args=()

	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		args+=("service.$1=sh $T/ctl $1 'two words'")
		shift
	done
	configure site service.driver=command health.interval=100ms "${args[@]}" "${@:2}"
}

called() {
	printf '%s\n' "$@" | diff - <(cut -d' ' -f1 "$home/calls")
	rm "$home/calls"
}

serves() {
	curl -sf -m 5 "$(url_of site)/" >"$T/page"
	contains "$T/page" "$(cat "$home/pid")"
}

# --- All of them

first() {
	settings start stop restart status
	push site
	expect site last.status=succeeded stage.restart=succeeded stage.health=succeeded
	shows "ctl: restart of site"
	serves
	grep -qxF "restart two words in $home/$(live site)" "$home/calls"
}
ok_when "a push runs the restart command, in the release, with its words as quoted" first

daemon() {
	kill -0 "$(cat "$home/pid")"
	[ "$(readlink "/proc/$(cat "$home/pid")/cwd")" = "$home/$(live site)" ]
}
ok_when "the daemon that it left runs on, although it kept the output: the client did not wait" daemon

again() {
	cp "$home/pid" old
	push site
	expect site last.status=succeeded
	gone "$(cat old)"
	serves
	daemon
}
ok_when "the next push replaces it" again

status() {
	answers driver=command known=true running=true -- service status site
	hostkit service status site >said
	contains said "site is running"
	hostkit health site
}
ok_when "service status is what the status command says" status

stop() {
	rm "$home/calls"
	cp "$home/pid" old
	hostkit service stop site >said 2>&1
	gone "$(cat old)"
	contains said "ctl: stop of site"
	contains said "site is not running: the status command says 3"
	answers running=false "detail~3" -- service status site
	called stop status status
}
ok_when "stop runs the stop command, and status tells the failure status" stop

start() {
	hostkit service start site
	serves
	hostkit service restart site
	serves
	grep -v status "$home/calls" >calls
	mv calls "$home/calls"
	called start restart stop start
}
ok_when "start and restart run theirs" start

# --- Some of them

stop_and_start() {
	rm -f "$home/calls"
	settings start stop
	push site
	expect site last.status=succeeded
	called stop start
	serves
}
ok_when "without a restart command: stop, then start" stop_and_start

unknown() {
	answers driver=command known=false running=null -- service status site
	hostkit service status site >said
	contains said "its commands do not tell (driver command)"
}
ok_when "without a status command, nobody claims to know" unknown

missing() {
	settings stop || [ $? = 10 ]
	kill -0 "$(cat "$home/pid")"
	answers success=false error.code=CONFIG_INVALID "error.message~[service] start is not set" \
		"error.hint~[service] start" -- service restart site
	answers success=false error.code=CONFIG_INVALID -- service start site
	kill -0 "$(cat "$home/pid")"
}
ok_when "without a start command nothing is stopped either, and the missing key is named" missing

missing_push() {
	push site
	expect site last.status=failed last.error.code=CONFIG_INVALID stage.preflight=failed \
		"last.error.message~[service] start is not set"
	kill -0 "$(cat "$home/pid")"
}
ok_when "a push says so too" missing_push

# --- Failing ones

fails() {
	settings stop -- "service.start=sh $T/ctl start" "service.restart=$1" service.timeout=1s
	push site
	expect site last.status=failed stage.restart=failed "last.error.code=$2" "last.error.message~$3" \
		"active.release=$(fact site last.release)"
	contains "$T/said" "error: site: restart: "
	contains "$T/said" "; release"
}
ok_when "a restart command that fails: its status" fails "sh -c 'echo no unit; exit 5'" \
	COMMAND_FAILED "status 5"

output() {
	shows "no unit"
}
ok_when "and what it said" output
ok_when "one that is not there" fails "no-such-ctl restart" COMMAND_NOT_FOUND no-such-ctl
ok_when "one that hangs is ended at [service] timeout" fails \
	"stubborn pids $T/hang.pids fork 2" COMMAND_TIMEOUT "1.0 s"
ok_when "with its children" all_gone "$T/hang.pids"

stop_fails() {
	settings start -- "service.stop=sh -c 'exit 6'"
	answers success=false error.code=COMMAND_FAILED "error.message~status 6" -- service stop site
}
ok_when "a stop command that fails is told" stop_fails
fails_with 41 "with the status of its code" hostkit service stop site

rollback() {
	touch "$T/works"
	settings stop status -- "service.start=sh $T/ctl start" health.on_failure=rollback \
		"service.restart=sh -c 'cat index.html; grep -q home index.html && sh $T/ctl restart'"
	push site
	expect site last.status=succeeded
	remember_live site
	echo broken >"$T/site/index.html"
	push site
	expect site last.status=failed last.error.code=COMMAND_FAILED active.state=good
	still_live site
	serves
	daemon
	contains "$T/said" "went back to release $(basename "$(live site)")"
}
ok_when "going back runs the restart command in the old release" rollback
hostkit service stop site

# --- From one driver to another

by_command() {
	configure site health.interval=100ms "service.start=flaky-http 200"
	push site
	answers pid -- service status site >old
	settings start stop
	push site
	expect site last.status=succeeded
	gone "$(cat old)"
	serves
	hostkit service stop site
}
ok_when "a process of the driver process is ended when the configuration names commands" by_command

by_none() {
	configure site health.interval=100ms "service.start=flaky-http 200"
	push site
	answers pid -- service status site >old
	configure site service.driver=none
	push site
	expect site last.status=succeeded
	gone "$(cat old)"
}
ok_when "and when it names none" by_none

# --- None

none() {
	configure site service.driver=none
	push site
	expect site last.status=succeeded stage.restart=skipped stage.health=skipped
	hostkit service start site
	hostkit service restart site
	hostkit service stop site
	answers driver=none known=false running=null pid=null -- service status site
}
ok_when "the driver none runs nothing, and its commands do nothing" none
fails_with 7 "health says that there is nothing to ask" hostkit health site

done_testing
