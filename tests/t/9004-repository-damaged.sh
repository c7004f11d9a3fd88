#!/bin/bash
#
# A repository that has come to harm: what is live stays, and the message says what is wrong.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "a damaged repository"
new_project site
configure site service.driver=none
home=$(home_of site)
bare=$home/repo.git
echo home >"$T/site/index.html"
push site
expect site last.status=succeeded
mkdir "$T/site/sub"
echo second >"$T/site/sub/page.html"
git -C "$T/site" add -A
git -C "$T/site" commit -qm second

object() {
	local id

	id=$(git -C "$T/site" rev-parse "$1")
	echo "$bare/objects/${id:0:2}/${id:2}"
}

# The second commit is there, but not deployed.
receive() {
	push_ref site HEAD:refs/heads/other
	git --git-dir="$bare" update-ref refs/heads/main refs/heads/other
	remember_live site
}

# damaged CODE MESSAGE…: a deployment of it fails, and says so.
damaged() {
	local code=$1 message

	shift
	hostkit deploy site >said 2>&1 && return 1
	expect site last.status=failed "last.error.code=$code" running=null
	for message; do
		expect site "last.error.message~$message"
		contains said "$message"
	done
	contains said "error: "
	still_live site
	no_staging site
	[ "$(cat "$home/app/index.html")" = home ]
}

missing_blob() {
	mv "$(object HEAD:sub/page.html)" saved
	damaged REPOSITORY_FAILED "sub/page.html"
	mv saved "$(object HEAD:sub/page.html)"
}
receive
ok_when "an object of a file is missing: which file" missing_blob

broken_blob() {
	local file

	file=$(object HEAD:sub/page.html)
	cp -p "$file" saved
	chmod u+w "$file"
	echo "no zlib" >"$file"
	damaged REPOSITORY_FAILED "sub/page.html"
	mv -f saved "$file"
}
ok_when "one is broken: which file" broken_blob

missing_tree() {
	mv "$(object HEAD:sub)" saved
	damaged REPOSITORY_FAILED sub
	mv saved "$(object HEAD:sub)"
}
ok_when "a folder's object is missing: which folder" missing_tree

bad_head() {
	cp "$bare/HEAD" saved
	echo garbage >"$bare/HEAD"
	status=0
	push_ref site HEAD:refs/heads/main || status=$?
	[ "$status" -eq 128 ]
	contains "$T/said" "'$bare' does not appear to be a git repository"
	still_live site
	hostkit deploy status site
	hostkit deploy history site
	hostkit project list
	mv saved "$bare/HEAD"
}
ok_when "HEAD is garbage: git names the repository, and hostkit's commands still answer" bad_head

bad_ref() {
	cp "$bare/refs/heads/main" saved
	echo 0000 >"$bare/refs/heads/main"
	status=0
	hostkit deploy site >said 2>&1 || status=$?
	[ "$status" -eq 31 ] || [ "$status" -eq 30 ]
	contains said "main"
	still_live site
	mv saved "$bare/refs/heads/main"
}
ok_when "the branch is garbage: it is named" bad_ref

no_repository() {
	mv "$bare" moved
	status=0
	hostkit deploy site >said 2>&1 || status=$?
	[ "$status" -eq 31 ]
	contains said "$bare"
	still_live site
	hostkit deploy status site
	mv moved "$bare"
}
ok_when "the repository is gone: it is named" no_repository

whole() {
	hostkit deploy site >said 2>&1
	expect site last.status=succeeded "active.commit=$(git -C "$T/site" rev-parse HEAD)"
	[ "$(cat "$home/app/sub/page.html")" = second ]
}
ok_when "mended, it deploys" whole

done_testing
