#!/bin/bash
#
# `project create`, killed at every step that leaves something on the disk.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "making projects, killed in between"
not_in_quick_run
# The leak check at the end of a program does not work under a tracer.
export ASAN_OPTIONS=detect_leaks=0
strace -o /dev/null true 2>/dev/null || skip_all "strace does not work here"
port=$(free_port)

killed_at() { # SYSCALL: at its first, second, … occurrence, until a run gets through
	local n=0 status=137 root

	while [ "$status" -ne 0 ]; do
		n=$((n + 1))
		root=$T/killed/$1-$n
		status=0
		strace -f -o /dev/null -e trace="$1" -e inject="$1:signal=KILL:when=$n" \
			hostkit --root "$root" project create site --port "$port" || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 137 ]
		# Also after the last write, when there is nothing left to do.
		hostkit --root "$root" project create site --port "$port" || [ $? -eq 13 ]
		[ -L "$root/home/site/repo.git/hooks/post-receive" ]
		[ "$(git -C "$root/home/site/repo.git" symbolic-ref HEAD)" = refs/heads/main ]
		[ "$(git -C "$root/home/site/repo.git" config transfer.hideRefs)" = refs/hostkit ]
		hostkit --root "$root" deploy status site
	done
	[ "$n" -gt 1 ]
}
for call in mkdir rename renameat symlinkat fsync fdatasync; do
	ok_when "a run that was killed at any $call is completed by the next" killed_at "$call"
done

done_testing
