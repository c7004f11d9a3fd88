#!/bin/bash
#
# The systemd driver, in a machine with a real systemd, polkit and message bus: what a push and the
# service commands do with the unit of a project, as the project's user.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=units.sh
. "$(cd "$(dirname "$0")" && pwd)/units.sh"

test_begin "the systemd driver"
machine_require
not_in_quick_run
require_programs python3 curl
machine_boot
add_project shop 3001
add_project neighbour 3002
unit=hostkit-shop.service

settings() {
	set_up shop "service.start=sh run.sh" health.interval=100ms health.timeout=10s "$@"
}

# The application is what run.sh does behind its first lines.
app() {
	write_file shop run.sh <<-SCRIPT
		echo "out \$HOSTKIT_RELEASE \${TOKEN:-none}"
		echo "err \$HOSTKIT_RELEASE" >&2
		$1
	SCRIPT
	echo home | write_file shop index.html
}

pid_of() {
	answers_of shop pid -- service status shop
}

serves() {
	inside curl -sf -m 5 http://127.0.0.1:3001/ >/dev/null
}

live_release() {
	basename "$(inside readlink /home/shop/app)"
}

# drop_in SECTION LINE…: into the unit, beside its template; without any, none
drop_in() {
	inside rm -rf "/etc/systemd/system/$unit.d"
	if [ $# -gt 0 ]; then
		inside mkdir -p "/etc/systemd/system/$unit.d"
		{
			printf '[%s]\n' "$1"
			printf '%s\n' "${@:2}"
		} | inside sh -c 'cat >"$1"' - "/etc/systemd/system/$unit.d/test.conf"
	fi
	inside systemctl daemon-reload
}

# The status of a command that may fail, in the file status; its output is in said.
status_of() {
	"$@" >said 2>&1 && echo 0 >status || echo "$?" >status
}

unit_is() {
	echo "it is $(property shop ActiveState), $(property shop Result)"
	[ "$(property shop ActiveState)" = "$1" ]
}

# --- Well

nothing_yet() {
	answers_of shop driver=systemd known=true running=false pid=null -- service status shop
	answers_of shop success=false error.code=NOTHING_TO_DEPLOY -- service start shop
	inside_as shop hostkit service stop shop >said
	contains said "shop is not running"
	# What systemd starts at boot is none of its failures.
	inside systemctl start "$unit" || true
	wait_until 10 unit_is inactive
}
ok_when "before the first push status and stop work, start says so, and the unit is not failed" nothing_yet

starts() {
	push_as shop
	expect_of shop last.status=succeeded stage.restart=succeeded stage.health=succeeded
	serves
	answers_of shop driver=systemd running=true "release=$(live_release)" restarts=0 detail=null \
		-- service status shop
	[ "$(property shop MainPID)" = "$(pid_of)" ]
	inside grep -x "out $(live_release) none" /home/shop/logs/app.log
	inside grep -x "err $(live_release)" /home/shop/logs/error.log
	inside_as shop hostkit service status shop >said
	contains said "pid $(pid_of), release $(live_release), since 20"
}
settings
app "exec flaky-http 200"
ok_when "a push starts the unit, which tells its release; output is in the log files" starts

restarts() {
	pid_of >old
	property shop InvocationID >old_invocation
	push_as shop
	expect_of shop last.status=succeeded stage.restart.detail~pid
	[ "$(pid_of)" != "$(cat old)" ]
	[ "$(property shop InvocationID)" != "$(cat old_invocation)" ]
	[ "$(property shop NRestarts)" = 0 ]
	wait_until 10 not inside kill -0 "$(cat old)"
	answers_of shop "release=$(live_release)" -- service status shop
}
ok_when "the next push makes a new process, under a new invocation" restarts

commands() {
	inside_as shop hostkit service stop shop >said
	contains said "shop is not running"
	[ "$(property shop ActiveState)" = inactive ]
	not serves
	inside_as shop hostkit service stop shop
	inside_as shop hostkit service start shop >said
	contains said "shop is running"
	pid_of >old
	inside_as shop hostkit service start shop
	[ "$(pid_of)" = "$(cat old)" ]
	wait_until 10 serves
	inside_as shop sh -c 'echo TOKEN=fresh >.env'
	inside_as shop hostkit service restart shop
	[ "$(pid_of)" != "$(cat old)" ]
	inside grep -x "out $(live_release) fresh" /home/shop/logs/app.log
	inside_as shop rm .env
}
ok_when "stop, start and restart do what they say; a restart has the changed .env" commands

journal() {
	inside hostkit service logs shop --journal -n 20 >said
	contains said "Started $unit"
	inside hostkit --json service logs shop --journal >answer
	contains answer '"journal":['
	status_of inside_as shop hostkit service logs shop --journal
	[ "$(cat status)" = 6 ]
	contains said "you may not read the journal"
	contains said "as root: hostkit service logs shop --journal"
}
ok_when "root reads the journal of the unit; its user is told that it may not" journal

# --- Not well

failed_start() {
	app 'echo "cannot find module: left-pad" >&2; exit 3'
	push_as shop
	expect_of shop last.status=failed last.error.code=SERVICE_FAILED stage.restart=failed \
		"last.error.message~the service exited with status 3 after" \
		"last.error.message~left-pad" "last.error.hint~service logs shop --journal"
	contains said "cannot find module: left-pad"
}
ok_when "a start that fails is told, with its status and its last lines" failed_start

missing_program() {
	set_up shop "service.start=nosuch-program --port 1" health.timeout=5s
	push_as shop
	expect_of shop last.status=failed last.error.code=SERVICE_FAILED "last.error.message~nosuch-program"
	inside grep -F "hostkit: 'nosuch-program'" /home/shop/logs/error.log ||
		inside grep -F "nosuch-program" /home/shop/logs/error.log
}
ok_when "a start command that is not there is told by its name, in the project's log too" missing_program

signalled() {
	settings
	app 'kill -s SEGV $$'
	push_as shop
	expect_of shop last.status=failed "last.error.message~SIGSEGV"
}
ok_when "one that a signal ends is told by its signal" signalled

crash_loop() {
	settings
	app 'exec flaky-http exit=4'
	push_as shop
	expect_of shop last.status=failed last.error.code=HEALTH_FAILED stage.restart=succeeded \
		stage.health=failed "last.error.message~the service"
}
ok_when "a service that ends when it is asked for its health fails the check" crash_loop

healed() {
	settings
	inside_as shop rm -f shared/seen
	# The second process would answer well: it is not the one that was deployed.
	app '[ -e ../../shared/seen ] || { : >../../shared/seen; exec flaky-http exit=4; }; exec flaky-http 200'
	push_as shop
	expect_of shop last.status=failed last.error.code=HEALTH_FAILED "last.error.message~the service"
	wait_until 20 serves
	answers_of shop running=true restarts=1 -- service status shop
	inside_as shop hostkit service status shop >said
	contains said "was started again 1 time"
}
ok_when "one that systemd has started again fails the check, whatever it answers then" healed

goes_back() {
	settings
	app "exec flaky-http 200"
	push_as shop
	expect_of shop last.status=succeeded
	live_release >good
	settings health.on_failure=rollback
	app "exit 1"
	push_as shop
	expect_of shop last.status=failed
	[ "$(live_release)" = "$(cat good)" ]
	wait_until 10 serves
	answers_of shop running=true "release=$(cat good)" -- service status shop
}
ok_when "with on_failure = rollback the unit runs the release before" goes_back

hanging() {
	drop_in Service "ExecStartPre=/bin/sleep infinity"
	settings service.timeout=1s
	status_of inside_as shop hostkit service restart shop
	[ "$(cat status)" = 52 ]
	contains said "the service is still starting (start-pre) after 1.0 s"
	answers_of shop running=false "detail~is starting (start-pre)" -- service status shop
	app "exec flaky-http 200"
	push_as shop
	expect_of shop last.status=failed stage.restart=failed "last.error.message~still starting"
	drop_in
	settings
	inside_as shop hostkit service restart shop
	wait_until 10 serves
}
ok_when "a unit that never becomes active is told at the limit, and can be restarted after it" hanging

start_limit() {
	drop_in Unit StartLimitIntervalSec=1h StartLimitBurst=1
	inside systemctl restart "$unit" || true
	status_of inside_as shop hostkit service restart shop
	[ "$(cat status)" = 52 ]
	contains said "start limit"
	drop_in
	inside systemctl reset-failed "$unit"
	inside_as shop hostkit service restart shop
	wait_until 10 serves
}
ok_when "a start limit that is hit is told as such" start_limit

no_limit() {
	for _ in 1 2 3 4 5 6 7; do
		inside_as shop hostkit service restart shop
	done
	wait_until 10 serves
}
ok_when "the unit as it is made has none: seven restarts in a row are fine" no_limit

namespace() {
	drop_in Service "BindReadOnlyPaths=/nowhere-at-all"
	status_of inside_as shop hostkit service restart shop
	[ "$(cat status)" = 52 ]
	contains said "systemd could not set up its view of the file system"
	drop_in
	inside_as shop hostkit service restart shop
}
ok_when "what systemd could not set up is told as that" namespace

memory() {
	add_unit shop 40M
	settings service.memory_max=40M
	app 'exec python3 -c "x = bytearray(200 << 20)"'
	push_as shop
	expect_of shop last.status=failed "last.error.message~[service] memory_max = 40.0 MiB"
	add_unit shop
	settings
	app "exec flaky-http 200"
	push_as shop
	expect_of shop last.status=succeeded
}
ok_when "a service that needs more memory than it may have is told so" memory

# --- What is missing on the machine

no_rule() {
	inside mv /etc/polkit-1/rules.d/60-hostkit-shop.rules /etc/polkit-1/kept
	wait_until 10 refused_by_polkit
	answers_of shop success=false error.code=PERMISSION "error.hint~as root: hostkit project apply shop" -- \
		service restart shop
	inside mv /etc/polkit-1/kept /etc/polkit-1/rules.d/60-hostkit-shop.rules
	wait_until 10 inside_as shop hostkit service restart shop
}
# It looks for changed rules in its own time.
refused_by_polkit() {
	not inside_as shop hostkit service restart shop
}
ok_when "without its polkit rule the command says what root has to do" no_rule

no_unit() {
	inside mv "/etc/systemd/system/$unit" /root/
	inside systemctl stop "$unit"
	inside systemctl daemon-reload
	answers_of shop success=false error.code=SERVICE_FAILED "error.message~not found" \
		"error.hint~as root: hostkit project apply shop" -- service restart shop
	answers_of shop running=false "detail=is not running: it has no unit" -- service status shop
	inside_as shop hostkit service stop shop
	inside mv "/root/$unit" /etc/systemd/system/
	inside systemctl daemon-reload
	inside_as shop hostkit service restart shop
}
ok_when "without its unit, likewise" no_unit

no_bus() {
	inside systemctl stop dbus.socket dbus.service
	answers_of shop success=false error.code=NOT_SUPPORTED "error.hint~systemctl start dbus" -- \
		service restart shop
	inside systemctl start dbus.socket
	inside_as shop hostkit service restart shop
	wait_until 10 serves
}
ok_when "without a message bus, too; root needs none" no_bus

# --- Others

isolated() {
	pid_of >old
	# Of the own unit no other verbs; of another's none.
	not inside_as shop systemctl kill "$unit"
	not inside_as shop systemctl set-property --runtime "$unit" MemoryMax=1G
	not inside_as shop systemctl disable "$unit"
	not inside_as shop systemctl daemon-reload
	not inside_as neighbour systemctl restart "$unit"
	not inside_as neighbour systemctl stop "$unit"
	not inside_as shop systemctl restart ssh.service
	not inside_as neighbour hostkit service restart shop
	[ "$(pid_of)" = "$(cat old)" ]
}
ok_when "a project's user can restart its own unit, and nothing else of systemd" isolated

reboot() {
	push_as shop
	expect_of shop last.status=succeeded
	live_release >good
	machine_reboot
	wait_until 20 serves
	answers_of shop running=true "release=$(cat good)" -- service status shop
	expect_of shop last.status=succeeded "active.release=$(cat good)"
}
ok_when "after a power cut the service is back on the live release" reboot

done_testing
