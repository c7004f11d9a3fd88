#!/bin/bash
#
# A tree of 30,000 files.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

# A filesystem without a journal slows down with every file that is removed: memory is used instead,
# where there is enough.
shm_free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1) || shm_free=0
[ ! -w /dev/shm ] || [ "$shm_free" -lt 2000000 ] || export TMPDIR=/dev/shm

test_begin "a tree of 30,000 files"
plain_build_only
not_in_quick_run
new_project site
configure site service.driver=none deploy.keep_releases=1
home=$(home_of site)

# 30,000 files in 1,200 folders, one of them executable, of different contents and sizes.
awk 'BEGIN {
	print "commit refs/heads/main\ncommitter A <a@example.org> 0 +0000\ndata 3\nall"
	for (i = 0; i < 30000; i++) {
		text = sprintf("%*d", 1 + i % 900, i)
		print "M " (i == 7 ? "100755" : "100644") " inline d" i % 30 "/e" int(i / 30) % 40 "/f" i
		print "data " length(text) "\n" text
	}
	print "M 100644 inline index.html\ndata 2\nhi"
}' | git -C site fast-import --quiet
git -C site reset -q --hard main

# The live release is the commit: the same paths, modes and contents, and no folder more.
complete() {
	git -C site ls-tree -rz "$1" | tr '\0\t' '\n ' | sed 's/ blob / /' | sort >commit.files
	(
		cd "$home/app/"
		find . -type f -printf '100%m %P\n' | sort -k 2 >"$T/modes"
		cut -d' ' -f2 "$T/modes" | git hash-object --no-filters --stdin-paths >"$T/hashes"
	)
	paste -d' ' <(cut -d' ' -f1 modes) hashes <(cut -d' ' -f2 modes) | sort >release.files
	diff commit.files release.files | head -n 20
	cmp commit.files release.files
	[ "$(wc -l <release.files)" = 30001 ]
	[ "$(find "$home/app/" ! -type f | wc -l)" = "$(($(git -C site ls-tree -rd "$1" | wc -l) + 1))" ]
}

first() {
	push_ref site main
	expect site last.status=succeeded
	contains said "30001 files"
	complete main
	no_staging site
}
ok_when "it is deployed, every file of it as it is in the commit" first

second() {
	remember_live site
	echo changed >site/d1/e0/f1
	push site
	expect site last.status=succeeded
	not still_live site
	complete main
	[ "$(cat "$home/app/d1/e0/f1")" = changed ]
	# The one before shares nothing with it that a change could reach.
	[ "$(tr -d ' ' <"$home/$(cat site.live)/d1/e0/f1")" = 1 ]
}
ok_when "with one change it is deployed again, and the release before is as it was" second

retention() {
	push site
	expect site last.status=succeeded stage.cleanup=succeeded "stage.cleanup.detail~removed 1"
	ls "$home/releases" >left
	[ "$(wc -l <left)" = 2 ]
	contains left "$(fact site last.release)"
	complete main
}
ok_when "an old release of that size goes, whole" retention

done_testing
