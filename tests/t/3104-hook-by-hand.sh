#!/bin/bash
#
# The hook where git did not start it, or started it in odd surroundings.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the hook in odd surroundings"
new_project site
configure site service.driver=none
echo one >site/index.html
push site
home=$(home_of site)
zero=0000000000000000000000000000000000000000
head=$(git -C site rev-parse HEAD)

hook() { # STATUS TEXT [INPUT]
	local status=0

	printf '%s' "${3:-}" | (cd "$home/repo.git" && hooks/post-receive) >out 2>&1 || status=$?
	cat out
	[ "$status" = "$1" ]
	contains out "$2"
}
ok_when "without git it says what it is" hook 2 "git did not start it"
export GIT_DIR=.
ok_when "without input too" hook 2 "no ref updates on standard input"
ok_when "garbage is quoted" hook 2 "'what is this' is not a ref update" "what is this
"
ok_when "half an update is garbage" hook 2 "is not a ref update" "$zero $head"
ok_when "so is a ref with control characters" hook 2 "is not a ref update" \
	"$zero $head refs/heads/$(printf 'a\001b')
"
ok_when "a right line deploys" hook 0 "success: site: " "$zero $head refs/heads/main
"
unset GIT_DIR

elsewhere() {
	git init -q --bare other.git
	ln -s "$HK_LIBEXECDIR/post-receive" other.git/hooks/post-receive
	git -C site push "$T/other.git" HEAD:main >said 2>&1
	contains said "is not the repository of a hostkit project"
}
ok_when "in another repository it says so, and the push is done all the same" elsewhere

leaked() { # what a shell may have exported about other repositories
	GIT_INDEX_FILE=/nowhere GIT_CONFIG_COUNT=0 GIT_OBJECT_DIRECTORY='' \
		git -C site push -q hostkit HEAD:refs/deploy/now 2>/dev/null || true
	echo two >site/index.html
	git -C site commit -qam two
	GIT_AUTHOR_NAME=x GIT_EDITOR=false git -C site push -q hostkit HEAD:main
	[ "$(cat "$home/app/index.html")" = two ]
}
ok_when "variables of git do not reach the deployment" leaked

odd_home() { # the pusher's own configuration is not the project's
	printf '[core]\n\tautocrlf = true\n[safe]\n\tdirectory = /nowhere\n' >>"$GIT_CONFIG_GLOBAL"
	printf 'a\nb\n' >site/index.html
	git -C site -c core.autocrlf=false commit -qam three
	git -C site push -q hostkit HEAD:main
	printf 'a\nb\n' | cmp - "$home/app/index.html"
	git config --global --unset core.autocrlf
}
ok_when "the pusher's configuration changes nothing" odd_home

linked() { # a home on another disk, reached by a link
	mv "$home" "$T/disk"
	ln -s "$T/disk" "$home"
	echo four >site/index.html
	git -C site commit -qam four
	git -C site push hostkit HEAD:main >said 2>&1
	contains said "is not the repository of a hostkit project"
	rm "$home"
	mv "$HOSTKIT_ROOT/home" "$T/homes"
	mkdir "$T/homes/home"
	mv "$T/disk" "$T/homes/home/site"
	ln -s "$T/homes/home" "$HOSTKIT_ROOT/home"
	git -C site push -q hostkit HEAD:refs/deploy/now
	[ "$(cat "$home/app/index.html")" = four ]
}
ok_when "where home/ is a link, HOSTKIT_ROOT tells the hook its root" linked

done_testing
