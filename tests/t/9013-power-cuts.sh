#!/bin/bash
#
# The power goes at a random moment of a deployment: a filesystem on a loop device that is shut down
# without writing back, and mounted again. The whole root is on it. Afterwards the old or the new
# release is live and complete; after the verdict was seen, it is the new one, and on record.

if [ -z "${HK_OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	HK_OWN_MOUNTS=yes exec unshare --mount bash "$0" "$@"
fi

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=faults.sh
. "$(cd "$(dirname "$0")" && pwd)/faults.sh"

test_begin "power cuts"
not_in_quick_run
PATH=$PATH:/usr/sbin:/sbin
require_programs flaky-http curl pgrep mkfs.xfs mkfs.ext4 xfs_io
[ -n "${HK_OWN_MOUNTS:-}" ] || skip_all "mounting takes root"

# Builds with sanitizers take their time.
CUTS=${HK_POWER_CUTS:-30}
! grep -q __asan_init "$HK_BINDIR/hostkit" || CUTS=${HK_POWER_CUTS:-8}
image=$T/image

mounted() {
	mount -o loop "$image" "$HOSTKIT_ROOT"
}

make_disk() { # TYPE
	rm -f "$image"
	truncate -s 512M "$image"
	"mkfs.$1" -q "$image"
	mounted || skip_all "no loop device can be mounted"
	unlimited
}

# Whatever still uses the filesystem when the machine is off.
end_users() {
	hostkit service stop site >/dev/null 2>&1 || true
	(cd / && started) | while read -r pid; do
		case $(readlink "/proc/$pid/cwd") in
		"$HOSTKIT_ROOT"*) kill -KILL "$pid" 2>/dev/null || true ;;
		esac
	done
	pgrep -f "hostkit-worker $HOSTKIT_ROOT site " | xargs -r kill -KILL || true
}

cut_power() {
	xfs_io -x -c shutdown "$HOSTKIT_ROOT"
	end_users
	wait_until 20 umount "$HOSTKIT_ROOT"
	mounted
}

# Where in a deployment: after so many ms, or when the client has seen the verdict.
random_cut() { # MS: sleeps inside, which is what is random here
	local client

	commit
	git -C "$T/site" push hostkit main >said 2>&1 &
	client=$!
	python3 -c "import time; time.sleep($1 / 1000)"
	xfs_io -x -c shutdown "$HOSTKIT_ROOT"
	as_seen <said >seen
	kill -KILL "$client" 2>/dev/null || true
	wait "$client" || true
	end_users
	wait_until 20 umount "$HOSTKIT_ROOT"
	mounted
}

verdict_seen() {
	grep -q "^success: site: " seen
}

after_cut() {
	if verdict_seen; then
		is_live_version
		expect site last.status=succeeded active.state=good
		echo seen >>verdicts
	fi
	hostkit recover site >recovered 2>&1
	wait_until 20 no_worker
	# The machine is new: nothing runs until it is started, as at boot.
	hostkit service start site
	holds
}

is_live_version() {
	[ "$(cat "$home/app/version")" = "version $(cat n)" ]
}

next_one() {
	commit
	git -C "$T/site" push hostkit +HEAD:main >said 2>&1
	is_live_version
	holds
}

cuts() { # FROM TO: the Nth comes after a time of its own, from the start to after the end
	local i

	for ((i = $1; i <= $2; i++)); do
		random_cut $((RANDOM % 400))
		after_cut
		next_one
		echo . >>cuts_made
	done
}

disk() { # TYPE
	make_disk "$1"
	rm -rf site site.port n
	fault_project
	sync -f "$HOSTKIT_ROOT"
}

for type in xfs ext4; do
	: >verdicts
	: >cuts_made
	ok_when "$type: a project on a disk of its own" disk "$type"
	home=$(home_of site)
	state=$HOSTKIT_ROOT/var/lib/hostkit/site
	for ((from = 1; from <= CUTS; from += 10)); do
		to=$((from + 9 < CUTS ? from + 9 : CUTS))
		ok_when "$type: power cuts $from to $to" cuts "$from" "$to"
		[ "$step_status" = 0 ] || { note_file "the client saw" seen && note_file "then" said && break; }
	done
	note "$type: $(wc -l <cuts_made) power cuts, $(wc -l <verdicts) after the verdict was seen"
	end_users
	umount "$HOSTKIT_ROOT"
done
done_testing
