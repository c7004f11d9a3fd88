#!/bin/bash
#
# Which releases stay, and that nothing else in their folder is touched.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "retention of releases"
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
	[ "$(find . -mindepth 1 -maxdepth 1 | wc -l)" -eq 11 ]
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

read_only() {
	settings 1
	mkdir "$T/site/locked"
	echo in >"$T/site/locked/file"
	configure site service.driver=none deploy.keep_releases=1 "build.command=chmod 555 locked"
	good
	good
	good
	[ "$(find "$home/releases" -mindepth 2 -maxdepth 2 -name locked -perm 555 | wc -l)" -eq 2 ]
}
ok_when "one with folders that are read-only is removed all the same" read_only

staging() {
	mkdir -p "$home/releases/.staging-99999/node_modules"
	good
	[ ! -e "$home/releases/.staging-99999" ]
	[ -d "$home/releases/.hidden" ]
}
ok_when "the staging folder of a dead worker is swept" staging

done_testing
