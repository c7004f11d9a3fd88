#!/bin/bash
#
# [deploy] concurrency, the order of the queue, and attaching to what is deployed already.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "several deployments of one project"
new_project site
home=$(home_of site)
lock=$HOSTKIT_ROOT/var/lib/hostkit/site/lock
fifos begun go

# Limits for when the test fails, so that nobody waits for ever.
hear() {
	timeout 20 cat "$1"
}

tell() {
	timeout 20 sh -c "echo >'$1'"
}

settings() {
	configure site service.driver=none build.timeout=60s "$@"
}

version() {
	echo "$1" >site/index.html
	git -C site add -A
	git -C site commit -qm "version $1"
}

start_push() { # LOG [REF…]: the client's number is in $client
	local log=$1

	shift
	git -C site push hostkit "${@:-HEAD:main}" >"$log.raw" 2>&1 &
	client=$!
}

# A push whose build waits for the FIFO go; then builds are quick again.
start_slow_push() { # VERSION [SETTING…]
	settings "${@:2}" "build.command=sh: echo >$T/begun; cat $T/go"
	version "$1"
	start_push "$1"
	slow=$client
	hear begun
	settings "${@:2}"
}

serves() {
	diff - "$home/app/index.html" <<<"$1"
}

states() { # the last N, oldest first
	hostkit --json deploy history site --last "$1" | python3 -c '
import json, sys
print(" ".join(d["status"] for d in reversed(json.load(sys.stdin)["data"]["deployments"])))'
}

count() {
	hostkit --json deploy history site --last 1000 | grep -o '"trigger"' | wc -l
}

# --- wait

in_order() {
	local clients=() i

	start_slow_push 1
	clients+=("$client")
	for i in 2 3 4; do
		version "$i"
		start_push "$i" "HEAD:main"
		clients+=("$client")
		wait_until 10 grep -q "waiting for deployment 1 (branch 'main' at [0-9a-f]\{7\} by" "$i.raw"
	done
	grep "waiting for deployment 1 .* and 2 more before this one" 4.raw
	hostkit deploy status site >shown
	grep "^running" shown
	[ "$(grep -c "^ *[0-9]*  waiting " shown)" = 3 ]
	tell go
	wait "${clients[@]}"
	serves 4
	[ "$(states 4)" = "succeeded succeeded succeeded succeeded" ]
	# Each began when the one before had ended.
	hostkit --json deploy history site --last 4 | python3 -c '
import json, sys
rows = json.load(sys.stdin)["data"]["deployments"][::-1]
assert all(a["finished_at"] <= b["started_at"] for a, b in zip(rows, rows[1:])), rows'
}
ok_when "those that wait are told for whom, and take their turns in order" in_order

holder() {
	start_slow_push 5
	hostkit service stop site >out 2>&1 || true
	tell go
	wait "$slow"
	contains out "deployment $(fact site last.id) (branch 'main' at "
	contains out ", pid "
	contains out ", since 20"
}
ok_when "who holds the lock is readable: deployment, pusher, pid, since when" holder

cancel_waiting() {
	local id second

	start_slow_push 6
	version 7
	start_push 7
	second=$client
	wait_until 10 grep -q "waiting for deployment" 7.raw
	id=$(hostkit --json deploy history site --last 1 | grep -o '"id":[0-9]*' | cut -d: -f2)
	hostkit deploy cancel site "$id"
	wait "$second"
	contains 7.raw "it was cancelled while it waited"
	kill -0 "$slow"
	tell go
	wait "$slow"
	[ "$(states 2)" = "succeeded cancelled" ]
	serves 6
}
ok_when "one that waits can be cancelled; the one that runs goes on" cancel_waiting

# --- reject

reject() {
	start_slow_push 8 deploy.concurrency=reject
	version 9
	git -C site push hostkit HEAD:main >9.raw 2>&1 && return 1
	kill -0 "$slow"
	grep "error: 'site' is being deployed: deployment $(fact site running.id) (branch 'main'" 9.raw
	grep "hint: push again when that has ended: hostkit deploy log site $(fact site running.id) -f" 9.raw
	tell go
	wait "$slow"
	serves 8
	expect site last.status=succeeded
	push_ref site HEAD:refs/heads/main
	serves 9
}
ok_when "reject: a second push is rejected, says why, and can be pushed again" reject

reject_command() {
	start_slow_push 10 deploy.concurrency=reject
	hostkit deploy site --no-restart >out 2>&1 && return 1
	contains out "is being deployed"
	answers error.code=LOCKED -- deploy site --no-restart
	tell go
	wait "$slow"
}
ok_when "and so is hostkit deploy" reject_command

# --- latest

latest() {
	local clients=() i

	start_slow_push 11 deploy.concurrency=latest
	for i in 12 13 14; do
		version "$i"
		start_push "$i"
		clients+=("$client")
		wait_until 10 grep -q "waiting for deployment" "$i.raw"
	done
	# The others are told at once, not when their turn would have come.
	wait "${clients[0]}" "${clients[1]}"
	kill -0 "$slow" "${clients[2]}"
	for i in 12 13; do
		grep "error: deployment [0-9]* came after it, and only the newest that waits" "$i.raw"
	done
	tell go
	wait "$slow" "${clients[2]}"
	serves 14
	[ "$(states 4)" = "succeeded superseded superseded succeeded" ]
}
ok_when "latest: only the newest of those that wait is deployed; the others are told at once" latest

# --- The same commit once more

attach() {
	local id before second third status=0

	start_slow_push 15
	id=$(fact site running.id)
	before=$(count)
	start_push again HEAD:refs/deploy/now
	second=$client
	wait_until 10 grep -q "deployment $id deploys this commit already; its log:" again.raw
	hostkit deploy site >third 2>&1 &
	third=$!
	wait_until 10 grep -q "deployment $id of site deploys this commit already" third
	tell go
	wait "$slow" "$second" "$third"
	[ "$(count)" = "$before" ]
	grep "remote:  1/10 preflight" again.raw
	grep "success: site: " again.raw
	grep "^success: site: " third
	[ -z "$(git -C "$home/repo.git" for-each-ref refs/deploy)" ]
	# Once it is over, it is a deployment of its own again.
	push_ref site HEAD:refs/deploy/now
	[ "$(count)" = $((before + 1)) ]
}
ok_when "a second push of a commit that is being deployed shows that one's log" attach

attach_failing() {
	local second

	settings "build.command=sh: echo >$T/begun; cat $T/go; exit 3"
	version 16
	start_push 16
	hear begun
	hostkit deploy site >out 2>&1 &
	second=$!
	wait_until 10 grep -q "deploys this commit already" out
	tell go
	wait "$client"
	status=0
	wait "$second" || status=$?
	[ "$status" = 41 ]
	contains out "exited with status 3"
}
ok_when "and hostkit deploy exits with its code" attach_failing

not_the_newest() { # back to what runs, while something else waits behind it
	local second third

	start_slow_push 17
	version 18
	start_push 18
	second=$client
	wait_until 10 grep -q "waiting for" 18.raw
	start_push back +HEAD~:main
	third=$client
	wait_until 10 grep -q "waiting for" back.raw
	tell go
	wait "$slow" "$second" "$third"
	serves 17
	git -C site reset -q --hard HEAD~
}
ok_when "but not when something newer waits: what was pushed last is live" not_the_newest

follower() {
	local one two status=0

	start_slow_push 19
	hostkit deploy log site --follow >one &
	one=$!
	hostkit deploy log site --follow >two &
	two=$!
	wait_until 10 grep -q "4/10 build" one
	wait_until 10 grep -q "4/10 build" two
	tell go
	wait "$one" "$two" "$slow"
	diff one two
	head -n 1 one | grep "hostkit: site: deployment"
	tail -n 1 one | grep "^success: "
}
ok_when "any number of terminals follow it from its beginning to its end" follower

free() {
	flock -n "$lock" true
	expect site running=null
	no_staging site
}
ok_when "nothing holds the lock in the end" free

done_testing
