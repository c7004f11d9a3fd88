#!/bin/bash
#
# [shared]: folders and files that all releases have in common, and that no commit, build or
# application can lead elsewhere.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "shared folders and files"
not_in_quick_run
require_programs curl python3
new_project site
home=$(home_of site)
app=$home/app
shared=$home/shared
outside=$T/outside
mkdir -p "$outside"
echo home >site/index.html

settings() {
	configure site "service.driver=${driver:-none}" deploy.keep_releases=1 "$@"
}

deploys() {
	push site
	expect site last.status=succeeded
	no_staging site
}

# refused CODE STAGE "MESSAGE": a push that fails, and leaves what was live.
refused() {
	local before

	remember_live site
	before=$(ls -A "$home/releases")
	push site
	expect site last.status=failed "last.error.code=$1" "last.error.message~$3" \
		"stage.$2=failed" last.release=null
	contains said "$3"
	still_live site
	[ "$(ls -A "$home/releases")" = "$before" ]
}

# links_to PATH TARGET: exactly that text, and what it leads to is what is shared.
links_to() {
	[ "$(readlink "$app/$1")" = "$2" ]
	[ "$(stat -Lc %d:%i "$app/$1")" = "$(stat -c %d:%i "$shared/${3:-$1}")" ]
}

# --- The configuration

wrong() { # "KEY = VALUE" TEXT…: refused with file and line
	local ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini text status=0

	settings
	printf '[shared]\n%s\n' "$1" >>"$ini"
	hostkit config check site >out 2>&1 || status=$?
	[ "$status" = 10 ]
	contains out "$ini:${line:-$(wc -l <"$ini")}: [shared] "
	for text in "${@:2}"; do
		contains out "$text"
	done
}
ok_when "an absolute path is refused, with file and line" wrong "dirs = a, /etc" "'/etc'" absolute
ok_when "one through .." wrong "dirs = a/../../b" "'a/../../b'" "'..'"
ok_when "with an empty component" wrong "files = a//b" "'a//b'" empty
ok_when "with a slash at its end" wrong "dirs = a/" "'a/'" "at its end"
ok_when "with a ." wrong "dirs = ./a" "'./a'" "'.'"
ok_when "git's own" wrong "dirs = a, b/.Git" "'b/.Git'" git
ok_when "hostkit's own" wrong "files = .env" "'.env'" hostkit
ok_when "one twice" wrong "files = a, b, a" "'a'" twice
ok_when "one within another" wrong "dirs = a/b, a" "'a/b' and 'a'"
ok_when "a file within a folder" wrong $'dirs = a\nfiles = c, a/b' "'a/b'" "'a'" "[shared] dirs"
line=9 ok_when "a folder that is a file as well" \
	wrong $'files = a\ndirs = a' "[shared] files: 'a' and 'a' of [shared] dirs"

near() {
	settings "shared.dirs=a, ab, a.b/c" "shared.files=a.b/d, b, .env.local, x/.env"
}
ok_when "names that only look alike are accepted" near

for_all() {
	local status=0

	cp "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini" hostkit.ini.kept
	printf '[shared]\ndirs = a\n' >>"$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
	hostkit config check site >out 2>&1 || status=$?
	mv hostkit.ini.kept "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
	[ "$status" = 10 ]
	contains out ": [shared] dirs"
}
ok_when "they are a project's own, not for all projects" for_all

# --- Folders

linked() {
	settings "shared.dirs=uploads, public/files/in, var data" "build.writable=$shared/uploads" \
		"build.command=sh: echo built >uploads/by-build; ls -l >list"
	deploys
	links_to uploads ../../shared/uploads
	links_to public/files/in ../../../../shared/public/files/in
	links_to "var data" "../../shared/var data"
	[ "$(stat -c %a "$shared/uploads" "$shared/public" "$shared/public/files/in" | sort -u)" = 750 ]
	[ -d "$app/public/files" ] && [ ! -L "$app/public/files" ]
	contains "$app/list" "uploads -> ../../shared/uploads"
	[ "$(cat "$shared/uploads/by-build")" = built ]
	expect site "stage.checkout.detail~3 shared"
	# No path of this machine is in the release.
	find "$home/$(live site)" -type l -printf '%l\n' >links
	[ "$(wc -l <links)" -eq 3 ]
	lacks links "$T"
}
ok_when "shared folders are made, and linked before the build, at every depth" linked

served() {
	driver=process settings "shared.dirs=uploads, public/files/in" health.path=/index.html \
		health.interval=100ms 'service.start=sh: exec python3 -m http.server --bind 127.0.0.1 $PORT'
	deploys
	echo "by a user" >"$app/uploads/photo"
	echo "another" >"$app/public/files/in/report"
	for _ in 1 2 3 4; do
		deploys
		curl -sf -m 10 "$(url_of site)/uploads/photo" >page
		contains page "by a user"
	done
	# Old releases went, with their links, and nothing behind these.
	contains said "removed 1 old release"
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" -eq 2 ]
	[ "$(cat "$shared/public/files/in/report")" = another ]
}
ok_when "what the service keeps there survives deployments and the removal of old releases" served

rolled_back() {
	remember_live site
	hostkit rollback site
	not still_live site
	curl -sf -m 10 "$(url_of site)/uploads/photo" >page
	contains page "by a user"
	echo "after it" >"$app/uploads/second"
	deploys
	[ "$(cat "$app/uploads/photo" "$app/uploads/second")" = $'by a user\nafter it' ]
	hostkit service stop site
}
ok_when "and a rollback" rolled_back

# --- What the commit has in their place

write_content() {
	mkdir -p site/content/sub site/empty site/public
	echo first >site/content/a
	echo first >site/content/sub/b
	ln -s a site/content/c
	chmod 755 site/content/a
	: >site/empty/.gitkeep
}

seeded() {
	settings "shared.dirs=content, empty"
	write_content
	deploys
	contains said "'content' is shared and was empty: it begins with what the commit has there"
	[ "$(cat "$shared/content/a" "$shared/content/sub/b")" = $'first\nfirst' ]
	[ "$(readlink "$shared/content/c")" = a ]
	[ -x "$shared/content/a" ]
	links_to content ../../shared/content
	[ "$(find "$shared/content" "$shared" -maxdepth 1 -name '.*' | wc -l)" -eq 0 ]
	lacks said "'empty'"
	links_to empty ../../shared/empty
}
ok_when "an empty shared folder begins with what the commit has; a placeholder is no content" seeded

kept() {
	echo "by the application" >"$app/content/a"
	rm "$app/content/sub/b"
	echo second >site/content/a
	echo second >site/content/new
	deploys
	contains said "what the commit has in 'content' is not used: the folder is shared"
	[ "$(cat "$app/content/a")" = "by the application" ]
	[ ! -e "$app/content/sub/b" ]
	[ ! -e "$app/content/new" ]
}
ok_when "later the commit's content is not used, and the log says so" kept

own_mode() {
	rm -rf "$shared/content"
	mkdir -m 2770 "$shared/content"
	stat -c '%i %a' "$shared/content" >before
	deploys
	[ "$(cat "$app/content/a" "$app/content/new")" = $'second\nsecond' ]
	stat -c '%i %a' "$shared/content" | diff before -
}
ok_when "a folder that an administrator has prepared is filled as it is" own_mode

if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	interrupted() {
		rm -rf "$shared/content"
		HOSTKIT_FAILPOINT=shared_seeding@2:kill push site
		hostkit recover site
		expect site last.status=interrupted
		[ "$(find "$shared/content" -mindepth 1 -maxdepth 1 | wc -l)" -eq 2 ]
		deploys
		diff -r --no-dereference site/content "$shared/content"
		[ "$(find "$shared/content" "$shared" -maxdepth 1 -name '.*' | wc -l)" -eq 0 ]
		rm -rf "$shared/content"
		HOSTKIT_FAILPOINT=shared_seeding:fail push site
		expect site last.status=failed
		deploys
		diff -r --no-dereference site/content "$shared/content"
	}
	ok_when "filling it that was interrupted or failed is finished by the next deployment" interrupted
else
	skip "filling it that was interrupted" "built without --enable-failpoints"
fi

elsewhere() {
	mv "$shared" "$other/shared"
	ln -s "$other/shared" "$shared"
	rm -rf "${other:?}/shared/content"
	deploys
	diff -r --no-dereference site/content "$other/shared/content"
	[ "$(readlink "$app/content")" = ../../shared/content ]
	[ "$(cat "$app/content/a")" = second ]
	rm "$shared"
	cp -a "$other/shared" "$shared"
	rm -rf "$other"
}
if [ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d "$T")" ]; then
	other=$(mktemp -d /dev/shm/hk-test.XXXXXXXX)
	ok_when "the folder shared may be a link of the administrator's to another disk" elsewhere
	rm -rf "$other"
else
	skip "the folder shared on another disk" "there is no /dev/shm"
fi

# --- Files

missing() {
	settings "shared.files=config/app.yml, robots.txt" "build.command=sh: cat config/app.yml >built"
	mkdir -p site/config
	echo "the commit's" >site/config/app.yml
	refused SHARED_INVALID checkout "shared file 'config/app.yml' does not exist"
	contains said "hint: put it there, on the server: install -D -m 600 FILE $shared/config/app.yml"
	expect site stage.build=null
}
ok_when "a shared file that does not exist is refused by name, with the path to put it at" missing

file_put() {
	echo secret >file
	install -D -m 600 file "$shared/config/app.yml"
	refused SHARED_INVALID checkout "shared file 'robots.txt' does not exist"
	echo robots >"$shared/robots.txt"
	deploys
	links_to config/app.yml ../../../shared/config/app.yml
	links_to robots.txt ../../shared/robots.txt
	[ "$(cat "$app/built")" = secret ]
	[ "$(cat "$shared/config/app.yml")" = secret ]
	contains said "the commit's file 'config/app.yml' is not used: it is shared"
}
ok_when "once it is there, it takes the place of the commit's, before the build" file_put

# --- What a commit must not do

redirected() { # a folder on the way is a link
	settings "shared.dirs=data/x" "shared.files=config/app.yml"
	ln -s "$outside" site/data
	refused TREE_REFUSED checkout "'data' in the commit is a link, and has to be a folder"
	rm site/data
	rm -r site/config
	ln -s "$outside" site/config
	refused TREE_REFUSED checkout "'config' in the commit is a link"
	ln -sfn ../../shared site/config
	refused TREE_REFUSED checkout "'config' in the commit is a link"
	rm site/config
	[ -z "$(ls -A "$outside")" ]
}
ok_when "a pushed link on the way to a shared path is refused, and not followed" redirected

other_kind() {
	echo file >site/data
	refused TREE_REFUSED checkout "'data' in the commit is a file, and has to be a folder"
	rm site/data
	mkdir site/data
	echo file >site/data/x
	refused TREE_REFUSED checkout "'data/x' in the commit is a file, and has to be a folder"
	rm -r site/data
	mkdir -p site/config/app.yml
	echo file >site/config/app.yml/in
	refused TREE_REFUSED checkout "'config/app.yml' in the commit is a folder, and has to be a file"
	rm -r site/config
	[ "$(cat "$shared/config/app.yml")" = secret ]
}
ok_when "so is a file where a folder has to be, and the other way round" other_kind

link_in_place() {
	mkdir site/data site/config
	echo mine >"$outside/mine"
	ln -s "$outside" site/data/x
	ln -s "$outside/mine" site/config/app.yml
	deploys
	contains said "the commit's link 'data/x' is not used: it is shared"
	links_to data/x ../../../shared/data/x
	[ "$(cat "$app/config/app.yml")" = secret ]
	echo new >"$app/data/x/new"
	[ "$(ls -A "$outside")" = mine ]
	[ "$(cat "$outside/mine")" = mine ]
	rm -r site/data site/config
}
ok_when "a pushed link in the place of a shared path is replaced, and its target left alone" \
	link_in_place

# --- What an application must not do

leads_out() {
	settings "shared.dirs=data/x" "shared.files=config/app.yml"
	mv "$shared/data/x" "$shared/data/y"
	ln -s "$outside" "$shared/data/x"
	refused SHARED_INVALID checkout "'data/x' in $shared is a link, and has to be a folder"
	contains said "mount --bind"
	rm "$shared/data/x"
	mv "$shared/data" "$shared/moved"
	ln -s "$outside" "$shared/data"
	refused SHARED_INVALID checkout "'data' in $shared is a link, and has to be a folder"
	rm "$shared/data"
	mv "$shared/moved" "$shared/data"
	mv "$shared/config/app.yml" "$shared/config/moved"
	ln -s "$outside/mine" "$shared/config/app.yml"
	refused SHARED_INVALID checkout "'config/app.yml' in $shared is a link, and has to be a file"
	rm "$shared/config/app.yml"
	mv "$shared/config/moved" "$shared/config/app.yml"
	[ "$(ls -A "$outside")" = mine ]
}
ok_when "a link in shared/ is refused: it could lead out" leads_out

wrong_kind() {
	rm -rf "$shared/data"
	echo file >"$shared/data"
	refused SHARED_INVALID checkout "'data' in $shared is a file, and has to be a folder"
	rm "$shared/data"
	rm "$shared/config/app.yml"
	mkdir "$shared/config/app.yml"
	refused SHARED_INVALID checkout "'config/app.yml' in $shared is a folder, and has to be a file"
	rmdir "$shared/config/app.yml"
	mkfifo "$shared/config/app.yml"
	refused SHARED_INVALID checkout "'config/app.yml' in $shared is neither a file nor a folder"
	rm "$shared/config/app.yml"
	echo secret >"$shared/config/app.yml"
	deploys
}
ok_when "and what is of the wrong kind" wrong_kind

# --- What a build must not do

replaced() {
	settings "shared.dirs=dist" "build.command=sh: rm -rf dist && mkdir dist && echo output >dist/out"
	mkdir -p "$shared/dist"
	echo kept >"$shared/dist/kept"
	refused RELEASE_FAILED release "put a folder in the place of the shared 'dist'"
	contains said "hint: let it write into 'dist' as it is, or take that out of [shared]"
	[ "$(ls "$shared/dist")" = kept ]
}
ok_when "a build that puts a folder of its own there fails: its output would be lost" replaced

removed() {
	settings "shared.dirs=dist, public/in" "build.command=rm -rf dist public"
	deploys
	contains said "warning: a command has removed the link 'dist' to what is shared; it is back"
	links_to dist ../../shared/dist
	links_to public/in ../../../shared/public/in
	[ "$(cat "$app/dist/kept")" = kept ]
}
ok_when "one that removes the link is told, and the link is put back" removed

relinked() {
	settings "shared.dirs=dist" "build.command=ln -sfn $outside dist"
	refused RELEASE_FAILED release "put a link in the place of the shared 'dist'"
	settings "shared.dirs=public/in" "build.command=sh: rm -r public && ln -s $outside public"
	refused RELEASE_FAILED release "'public' in the release is a link, and has to be a folder"
	[ "$(ls -A "$outside")" = mine ]
}
ok_when "one that puts another link there fails" relinked

late() {
	settings "shared.dirs=dist" "hooks.pre_activate=sh: rm dist && mkdir dist"
	refused RELEASE_FAILED activate "put a folder in the place of the shared 'dist'"
	[ "$(ls "$shared/dist")" = kept ]
}
ok_when "so does a hook, up to the moment of activation" late

# --- Next.js standalone: the release is put together from the build's output

# A build that leaves what Next.js leaves, with the server at $1 of its output.
standalone() {
	cat >site/build.sh <<-'SH'
		set -e
		out=.next/standalone${1:+/$1}
		mkdir -p $out/.next .next/static .next/cache
		echo '// server' >$out/server.js
		echo static >.next/static/file
		echo compiled >.next/cache/by-build
		[ -z "$1" ] || { mkdir .next/standalone/node_modules && echo m >.next/standalone/node_modules/m; }
		[ -z "$2" ] || $2
	SH
	mkdir -p site/public
	echo hello >site/public/hello.txt
	settings "shared.dirs=.next/cache, public/in, data" "shared.files=robots.txt" \
		"build.writable=$shared/.next/cache" \
		"build.command=sh build.sh '$1' '$2'"
	deploys
	expect site active.type=nextjs-standalone
}

assembled() {
	mkdir -p "$shared/public/in" "$shared/data"
	echo "by a user" >"$shared/public/in/photo"
	standalone "" "$1"
	links_to .next/cache ../../../shared/.next/cache
	links_to public/in ../../../shared/public/in
	links_to data ../../shared/data
	links_to robots.txt ../../shared/robots.txt
	[ "$(cat "$app/.next/cache/by-build")" = compiled ]
	[ "$(cat "$app/public/in/photo" "$app/public/hello.txt")" = $'by a user\nhello' ]
	[ "$(find "$home/$(live site)" -name photo | wc -l)" -eq 0 ]
}
ok_when "an assembled release has the links too, and no copy of what they lead to" assembled ""
ok_when "also when the build has copied public/, links as they are" \
	assembled "cp -r public .next/standalone/"
ok_when "also when it has copied what is behind them" assembled "cp -rL public .next/standalone/"

workspace() {
	standalone apps/web "$1"
	links_to apps/web/.next/cache ../../../../../shared/.next/cache .next/cache
	links_to apps/web/public/in ../../../../../shared/public/in public/in
	links_to apps/web/data ../../../../shared/data data
	links_to apps/web/robots.txt ../../../../shared/robots.txt robots.txt
	[ "$(cat "$app/apps/web/public/in/photo" "$app/apps/web/public/hello.txt")" = $'by a user\nhello' ]
	[ "$(find "$home/$(live site)" -type l | wc -l)" -eq 4 ]
}
ok_when "in a workspace they are beside the server, with targets of that depth" workspace ""
ok_when "also when the build has copied public/" workspace "cp -r public .next/standalone/apps/web/"

# --- A folder releases that lies elsewhere

moved() {
	rm -r site/public site/build.sh
	settings "shared.dirs=data, a/b"
	mv "$home/releases" "$T/moved"
	ln -s "$T/moved" "$home/releases"
	deploys
	links_to data "$shared/data"
	links_to a/b "$shared/a/b"
	rm "$home/releases"
	mv "$T/moved" "$home/releases"
	deploys
	links_to data ../../shared/data
}
ok_when "where releases/ is a link to another disk, the links are absolute" moved

done_testing
