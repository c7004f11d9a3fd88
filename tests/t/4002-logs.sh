#!/bin/bash
#
# Logs are bounded, and go with the deployments they are of.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "logs"
not_in_quick_run
new_project site
logs=$HOSTKIT_ROOT/var/lib/hostkit/site/log
echo home >site/index.html

settings() {
	configure site service.driver=none build.grace=100ms "$@"
}

log_of() {
	echo "$logs/$(fact site last.id).log"
}

size_of() {
	stat -c %s "$1"
}

whole() {
	settings deploy.max_log=1M "build.command=sh: seq -f 'line %.0f' 5000"
	push site
	[ "$(grep -c '^ *line [0-9]*$' "$(log_of site)")" = 5000 ]
	lacks "$(log_of site)" "left out"
}
ok_when "what fits is kept whole" whole

flood() { # COMMAND: some hundred MB of output
	settings deploy.max_log=256K "build.command=sh: echo first; $1; echo; echo last; exit 3"
	push site
	expect site last.status=failed stage.build=failed
	[ "$(size_of "$(log_of site)")" -le $((256 * 1024)) ]
	shows first
	shows last
	contains said "error: site: build: "
	contains said "exited with status 3"
}

many_lines() { # the beginning, how much is missing, and the end
	flood "yes 'a line of some length, to make it many bytes' | head -c 300M"
	grep '^ *\[[0-9]* lines left out: \[deploy\] max_log is 256.0 KiB\]$' said
	[ "$(grep -c "a line of some length" said)" -gt 1000 ]
}
ok_when "a build that prints without end fills no disk: its beginning and its end are kept" many_lines
ok_when "also one without line ends" flood "head -c 300M /dev/zero | tr '\\0' x"
ok_when "and one of odd bytes and empty lines" \
	flood "head -c 200M /dev/zero | tr '\\0' '\\377'; yes '' | head -c 50M"

no_end() { # it is ended by its limit, not by its output
	settings deploy.max_log=256K "build.command=yes" build.timeout=8s
	push site
	expect site last.status=failed last.error.code=COMMAND_TIMEOUT
	[ "$(size_of "$(log_of site)")" -le $((256 * 1024)) ]
	# A sign of life for whoever watches.
	grep '^ *\[[0-9]* lines left out so far, and it goes on: ' said
}
ok_when "one that never ends is ended by its timeout, and shows that it lives" no_end

each_command() { # the limit is for all of them, and each one's end is there
	settings deploy.max_log=256K \
		"install.command=sh: seq -f 'install %.0f' 100000" "build.command=sh: seq -f 'build %.0f' 100000"
	push site
	expect site last.status=succeeded
	shows "install 1"
	shows "install 100000"
	shows "build 100000"
	[ "$(size_of "$(log_of site)")" -le $((256 * 1024)) ]
	[ "$(grep -c "lines left out" said)" = 2 ]
	hostkit deploy log site | diff - "$(log_of site)"
}
ok_when "the end of every command is there" each_command

history() {
	settings deploy.keep_history=10 deploy.keep_releases=1
	for _ in $(seq 14); do
		push site
	done
	ls "$logs" >left
	[ "$(wc -l <left)" = 10 ]
	push site
	[ "$(hostkit --json deploy history site --last 100 | grep -o '"trigger"' | wc -l)" = 10 ]
	[ -e "$(log_of site)" ]
}
ok_when "old deployments are forgotten with their logs" history

kept() { # a release that is still there keeps its deployment
	local first

	settings deploy.keep_history=10 deploy.keep_releases=100
	push site
	first=$(fact site last.id)
	for _ in $(seq 12); do
		push site
	done
	hostkit deploy log site "$first" | contains /dev/stdin "success: site: "
}
ok_when "but not one whose release is still there" kept

forgotten() {
	local status=0

	hostkit deploy log site 1 >out 2>&1 || status=$?
	[ "$status" = 22 ]
	contains out "there is no deployment 1"
}
ok_when "a forgotten one is told as such" forgotten

private() {
	[ -z "$(find "$logs" -perm /o+rwx)" ]
}
ok_when "nobody else can read logs" private

done_testing
