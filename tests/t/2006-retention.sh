#!/bin/bash
#
# Which releases stay, and that nothing else in their folder is touched.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "retention of releases"
not_in_quick_run
require_programs flaky-http
new_project site
home=$(home_of site)
echo home >"$T/site/index.html"
: >made

# One more good release; its name goes to the end of the file made.
good() {
	push site
	expect site last.status=succeeded
	basename "$(live site)" >>made
}

# One more that does not come up: it is made, and was live.
bad() {
	configure site health.timeout=1s health.interval=100ms health.on_failure=rollback \
		deploy.keep_releases=3 "service.start=sh -c 'exit 1'"
	push site
	expect site last.status=failed active.state=good
	fact site last.release >>made
}

settings() {
	configure site service.driver=none "deploy.keep_releases=$1"
}

# The releases that are there are the given ones, by their number in the file made.
left() {
	local number

	for number; do
		sed -n "${number}p" made
	done | sort >wanted
	find "$home/releases" -mindepth 1 -maxdepth 1 -name '[0-9]*-[0-9]*' -printf '%f\n' | sort >there
	diff wanted there
	git --git-dir="$home/repo.git" for-each-ref --format='%(refname)' refs/hostkit/releases |
		sed 's|.*/||' | sort | diff wanted -
}

five() {
	configure site service.driver=none
	for _ in 1 2 3 4 5 6 7; do
		good
	done
	left 3 4 5 6 7
	contains "$T/said" "removed 1 old release"
	expect site "stage.cleanup.detail~removed 1"
}
ok_when "by default the five newest good releases stay, and their commits are pinned" five

fewer() {
	settings 3
	good
	left 6 7 8
	expect site "stage.cleanup.detail~removed 3"
}
ok_when "with [deploy] keep_releases fewer" fewer

one() {
	settings 1
	good
	left 8 9
}
ok_when "with 1 the active one stays, and the one before it to go back to" one

# --- Failed ones

build_fails() {
	configure site service.driver=none deploy.keep_releases=2 build.command=false
	for _ in 1 2 3; do
		push site
		expect site last.status=failed
	done
	left 8 9
}
ok_when "deployments that made no release cost none" build_fails

failed_kept() {
	settings 3
	good
	left 8 9 10
	bad
	left 8 9 10 11
	bad
	left 8 9 10 12
	bad
	left 8 9 10 13
	[ "$(basename "$(live site)")" = "$(sed -n 10p made)" ]
}
ok_when "of the failed ones only the last is kept for a look; they take no place of a good one" \
	failed_kept

failed_live() {
	configure site health.timeout=1s deploy.keep_releases=1 "service.start=sh -c 'exit 1'"
	push site
	expect site last.status=failed active.state=failed
	basename "$(live site)" >>made
	left 10 14
	push site
	expect site last.status=failed active.state=failed
	basename "$(live site)" >>made
	left 10 15
}
ok_when "while failed ones are live, the last good one before them stays" failed_live

recovered() {
	settings 1
	good
	left 10 15 16
	good
	left 15 16 17
}
ok_when "it stays as long as it is the one to go back to" recovered

# --- What is not ours

# Folders that look like releases or not, files, links: none is in the ledger.
write_foreign() {
	cd "$home/releases"
	mkdir -p 20200101-000000/sub backup .hidden 20991231-235959
	echo mine >20200101-000000/sub/file
	echo mine >backup/file
	echo mine >notes.txt
	ln -s "$home/releases/backup" current
	ln -s /nowhere dangling
	mkfifo fifo
}

entries() {
	[ "$(find . -mindepth 1 -maxdepth 1 | wc -l)" -eq "$1" ]
}

foreign() {
	good
	good
	good
	cd "$home/releases"
	[ "$(cat 20200101-000000/sub/file backup/file notes.txt current/file)" = $'mine\nmine\nmine\nmine' ]
	[ -d .hidden ]
	[ -d 20991231-235959 ]
	[ -L dangling ]
	[ -p fifo ]
	wait_until 10 entries 11
}
write_foreign
cd "$T"
ok_when "folders, files and links that hostkit did not make are left alone" foreign

gone_already() {
	settings 1
	rm -rf "$home/releases/$(tail -n 2 made | head -n 1)"
	good
	good
	expect site last.status=succeeded stage.cleanup=succeeded
}
ok_when "a release that somebody has removed does not stop the cleanup" gone_already

locked() {
	[ "$(find "$home/releases" -mindepth 2 -maxdepth 2 -name locked -perm 555 | wc -l)" -eq "$1" ]
}

read_only() {
	settings 1
	mkdir "$T/site/locked"
	echo in >"$T/site/locked/file"
	configure site service.driver=none deploy.keep_releases=1 "build.command=chmod 555 locked"
	good
	good
	good
	wait_until 10 locked 2
}
ok_when "one with folders that are read-only is removed all the same" read_only

staging() {
	mkdir -p "$home/releases/.staging-99999/node_modules"
	good
	[ ! -e "$home/releases/.staging-99999" ]
	[ -d "$home/releases/.hidden" ]
}
ok_when "the staging folder of a dead worker is swept" staging

# --- What is in use

newest() {
	basename "$(live site)"
}

used() { # a process with its working folder there, one whose program it is, one that has mapped it
	local one two three pids=()

	settings 1
	rm -rf "$T/site/locked"
	cp "$(command -v sleep)" "$T/site/program"
	good
	one=$(newest)
	(cd "$home/releases/$one" && exec sleep 100) &
	pids+=($!)
	good
	two=$(newest)
	"$home/releases/$two/program" 100 &
	pids+=($!)
	good
	three=$(newest)
	python3 - "$home/releases/$three/program" 3>&- <<-'PY' &
		import mmap, sys, time
		f = open(sys.argv[1], 'rb')
		m = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
		f.close()
		time.sleep(100)
	PY
	pids+=($!)
	wait_until 10 grep -q "$three/program" "/proc/${pids[2]}/maps"
	good
	good
	good
	for release in "$one" "$two" "$three"; do
		[ -f "$home/releases/$release/program" ]
	done
	contains said "kept old release $one: process ${pids[0]} (sleep) has its working folder there"
	contains said "kept old release $two: process ${pids[1]} (program) has its program there"
	contains said "kept old release $three: process ${pids[2]} (python3) has its mapped file there"
	kill "${pids[@]}"
	wait || true
	good
	[ ! -e "$home/releases/$one" ]
	[ ! -e "$home/releases/$two" ]
	[ ! -e "$home/releases/$three" ]
	lacks said "kept old release"
}
ok_when "a release that a process still uses stays, and is named with the process" used

# --- By hand

by_hand() {
	local second

	settings 5
	good
	good
	second=$(newest)
	good
	good
	hostkit deploy site --cleanup >out
	contains out "freed 0 B"
	contains out "to keep fewer releases: hostkit deploy site --cleanup --keep 1"
	hostkit deploy site --cleanup --keep 2 >out
	contains out "removed release $second"
	grep -E "^freed [0-9.]+ [KM]iB$" out
	[ ! -e "$home/releases/$second" ]
	hostkit deploy site --cleanup --keep 1
	hostkit rollback site
	answers freed_bytes=0 removed='[]' -- deploy site --cleanup
}
ok_when "deploy --cleanup removes old releases and says what that freed" by_hand
fails_with 2 "it deploys nothing, so it takes no other option" hostkit deploy site --cleanup --build
fails_with 2 "and --keep goes with it" hostkit deploy site --keep 3

busy() {
	local status=0

	configure site service.driver=none "build.command=sh: while [ ! -e $T/go ]; do sleep 0.05; done"
	push site >/dev/null &
	wait_until 10 expect site running.status=running
	hostkit deploy site --cleanup >out 2>&1 || status=$?
	touch go
	wait
	[ "$status" = 24 ]
	contains out "'site' is being deployed"
}
ok_when "not while a deployment runs" busy

interrupted() { # whoever was to delete it has died
	mkdir -p "$home/releases/.gone-20200101-000001/a"
	hostkit recover site
	[ ! -e "$home/releases/.gone-20200101-000001" ]
	mkdir -p "$home/releases/.gone-20200101-000001/a"
	settings 5
	good
	wait_until 10 test ! -e "$home/releases/.gone-20200101-000001"
}
ok_when "a deletion that was interrupted is finished" interrupted

done_testing
