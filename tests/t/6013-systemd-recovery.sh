#!/bin/bash
#
# The systemd driver when something has happened: another driver before or after it, a worker that
# died, a service that somebody has stopped, an older release.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=units.sh
. "$(cd "$(dirname "$0")" && pwd)/units.sh"

test_begin "the systemd driver after accidents"
machine_require
not_in_quick_run
require_programs python3 curl
machine_boot
add_project shop 3001
unit=hostkit-shop.service

settings() {
	set_up shop "service.start=sh run.sh" health.interval=100ms health.timeout=10s \
		service.stop_timeout=500ms "$@"
}

serves() {
	inside curl -sf -m 5 http://127.0.0.1:3001/ >/dev/null
}

pid_of() {
	answers_of shop pid -- service status shop
}

live_release() {
	basename "$(inside readlink /home/shop/app)"
}

runs_on() {
	answers_of shop driver=systemd running=true "release=$1" -- service status shop
}

drop_in() {
	inside rm -rf "/etc/systemd/system/$unit.d"
	if [ $# -gt 0 ]; then
		inside mkdir -p "/etc/systemd/system/$unit.d"
		printf '[Service]\n%s\n' "$1" | inside sh -c 'cat >"$1"' - "/etc/systemd/system/$unit.d/test.conf"
	fi
	inside systemctl daemon-reload
}

write_file shop run.sh <<-'SCRIPT'
	echo "run $HOSTKIT_RELEASE"
	exec flaky-http 200
SCRIPT
echo home | write_file shop index.html

# --- Drivers

shown() {
	settings
	inside_as shop hostkit project show shop >said
	grep -x 'driver  *systemd' said
	answers_of shop driver=systemd -- project show shop
}
ok_when "under / the driver auto is systemd, and is shown as that" shown

from_process() {
	settings service.driver=process
	push_as shop
	expect_of shop last.status=succeeded
	answers_of shop driver=process running=true -- service status shop
	pid_of >old
	[ "$(property shop ActiveState)" = inactive ]
	settings
	push_as shop
	expect_of shop last.status=succeeded
	wait_until 10 not inside kill -0 "$(cat old)"
	runs_on "$(live_release)"
}
ok_when "what the driver process ran is ended when systemd takes over" from_process

to_process() {
	pid_of >old
	settings service.driver=process
	inside_as shop hostkit service restart shop
	wait_until 10 not inside kill -0 "$(cat old)"
	wait_until 10 serves
	answers_of shop driver=process running=true -- service status shop
	[ "$(property shop ActiveState)" = inactive ]
	# At the next boot systemd finds nothing to run; that is no failure.
	inside systemctl start "$unit" || true
	wait_until 10 is_down
	[ "$(property shop Result)" = success ]
	inside grep -F "another driver: 'process'" /home/shop/logs/error.log
	settings
	inside_as shop hostkit service restart shop
	runs_on "$(live_release)"
}
is_down() {
	[ "$(property shop ActiveState)" = inactive ]
}
ok_when "and the other way round: the unit is stopped, and does not come back at boot" to_process

becomes_static() {
	set_up shop health.interval=100ms
	push_as shop
	expect_of shop last.status=succeeded stage.restart=skipped stage.health=skipped
	not serves
	[ "$(property shop ActiveState)" = inactive ]
	inside systemctl start "$unit" || true
	wait_until 10 is_down
	[ "$(property shop Result)" = success ]
	settings
	push_as shop
	runs_on "$(live_release)"
}
ok_when "a push without anything to run stops the unit, which then has nothing to start" becomes_static

start_switched() {
	settings service.driver=process
	inside_as shop hostkit service restart shop
	pid_of >old
	settings
	inside_as shop hostkit service start shop
	wait_until 10 not inside kill -0 "$(cat old)"
	runs_on "$(live_release)"
}
ok_when "service start does not leave what another driver has started" start_switched

in_use() {
	settings deploy.keep_releases=1
	live_release >old
	pid_of >old_pid
	for _ in 1 2 3; do
		inside_as shop hostkit deploy shop --no-restart
	done
	expect_of shop last.status=succeeded
	[ "$(pid_of)" = "$(cat old_pid)" ]
	inside test -d "/home/shop/releases/$(cat old)"
	inside_as shop hostkit service restart shop
	runs_on "$(live_release)"
	settings
}
ok_when "the release that the unit runs is kept while it does, whatever is live" in_use

# --- Recovery

rollback() {
	live_release >good
	push_as shop
	[ "$(live_release)" != "$(cat good)" ]
	# A release of before there was a start file.
	inside rm -r "/home/shop/releases/$(cat good)/.hostkit"
	inside_as shop hostkit rollback shop
	[ "$(live_release)" = "$(cat good)" ]
	runs_on "$(cat good)"
	serves
	inside test -f "/home/shop/releases/$(cat good)/.hostkit/start"
}
ok_when "a rollback runs the older release, and makes its start file when that is missing" rollback

worker_killed() {
	drop_in "ExecStartPre=/bin/sleep infinity"
	inside_as shop hostkit deploy shop --detach
	wait_until 20 in_restart
	inside pkill -KILL -x hostkit-worker
	drop_in
	inside_as shop hostkit recover shop >said 2>&1
	contains said "restarted on release $(live_release)"
	expect_of shop last.status=interrupted active.state=good
	runs_on "$(live_release)"
	serves
}
in_restart() {
	[ "$(property shop SubState)" = start-pre ]
}
ok_when "when the worker dies in a restart, recovery restarts the unit on what is live" worker_killed

another_release() {
	live_release >old
	push_as shop
	inside_as shop ln -sfn "releases/$(cat old)" app
	inside_as shop hostkit recover shop >said 2>&1
	contains said "ran from another release"
	runs_on "$(cat old)"
}
ok_when "recovery restarts a unit that runs another release than app names" another_release

stopped() {
	inside systemctl stop "$unit"
	inside_as shop hostkit recover shop
	[ "$(property shop ActiveState)" = inactive ]
	inside_as shop hostkit service start shop
	inside_as shop hostkit service stop shop
	inside_as shop hostkit recover shop
	[ "$(property shop ActiveState)" = inactive ]
	inside_as shop hostkit service start shop
	serves
}
ok_when "what root or the project has stopped stays down" stopped

failed() {
	drop_in "Restart=no"
	inside_as shop hostkit service restart shop
	inside kill -KILL "$(pid_of)"
	wait_until 10 has_failed
	answers_of shop running=false "detail~was ended by SIGKILL" -- service status shop
	inside_as shop hostkit recover shop >said 2>&1
	contains said "was not running"
	runs_on "$(live_release)"
	drop_in
}
has_failed() {
	[ "$(property shop ActiveState)" = failed ]
}
ok_when "what has failed for good is started again" failed

# Interrupted by a power cut, in the middle of a restart.
power_cut() {
	drop_in "ExecStartPre=/bin/sleep infinity"
	inside_as shop hostkit deploy shop --detach
	wait_until 20 in_restart
	drop_in
	machine_reboot
	wait_until 20 serves
	inside_as shop hostkit recover shop >said 2>&1
	expect_of shop last.status=interrupted active.state=good
	runs_on "$(live_release)"
}
ok_when "after a power cut in a deployment the unit runs what is live, and the deployment is over" power_cut

done_testing
