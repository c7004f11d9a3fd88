#!/bin/bash
#
# The command line itself: help, usage errors, names, roots, JSON, exit statuses.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"

test_begin "the command line"

overview() {
	hostkit help >out
	hostkit --help | diff out -
	contains out "deploy history NAME"
	contains out "--root DIR"
	[ "$(hostkit --version | cut -d' ' -f1)" = hostkit ]
}
ok_when "help lists the commands" overview

every_help() {
	local line

	hostkit help | sed -n 's/^  \([a-z][a-z ]*\) .*/\1/p' | grep -v ^help >commands
	[ "$(wc -l <commands)" -ge 15 ]
	sed 's/ [A-Z].*//; s/  .*//' commands | while read -r line; do
		# shellcheck disable=SC2086 # one or two words
		hostkit $line --help >out
		contains out "usage: hostkit $line"
		# shellcheck disable=SC2086
		hostkit help $line | diff out -
	done
}
ok_when "every command has help" every_help

refuses() { # STATUS TEXT COMMAND…: it fails so, and says so
	local wanted=$1 text=$2 status=0

	shift 2
	"$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ]
	[ ! -s out ]
	contains err "$text"
}
ok_when "no command is a usage error, and says where help is" refuses 2 "hint: see: hostkit help" hostkit
ok_when "an unknown command is one, and is named" refuses 2 "there is no command 'frobnicate'" hostkit frobnicate
ok_when "so is an unknown second word, and the known ones are listed" refuses 2 "one of: create, list, show" hostkit project frob x
ok_when "so is an unknown option, and is named with the help to read" refuses 2 "hostkit deploy status --help" hostkit deploy status demo --frob
ok_when "so is an option without its value, and is named" refuses 2 "option '--port' needs a value" hostkit project create demo --port
ok_when "so is a missing operand, and the usage is shown" refuses 2 "usage: hostkit project show NAME" hostkit project show
ok_when "so is one operand too many, and is named" refuses 2 "'extra'" hostkit project show demo extra
ok_when "so is a number that is none, and it is quoted" refuses 2 "'many'" hostkit deploy history demo --last many
fails_with 2 "so are flags that exclude each other" hostkit deploy demo --build --no-build

named() {
	local name

	for name in abc x9-y a-very-long-name-with-32-letters; do
		hostkit project create "$name" --port "$(free_port)" >/dev/null
		hostkit project list >names
		contains names "$name"
	done
}
ok_when "good names are taken" named
for name in A ab 1abc a_b abc- "" a/b ../x "a b" status deploy a-very-long-name-with-33-letters1; do
	fails_with 11 "'$name' is no name for a project" hostkit project create -- "$name"
done
ok_when "a project that does not exist is said so, and the existing ones are named" refuses 12 "x9-y" hostkit deploy status missing

roots() {
	mkdir elsewhere
	hostkit --root elsewhere project list 2>err >out
	contains err "no projects"
	[ ! -s out ]
	HOSTKIT_ROOT=$T/elsewhere hostkit project list 2>err
	contains err "no projects under $T/elsewhere"
	hostkit project list --root "$HOSTKIT_ROOT" >out
	contains out x9-y
}
ok_when "--root wins over HOSTKIT_ROOT, before or behind the command" roots
ok_when "a root that does not exist is an error, and is named" refuses 2 "$T/nowhere" hostkit --root "$T/nowhere" project list

json_of() { # STATUS CODE COMMAND…
	local wanted=$1 code=$2 status=0

	shift 2
	"$@" >answer 2>err || status=$?
	[ "$status" = "$wanted" ]
	[ ! -s err ]
	python3 - "$code" <<-'PY'
		import json, sys
		lines = open('answer').read().splitlines()
		assert len(lines) == 1, lines
		answer = json.loads(lines[0])
		if sys.argv[1] == 'OK':
		    assert answer['success'] is True and isinstance(answer['data'], dict), answer
		else:
		    assert answer['success'] is False and 'data' not in answer, answer
		    assert answer['error']['code'] == sys.argv[1], answer
		    assert answer['error']['message'], answer
		    assert set(answer['error']) == {'code', 'message', 'hint'}, answer
	PY
}
ok_when "--json answers with one object" json_of 0 OK hostkit --json project list
ok_when "also for an error" json_of 12 PROJECT_NOT_FOUND hostkit --json deploy status missing
ok_when "also behind the command" json_of 12 PROJECT_NOT_FOUND hostkit deploy status missing --json
ok_when "also for a wrong command line" json_of 2 USAGE hostkit --json frobnicate
ok_when "also when the error comes before it" json_of 2 USAGE hostkit project show --json
ok_when "also for a bad name" json_of 11 NAME_INVALID hostkit --json project create A

done_testing
