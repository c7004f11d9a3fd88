#!/bin/bash
#
# The process driver: what a push starts, and the commands that start, stop and watch it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the service of a project"
require_programs flaky-http stubborn curl
new_project site
home=$(home_of site)

pid_of() {
	answers pid -- service status "$1"
}

serves() {
	curl -sf -m 5 "$(url_of site)/" >"$T/page"
	contains "$T/page" "$1"
}

# Nobody listens.
refused() {
	status_of curl -s -m 5 "$(url_of site)/"
	[ "$(cat status)" -eq 7 ]
}

# The status of a command that may fail, in the file status; its output is in said.
status_of() {
	"$@" >said 2>&1 && echo 0 >status || echo "$?" >status
}

# --- Before there is anything to run

nothing_yet() {
	configure site "service.start=sh run.sh" service.stop_timeout=200ms
	answers success=false error.code=NOTHING_TO_DEPLOY "error.message~nothing" \
		"error.hint~git push" -- service start site
	answers running=false pid=null release=null -- service status site
	hostkit service stop site
}
ok_when "before the first push, start says that nothing is deployed; status and stop do not mind" \
	nothing_yet
fails_with 12 "a project that does not exist is told as such" hostkit service status nosuch
fails_with 1 "health says that nothing is deployed" hostkit health site

# --- A push starts it

write_app() {
	cat >"$T/site/run.sh" <<-'SCRIPT'
		echo "out: $HOSTKIT_RELEASE $TOKEN"
		echo "err: $HOSTKIT_RELEASE" >&2
		stubborn pids "$HOME/pids" ignore-term fork 2 &
		exec flaky-http 200
	SCRIPT
	echo home >"$T/site/index.html"
}

# The numbers of the service's three other processes, once all are there, into the file children.
take_children() {
	wait_until 10 has_lines 3 "$home/pids"
	mv "$home/pids" children
}

has_lines() {
	[ "$(wc -l <"$2")" -eq "$1" ]
}

starts() {
	push site
	expect site last.status=succeeded stage.restart=succeeded stage.health=succeeded
	contains "$T/said" "hint: it answers at $(url_of site)/"
	serves "$(pid_of site)"
	contains "$home/logs/app.log" "out: $(basename "$(live site)")"
	contains "$home/logs/error.log" "err: $(basename "$(live site)")"
}
write_app
ok_when "a push starts the service; it serves after client and hook have gone" starts

status_text() {
	hostkit service status site >said
	contains said "site is running"
	contains said "pid $(pid_of site), release $(basename "$(live site)"), since 20"
	answers success=true driver=process running=true "release=$(basename "$(live site)")" \
		detail=null -- service status site
}
ok_when "service status says so: process, release, since when; in JSON too" status_text

health_text() {
	hostkit health site >said
	contains said "healthy: $(url_of site)/api/health: status 200"
	answers success=true healthy=true "url=$(url_of site)/api/health" -- health site
}
ok_when "so does health" health_text

restarts() {
	pid_of site >old
	take_children
	push site
	expect site last.status=succeeded
	[ "$(pid_of site)" != "$(cat old)" ]
	gone "$(cat old)"
	all_gone children
	serves "$(pid_of site)"
	[ "$(grep -c '^out: ' "$home/logs/app.log")" -eq 2 ]
	[ "$(grep -c '^err: ' "$home/logs/error.log")" -eq 2 ]
}
ok_when "the next push replaces the process and its stubborn children; the logs go on" restarts

# --- The commands

stop() {
	take_children
	pid_of site >old
	hostkit service stop site >said
	contains said "site is not running"
	gone "$(cat old)"
	all_gone children
	refused
	answers running=false pid=null -- service status site
	hostkit service status site
}
ok_when "stop ends the whole session, children that ignore TERM too" stop
ok_when "stopping twice is no failure" hostkit service stop site

unhealthy() {
	status_of hostkit health site
	[ "$(cat status)" -eq 1 ]
	contains said "is not running"
	answers success=false error.code=HEALTH_FAILED -- health site
}
ok_when "health fails while it is stopped, and says why" unhealthy

start() {
	hostkit service start site >said
	contains said "site is running"
	pid_of site >old
	hostkit service start site
	[ "$(pid_of site)" = "$(cat old)" ]
	wait_until 10 serves "$(cat old)"
}
ok_when "start starts it, and leaves it alone when it runs" start

dotenv() {
	pid_of site >old
	echo TOKEN=fresh >"$home/.env"
	hostkit service restart site
	gone "$(cat old)"
	[ "$(pid_of site)" != "$(cat old)" ]
	wait_until 10 contains "$home/logs/app.log" "out: $(basename "$(live site)") fresh"
	tr '\0' '\n' <"/proc/$(pid_of site)/environ" | grep -x TOKEN=fresh >/dev/null
}
ok_when "restart makes a new process, which has a changed .env" dotenv

killed() {
	rm "$home/pids"
	hostkit service restart site
	take_children
	kill -s KILL "$(pid_of site)"
	wait_until 10 answers running=false -- service status site
	hostkit service start site
	all_gone children
	wait_until 10 serves "$(pid_of site)"
}
ok_when "a service that was killed is started again, and its children do not keep the port" killed

busy() {
	mkfifo go
	configure site "service.start=sh run.sh" service.stop_timeout=200ms "build.command=sh -c 'cat $T/go'"
	(push site >/dev/null) &
	wait_until 10 answers running.status=running -- deploy status site
	answers success=false error.code=LOCKED "error.message~deployment" \
		"error.hint~hostkit deploy log site --follow" -- service restart site
	hostkit service status site
	echo >go
	wait
	expect site last.status=succeeded
}
ok_when "while a deployment runs, restart says by whom; status answers" busy

# --- Nothing to run

becomes_static() {
	pid_of site >old
	configure site service.stop_timeout=200ms
	push site
	expect site last.status=succeeded active.type=static stage.restart=skipped \
		"stage.restart.detail~nothing to run" stage.health=skipped
	gone "$(cat old)"
	answers running=false -- service status site
	refused
}
ok_when "a push without anything to run stops what ran before" becomes_static

static_health() {
	status_of hostkit health site
	[ "$(cat status)" -eq 7 ]
	contains said "nothing to ask"
}
ok_when "and health says that there is nothing to ask" static_health

done_testing
