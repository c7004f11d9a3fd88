#!/bin/bash
#
# [deploy] subdirectory: a folder of the commit is what is deployed, at the top of the release.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "a folder of the commit"
new_project site
app=$(home_of site)/app
bare=$(home_of site)/repo.git
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini

files() {
	(cd "$1" && find . -mindepth 1 ! -type d -printf '%m %l %P\n' | LC_ALL=C sort)
}

write_monorepo() {
	cd "$T/site"
	mkdir -p apps/web/public apps/api packages/ui
	echo '{"private": true}' >package.json
	echo web >apps/web/index.html
	echo api >apps/api/index.html
	echo deep >apps/web/public/deep.txt
	printf '#!/bin/sh\n' >apps/web/run.sh
	chmod 755 apps/web/run.sh
	ln -s ../../packages/ui apps/web/ui
	ln -s web apps/current
	echo ui >packages/ui/ui.js
	echo not "a folder" >apps/README
}

push_part() {
	configure site service.driver=none deploy.subdirectory=apps/web
	push site
	expect site last.status=succeeded active.type=static "stage.checkout.detail~4 files"
	files "$app/" >released
	(cd "$T/site/apps/web" && files .) >wanted
	diff wanted released
	[ "$(cat "$app/index.html")" = web ]
}
write_monorepo
cd "$T"
ok_when "only that folder is in the release, at its top" push_part

# --- Attributes: git writes the files

written_by_git() {
	git -C "$T/site" worktree prune
	rm -rf "$T/checkout"
	git clone -q "$bare" "$T/checkout" 2>/dev/null
	diff -r --no-dereference "$T/checkout/apps/web" "$app/"
	files "$T/checkout/apps/web" >wanted
	files "$app/" >released
	diff wanted released
}

push_attributes_above() {
	printf '*.txt eol=crlf\n' >"$T/site/.gitattributes"
	push site
	expect site last.status=succeeded "stage.checkout.detail~4 files"
	[ "$(od -An -c "$app/public/deep.txt" | tr -d ' ')" = 'deep\r\n' ]
	[ ! -e "$app/.gitattributes" ]
	written_by_git
}
ok_when "rules of a .gitattributes at the top of the commit hold in it" push_attributes_above

push_attributes_between() {
	printf '*.txt -text\n*.html ident\n' >"$T/site/apps/.gitattributes"
	# shellcheck disable=SC2016 # the keyword of git
	printf '$Id$\n' >"$T/site/apps/web/index.html"
	push site
	expect site last.status=succeeded
	[ "$(od -An -c "$app/public/deep.txt" | tr -d ' ')" = 'deep\n' ]
	contains "$app/index.html" "\$Id: "
	written_by_git
}
ok_when "and of one on the way, which comes before it" push_attributes_between

push_attributes_within() {
	printf 'deep.txt text eol=crlf\n' >"$T/site/apps/web/public/.gitattributes"
	push site
	expect site last.status=succeeded "stage.checkout.detail~5 files"
	[ "$(od -An -c "$app/public/deep.txt" | tr -d ' ')" = 'deep\r\n' ]
	written_by_git
	no_staging site
}
ok_when "and of one within" push_attributes_within

push_names() { # of the folders on the way, and of what lies at the top of the commit
	mkdir -p "$T/site/apps/web/apps/web"
	echo again >"$T/site/apps/web/apps/web/index.html"
	echo inner >"$T/site/apps/web/.gitattributes"
	push site
	expect site last.status=succeeded
	[ "$(cat "$app/apps/web/index.html")" = again ]
	written_by_git
}
ok_when "a folder may have names in it like those of the folders above it" push_names

push_many() {
	mkdir "$T/site/apps/web/many"
	for i in $(seq 1100); do echo "$i" >"$T/site/apps/web/many/$i"; done
	git -C "$T/site" rm -q .gitattributes apps/.gitattributes
	push site
	expect site last.status=succeeded "stage.checkout.detail~1107 files"
	written_by_git
}
ok_when "a large folder, without any rule above it, is written by git as well" push_many

# --- What it does not concern

push_beside() {
	local commit

	# Nothing beside the folder is looked at: neither submodules nor pointer files.
	commit=$(git -C "$T/site" rev-parse HEAD)
	git -C "$T/site" update-index --add --cacheinfo "160000,$commit,packages/lib"
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 3\n' 1 \
		>"$T/site/packages/logo.bin"
	git -C "$T/site" add packages/logo.bin
	git -C "$T/site" commit -qm "beside it"
	push_ref site HEAD:refs/heads/main
	expect site last.status=succeeded
	configure site service.driver=none deploy.subdirectory=packages
	not push_ref site HEAD:refs/deploy/now
	contains "$T/said" "error: 'packages/logo.bin' is a Git LFS pointer"
}
ok_when "submodules and pointers count in the folder only, with their paths in the commit" push_beside

push_facts() {
	configure site service.driver=none deploy.subdirectory=apps/web \
		build.enabled=yes "build.command=sh: pwd >where; echo \$HOSTKIT_COMMIT >commit"
	git -C "$T/site" rm -q --cached packages/lib
	push site
	expect site last.status=succeeded
	[ "$(cat "$app/commit")" = "$(git -C "$T/site" rev-parse HEAD)" ]
	contains "$app/where" /releases/.staging-
}
ok_when "commands run in it, and are told the commit" push_facts

# --- What cannot be deployed

refused() { # SUBDIRECTORY MESSAGE HINT
	remember_live site
	configure site service.driver=none "deploy.subdirectory=$1"
	not push_ref site HEAD:refs/deploy/now
	contains "$T/said" "$2"
	contains "$T/said" "$3"
	hostkit deploy site >"$T/out" 2>&1 && return 1
	expect site last.status=failed last.error.code=NOTHING_TO_DEPLOY \
		"last.error.message~$2" "last.error.hint~$3"
	still_live site
	no_staging site
}
commit=$(git -C "$T/site" rev-parse --short=7 HEAD)
ok_when "a folder that is missing is named, with the near ones" \
	refused apps/wep "commit $commit has no folder 'apps/wep' ([deploy] subdirectory)" \
	"did you mean 'apps/web' or 'apps/api'?"
ok_when "so is one whose parent is missing" \
	refused app/web "has no folder 'app/web'" "did you mean 'apps'"
ok_when "a file is refused" refused apps/README "'apps/README' of commit $commit is a file" "name a folder"
ok_when "and what lies below a file" refused apps/README/x "'apps/README' of commit $commit is a file" ""
ok_when "a link is refused" refused apps/current "'apps/current' of commit $commit is a link" ""
ok_when "and what lies behind a link" refused apps/current/public "'apps/current' of" ""

bad_value() { # VALUE MESSAGE
	printf '[deploy]\nsubdirectory = %s\n' "$1" >"$ini"
	not hostkit config check site >out 2>&1
	contains out "$ini:2: [deploy] subdirectory: $2"
}
ok_when "an absolute path is no value" bad_value /srv "'/srv' is an absolute path"
ok_when "nor is one through '..'" bad_value apps/../.. "'apps/../..' goes through '..'"
ok_when "nor is one with an empty component" bad_value apps// "'apps//' has an empty component"

done_testing
