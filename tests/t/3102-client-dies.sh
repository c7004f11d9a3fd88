#!/bin/bash
#
# The pushing client dies, or stops to read: the deployment goes on, and the hook leaves.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "clients that die"
not_in_quick_run
sshd_start
new_project site
home=$(home_of site)
hook=$home/repo.git/hooks/post-receive
git -C site remote add vps "vps:$home/repo.git"
fifos begun go hook_begun hook_go
echo 0 >n

# Limits for when the test fails, so that nobody waits for ever.
hear() {
	timeout 20 cat "$1"
}

tell() {
	timeout 20 sh -c "echo >'$1'"
}

# A build that waits, and then says more than all the buffers up to a client's screen hold: 64 KiB
# in a pipe, some MiB on the way through ssh.
settings() { # STALL LINES
	echo "$2" >lines
	configure site service.driver=none "push.stall=$1" build.timeout=60s \
		"build.command=sh: echo >$T/begun; cat $T/go; yes 'a line of a build that goes on and on' | head -n $2"
}

# What runs in the repository: receive-pack and the hook.
in_repository() {
	find /proc -maxdepth 2 -name cwd -lname "$home/repo.git" 2>/dev/null | cut -d/ -f3
}

no_hook() {
	[ -z "$(in_repository)" ]
}

hook_number() {
	local pid

	for pid in $(in_repository); do
		! grep -q "^hooks/post-receive" "/proc/$pid/cmdline" || echo "$pid"
	done
}

# Whatever a failed step before left is no concern of the next.
start_over() {
	while timeout 20 hostkit deploy cancel site; do
		:
	done
	in_repository | xargs -r kill -KILL || true
	wait_until 20 no_hook
}

push_next() { # REMOTE: the client, the first of its session, is $client
	local n

	start_over
	n=$(($(cat n) + 1))
	echo "$n" | tee n >site/index.html
	git -C site add -A
	git -C site commit -qm "version $n"
	# A shell starts what it puts into the background deaf to SIGINT.
	setsid env --default-signal=HUP,INT,QUIT git -C site push "$1" HEAD:main >said.raw 2>&1 &
	client=$!
}

start_push() { # REMOTE: the build waits for the FIFO go
	push_next "$1"
	hear begun
	[ -n "$(hook_number)" ]
	kill -0 "$client"
}

# The deployment does what it would have done with the client there.
goes_on() {
	expect site "running.id=$(cat n)"
	tell go
	timeout 60 hostkit deploy log site --follow >log.out
	[ "$(grep -c "^      a line of a build" log.out)" = "$(cat lines)" ]
	tail -n 3 log.out | grep "^success: site: "
	expect site last.status=succeeded "last.id=$(cat n)" running=null
	diff n "$home/app/index.html"
	flock -n "$HOSTKIT_ROOT/var/lib/hostkit/site/lock" true
}

ends() { # SIGNAL: the client, as a terminal or an administrator would end it
	case $1 in
	INT | HUP) kill -s "$1" -- "-$client" ;;
	*) kill -s "$1" "$client" ;;
	esac
	wait "$client" || [ $? -gt 128 ]
}

dies_quietly() { # SIGNAL REMOTE: while the build says nothing
	settings 1h 1000
	start_push "$2"
	ends "$1"
	wait_until 20 no_hook
	goes_on
}

dies_in_flood() { # SIGNAL REMOTE STALL: when a lot is still to come
	settings "$3" 30000
	start_push "$2"
	ends "$1"
	goes_on
	wait_until 20 no_hook
}

# Without a limit on stalls: that the client is gone is noticed by itself.
for case in "KILL hostkit" "TERM hostkit" "INT hostkit" "HUP hostkit" "INT vps" "HUP vps"; do
	read -r signal remote <<<"$case"
	ok_when "a client ended by SIG$signal (remote $remote) ends nothing; its hook leaves" \
		dies_quietly "$signal" "$remote"
done
for case in "KILL hostkit" "INT hostkit" "INT vps"; do
	read -r signal remote <<<"$case"
	ok_when "nor does SIG$signal (remote $remote) with 1 MiB still to come" \
		dies_in_flood "$signal" "$remote" 1h
done
# Here git's ssh lives on, and with it the connection: nobody reads any more, and nothing else tells.
for signal in KILL TERM; do
	ok_when "nor does SIG$signal of git alone, whose ssh stays (remote vps)" \
		dies_in_flood "$signal" vps 1s
done

ssh_dies() { # SIGNAL
	settings 1h 30000
	start_push vps
	pkill "-$1" -s "$client" -x ssh
	not wait "$client" # git, which tells its user
	grep -i "fatal: the remote end hung up\|send-pack: unexpected disconnect" said.raw
	goes_on
	wait_until 20 no_hook
}
ok_when "a killed ssh ends nothing" ssh_dies KILL
ok_when "nor does a terminated one" ssh_dies TERM

hook_dies() { # REMOTE: also the client ends then, as git takes no notice
	settings 1h 30000
	start_push "$1"
	kill -KILL "$(hook_number)"
	wait "$client"
	goes_on
	wait_until 20 no_hook
}

stops() { # REMOTE LINES: the client is there, but reads nothing
	local target

	settings 1s "$2"
	start_push "$1"
	# With ssh it is the whole group; without, the hook is in the client's group.
	[ "$1" = vps ] && target=-$client || target=$client
	kill -STOP -- "$target"
	goes_on
	wait_until 20 hook_has_left
	kill -CONT -- "$target"
	wait "$client"
	grep -q "^remote:  3/10 install" said.raw
	grep -q " -> main" said.raw
	# It was really stopped: what came after the hook had left is in the log only.
	[ "$(grep -c "a line of a build" said.raw)" -lt "$2" ]
	wait_until 20 no_hook
}

hook_has_left() {
	[ -z "$(hook_number)" ]
}

early_death() { # REMOTE: the client is gone before the hook has done anything
	settings 1s 30000
	mv "$hook" "$hook.real"
	printf '#!/bin/sh\necho >%s\ncat %s\nexec %s\n' "$T/hook_begun" "$T/hook_go" "$hook.real" >"$hook"
	chmod +x "$hook"
	push_next "$1"
	hear hook_begun
	mv "$hook.real" "$hook"
	ln -s "$(readlink "$hook")" "$hook.real"
	ends KILL
	tell hook_go
	hear begun
	rm "$hook.real"
	goes_on
	wait_until 20 no_hook
}

for remote in hostkit vps; do
	ok_when "a hook that is killed (remote $remote) ends nothing" hook_dies "$remote"
	ok_when "a client that dies before the hook begins (remote $remote) deploys all the same" \
		early_death "$remote"
done
ok_when "a client that reads nothing (a local path) holds up nothing, and ends when it may" \
	stops hostkit 30000
ok_when "a client that reads nothing (ssh) holds up nothing, and ends when it may" \
	stops vps 200000

shell_between() { # a forced command, or a login shell, that stays instead of calling exec
	sed -i '1s/^/command="eval \\"$SSH_ORIGINAL_COMMAND\\"; exit $?" /' sshd/authorized_keys
	dies_quietly INT vps
}
ok_when "a shell between sshd and git does not hide that the client is gone" shell_between

next_push() {
	start_over
	configure site service.driver=none
	push site
	grep "^success: site: " said
	expect site last.status=succeeded
}
ok_when "and the next push deploys as ever" next_push

done_testing
