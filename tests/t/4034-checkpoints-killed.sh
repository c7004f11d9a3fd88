#!/bin/bash
#
# A restore, and a checkpoint, that are killed or fail at each step: afterwards the live database is
# the old or the new one, whole, and what the ledger says of it is so; the service runs as it ran; the
# next one works and nothing is left behind.

if [ -z "${HK_OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	HK_OWN_MOUNTS=yes exec unshare --mount bash "$0" "$@"
fi

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "checkpoints and restores that are killed"
grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker" ||
	skip_all "built without --enable-failpoints"
require_programs python3 flaky-http
new_project site
home=$(home_of site)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
dumps=$state/checkpoints
db=$home/shared/app.db
echo page >site/index.html

configure site "service.start=flaky-http 200" health.interval=100ms health.timeout=20s \
	database.kind=sqlite database.path=shared/app.db
mkdir -p "$home/shared"

sql() {
	python3 - "$1" "$2" <<-'PY'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1], timeout=30)
		for row in db.execute(sys.argv[2]):
		    print('|'.join(str(v) for v in row))
		db.commit()
	PY
}

sql "$db" "PRAGMA journal_mode = WAL"
sql "$db" "CREATE TABLE entry AS SELECT hex(randomblob(300)) AS t
	FROM (WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 9000) SELECT i FROM c)"
echo 9000 >rows
push site
expect site last.status=succeeded
hostkit checkpoint create site --label first
id=$(hostkit --json checkpoint list site | python3 -c '
import json, sys
print(next(c["id"] for c in json.load(sys.stdin)["data"]["checkpoints"] if c["label"] == "first"))')

# What tells the old one from the new one.
mark() {
	sql "$db" "CREATE TABLE IF NOT EXISTS mark (n)"
}

which_is_live() {
	[ "$(sql "$db" "PRAGMA integrity_check")" = ok ]
	[ "$(sql "$db" "SELECT count(*) FROM entry")" = "$(cat rows)" ]
	if [ "$(sql "$db" "SELECT count(*) FROM sqlite_schema WHERE name = 'mark'")" = 1 ]; then
		echo old
	else
		echo new
	fi
}

settled() { # the ledger has nothing open, the disk has what the ledger has, the service runs
	[ "$(sql "$state/ledger.db" "SELECT count(*) FROM restore WHERE finished_at IS NULL")" = 0 ]
	[ "$(sql "$state/ledger.db" "SELECT count(*) FROM checkpoint WHERE state <> 'ready'")" = 0 ]
	sql "$state/ledger.db" "SELECT id || '.dump' FROM checkpoint ORDER BY id" | sort >wanted
	find "$dumps" -mindepth 1 -printf '%f\n' | sort | diff wanted -
	not ls "$db".hostkit-*
	answers running=true -- service status site
}

last_step() {
	sql "$state/ledger.db" "SELECT step FROM restore ORDER BY id DESC LIMIT 1"
}

says_so() { # the ledger's end of the last restore is what is live
	case $(which_is_live),$(last_step) in
	old,undone | new,done) ;;
	*)
		echo "$(which_is_live) is live, the ledger says $(last_step)" >&2
		return 1
		;;
	esac
}

keep_few() { # the dump that is restored is not pruned for all the safety checkpoints
	local other

	for other in $(sql "$state/ledger.db" "SELECT id FROM checkpoint WHERE safety"); do
		hostkit checkpoint delete site "$other"
	done
}

killed() { # POINT WHICH
	local status=0

	mark
	HOSTKIT_FAILPOINT=$1:kill hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	[ "$status" = 137 ]
	# Whole even before anybody recovers.
	[ "$(which_is_live)" = "$2" ]
	hostkit checkpoint list site >out 2>&1
	contains out "recovered: "
	[ "$(which_is_live)" = "$2" ]
	settled
	hostkit checkpoint restore site "$id" --yes
	[ "$(which_is_live)" = new ]
	[ "$(last_step)" = "done" ]
	settled
	keep_few
}

failed() { # POINT WHICH
	local status=0

	mark
	HOSTKIT_FAILPOINT=$1:fail hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	[ "$(which_is_live)" = "$2" ]
	hostkit recover site
	[ "$(which_is_live)" = "$2" ]
	says_so
	settled
	[ "$2" = new ] || [ "$status" != 0 ]
	keep_few
}

for point in restore_begun checkpoint_begun sqlite_copying sqlite_copying@3 checkpoint_renamed \
	restore_loaded restore_stopped sqlite_replacing; do
	ok_when "killed at $point: the database is as it was" killed "$point" old
	ok_when "failing at $point: it is as it was" failed "$point" old
done
for point in restore_swapped restore_clean restore_started; do
	ok_when "killed at $point: the restored database is live" killed "$point" new
	ok_when "failing at $point: it is live, too" failed "$point" new
done

by_a_push() { # is recovered by it
	mark
	HOSTKIT_FAILPOINT=restore_stopped:kill hostkit checkpoint restore site "$id" --yes || true
	push site
	expect site last.status=succeeded
	contains said "recovered: the restore of checkpoint $id was interrupted: the database is as it was before"
	settled
	keep_few
}
ok_when "a push recovers what a restore has left" by_a_push

deployment_killed() { # POINT
	remember_live site
	HOSTKIT_FAILPOINT=$1:kill push site || true
	hostkit recover site
	expect site last.status=interrupted running=null
	still_live site
	settled
	push site
	expect site last.status=succeeded stage.snapshot=succeeded
	settled
}
for point in checkpoint_begun sqlite_copying checkpoint_renamed; do
	ok_when "a deployment that is killed at $point leaves nothing of its checkpoint" \
		deployment_killed "$point"
done

cancelled() { # while it is copied
	local pid

	mark
	HOSTKIT_FAILPOINT=sqlite_copying@3:stop hostkit checkpoint restore site "$id" --yes >out 2>&1 &
	pid=$!
	wait_until 10 grep "^State:.T" "/proc/$pid/status"
	kill -INT "$pid"
	kill -CONT "$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" = 26 ]
	contains out "it was cancelled"
	[ "$(which_is_live)" = old ]
	settled
}
ok_when "Ctrl-C ends a restore before the databases change places" cancelled

locked_out() { # what would see the database half-way has to wait
	local pid

	HOSTKIT_FAILPOINT=restore_stopped:stop hostkit checkpoint restore site "$id" --yes >out 2>&1 &
	pid=$!
	wait_until 10 grep "^State:.T" "/proc/$pid/status"
	status=0
	hostkit checkpoint restore site "$id" --yes >second 2>&1 || status=$?
	[ "$status" = 24 ]
	contains second "is being worked on: checkpoint restore, pid $pid"
	status=0
	hostkit service start site >second 2>&1 || status=$?
	[ "$status" = 24 ]
	not hostkit checkpoint delete site "$id"
	kill -CONT "$pid"
	wait "$pid"
	settled
	keep_few
}
ok_when "while it runs nothing else touches database or service" locked_out

disk_full() { # of the home, and of the state folder
	local status

	mark
	mount -t tmpfs -o size=12m,mode=755 none "$T/small"
	cp -a "$home/shared/." "$T/small/"
	mount --bind "$T/small" "$home/shared"
	head -c 64M /dev/zero >"$T/small/filler" 2>/dev/null || true
	status=0
	hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	rm "$T/small/filler"
	[ "$status" = 5 ]
	[ "$(which_is_live)" = old ]
	settled
	hostkit checkpoint restore site "$id" --yes
	[ "$(which_is_live)" = new ]
	hostkit service stop site
	cp -a "$T/small/." "$T/shared.kept"
	umount "$home/shared"
	umount "$T/small"
	rm -f "$home/shared"/app.db*
	cp -a "$T/shared.kept/." "$home/shared/"
	hostkit service start site
	keep_few

	mount -t tmpfs -o "size=$(($(du -sk "$dumps" | cut -f1) + 3000))k,mode=700" none "$T/small"
	cp -a "$dumps/." "$T/small/"
	mount --bind "$T/small" "$dumps"
	status=0
	hostkit checkpoint create site >out 2>&1 || status=$?
	[ "$status" = 5 ]
	push site
	expect site last.status=failed stage.snapshot=failed last.error.code=NO_SPACE
	settled
	umount "$dumps"
	umount "$T/small"
}
if [ -n "${HK_OWN_MOUNTS:-}" ]; then
	mkdir small
	ok_when "a full disk: nothing is changed, nothing is left" disk_full
else
	skip "a full disk" "mounting a tmpfs takes root"
fi

# --- At each call that changes state

# A page that is copied is a call, too.
shrink() {
	sql "$db" "DELETE FROM entry WHERE rowid > 20"
	sql "$db" "DROP TABLE IF EXISTS mark"
	hostkit service stop site
	sql "$db" "VACUUM"
	hostkit service start site
	echo 20 >rows
	hostkit --json checkpoint create site --label small >made
	python3 -c 'import json; print(json.load(open("made"))["data"]["checkpoint"]["id"])' >small-id
}

faulted() { # N ACTION: whether the call came at all is whether $T/fault-log is there
	local status=0

	mark
	rm -f fault-log
	HOSTKIT_FAULT="hostkit:$1:$2" HOSTKIT_FAULT_LOG=$T/fault-log \
		hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	which_is_live >live
	hostkit recover site >recovered 2>&1
	[ "$(which_is_live)" = "$(cat live)" ]
	# It may be the start of the service that has failed; then that is said.
	! grep "the service could not be started again" out || hostkit service start site
	settled
	[ "$status" != 0 ] || [ "$(cat live)" = new ]
	keep_few
}

each_call() { # ACTION STEP
	local n=1

	while :; do
		if ! faulted_alone "$n" "$1"; then
			echo "at call $n, $1: $(cat fault-log)" >&2
			return 1
		fi
		[ -e fault-log ] || break
		n=$((n + $2))
	done
	echo "$n calls"
	[ "$n" -gt 50 ]
}

# set -e holds in it, although its status is asked for.
faulted_alone() {
	export -f faulted mark sql which_is_live settled not keep_few answers look_up
	export T db state dumps id look_up_program
	bash -eu -c 'faulted "$@"' bash "$@"
}

if [ -n "${HK_TEST_QUICK:-}" ]; then
	skip "killed at every call" "quick run"
else
	ok_when "with a small database" shrink
	id=$(cat small-id)
	rarer=1
	! grep -q __asan_init "$HK_BINDIR/hostkit" || rarer=3
	ok_when "killed at one in $((3 * rarer)) of the calls that change state" each_call kill $((3 * rarer))
	ok_when "with one in $((4 * rarer)) of them failing" each_call EIO $((4 * rarer))
fi

hostkit service stop site
done_testing
