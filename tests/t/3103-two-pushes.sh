#!/bin/bash
#
# Pushes that meet: told whom they wait for, recorded, and never an older commit after a newer one.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "several pushes at once"
not_in_quick_run
new_project site
home=$(home_of site)
hook=$home/repo.git/hooks/post-receive
lock=$HOSTKIT_ROOT/var/lib/hostkit/site/lock
fifos begun go hook_begun hook_go

# Limits for when the test fails, so that nobody waits for ever.
hear() {
	timeout 20 cat "$1"
}

tell() {
	timeout 20 sh -c "echo >'$1'"
}

# Whatever a failed step before left is no concern of the next.
start_over() {
	pkill -CONT -f "^[^ ]*hostkit-worker $HOSTKIT_ROOT site " || true
	while timeout 20 hostkit deploy cancel site; do
		:
	done
	rm -f hold
}

quick() {
	configure site service.driver=none
}

slow() {
	configure site service.driver=none build.timeout=60s "build.command=sh: echo >$T/begun; cat $T/go"
}

version() { # NUMBER: what the next push brings
	echo "$1" >site/index.html
	git -C site add -A
	git -C site commit -qm "version $1"
}

start_push() { # LOG: the client's number is in $client
	git -C site push hostkit HEAD:main >"$1.raw" 2>&1 &
	client=$!
}

# Starts a push whose build waits for the FIFO go.
start_slow_push() {
	start_over
	slow
	version "$1"
	start_push "$1"
	hear begun
	quick
}

waits_for() {
	grep -q "waiting for deployment $1 (branch 'main'" "$2.raw"
}

states() {
	hostkit --json deploy history site --last 1000 | python3 -c '
import json, sys
print(" ".join(d["status"] for d in reversed(json.load(sys.stdin)["data"]["deployments"])))'
}

serves() {
	diff - "$home/app/index.html" <<<"$1"
}

# The next hook, only that one, waits for the FIFO hook_go before it does anything.
hold_next_hook() {
	if [ ! -e "$hook.real" ]; then
		mv "$hook" "$hook.real"
		cat >"$hook" <<-SH
			#!/bin/sh
			updates=\$(cat)
			if rm "$T/hold" 2>/dev/null; then
				echo >"$T/hook_begun"
				cat "$T/hook_go"
			fi
			exec "$hook.real" <<-UPDATES
				\$updates
			UPDATES
		SH
		chmod +x "$hook"
	fi
	: >hold
}

second_waits() {
	local first second

	start_slow_push 1
	first=$client
	version 2
	start_push 2
	second=$client
	wait_until 10 waits_for 1 2
	not grep -q success 2.raw
	kill -0 "$first" "$second"
	[ "$(states)" = "running waiting" ]
	tell go
	wait "$first"
	wait "$second"
	grep -q "success: site: " 1.raw
	grep -q "success: site: " 2.raw
	[ "$(states)" = "succeeded succeeded" ]
	serves 2
}
ok_when "a second push is told whom it waits for, and deploys after it" second_waits

queue() { # whoever gets the lock first
	local i clients=()

	start_slow_push 3
	clients+=("$client")
	for i in 4 5 6 7; do
		version "$i"
		start_push "$i"
		clients+=("$client")
		wait_until 10 waits_for 3 "$i"
	done
	tell go
	wait "${clients[@]}"
	serves 7
	grep -q "success: site: .* is live" 7.raw
	states | grep -E '^(succeeded ){3}((succeeded|superseded) ){3}succeeded$'
	for i in 4 5 6; do
		grep -E "success: site: |superseded after" "$i.raw"
	done
}
ok_when "of several that wait, the newest is live in the end" queue

late_hook() { # the newer push is recorded, and live, before the older one's hook begins
	local older

	start_over
	hold_next_hook
	version 8
	start_push 8
	older=$client
	hear hook_begun
	version 9
	start_push 9
	wait "$client"
	serves 9
	tell hook_go
	wait "$older"
	serves 9
	not grep -q success 8.raw
	grep "superseded after .*; still live: release" 8.raw
	not grep "try this commit again" 8.raw
	expect site last.status=superseded
}
ok_when "an older push whose hook comes late does not replace the newer one" late_hook

overtaken() { # the newer push is recorded first, so the older one waits for it
	local running older newer

	start_slow_push 10
	running=$client
	hold_next_hook
	version 11
	start_push 11
	older=$client
	hear hook_begun
	version 12
	start_push 12
	newer=$client
	wait_until 10 waits_for "$(fact site running.id)" 12
	tell hook_go
	wait_until 10 grep -q "and 1 more before this one" 11.raw
	tell go
	wait "$running" "$older" "$newer"
	serves 12
	grep -q "success: site: .* is live" 12.raw
	grep "superseded after" 11.raw
}
ok_when "the newest push goes live also when an older one is recorded after it" overtaken

overtaken_latest() { # the older one has the newest row, but is not the newest push
	local running older newer

	start_slow_push 20
	running=$client
	configure site service.driver=none deploy.concurrency=latest
	hold_next_hook
	version 21
	start_push 21
	older=$client
	hear hook_begun
	version 22
	start_push 22
	newer=$client
	wait_until 10 waits_for "$(fact site running.id)" 22
	tell hook_go
	wait_until 10 grep -q "and 1 more before this one" 21.raw
	tell go
	wait "$running" "$older" "$newer"
	serves 22
	grep -q "success: site: .* is live" 22.raw
	grep "superseded after" 21.raw
	quick
}
ok_when "also when only the newest that waits is deployed" overtaken_latest

not_a_deployment() { # hooks and commands take the lock for a moment, too
	local holder

	start_over
	flock "$lock" sh -c "echo >'$T/begun'; cat '$T/go'" &
	holder=$!
	hear begun
	version 13
	start_push 13
	wait_until 10 grep -q "waiting for" 13.raw
	tell go
	wait "$holder" "$client"
	not grep "waiting for deployment" 13.raw
	serves 13
}
ok_when "who waits is not told of a deployment that has ended" not_a_deployment

clones() { # PREFIX: ten clones, each with a commit of its own
	local i

	for i in 0 1 2 3 4 5 6 7 8 9; do
		git clone -q site "$1$i"
		git -C "$1$i" remote add hostkit "$home/repo.git"
		echo "$1$i" >"$1$i/index.html"
		git -C "$1$i" commit -qam "of $1$i"
	done
}

crowd() { # PREFIX REF…: they push at once, each to the ref of that number, or the only one
	local i refs=("${@:2}") clients=() before

	start_over
	clones "$1"
	before=$(states | wc -w)
	for i in 0 1 2 3 4 5 6 7 8 9; do
		git -C "$1$i" push -f hostkit "HEAD:${refs[i % ${#refs[@]}]}" >"$1$i.raw" 2>&1 &
		clients+=($!)
	done
	: >accepted
	for i in 0 1 2 3 4 5 6 7 8 9; do
		if wait "${clients[i]}"; then
			echo "$1$i" >>accepted
		else # two at the same ref at once: git lets one through
			grep "remote rejected" "$1$i.raw"
		fi
	done
	states | cut -d' ' "-f$((before + 1))-" >ends
	[ "$(wc -w <ends)" = "$(wc -l <accepted)" ]
	not grep -E 'failed|interrupted|cancelled|running|waiting' ends
	while read -r i; do
		grep -E "success: site: .* is live|superseded after" "$i.raw"
		not grep -E "warning:|error: " <(grep -v "error: site: a newer push\|error: site: .* moved on" "$i.raw")
	done <accepted
	flock -n "$lock" true
	expect site running=null
}

to_branches() {
	configure site service.driver=none "deploy.branches=main,b*"
	crowd b b0 b1 b2 b3 b4 b5 b6 b7 b8 b9
	[ "$(wc -l <accepted)" = 10 ]
	[ "$(tr ' ' '\n' <ends | sort -u)" = succeeded ]
	grep -x 'b[0-9]' "$home/app/index.html"
}
ok_when "ten clients that push ten branches at once all deploy" to_branches

to_one() {
	crowd c main
	[ -s accepted ]
	git -C "$home/repo.git" show main:index.html | diff - "$home/app/index.html"
}
ok_when "ten clients that push one branch at once: what the branch holds is live" to_one

done_testing
