#!/bin/bash
#
# [health] on_failure: what runs after a release that did not come up.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "going back to the old release"
require_programs flaky-http curl
not_in_quick_run
new_project site
home=$(home_of site)
echo home >"$T/site/index.html"

# start POLICY COMMAND: a push of something that is started that way.
start() {
	configure site health.interval=100ms health.timeout=1s "health.on_failure=$1" \
		"service.start=$2"
	push site
}

# The service is that of the live release, and answers.
serves() {
	local pid

	pid=$(answers pid -- service status site)
	curl -sf -m 5 "$(url_of site)/" >"$T/page"
	contains "$T/page" "$pid"
	[ "$(readlink "/proc/$pid/cwd")" = "$home/$(live site)" ]
	answers "release=$(basename "$(live site)")" -- service status site
}

# --- Nothing to go back to

first() {
	start rollback "flaky-http 500"
	expect site last.status=failed last.error.code=HEALTH_FAILED active.state=failed
	contains "$T/said" "there is no good release to go back to"
	contains "$T/said" "; release $(basename "$(live site)")"
}
ok_when "a first deployment that fails has nothing to go back to, and stays" first

# --- rollback

good() {
	start rollback "flaky-http 200"
	expect site last.status=succeeded active.state=good
	serves
	remember_live site
}
ok_when "a good deployment serves" good

# goes_back CODE STAGE: the release before is live again, runs, and serves.
goes_back() {
	expect site last.status=failed "last.error.code=$1" "stage.$2=failed" active.state=good \
		"active.release=$(basename "$(live site)")"
	[ "$(fact site last.release)" != "$(basename "$(live site)")" ]
	still_live site
	serves
	contains "$T/said" "error: site: $2: "
	contains "$T/said" "site went back to release $(basename "$(live site)")"
	contains "$T/said" "git push hostkit $(git -C "$T/site" rev-parse --short=7 HEAD):refs/deploy/now"
	hostkit health site
}

unhealthy() {
	start rollback "flaky-http 500"
	goes_back HEALTH_FAILED health
}
ok_when "an unhealthy release: back to the old one, which serves" unhealthy

dies() {
	start rollback "sh -c 'exit 9'"
	goes_back SERVICE_FAILED restart
}
ok_when "a service that dies at once: back" dies

not_there() {
	start rollback no-such-server
	goes_back COMMAND_NOT_FOUND restart
}
ok_when "a start command that is not there: back" not_there

recorded() {
	[ -d "$home/releases/$(fact site last.release)" ]
	expect site last.status=failed last.error.code=COMMAND_NOT_FOUND
	hostkit deploy history site --last 1 >said
	contains said "failed"
	contains said "no-such-server"
}
ok_when "the failed release is kept for a look, and on record as failed" recorded

# --- Neither runs

neither() {
	touch "$T/healthy"
	start rollback "sh -c 'if [ -e $T/healthy ]; then exec flaky-http 200; fi; exec flaky-http 503'"
	expect site last.status=succeeded
	remember_live site
	rm "$T/healthy"
	push site
	expect site last.status=failed last.error.code=HEALTH_FAILED
	still_live site
	contains "$T/said" "error: site: health: "
	contains "$T/said" "status 503"
	# Both are told: that it went back, and that this did not help.
	contains "$T/said" "went back to release $(basename "$(live site)")"
	[ "$(grep -c "not healthy" "$T/said")" -ge 2 ]
	cat "$T/said" >&2
}
ok_when "when the old release is not healthy either, both are told" neither

# --- keep

keeps() {
	start keep "flaky-http 200"
	expect site last.status=succeeded
	basename "$(live site)" >old
	start keep "flaky-http 500"
	expect site last.status=failed active.state=failed "active.commit=$(git -C "$T/site" rev-parse HEAD)"
	[ "$(basename "$(live site)")" != "$(cat old)" ]
	answers running=true "release=$(basename "$(live site)")" -- service status site
	contains "$T/said" "; release $(basename "$(live site)")"
	lacks "$T/said" "went back"
}
ok_when "with keep, the unhealthy release stays live, and this is said" keeps

hint_works() {
	grep -o '[0-9a-f]*:refs/deploy/now' "$T/said" >hinted
	configure site health.interval=100ms "service.start=flaky-http 200"
	push_ref site "$(cat hinted)"
	expect site last.status=succeeded last.ref=refs/deploy/now active.state=good
	serves
}
ok_when "the command that the hint names brings the old commit back" hint_works

# --- From something to run to nothing, and back

static() {
	configure site health.on_failure=rollback
	push site
	expect site last.status=succeeded active.type=static
	remember_live site
	start rollback "flaky-http 500"
	expect site last.status=failed active.state=good
	still_live site
	answers running=false -- service status site
	contains "$T/said" "went back to release $(basename "$(live site)")"
}
ok_when "back to a release with nothing to run: nothing runs" static

done_testing
