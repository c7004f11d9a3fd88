#!/bin/bash
#
# The worker dies, or is asked to end, in the middle of a deployment.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "a worker that is killed"
not_in_quick_run
require_programs stubborn flaky-http curl pgrep
new_project site
home=$(home_of site)
echo home >"$T/site/index.html"

# settings START [SETTING…]: the limits are for tests that fail, so that nobody waits for them.
settings() {
	configure site build.grace=200ms build.timeout=60s install.timeout=60s health.interval=100ms \
		health.timeout=60s "service.start=flaky-http $1" "${@:2}"
}

serves() {
	curl -sf -m 5 "$(url_of site)/" >"$T/page"
	contains "$T/page" "$(answers pid -- service status site)"
}

# Pushes, waits until COMMAND… is true, sends the worker a signal, and waits for the client.
push_and_signal() {
	local signal=$1

	shift
	push site >/dev/null &
	wait_until 20 "$@"
	worker_of site >killed
	has_lines 1 killed
	kill -s "$signal" "$(cat killed)"
	wait $!
	all_gone killed
}

has_lines() {
	[ "$(wc -l <"$2")" -eq "$1" ]
}

first() {
	settings 200
	push site
	expect site last.status=succeeded active.state=good
	serves
}
ok_when "a deployment before" first

# --- SIGKILL in install and build

killed_in() {
	local stage=$1

	remember_live site
	settings 200 "$stage.command=stubborn pids $T/outside/$stage.pids print busy ignore-term fork 2 session orphan"
	push_and_signal KILL has_lines 5 "$T/outside/$stage.pids"
	wait_until 20 all_gone "$T/outside/$stage.pids"
	shows busy
}

told() {
	contains "$T/said" "error: "
	contains "$T/said" "died in stage"
	contains "$T/said" "hint: "
}

interrupted() {
	local stage=$1

	expect site running=null last.status=interrupted last.error.code=INTERRUPTED \
		"last.error.message~died" "last.error.hint~:refs/deploy/now" "stage.$stage=interrupted" \
		last.release=null
	still_live site
	serves
	hostkit deploy status site >said
	contains said "interrupted"
	contains said "hint: "
}

recovers() {
	settings 200
	push site
	expect site last.status=succeeded active.state=good
	serves
	no_staging site
}

for stage in install build; do
	ok_when "SIGKILL in the $stage: every process of it goes too, also those that got away" \
		killed_in $stage
	ok_when "the client is told, and what to do" told
	ok_when "the next command shows it as interrupted, with a hint; the old release serves" \
		interrupted $stage
	ok_when "the next push deploys, and removes what was half done" recovers
done

# --- SIGKILL while the new release is live already

# The new release is live, and has been asked.
asked() {
	[ "$(live site)" != "$(cat "$T/site.live")" ] &&
		[ "$(grep -c "GET /api/health" "$home/logs/app.log")" -gt "$(cat before)" ]
}

in_health() {
	remember_live site
	grep -c "GET /api/health" "$home/logs/app.log" >before
	settings 503
	push_and_signal KILL asked
	expect site last.status=interrupted last.error.code=INTERRUPTED "last.error.message~is live" \
		stage.activate=succeeded stage.restart=succeeded stage.health=interrupted \
		active.state=failed "active.release=$(fact site last.release)"
	answers running=true "release=$(fact site last.release)" -- service status site
}
ok_when "SIGKILL in the health check: the new release is live, which is told and recorded" in_health
ok_when "the next push deploys" recovers

# --- SIGTERM

cancelled() {
	remember_live site
	settings 200 "build.command=stubborn pids $T/outside/term.pids ignore-term fork 2 session orphan"
	push_and_signal TERM has_lines 5 "$T/outside/term.pids"
	all_gone "$T/outside/term.pids"
	expect site running=null last.status=cancelled last.error.code=CANCELLED stage.build=cancelled \
		last.release=null
	still_live site
	serves
	no_staging site
	contains "$T/said" "cancelled"
	contains "$T/said" "still live: release $(basename "$(live site)")"
}
ok_when "SIGTERM in the build: cancelled, with every process of it, and nothing left behind" cancelled

too_late() {
	grep -c "GET /api/health" "$home/logs/app.log" >before
	remember_live site
	settings "$(printf '503,%.0s' {1..40})200" # long enough for a signal to come before
	push_and_signal TERM asked
	expect site last.status=succeeded active.state=good "active.release=$(fact site last.release)"
	serves
}
ok_when "SIGTERM in the health check: too late, the deployment goes on to its end" too_late

nothing_left() {
	hostkit service stop site
	worker_of site >workers
	[ ! -s workers ]
	for name in hostkit-super flaky-http stubborn; do
		for pid in $(pgrep -x "$name"); do
			! grep -qsF "$T/" "/proc/$pid/environ" || gone "$pid"
		done
	done
}
ok_when "no process of all that is left" nothing_left

done_testing
