#!/bin/bash
#
# No descriptor of the client, the hook, the worker or the command line reaches what they start.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "descriptors of what is started"
require_programs python3
new_project site
home=$(home_of site)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
echo home >site/index.html
fifos begun go
touch eight

# fds.py NAME [stay|then COMMAND…]: its open descriptors, "NUMBER TARGET" a line, in $T/outside/NAME.fds. The
# listing's own one is closed by the time that it is looked up.
cat >fds.py <<-PY
	import os, signal, sys
	lines = []
	for fd in sorted(os.listdir("/proc/self/fd"), key=int):
	    try:
	        lines.append(fd + " " + os.readlink("/proc/self/fd/" + fd) + "\n")
	    except FileNotFoundError:
	        pass
	path = "$T/outside/" + sys.argv[1] + ".fds"
	with open(path + ".new", "w") as out:
	    out.writelines(lines)
	os.rename(path + ".new", path)
	if sys.argv[2:3] == ["stay"]:
	    signal.pause()
	if sys.argv[2:3] == ["then"]:
	    os.execvp(sys.argv[3], sys.argv[3:])
PY

# An untidy caller: everything that it has open is inherited, unless someone closes it.
untidy() {
	(
		exec 7</etc/passwd 8>>"$T/eight" 9< <(:) 200<"$T"
		"$@"
	)
}

# The same, from outside.
table_of() { # PID
	local fd

	for fd in "/proc/$1/fd/"*; do
		echo "${fd##*/} $(readlink "$fd")"
	done | sort -n
}

# has_only FILE TARGET…: a table holds exactly these, from 0 on. A pipe is one, whatever its number.
has_only() {
	local file=$1 number=0

	shift
	for target; do
		echo "$number $target"
		number=$((number + 1))
	done >wanted
	sed 's/ pipe:.*/ pipe/' "$file" | diff wanted -
}

is_tidy() { # NAME: a command's table; stdout and stderr are one pipe or two
	has_only "outside/$1.fds" /dev/null pipe pipe
}

# A caller that is not as untidy as it is meant to be would prove nothing.
is_untidy() {
	untidy python3 fds.py caller
	for fd in 7 8 9 200; do
		grep "^$fd " outside/caller.fds
	done
}
ok_when "the callers of these tests have descriptors open that nothing closes by itself" is_untidy

# --- Installs and builds

stages() {
	configure site service.driver=none "install.command=python3 $T/fds.py install" \
		"build.command=python3 $T/fds.py build"
	untidy push site
	expect site last.status=succeeded
}
ok_when "a push with an install and a build" stages
ok_when "an install has /dev/null and pipes for its output, nothing else" is_tidy install
ok_when "a build has the same" is_tidy build

by_command() {
	rm outside/install.fds outside/build.fds
	untidy hostkit deploy site
	expect site last.status=succeeded
}
ok_when "a deployment by command, with descriptors open" by_command
ok_when "an install of it has no more" is_tidy install
ok_when "nor has a build" is_tidy build

# --- The worker, its supervisor, and the relay, while a build waits

number_of() { # NAME PATTERN: the only process of that name and command line
	local pid

	for pid in $(pgrep -x "$1"); do
		! tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qE -e "$2" || echo "$pid"
	done
}

in_repository() { # NAME
	local pid

	for pid in $(pgrep -x "$1"); do
		[ "$(readlink "/proc/$pid/cwd")" != "$home/repo.git" ] || echo "$pid"
	done
}

is_number() {
	grep -qx '[0-9][0-9]*' <<<"$1"
}

look_inside() {
	local worker build receive hook

	configure site service.driver=none build.timeout=60s \
		"build.command=python3 $T/fds.py build then sh -c 'echo >$T/begun; read answer <$T/go'"
	untidy push site &
	timeout 20 cat begun
	worker=$(number_of hostkit-worker " $HOSTKIT_ROOT site [0-9]+ $")
	build=$(number_of sh "^sh -c echo >$T/begun")
	receive=$(in_repository git-receive-pack || true)
	[ -n "$receive" ] || receive=$(in_repository git)
	hook=$(in_repository post-receive)
	for pid in "$worker" "$build" "$hook" $receive; do
		is_number "$pid"
	done
	table_of "$worker" >worker.table
	ps -o ppid= -p "$build" | tr -d ' ' >supervisor
	table_of "$(cat supervisor)" >supervisor.table
	cat "/proc/$(cat supervisor)/comm" >supervisor.name
	table_of "$hook" >hook.table
	for pid in $receive "$hook"; do
		table_of "$pid"
	done >client.table
	fact site running.id >id
	timeout 20 sh -c "echo >'$T/go'"
	wait $!
	expect site last.status=succeeded
}
ok_when "a build that waits: the tables of all that take part" look_inside

worker_output() {
	printf '%s\n' "0 /dev/null" "1 $state/log/$(cat id).log" "2 $state/log/$(cat id).log" |
		diff - <(head -n 3 worker.table)
}
ok_when "the worker's input is /dev/null, its output the log" worker_output

no_client() { # TABLE: no pipe or socket that receive-pack or the hook has, nor what the client had
	cut -d' ' -f2- client.table | grep -E '^(pipe|socket):' | sort -u >theirs
	[ -s theirs ]
	not grep -F -f theirs "$1"
	not grep -E " (/etc/passwd|$T/eight|$T)\$" "$1"
	not grep -E "/repo.git(/objects|/refs|\$)" "$1"
}
ok_when "it holds nothing of the client's" no_client worker.table
ok_when "nor does the supervisor of the build" no_client supervisor.table
ok_when "nor does the build" no_client outside/build.fds

the_lock() {
	grep "^[0-9]* $state/lock\$" worker.table
	not grep "$state/lock" outside/build.fds
	not grep "$state/lock" hook.table
	contains supervisor.name hostkit-super
	not grep "$state/lock" supervisor.table
}
ok_when "the lock is held by the worker alone" the_lock
ok_when "the waiting build has /dev/null and pipes, nothing else" is_tidy build

# --- Services of hostkit's own

is_service() {
	has_only outside/service.fds /dev/null "$home/logs/app.log" "$home/logs/error.log"
	# What runs, from outside.
	table_of "$(answers pid -- service status site)" >service.table
	has_only service.table /dev/null "$home/logs/app.log" "$home/logs/error.log"
	rm outside/service.fds
}

written() {
	wait_until 20 test -s outside/service.fds
	is_service
}

by_push() {
	configure site health.enabled=no "service.start=python3 $T/fds.py service stay"
	untidy push site
	expect site last.status=succeeded stage.restart=succeeded
	written
}
ok_when "a service has /dev/null and its logs, nothing else: no lock, no ledger" by_push

by_verb() { # VERB
	untidy hostkit service "$1" site
	written
}
ok_when "so has one that a command restarts" by_verb restart

started_again() {
	untidy hostkit service stop site
	by_verb start
	hostkit service stop site
}
ok_when "or starts" started_again

# --- The administrator's commands

commands() {
	local verb settings=()

	for verb in start stop restart status; do
		settings+=("service.$verb=python3 $T/fds.py $verb")
	done
	configure site service.driver=command health.enabled=no "${settings[@]}"
	untidy push site
	expect site last.status=succeeded stage.restart=succeeded
	is_tidy restart
	rm -f outside/*.fds
}
ok_when "a restart command of a push has /dev/null and pipes, nothing else" commands

by_hand() { # VERB
	untidy hostkit service "$1" site
	is_tidy "$1"
}
for verb in start restart status stop; do
	ok_when "nor has the $verb command of hostkit service $verb more" by_hand $verb
done

stop_and_start() {
	configure site service.driver=command health.enabled=no \
		"service.start=python3 $T/fds.py start" "service.stop=python3 $T/fds.py stop"
	rm -f outside/*.fds
	untidy push site
	expect site last.status=succeeded
	is_tidy stop
	is_tidy start
}
ok_when "nor have a stop and a start that make up a restart" stop_and_start

done_testing
