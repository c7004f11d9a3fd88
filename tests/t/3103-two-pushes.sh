#!/bin/bash
#
# Pushes that meet.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "several pushes at once"
new_project site
home=$(home_of site)
mkfifo begun go
slow() {
	configure site service.driver=none "build.command=sh: echo >$T/begun; cat $T/go"
}
version() {
	echo "$1" >site/index.html
	git -C site add -A
	git -C site commit -qm "version $1"
}
waits() {
	grep -q "waiting for deployment $1 (refs/heads/main" "$2"
}
states() {
	hostkit --json deploy history site --last 1000 | python3 -c '
import json, sys
print(" ".join(d["status"] for d in reversed(json.load(sys.stdin)["data"]["deployments"])))'
}

second_waits() {
	slow
	version 1
	git -C site push hostkit HEAD:main >one.raw 2>&1 &
	read -r <begun
	configure site service.driver=none
	version 2
	git -C site push hostkit HEAD:main >two.raw 2>&1 &
	wait_until 10 waits 1 two.raw
	not grep -q success two.raw
	echo go >go
	wait
	grep -q "success: site: " one.raw
	grep -q "success: site: " two.raw
	[ "$(states)" = "succeeded succeeded" ]
	[ "$(cat "$home/app/index.html")" = 2 ]
}
ok_when "a second push is told whom it waits for, and deploys after it" second_waits

queue() { # whoever gets the lock first: an older commit never comes after a newer one
	local i

	slow
	version 3
	git -C site push -q hostkit HEAD:main &
	read -r <begun
	configure site service.driver=none
	for i in 4 5 6 7; do
		version "$i"
		git -C site push hostkit HEAD:main >"$i.raw" 2>&1 &
		wait_until 10 waits 3 "$i.raw"
	done
	echo go >go
	wait
	[ "$(cat "$home/app/index.html")" = 7 ]
	grep -q "success: site: " 7.raw
	states | grep -E '^succeeded succeeded succeeded( (succeeded|superseded)){3} succeeded$'
	for i in 4 5 6; do
		grep -qE "success: site: |superseded" "$i.raw"
	done
}
ok_when "of several that wait, the newest is live in the end" queue

crowd() { # ten clones push to branches of their own and to one, all at once
	local i

	configure site service.driver=none "deploy.branches=main,b*"
	for i in 0 1 2 3 4 5 6 7 8 9; do
		git -C site checkout -q -B "b$i" main
		echo "b$i" >site/index.html
		git -C site commit -qam "branch $i"
	done
	before=$(states | wc -w)
	for i in 0 1 2 3 4 5 6 7 8 9; do
		git -C site push hostkit "b$i" >"b$i.raw" 2>&1 &
	done
	wait
	for i in 0 1 2 3 4 5 6 7 8 9; do
		grep -q "success: site: " "b$i.raw"
	done
	[ "$(states | wc -w)" = $((before + 10)) ]
	not grep -qE "failed|interrupted|running|waiting" <(states)
	grep -qx 'b[0-9]' "$home/app/index.html"
}
ok_when "ten pushes at once all end recorded" crowd

done_testing
