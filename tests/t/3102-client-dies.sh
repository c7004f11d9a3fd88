#!/bin/bash
#
# The pushing client dies, or stops to read: the deployment goes on, and the hook leaves.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "clients that die"
sshd_start
new_project site
home=$(home_of site)
git -C site remote add vps "vps:$home/repo.git"
mkfifo begun go
configure site service.driver=none push.stall=1s \
	"build.command=sh: echo >$T/begun; cat $T/go; yes 'a line of a build that goes on and on' | head -n 30000"
echo hi >site/index.html
echo 0 >n

# The hooks of this project that run now.
hooks() {
	local pid

	for pid in $(pgrep -f 'hooks/post-receive'); do
		[ "$(readlink "/proc/$pid/cwd")" = "$home/repo.git" ] && echo "$pid"
	done
	return 0
}

no_hook() {
	[ -z "$(hooks)" ]
}

start_push() { # REMOTE: leaves the client's number in $client, its build waiting
	local n

	n=$(($(cat n) + 1))
	echo "$n" | tee n >site/index.html
	git -C site add -A
	git -C site commit -qm "version $n"
	# A shell starts what it puts into the background deaf to SIGINT.
	setsid env --default-signal=INT,QUIT git -C site push "$1" HEAD:main >said.raw 2>&1 &
	client=$!
	read -r <begun
	[ -n "$(hooks)" ]
}

ended_well() { # the deployment did what it would have done with the client there
	echo go >go
	hostkit deploy log site --follow >log.out
	[ "$(grep -c "^      a line of a build" log.out)" = 30000 ]
	tail -n 3 log.out | grep "^success: site: "
	wait_until 20 no_hook
	expect site last.status=succeeded "last.id=$(wc -l <pushes)" running=null
	diff n "$home/app/index.html"
}

dies() { # SIGNAL REMOTE; Ctrl-C reaches the whole process group
	start_push "$2"
	echo >>pushes
	case $1 in
	INT) kill -s INT -- "-$client" ;;
	*) kill -s "$1" "$client" ;;
	esac
	wait "$client" || true
	ended_well
}

ssh_dies() {
	start_push vps
	echo >>pushes
	pkill -KILL -s "$client" -x ssh
	wait "$client" || true
	ended_well
}

hook_dies() {
	start_push "$1"
	echo >>pushes
	kill -KILL "$(hooks)"
	ended_well
	wait "$client" || true
}

stops() { # the client is there, but reads nothing: over 64 KiB are still to come
	local target

	start_push "$1"
	echo >>pushes
	# With ssh it is the whole group; without, the hook is in the client's group.
	[ "$1" = vps ] && target=-$client || target=$client
	kill -STOP -- "$target"
	ended_well
	kill -CONT -- "$target"
	wait "$client"
	grep -q "^remote:  3/10 install" said.raw
}

for remote in hostkit vps; do
	for signal in KILL INT TERM HUP; do
		ok_when "a client ended by SIG$signal (remote $remote) ends nothing" dies "$signal" "$remote"
	done
	ok_when "a client that is stopped (remote $remote) holds up nothing" stops "$remote"
	ok_when "a hook that is killed (remote $remote) ends nothing" hook_dies "$remote"
done
ok_when "a killed ssh ends nothing" ssh_dies

next_push() {
	configure site service.driver=none
	push site
	expect site last.status=succeeded
}
ok_when "and the next push deploys as ever" next_push

done_testing
