#!/bin/bash
#
# The test library itself: nested scripts show that what fails is seen to fail.

LIB=$(cd "$(dirname "$0")" && pwd)/lib.sh
# shellcheck source=lib.sh
. "$LIB"

test_begin "the test library"

# nested BODY: runs a test with that body; its TAP is in tap, its status in status.
nested() {
	{
		printf '. %q\n' "$LIB"
		printf '%s\n' "$1"
	} >nested.sh
	set +e
	env -u HK_TAP_HARNESS -u HK_KEEP -u HK_VERBOSE "${@:2}" bash nested.sh >tap 2>err </dev/null
	echo "$?" >status
	set -e
	cat tap err
}

line() {
	grep -qxF -e "$1" tap
}

status_is() {
	[ "$(cat status)" -eq "$1" ]
}

passes() {
	nested 'test_begin "title"
		ok_when "one" true
		two() { [ -d "$T" ]; [ "$PWD" = "$T" ]; }
		ok_when "two # not a directive" two
		skip "three" "no reason"
		done_testing'
	status_is 0
	line "# title"
	line "ok 1 - one"
	line 'ok 2 - two \# not a directive'
	line "ok 3 - three # SKIP no reason"
	line "1..3"
	lacks tap "not ok"
	[ ! -s err ]
}
ok_when "a passing test passes" passes

fails() {
	nested 'test_begin "title"
		ok_when "one" true
		ok_when "two" sh -c "echo said; echo complained >&2; exit 7"
		ok_when "three" true
		done_testing'
	status_is 1
	line "not ok 2 - two"
	line "ok 3 - three"
	line "1..3"
	contains tap "status 7 of: sh -c"
	line "#   said"
	line "#   complained"
}
ok_when "a failing step is seen, with its output" fails

fails_for_a_harness() {
	nested 'test_begin "title"
		ok_when "one" false
		done_testing' HK_TAP_HARNESS=1
	status_is 0
	line "not ok 1 - one"
	line "1..1"
}
ok_when "a harness is told by TAP alone" fails_for_a_harness

fails_inside() {
	nested 'test_begin "title"
		steps() { true; false; true; }
		ok_when "one" steps
		inner() { [ a = b ]; echo not reached; }
		outer() { inner; true; }
		ok_when "two" outer
		piped() { false | cat; true; }
		ok_when "three" piped
		unset_name() { echo "$nothing_of_that_name"; true; }
		ok_when "four" unset_name
		done_testing'
	status_is 1
	line "not ok 1 - one"
	line "not ok 2 - two"
	line "not ok 3 - three"
	line "not ok 4 - four"
	contains tap "[ a = b ]"
	lacks tap "not reached"
}
ok_when "a function fails at its first failing command" fails_inside

statuses() {
	nested 'test_begin "title"
		fails_with 3 "one" sh -c "exit 3"
		fails_with 3 "two" sh -c "exit 4"
		fails_with 3 "three" true
		quits() { sh -c "exit 5"; true; }
		fails_with 5 "four" quits
		done_testing'
	status_is 1
	line "ok 1 - one"
	line "not ok 2 - two"
	line "not ok 3 - three"
	line "ok 4 - four"
	line "# status 3 was expected"
}
ok_when "fails_with wants that very status" statuses

set_up_fails() {
	nested 'test_begin "title"
		ok_when "one" true
		echo "ok 99 - noise"
		ls /nonexistent/of-that-name
		ok_when "never" true
		done_testing'
	status_is 1
	line "ok 1 - one"
	line "not ok 2 - the test runs to its end"
	line "1..2"
	contains tap "ls /nonexistent/of-that-name"
	lacks tap "never"
	not line "ok 99 - noise"
}
ok_when "a failing command of set-up fails the test" set_up_fails

ends_early() {
	nested 'test_begin "title"
		ok_when "one" true
		exit 0'
	status_is 1
	line "not ok 2 - the test runs to its end"
	line "1..2"
	nested 'test_begin "title"
		done_testing'
	status_is 1
	line "not ok 1 - the test has a step"
}
ok_when "a test without an end, or without a step, fails" ends_early

skips() {
	nested 'test_begin "title"
		skip_all "there is none"
		ok_when "never" false
		done_testing'
	status_is 0
	line "1..0 # SKIP there is none"
	lacks tap "never"
	nested 'test_begin "title"
		ok_when "one" true
		skip_all "too late"'
	status_is 1
}
ok_when "a whole test is skipped, before its first step only" skips

clean_environment_seen() {
	nested 'test_begin "title"
		env >"$HK_SEEN"
		git config --get init.defaultBranch >>"$HK_SEEN"
		git init -q repo
		git -C repo commit -q --allow-empty -m first
		ok_when "one" true
		done_testing' HK_SEEN="$T/seen" GIT_DIR=/x GIT_AUTHOR_NAME=x PORT=1 NODE_ENV=x \
		MAKEFLAGS=-j SSH_AUTH_SOCK=/x HOSTKIT_ROOT=/x HOME=/x
	status_is 0
	not grep -E '^(GIT_DIR|GIT_AUTHOR_NAME|PORT|NODE_ENV|MAKEFLAGS|SSH_AUTH_SOCK)=' seen
	not grep -E '^(HOSTKIT_ROOT|HOME)=/x' seen
	grep -qx main seen
	grep -qE '^HOSTKIT_ROOT=.*/root$' seen
	grep -qE '^HOME=.*/home$' seen
}
ok_when "the environment is clean" clean_environment_seen

# Three ways to get away: a session of its own with TERM ignored, an environment without a trace,
# and a folder elsewhere.
ends_everything() {
	nested 'test_begin "title"
		echo "$T" >"$HK_SEEN.folder"
		setsid sh -c "trap : TERM; echo \$\$ >>$HK_SEEN; while :; do sleep 60; done" &
		setsid env -i sh -c "echo \$\$ >>$HK_SEEN; exec sleep 60" &
		(cd / && setsid sh -c "echo \$\$ >>$HK_SEEN; exec sleep 60" &)
		mkdir locked
		touch locked/file
		chmod 0 locked
		ok_when "all started" wait_until 10 sh -c "[ \$(wc -l <$HK_SEEN) -eq 3 ]"
		'"$1" HK_SEEN="$T/pids.$2"
	[ "$(wc -l <"$T/pids.$2")" -eq 3 ]
	while read -r pid; do
		not kill -0 "$pid"
	done <"$T/pids.$2"
	[ ! -e "$(cat "$T/pids.$2.folder")" ]
}
ok_when "what a test started ends with it" ends_everything done_testing passed
status_is_0() { status_is 0; }
ok_when "and that is no failure" status_is_0
ok_when "also after a failure" ends_everything false failed
ok_when "also after a signal" ends_everything 'kill -TERM $$' killed

predicates() {
	printf 'one\ntwo [x]\n' >file
	contains file "two [x]"
	not false
	not not true
	not contains file "three"
	lacks file "three"
	not lacks file "one"
	not lacks missing "one"
	not contains missing "one"
}
ok_when "contains and lacks tell" predicates

waits() {
	(
		sleep 0.3
		touch came
	) &
	wait_until 10 test -e came
	not wait_until 1 test -e never 2>said
	contains said "waited in vain for: test -e never"
}
ok_when "wait_until waits for a condition, and not for ever" waits

ports() {
	first=$(free_port)
	second=$(free_port)
	[ "$first" -ne "$second" ]
	[ "$first" -gt 1024 ]
	port_is_free "$first"
	[ -x "${HK_HELPER_DIR:-}/flaky-http" ] || return 0
	flaky-http --port "$first" --port-file "$T/port" 200 &
	wait_until 10 test -s "$T/port"
	contains "$T/port" "port $first"
	not port_is_free "$first"
}
ok_when "free_port gives free ports" ports

no_descriptors() {
	[ ! -e /proc/self/fd/3 ]
}
ok_when "the descriptor of TAP stays out of the steps" no_descriptors

done_testing
