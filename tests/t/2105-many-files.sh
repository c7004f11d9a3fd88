#!/bin/bash
#
# A tree of 30,000 files.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

# Where there is no journal, a filesystem on a disk slows down with every file that is removed.
[ ! -w /dev/shm ] || [ "$(df --output=avail -k /dev/shm | tail -n 1)" -lt 2000000 ] || export TMPDIR=/dev/shm

test_begin "a tree of 30,000 files"
not_in_quick_run
new_project site
configure site service.driver=none deploy.keep_releases=1
home=$(home_of site)
{
	printf 'commit refs/heads/main\ncommitter A <a@example.org> 0 +0000\ndata 3\nall\n'
	awk 'BEGIN {
		for (i = 0; i < 30000; i++) {
			text = "file " i
			printf "M 100644 inline d%d/e%d/f%d.txt\ndata %d\n%s\n", i % 30, int(i / 30) % 40, i, length(text), text
		}
		print "M 100755 inline index.html\ndata 2\nhi"
	}'
} | git -C site fast-import --quiet
git -C site reset -q --hard main

complete() { # file by file the commit
	git -C site ls-tree -r "$1" | wc -l >there
	find "$home/app/" -type f | wc -l | diff there -
	git -C site --work-tree="$(realpath "$home/app")" diff --exit-code --stat "$1"
}

first() {
	push_ref site main
	expect site last.status=succeeded
	contains said "30001 files"
	complete main
}
ok_when "it is deployed, every file of it" first

second() {
	echo changed >site/d1/e0/f1.txt
	push site
	expect site last.status=succeeded
	complete main
	push site
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 | wc -l)" = 2 ]
}
ok_when "with one change again, and old releases go" second

done_testing
