#!/bin/bash
#
# Clients that end in every way, at every point of a push, with little and much to say to them, by a
# local path and over ssh: what was accepted is deployed, and nothing stays behind.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "clients killed at every point"
not_in_quick_run
require_programs python3 pgrep
sshd_start
new_project site
home=$(home_of site)
hooks=$home/repo.git/hooks
git -C site remote add vps "vps:$home/repo.git"
fifos begun go
echo 0 >n
echo 0 >lines
: >outcomes

# --- The points: where $T/outside/hold.POINT is there, it is removed, $T/begun told, and $T/go waited for

# Limits for when the test fails, so that nobody waits for ever.
hear() {
	timeout 20 cat "$1"
}

tell() {
	timeout 20 sh -c "echo >'$1'"
}

holding() { # POINT: as a line of shell
	echo "if rm '$T/outside/hold.$1' 2>/dev/null; then echo >'$T/begun'; cat '$T/go' >/dev/null; fi"
}

for hook in pre-receive post-receive; do
	# Links to the installed programs: what is written to one of them would be written there.
	mv "$hooks/$hook" "$hooks/$hook.real"
	printf '#!/bin/sh\n%s\nexec %s\n' "$(holding $hook)" "$hooks/$hook.real" >"$hooks/$hook"
	chmod +x "$hooks/$hook"
done

cat >build.sh <<-SH
	$(holding build)
	yes 'a line of a build that goes on and on' | head -n "\$(cat '$T/lines')"
SH

cat >server.py <<-PY
	import http.server, os
	class Handler(http.server.BaseHTTPRequestHandler):
	    def do_GET(self):
	        try:
	            os.unlink("$T/outside/hold.health")
	        except FileNotFoundError:
	            pass
	        else:
	            open("$T/begun", "w").close()
	            open("$T/go").read()
	        try:
	            self.send_response(200)
	            self.end_headers()
	        except OSError:
	            pass
	server = http.server.HTTPServer(("127.0.0.1", $(cat site.port)), Handler)
	open("$T/serving", "w").close()
	server.serve_forever()
PY
python3 server.py 3>&- &
wait_until 10 test -e serving
configure site service.driver=command service.restart=true health.path=/ health.interval=100ms \
	push.stall=500ms build.timeout=60s "build.command=sh $T/build.sh"

# --- What runs

in_repository() {
	find /proc -maxdepth 2 -name cwd -lname "$home/repo.git" 2>/dev/null | cut -d/ -f3
}

repository_is_idle() {
	not grep . <(in_repository)
}

no_hook() {
	local pid

	for pid in $(in_repository); do
		not grep -s "post-receive" "/proc/$pid/cmdline"
	done
}

no_worker() {
	local pid

	for pid in $(pgrep -x 'hostkit-(worker|super)'); do
		not grep -sF -e "$HOSTKIT_ROOT" "/proc/$pid/cmdline"
	done
}

no_client() {
	not pgrep -s "$client"
}

# Whatever a failed run before left is no concern of the next.
start_over() {
	rm -f outside/hold.*
	while timeout 20 hostkit deploy cancel site; do
		:
	done
	in_repository | xargs -r kill -KILL || true
	wait_until 20 repository_is_idle
}

# --- A run

next_version() {
	local n

	n=$(($(cat n) + 1))
	echo "$n" | tee n >site/index.html
	git -C site commit -qam "version $n"
	sha=$(git -C site rev-parse HEAD)
}

start_push() { # REMOTE: the client, the first of its session, is $client
	# A shell starts what it puts into the background deaf to SIGINT.
	setsid env --default-signal=INT git -C site push "$1" HEAD:main >said.raw 2>&1 &
	client=$!
}

# Stopped, or killed when it is: the hook of a local path is in the client's group, and is not meant.
signal_client() { # SIGNAL REMOTE
	if [ "$2" = vps ]; then
		kill -s "$1" -- "-$client"
	else
		kill -s "$1" "$client"
	fi
}

ends() { # HOW REMOTE
	case $1 in
	int) kill -INT -- "-$client" ;;
	group) kill -KILL -- "-$client" ;;
	git) kill -KILL "$client" ;;
	ssh) pkill -KILL -s "$client" -x ssh ;;
	stop)
		signal_client STOP "$2"
		return ;;
	esac
	not wait "$client"
}

# Whoever waits at $T/go goes on, unless the signal has ended it too, as it does in a client's group.
go_on() { # POINT
	case $1 in
	pre-receive | post-receive) wait_until 20 told_or_dead ;;
	*) tell go ;;
	esac
}

told_or_dead() {
	repository_is_idle || echo | dd of="$T/go" oflag=nonblock status=none
}

kill_stopped() { # REMOTE
	signal_client KILL "$1"
	not wait "$client"
}

follow() {
	timeout 60 hostkit deploy log site --follow >followed
}

# The newest deployment is this commit's. A row has its commit once the worker has looked.
has_row() {
	follow
	expect site "last.commit=$sha" 2>/dev/null
}

# What git has not taken is pushed again; what it has, is on record, by its hook or by recovery.
push_again() {
	push_ref site HEAD:refs/heads/main
	echo unmoved >>outcomes
	grep "^success: site: " said
}

was_taken() {
	[ "$(git -C "$home/repo.git" rev-parse main)" = "$sha" ]
}

is_deployed() {
	follow
	expect site last.status=succeeded "last.commit=$sha" running=null active.state=good
	diff n "$home/app/index.html"
}

nothing_stays() {
	wait_until 20 repository_is_idle
	wait_until 20 no_client
	wait_until 20 no_worker
	flock -n "$HOSTKIT_ROOT/var/lib/hostkit/site/lock" true
	no_staging site
}

run() { # HOW POINT REMOTE
	next_version
	: >"outside/hold.$2"
	start_push "$3"
	hear begun
	kill -0 "$client"
	ends "$1" "$3"
	go_on "$2"
	if [ "$1" = stop ]; then
		wait_until 20 has_row
		wait_until 20 no_hook
		kill_stopped "$3"
	fi
	wait_until 20 repository_is_idle
	if was_taken; then
		wait_until 20 has_row
		fact site last.trigger | sed 's/"//g' >>outcomes
	else
		push_again
	fi
	is_deployed
	nothing_stays
}

next_push() {
	next_version
	push_ref site HEAD:refs/heads/main
	grep "^success: site: " said
	diff n "$home/app/index.html"
}

runs() { # HOW POINT REMOTE COUNT LINES
	local i

	start_over
	echo "$5" >lines
	for ((i = 0; i < $4; i++)); do
		run "$1" "$2" "$3"
	done
	next_push
}

first() {
	echo 0 >site/index.html
	push site
	expect site last.status=succeeded
}
ok_when "a push by a client that stays" first

say_how() {
	case $1 in
	int) echo "SIGINT to the client's group" ;;
	group) echo "SIGKILL to the client's group" ;;
	git) echo "SIGKILL to git alone" ;;
	ssh) echo "SIGKILL to ssh alone" ;;
	stop) echo "SIGSTOP, later SIGKILL" ;;
	esac
}

# Sanitizers are slow, and look at what is much to say.
repeat=2
! grep -q __asan_init "$HK_BINDIR/hostkit" || repeat=0

for point in pre-receive post-receive build health; do
	for remote in hostkit vps; do
		for how in int group git ssh stop; do
			[ "$how" != ssh ] || [ "$remote" = vps ] || continue
			[ "$repeat" = 0 ] || ok_when "$(say_how $how) in $point (remote $remote), little output" \
				runs $how $point $remote "$repeat" 5
			ok_when "$(say_how $how) in $point (remote $remote), 1 MB of output" \
				runs $how $point $remote 1 32000
		done
	done
done

note "$(wc -l <outcomes) runs: $(sort outcomes | uniq -c | tr -s ' \n' ' ')"
enough() {
	[ "$(wc -l <outcomes)" -ge $((36 * repeat + 36)) ]
}
ok_when "at least a hundred runs, or 36 with sanitizers" enough

done_testing
