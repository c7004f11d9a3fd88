#!/bin/bash
#
# hostkit deploy NAME --source PATH: what of a folder becomes a release, by a real rsync.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "deploying a folder"
require_programs rsync flaky-http curl

new_project site
home=$(home_of site)
settings() {
	configure site service.driver=none install.command=true "$@"
}
settings
mkdir -p folder/sub
cd folder
echo one >index.html
echo deep >sub/page.html
cd ..

deploys() {
	local ref

	hostkit deploy site --source folder >out
	contains out "deployment 1 of folder '$T/folder' by $(id -un)"
	contains out "success: site: release "
	cmp folder/index.html "$home/app/index.html"
	cmp folder/sub/page.html "$home/app/sub/page.html"
	expect site last.status=succeeded last.trigger=cli last.ref=source "last.source=$T/folder" \
		last.commit=null active.commit=null "active.source=$T/folder" stage.checkout=succeeded
	hostkit deploy history site >out
	contains out "folder '$T/folder' by"
	ref=$(git -C "$home/repo.git" for-each-ref)
	[ -z "$ref" ]
}
ok_when "a folder becomes a release, without a commit" deploys

changed() { # the same folder, whatever is in it by then; and never one that waits already
	settings "build.command=sh: sleep 1"
	hostkit deploy site --source folder -d >out
	echo two >folder/index.html
	echo more >folder/new.html
	rm -r folder/sub
	hostkit deploy site --source folder >out
	contains out "waiting for deployment 2 (folder '$T/folder' by"
	contains "$home/app/index.html" two
	[ -f "$home/app/new.html" ]
	[ ! -e "$home/app/sub" ]
	expect site last.id=3 last.status=succeeded
	settings
}
ok_when "the same folder is copied again each time, as it is then" changed

left_out() {
	local name

	for name in node_modules .git .next __pycache__ venv .venv .hg .svn .tox .mypy_cache lib/node_modules; do
		mkdir -p "folder/$name"
		echo no >"folder/$name/file"
	done
	touch folder/a.pyc folder/lib/b.pyo folder/a.py folder/.DS_Store folder/venv.txt
	touch folder/image.psd folder/lib/image.psd folder/.env.production
	settings "source.excludes=*.psd"
	hostkit deploy site --source folder >out
	(cd "$home/app/" && find . -type f) | sort >have
	printf '%s\n' ./.env.production ./a.py ./index.html ./new.html ./venv.txt >want
	diff want have
	[ ! -e "$home/app/.next" ]
	rm -r folder/.next folder/node_modules
	settings
}
ok_when "version control, dependencies, caches, .next and what the settings name are left out" left_out

modes() {
	echo x >folder/run
	chmod 4755 folder/run
	echo secret >folder/private
	chmod 400 folder/private
	mkdir folder/closed
	chmod 500 folder/closed
	hostkit deploy site --source folder >out
	[ "$(stat -c %a "$home/app/run")" = 755 ]
	[ "$(stat -c %a "$home/app/private")" = 600 ]
	[ "$(stat -c %a "$home/app/closed")" = 700 ]
	chmod 700 folder/closed
	rm -r folder/closed folder/private folder/run
}
ok_when "modes are kept, less setuid, and what the owner needs to remove it again" modes

links() {
	mkdir -p folder/in/deep
	echo target >folder/in/file
	ln -s in/file folder/fine
	ln -s ../file folder/in/deep/fine
	ln -s nowhere folder/dangling
	ln -s /etc/passwd folder/absolute
	ln -s ../../../outside folder/in/deep/out
	# Each alone stays inside; together they do not.
	ln -s .. folder/in/up
	ln -s in/up/.. folder/together
	hostkit deploy site --source folder >out
	contains out "warning: link 'absolute' leads out of the folder: it is left out"
	contains out "link 'in/deep/out' leads out"
	contains out "link 'together' leads out"
	find "$home/app/" -type l -printf '%P\n' | sort >have
	printf '%s\n' dangling fine in/deep/fine in/up >want
	diff want have
	contains "$home/app/fine" target
	rm -r folder/in folder/fine folder/dangling folder/absolute folder/together
}
ok_when "links that lead out of the folder do not survive, and are named" links

special() {
	mkfifo folder/pipe
	hostkit deploy site --source folder >out
	[ ! -e "$home/app/pipe" ]
	rm folder/pipe
	mkdir 'folder/git~1'
	echo x >'folder/git~1/config'
	remember_live site
	hostkit deploy site --source folder >out || [ $? = 32 ]
	contains out "entry 'git~1' "
	still_live site
	no_staging site
	rm -r 'folder/git~1'
}
ok_when "what a commit may not have, a folder may not either" special

# --- What next build made elsewhere

next_build() { # a folder as `next build` leaves it
	rm -rf "$1"
	mkdir -p "$1/.next/cache" "$1/.next/static" "$1/public" "$1/node_modules/next"
	echo id >"$1/.next/BUILD_ID"
	echo big >"$1/.next/cache/big"
	echo css >"$1/.next/static/a.css"
	echo robots >"$1/public/robots.txt"
	echo '{"scripts":{"build":"touch was-built","start":"true"}}' >"$1/package.json"
	echo x >"$1/node_modules/next/index.js"
}

standard() {
	next_build next
	hostkit deploy site --source next --no-restart >out
	[ -f "$home/app/.next/BUILD_ID" ]
	[ -f "$home/app/.next/static/a.css" ]
	[ ! -e "$home/app/.next/cache" ]
	[ ! -e "$home/app/node_modules" ]
	[ ! -e "$home/app/was-built" ]
	expect site stage.build=skipped "stage.build.detail=the folder brings its output"
	hostkit deploy site --source next --no-restart --no-install >out
	[ -f "$home/app/node_modules/next/index.js" ]
	settings install.enabled=no
	hostkit deploy site --source next --no-restart >out
	[ -f "$home/app/node_modules/next/index.js" ]
	hostkit deploy site --source next --no-restart --install >out
	[ ! -e "$home/app/node_modules" ]
	settings
}
ok_when "the output of next build is taken, without its cache, and not built again" standard

rebuilt() {
	rm next/package.json
	settings "build.command=sh: test ! -e .next && mkdir .next && echo new >.next/made"
	hostkit deploy site --source next --build --no-restart >out
	[ -f "$home/app/.next/made" ]
	[ ! -e "$home/app/.next/BUILD_ID" ]
	settings
}
ok_when "unless --build asks for it: then it is left out and made anew" rebuilt

standalone() {
	next_build next
	mkdir -p next/.next/standalone/.next next/.next/standalone/node_modules/next
	echo "// the server" >next/.next/standalone/server.js
	echo y >next/.next/standalone/node_modules/next/index.js
	hostkit deploy site --source next --install --no-restart >out
	[ -f "$home/app/server.js" ]
	[ -f "$home/app/node_modules/next/index.js" ]
	[ -f "$home/app/.next/static/a.css" ]
	[ -f "$home/app/public/robots.txt" ]
	expect site active.type=nextjs-standalone stage.build=skipped
}
ok_when "standalone output is assembled, with the modules that belong to it" standalone

flattened() {
	rm -rf flat
	cp -r next/.next/standalone flat
	echo 'process.env.__NEXT_PRIVATE_STANDALONE_CONFIG = ""' >flat/server.js
	echo id >flat/.next/BUILD_ID
	hostkit deploy site --source flat --no-restart >out
	[ -f "$home/app/node_modules/next/index.js" ]
	expect site active.type=nextjs-standalone
}
ok_when "so is a folder that is standalone output itself" flattened

# --- Releases without a commit, later

rolled_back() {
	hostkit rollback site >out
	contains out "success: site: release "
	contains out " is live again"
	expect site last.status=succeeded active.commit=null "active.source=$T/next"
	hostkit rollback site --dry-run >out
	echo pushed >site/index.html
	push site
	hostkit deploy site --source folder >out
	hostkit rollback site >out
	expect site active.source=null
	contains "$home/app/index.html" pushed
}
ok_when "rollback goes to and from releases without a commit" rolled_back

facts() {
	settings "build.command=sh: env >facts"
	hostkit deploy site --source folder >out
	grep -x "HOSTKIT_SOURCE=$T/folder" "$home/app/facts"
	not grep -E '^HOSTKIT_(REF|COMMIT)=|^SSH_AUTH_SOCK=' "$home/app/facts"
	settings
}
ok_when "what it builds knows the folder, and no ref" facts

not_superseded() { # a push of a branch that a folder came after is no older one
	hostkit deploy site --source folder >out
	push site
	expect site last.status=succeeded last.ref=refs/heads/main last.source=null
}
ok_when "a folder supersedes no push" not_superseded

# --- What cannot be deployed

refused() { # STATUS PATH TEXT
	local status=$1 path=$2 text=$3

	remember_live site
	hostkit deploy site --source "$path" >out 2>&1 || [ $? = "$status" ]
	contains out "$text"
	still_live site
}
laptop() {
	refused 45 /Users/ann/site "'/Users/ann/site' does not exist on this machine"
	contains out "git push hostkit main"
	refused 45 folder/index.html "is not a folder"
	mkdir $'a\nfolder'
	refused 2 $'a\nfolder' "control character"
}
ok_when "a path that is on another machine says so" laptop

places() {
	refused 2 / "the whole system cannot be deployed"
	refused 2 "$home" "holds the releases of 'site'"
	refused 2 "$home/app" "is among the releases of 'site'"
	ln -s "$home/releases" sneaky
	refused 2 sneaky "is among the releases of 'site'"
}
ok_when "neither the system nor the project's own releases are a source" places

contradictions() {
	hostkit deploy site --source folder --git-repo /x >out 2>&1 || [ $? = 2 ]
	contains out "--source and --git-repo exclude each other"
	hostkit deploy site --source folder --git-branch main >out 2>&1 || [ $? = 2 ]
	contains out "--git-branch needs --git-repo"
}
ok_when "options that do not go together are refused" contradictions

partial() {
	cat >bin/rsync <<-'SH'
		#!/bin/sh
		echo 'rsync: [sender] send_files failed to open "/x": Permission denied (13)' >&2
		echo 'rsync error: some files/attrs were not transferred (code 23)' >&2
		exit 23
	SH
	chmod +x bin/rsync
	refused 41 folder 'error: site: sync: rsync: [sender] send_files failed to open "/x"'
	no_staging site
	rm bin/rsync
}
ok_when "what cannot be read fails it, with rsync's reason" partial

vanished() { # gone while it waited
	settings "build.command=sh: sleep 1"
	cp -r folder gone
	hostkit deploy site --source folder -d >out
	remember_live site
	hostkit deploy site --source gone -d >out
	rm -r gone
	wait_until 20 answers "last.source=$T/gone" running=null -- deploy status site
	expect site last.error.code=SOURCE_NOT_FOUND stage.preflight=failed
	settings
}
ok_when "a folder that is gone when its turn comes fails the preflight" vanished

too_slow() {
	mkdir slow
	head -c 300M /dev/zero >slow/large
	settings source.timeout=100ms
	remember_live site
	hostkit deploy site --source slow >out || [ $? = 44 ]
	contains out "copying '$T/slow' took longer than 100 ms"
	contains out "[source] timeout"
	contains out "hint: to try it again: hostkit deploy site --source $T/slow"
	still_live site
	no_staging site
	rm -r slow
	settings
}
ok_when "the limit ends the copy, and nothing of it is left" too_slow

full() {
	[ "$(id -u)" = 0 ] || { echo "needs root"; return 0; }
	new_project small
	configure small service.driver=none deploy.min_free=0 deploy.min_inodes=0
	mount -t tmpfs -o size=1m tmpfs "$(home_of small)/releases"
	mkdir large
	head -c 4M /dev/urandom >large/file
	hostkit deploy small --source large >out || echo $? >status
	umount "$(home_of small)/releases"
	[ "$(cat status)" = 5 ]
	contains out "No space left on device"
	contains out "hostkit service logs small --clear"
}
if [ "$(id -u)" = 0 ] && mkdir probe && mount -t tmpfs -o size=64k tmpfs probe 2>/dev/null; then
	umount probe
	ok_when "a full disk is told as such, with what to do" full
else
	skip "a full disk is told as such, with what to do" "tmpfs cannot be mounted"
fi

done_testing
