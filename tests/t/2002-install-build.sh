#!/bin/bash
#
# Installs and builds that go wrong: each has its own code and message, nothing of it stays, and the
# old release stays live.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "installs and builds"
require_programs stubborn
new_project site
configure site service.driver=none
echo home >"$T/site/index.html"
push site
expect site last.status=succeeded

settings() {
	configure site service.driver=none build.grace=100ms "$@"
}

# fails CODE STAGE "MESSAGE": a push, and what is left afterwards.
fails() {
	local code=$1 stage=$2 message=$3 before

	remember_live site
	before=$(ls -A "$(home_of site)/releases")
	push site
	expect site last.status=failed "last.error.code=$code" "last.error.message~$message" \
		"stage.$stage=failed" stage.release=null last.release=null
	contains "$T/said" "error: site: $stage: "
	contains "$T/said" "$message"
	contains "$T/said" "still live: release $(basename "$(live site)")"
	still_live site
	[ "$(ls -A "$(home_of site)/releases")" = "$before" ]
}

install_fails() {
	settings 'install.command=sh: echo "fetching"; echo "no such package" >&2; exit 3'
	fails COMMAND_FAILED install "status 3"
	expect site stage.build=null
	shows "fetching"
	shows "no such package"
}
ok_when "a failing install: its status, its output, and no build after it" install_fails

build_fails() {
	settings 'build.command=sh -c "echo compiling; exit 70"'
	fails COMMAND_FAILED build "status 70"
	expect site stage.install=skipped
	shows "compiling"
}
ok_when "a failing build: its status" build_fails

not_found() {
	settings "$1.command=no-such-program --flag"
	fails COMMAND_NOT_FOUND "$1" "no-such-program"
}
ok_when "an install command that is not there is named" not_found install
ok_when "a build command that is not there is named" not_found build

not_executable() {
	printf '#!/bin/sh\necho hi "$@"\n' >"$T/site/tool"
	settings 'build.command=./tool'
	fails COMMAND_NOT_FOUND build "./tool"
	contains "$T/said" "executable"
}
ok_when "a build script without its x bit is told as such" not_executable

executable() {
	chmod +x "$T/site/tool"
	settings "build.command=./tool 'to you' and \"\$HOME\""
	push site
	expect site last.status=succeeded stage.build=succeeded
	# shellcheck disable=SC2016 # no shell, no expansion
	shows 'hi to you and $HOME'
}
ok_when "with it, it runs, and gets its words as they were quoted, unexpanded" executable

killed() {
	settings "$1.command=sh: kill -s KILL \$\$"
	fails COMMAND_SIGNALLED "$1" SIGKILL
}
ok_when "an install that is killed by a signal: which one" killed install
ok_when "a build that is killed by a signal: which one" killed build

# Children that ignore TERM, one in a session of its own, one whose parent is gone.
timed_out() {
	settings "$1.timeout=1s" \
		"$1.command=stubborn pids $T/outside/$1.pids print started ignore-term fork 2 session orphan"
	fails COMMAND_TIMEOUT "$1" "1.0 s"
	shows "started"
	[ "$(wc -l <"$T/outside/$1.pids")" -eq 5 ]
	all_gone "$T/outside/$1.pids"
}
ok_when "an install past its limit is ended, with every stubborn process that it made" \
	timed_out install
ok_when "and so is a build" timed_out build

heeds_term() {
	cat >"$T/site/wait.sh" <<-'SCRIPT'
		trap 'echo cleaning up; exit 0' TERM
		while :; do sleep 0.05; done
	SCRIPT
	configure site service.driver=none build.timeout=500ms "build.command=sh wait.sh"
	fails COMMAND_TIMEOUT build "500 ms"
	shows "cleaning up"
}
ok_when "a build that heeds TERM may clean up, and has failed all the same" heeds_term

background() {
	settings "build.command=stubborn pids $T/outside/background.pids ignore-term orphan exit 0"
	push site
	expect site last.status=succeeded stage.build=succeeded
	contains "$T/said" "warning: 'stubborn "
	contains "$T/said" "left 1 process running; ended"
	[ "$(wc -l <"$T/outside/background.pids")" -eq 2 ]
	all_gone "$T/outside/background.pids"
}
ok_when "a background child of a build is ended, which is said: the client does not wait for it" \
	background

flooding() {
	cat >"$T/site/flood.sh" <<-'SCRIPT'
		stubborn pids "$1" flood &
		until [ -s "$1" ]; do sleep 0.02; done
	SCRIPT
	settings "build.command=sh flood.sh $T/outside/flood.pids"
	push site
	expect site last.status=succeeded stage.build=succeeded
	all_gone "$T/outside/flood.pids"
}
ok_when "so is one that floods the output" flooding

turned_off() {
	echo '{ "name": "site", "scripts": { "build": "exit 5", "preinstall": "exit 6" } }' \
		>"$T/site/package.json"
	settings install.enabled=no build.enabled=no project.runtime=static
	push site
	expect site last.status=succeeded stage.install=skipped "stage.install.detail~turned off" \
		stage.build=skipped "stage.build.detail~turned off" stage.dependencies=skipped
}
ok_when "with [install] and [build] turned off, no script of the commit runs" turned_off

half_off() {
	settings build.enabled=no install.command=true project.runtime=static
	push site
	expect site last.status=succeeded stage.install=succeeded stage.build=skipped
	settings install.enabled=no 'build.command=sh: echo built >built' project.runtime=static
	push site
	expect site last.status=succeeded stage.install=skipped stage.build=succeeded
	contains "$(home_of site)/app/built" built
}
ok_when "each can be turned off for itself" half_off

done_testing
