#!/bin/bash
#
# The command line itself: help, usage errors, names, roots, JSON, exit statuses.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"

test_begin "the command line"

overview() {
	hostkit help >out
	hostkit --help | diff out -
	hostkit -h | diff out -
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
ok_when "also in front of the command" refuses 2 "there is no option '--frob'" hostkit --frob project list
ok_when "a wrong option in front of the command is told where help is" refuses 2 "hint: see: hostkit help" hostkit --frob
ok_when "so is an unknown second word, and the known ones are listed" refuses 2 "one of: create, list, show, apply, remove" hostkit project frob x
ok_when "so is an unknown option, and is named with the help to read" refuses 2 "hostkit deploy status --help" hostkit deploy status demo --frob
ok_when "so is an option without its value, and is named" refuses 2 "option '--port' needs a value" hostkit project create demo --port
ok_when "so is a missing operand, and the usage is shown" refuses 2 "usage: hostkit project show NAME" hostkit project show
ok_when "so is one operand too many, and is named" refuses 2 "'extra'" hostkit project show demo extra
ok_when "so is a number that is none, and it is quoted" refuses 2 "'many'" hostkit deploy history demo --last many
for flag in build install restart; do
	ok_when "so are --$flag and --no-$flag together, and both are named" \
		refuses 2 "--$flag and --no-$flag exclude" hostkit deploy demo "--$flag" "--no-$flag"
done

named() {
	local name

	for name in abc x9-y a-very-long-name-with-32-letters; do
		hostkit project create "$name" --port "$(free_port)" >/dev/null
		hostkit project list >names
		contains names "$name"
	done
}
ok_when "good names are taken" named
reserved() { # the commands, and what comes behind one of them
	hostkit help | sed -n 's/^  \([a-z][a-z ]*\) .*/\1/p' | tr ' ' '\n' | sort -u | grep . >words
	[ "$(wc -l <words)" -ge 15 ]
	while read -r name; do
		refuses 11 "'$name' is a hostkit command" hostkit project create "$name"
	done <words
}
ok_when "no project has the name of a command" reserved
for name in A ab 1abc a_b abc- "" a/b ../x "a b" "ab\$c" -abc a-very-long-name-with-33-letters1; do
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
empty_root() { # as if it were not set; only the help says so, / itself is not for a test to touch
	HOSTKIT_ROOT='' hostkit --json deploy status nowhere >answer && return 1
	contains answer "under '/'"
}
ok_when "an empty HOSTKIT_ROOT means /" empty_root
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
	[ "$code" = OK ] || grep -qE "^HK_CODE\($code, +$wanted," "$HK_TOP_SRCDIR/src/base/codes.def"
}
ok_when "--json answers with one object" json_of 0 OK hostkit --json project list
ok_when "also for an error" json_of 12 PROJECT_NOT_FOUND hostkit --json deploy status missing
ok_when "also behind the command" json_of 12 PROJECT_NOT_FOUND hostkit deploy status missing --json
ok_when "also for a wrong command line" json_of 2 USAGE hostkit --json frobnicate
ok_when "also when a word is missing" json_of 2 USAGE hostkit project show --json
ok_when "also when the error comes before it" json_of 2 USAGE hostkit project list --frob --json
ok_when "also for a bad value of an option" json_of 10 CONFIG_INVALID hostkit --json project create x-new --runtime cobol
ok_when "also for flags that exclude each other" json_of 2 USAGE hostkit --json deploy x9-y --build --no-build
ok_when "also for what is not there" json_of 30 REF_NOT_FOUND hostkit --json deploy x9-y
ok_when "also for a bad name" json_of 11 NAME_INVALID hostkit --json project create A

each_status() { # a command's status is the number of its code, and the manual has them all
	sed -n 's/^HK_CODE(\([A-Z_]*\), *\([0-9]*\),.*/\2 \1/p' "$HK_TOP_SRCDIR/src/base/codes.def" >codes
	[ "$(wc -l <codes)" -ge 30 ]
	[ -z "$(cut -d' ' -f1 codes | sort | uniq -d)" ]
	not grep -vE '^([1-9]|[1-9][0-9]|1[01][0-9]) ' codes
}
ok_when "no two codes share an exit status, and none is a shell's own" each_status

done_testing
