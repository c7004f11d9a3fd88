#!/bin/bash
#
# The demo of `./bootstrap demo` shows what it claims and leaves nothing.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the demo"
require_programs node npm curl
unset HOSTKIT_ROOT

run_demo() {
	sh "$HK_TOP_SRCDIR/tests/demo.sh" >demo 2>&1
}
ok_when "it runs" run_demo

# part TITLE: what it showed under that heading
part() {
	awk -v title="=== $1" 'index($0, "=== ") == 1 { on = index($0, title) == 1 } on && NF' demo >part
	[ -s part ]
}

creates() {
	part "a project"
	contains part "\$ hostkit project create demo"
	contains part "git remote add hostkit "
	contains part "git push hostkit main"
}
ok_when "it creates a project, and shows what to do next" creates

first_push() {
	part "a small web app"
	grep -E "^remote: hostkit: demo: deployment 1 of branch 'main' at [0-9a-f]{7}" part
	grep -E "^remote: 10/10 cleanup +ok" part
	grep -E "^remote: success: demo: [0-9a-f]{7} is live as release [0-9-]+ after" part
	tail -n 1 part | grep -x "Hello from the first push."
}
ok_when "a push goes live, and its page is requested" first_push

second_push() {
	part "a change"
	grep "^remote: success: demo: " part
	tail -n 1 part | grep -x "Hello again, from the second push."
}
ok_when "a change is a push, and shows on the page" second_push

broken_push() {
	part "a commit that does not build"
	grep "^remote: error: demo: build: 'npm run build' exited with status 1" part
	grep -E "^remote: failed after .*; still live: release [0-9-]+ \([0-9a-f]{7}\)" part
	grep "^remote: hint: " part
	not grep "success: demo" part
	tail -n 1 part | grep -x "Hello again, from the second push."
}
ok_when "a broken build is told, and the site serves on" broken_push

record() {
	part "what happened is on record"
	sed -nE 's/^ +([0-9]+) +(succeeded|failed) .*/\1 \2/p' part | tr '\n' ' ' |
		grep -x "3 failed 2 succeeded 1 succeeded "
}
ok_when "all three are on record" record

where_next() {
	part "done"
	contains part "--root ~/hostkit project create"
	contains part "README.md"
}
ok_when "it ends with where to go next" where_next

columns() { # what it says itself; paths and the build's own output are as long as they are
	grep -v "/hostkit-demo\.\|^remote:       \|^\$ " demo | sed 's/ *$//' |
		awk 'length($0) > 80 { print; bad = 1 } END { exit bad }'
}
ok_when "it fits a terminal of 80 columns" columns

demo_dir() {
	sed -n 's/.*this was all in \([^,]*\),.*/\1/p' demo
}

# Processes of a demo: their environment, working folder or command line is in its folder.
processes_of() {
	grep -lsF "$1" /proc/[0-9]*/environ /proc/[0-9]*/cmdline || true
	find /proc -maxdepth 2 -name cwd -lname "$1*" 2>/dev/null || true
}

nothing_of() {
	[ -n "$1" ]
	[ ! -e "$1" ]
	processes_of "$1" | not grep -v "^/proc/\(self\|$BASHPID\)/"
}

leaves_nothing() {
	nothing_of "$(demo_dir)"
	find "$TMPDIR" "$HOME" -mindepth 1 -maxdepth 1 | not grep -v '/\.gitconfig$\|/\.npm$'
}
ok_when "it leaves no process and no folder" leaves_nothing

interrupted() { # WHEN: Ctrl-C as soon as it shows that
	local pid dir

	rm -f output
	mkfifo output
	setsid env --default-signal=INT,QUIT sh "$HK_TOP_SRCDIR/tests/demo.sh" >output 2>&1 &
	pid=$!
	exec 4<output
	timeout 60 grep -m 1 "$1" <&4
	dir=$(readlink "/proc/$pid/cwd")
	dir=${dir%/app}
	kill -INT -- "-$pid"
	timeout 60 cat <&4 >rest
	exec 4<&-
	wait "$pid" || [ $? = 130 ]
	case $dir in
	"$TMPDIR"/hostkit-demo.*) nothing_of "$dir" ;;
	*) false ;;
	esac
}
ok_when "nor when Ctrl-C ends it while it deploys" interrupted "Ctrl-C detaches"
ok_when "nor when Ctrl-C ends it while its page is up" interrupted "remote: success: demo: "

done_testing
