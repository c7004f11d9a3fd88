#!/bin/bash
#
# A fault at the Nth call that changes state, for N = 1, 2, … until there are no more: in the worker
# and in the hook, as an error and as a SIGKILL. After each: recovery, exactly the old or the new
# release is live, complete and served, the ledger tells the truth, nothing is left, and the next
# push deploys.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=faults.sh
. "$(cd "$(dirname "$0")" && pwd)/faults.sh"

test_begin "faults at the Nth call"
grep -q HOSTKIT_FAULT_LOG "$HK_LIBEXECDIR/hostkit-worker" ||
	skip_all "built without --enable-failpoints"
not_in_quick_run
require_programs flaky-http curl pgrep
fault_project

echo 0 >tried

# Pushes with a fault; then everything has to hold, at once or after a recovery.
faulted() { # PROGRAM N ACTION
	commit
	rm -f fault
	HOSTKIT_FAULT=$1:$2:$3 HOSTKIT_FAULT_LOG=$T/fault \
		git -C site push hostkit main >said 2>&1 || true
	[ -e fault ] || return 0
	echo "$(($(cat tried) + 1))" >tried
	settled
	hostkit recover site >recovered
	settled
	holds
	no_process
}

next_deploys() {
	commit
	git -C site push hostkit main >said 2>&1
	[ "$(cat "$home/app/version")" = "version $(cat n)" ]
	holds
	clean
}

# One step for a stretch of N, so that the output can be read; what failed is told with its N.
stretch() { # PROGRAM ACTION FROM TO
	local n

	for ((n = $3; n <= $4; n++)); do
		echo "$1:$n:$2" >at
		faulted "$1" "$n" "$2"
		[ -e fault ] || return 0
		next_deploys
	done
}

loop() { # PROGRAM ACTION
	local from

	rm -f fault
	for ((from = 1; from == 1 || $(test -e fault && echo 1 || echo 0); from += 25)); do
		ok_when "$1: $2 at calls $from to $((from + 24))" stretch "$1" "$2" "$from" $((from + 24))
		if [ "$step_status" -ne 0 ]; then
			note "at $(cat at), which is $(cat fault 2>/dev/null)"
			note_file "the client saw" said
			break
		fi
	done
}

for action in ${HK_FAULT_ACTIONS:-EIO ENOSPC kill}; do
	loop hostkit-worker "$action"
	loop post-receive "$action"
done
note "$(cat tried) faults tried"
done_testing
