#!/bin/bash
#
# Services that do not come up as they should: what is told, what is recorded, what is live.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "unhealthy services"
require_programs flaky-http curl python3
not_in_quick_run
new_project site
url=$(url_of site)
logs=$(home_of site)/logs
echo home >"$T/site/index.html"

# start LIMIT COMMAND [SETTING…]: a push of something that is started that way, and may take so long.
start() {
	local limit=$1 command=$2

	shift 2
	configure site health.interval=100ms "health.timeout=$limit" "service.start=$command" "$@"
	# What the way back is: the last good one.
	[ "$(fact site active.state)" != good ] || fact site active.commit >before
	push site
}

serves() {
	curl -sf -m 5 "$url/" >"$T/page"
	contains "$T/page" "$(answers pid -- service status site)"
}

# --- Healthy, if not at once

good() {
	start 1s "flaky-http 200"
	expect site last.status=succeeded "stage.health.detail~status 200" "stage.health.detail~1 try"
	serves
}
ok_when "a service that answers 200 is healthy at the first try" good

late() {
	start 30s "flaky-http refuse=600ms,200"
	expect site last.status=succeeded stage.health=succeeded "stage.health.detail~tries"
	serves
}
ok_when "one that listens late is waited for" late

slow() {
	start 30s "flaky-http slow=700ms:200"
	expect site last.status=succeeded "stage.health.detail~1 try"
}
ok_when "one that answers late is waited for" slow

warming_up() {
	start 30s "flaky-http 503,503,503,close,garbage,200"
	expect site last.status=succeeded "stage.health.detail~status 200" "stage.health.detail~6 tries"
}
ok_when "one that answers 503 at first is asked again" warming_up

redirect_expected() {
	start 1s "flaky-http redirect=/login" health.expect=200-299,302
	expect site last.status=succeeded "stage.health.detail~status 302"
}
ok_when "a redirect is healthy where [health] expect says so" redirect_expected

path() {
	start 30s "python3 -m http.server --bind 127.0.0.1 $(cat "$T/site.port")" health.path=/index.html
	expect site last.status=succeeded "stage.health.detail~status 200"
}
ok_when "[health] path names another page to ask for" path

turned_off() {
	start 1s "flaky-http 500" health.enabled=no
	expect site last.status=succeeded stage.health=skipped "stage.health.detail~turned off"
}
ok_when "turned off, nothing is asked" turned_off

# --- Not healthy: on_failure = keep

# unhealthy CODE STAGE "MESSAGE" "HINT": what is left by a push whose new release stays live.
unhealthy() {
	local code=$1 stage=$2 message=$3 hint=$4 release

	release=$(fact site last.release)
	expect site last.status=failed "last.error.code=$code" "last.error.message~$message" \
		"last.error.hint~$hint" "stage.$stage=failed" "active.release=$release" \
		active.state=failed stage.cleanup=succeeded
	contains "$T/said" "error: site: $stage: "
	contains "$T/said" "$message"
	contains "$T/said" "; release $release"
	contains "$T/said" "git push hostkit $(cut -c1-7 before):refs/deploy/now"
	[ "$(live site)" = "releases/$release" ]
}

dies_at_once() {
	start 1s "sh -c 'echo no module named app >&2; exit 3'"
	unhealthy SERVICE_FAILED restart "exited with status 3" ""
	contains "$T/said" "no module named app"
	contains "$logs/error.log" "no module named app"
	expect site stage.health=null
}
ok_when "a service that dies at once: its status and its last words" dies_at_once

not_there() {
	start 1s "no-such-server --port 1"
	unhealthy COMMAND_NOT_FOUND restart no-such-server ""
}
ok_when "a start command that is not there is named" not_there

dies_later() {
	start 30s "sh -c 'sleep 0.4; echo lost the database >&2; exit 4'"
	unhealthy HEALTH_FAILED health "4" ""
	contains "$T/said" "lost the database"
}
ok_when "one that dies while it is asked: noticed at once, not at the limit" dies_later

dies_when_asked() {
	start 30s "flaky-http exit=3"
	unhealthy HEALTH_FAILED health "3" ""
}
ok_when "one that dies of the question" dies_when_asked

case_of() {
	local script=$1 message=$2 hint=$3

	start 1s "flaky-http $script"
	unhealthy HEALTH_FAILED health "$url/api/health was not healthy within 1.0 s: $message" "$hint"
	answers success=false error.code=HEALTH_FAILED "error.message~is not healthy" \
		"error.message~${4:-$message}" -- health site
}
ok_when "one that answers 500: the status and what it said" case_of 500 "status 500: " logs/error.log
ok_when "one that answers 404: the route that is missing" case_of 404 "status 404" \
	"add a route /api/health"
ok_when "one that redirects: where to, and that this is not followed" case_of redirect=/login \
	"status 302, a redirect to '/login' (not followed)" "[health] path"
ok_when "one that answers too much" case_of big=3M "status 200 with a body of more than 1.0 MiB" ""
ok_when "one that closes without an answer" case_of close "broken response" ""
ok_when "one that does not speak HTTP" case_of garbage "broken response" ""
ok_when "one that accepts and never answers" case_of hang "no answer within" ""

wrong_port() {
	start 1s "flaky-http --port $(free_port) 200"
	unhealthy HEALTH_FAILED health "connection refused" "port \$PORT ($(cat "$T/site.port"))"
}
ok_when "one that listens on another port: which one it has to be" wrong_port

foreign() {
	hostkit service stop site
	flaky-http --port "$(cat "$T/site.port")" --port-file foreign 200 >log &
	echo "$!" >pid
	wait_until 10 [ -s foreign ]
	start 1s "flaky-http 200"
	unhealthy PORT_IN_USE restart "port $(cat "$T/site.port") is taken by process $(cat pid) ('flaky-http')" \
		"[project] port"
	kill -0 "$(cat pid)"
	lacks "$T/said" "service's log"
	expect site stage.health=null
}
ok_when "a port that a foreign process holds: which process, and it is not asked for health" foreign
kill "$(cat pid)"

again() {
	start 1s "flaky-http 200"
	expect site last.status=succeeded active.state=good
	serves
}
ok_when "the next good push is healthy again" again

done_testing
