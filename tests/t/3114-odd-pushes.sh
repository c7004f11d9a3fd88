#!/bin/bash
#
# Pushes by users with odd settings, and to a repository that is reached in odd ways: what is live
# afterwards is what was pushed, byte for byte.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "pushes in odd surroundings"
new_project site
configure site service.driver=none
home=$(home_of site)
repo=$home/repo.git
printf '*.html text\n' >site/.gitattributes
echo 0 >n

# pushes [VARIABLE=VALUE…]: the next version, to $repo
pushes() {
	local n

	n=$(($(cat n) + 1))
	echo "$n" >n
	printf 'version %s\nsecond line\n' "$n" >site/index.html
	git -C site add -A
	git -C site commit -qm "version $n"
	env "$@" git -C site push "${url:-$repo}" HEAD:main 2>&1 | sed 's/\x1b\[[0-9;]*[mK]//g' >said
	cat said
	contains said "remote: success: site: "
	git -C site cat-file blob HEAD:index.html | cmp - "$home/app/index.html"
}

odd_home() { # SETTING VALUE: in the .gitconfig of the user that pushes
	cp "$GIT_CONFIG_GLOBAL" odd.gitconfig
	git config --file odd.gitconfig "$1" "$2"
	pushes GIT_CONFIG_GLOBAL="$T/odd.gitconfig"
}

ok_when "an ordinary push deploys" pushes
echo '* text eol=crlf' >attributes
mkdir hooks
for setting in core.autocrlf=true core.eol=crlf "core.attributesFile=$T/attributes" \
	safe.directory=/nowhere "core.hooksPath=$T/hooks" core.bare=false \
	core.worktree=/nowhere core.symlinks=false core.fileMode=false push.default=nothing \
	"init.templateDir=/nowhere" color.ui=always color.remote=always log.showSignature=true \
	extensions.worktreeConfig=true core.quotePath=false core.logAllRefUpdates=always; do
	ok_when "it deploys the same with ${setting%%=*} = ${setting#*=} in the user's .gitconfig" \
		odd_home "${setting%%=*}" "${setting#*=}"
done

linked_repository() {
	ln -s "$repo" link.git
	url=$T/link.git pushes
	url=$T/./link.git/ pushes
	url=file://$T/link.git pushes
}
ok_when "it deploys through a link to the repository, and by a file:// URL" linked_repository

linked_root() {
	ln -s "$HOSTKIT_ROOT" rootlink
	url=$T/rootlink/home/site/repo.git pushes
	url=$T/rootlink/home/site/repo.git pushes HOSTKIT_ROOT="$T/rootlink"
	hostkit --root "$T/rootlink" deploy status site
}
ok_when "it deploys through a link to the root" linked_root

ok_when "it deploys without HOSTKIT_ROOT: the repository is in its root" pushes -u HOSTKIT_ROOT
ok_when "it deploys with a HOSTKIT_ROOT that does not exist" pushes HOSTKIT_ROOT=/nowhere

other_root() { # of two projects of the same name, the one that was pushed to
	mkdir other
	hostkit --root "$T/other" project create site --port "$(free_port)"
	pushes HOSTKIT_ROOT="$T/other"
	[ ! -e other/home/site/app ]
}
ok_when "it deploys with the HOSTKIT_ROOT of another project of that name" other_root

linked_home() { # home/ is on another disk, reached by a link: HOSTKIT_ROOT tells the root
	mv "$HOSTKIT_ROOT/home" "$T/disk-home"
	mkdir disk
	mv disk-home disk/home
	ln -s "$T/disk/home" "$HOSTKIT_ROOT/home"
	pushes
	git -C site commit -q --allow-empty -m more
	env -u HOSTKIT_ROOT git -C site push "$repo" HEAD:main >said 2>&1 && return 1
	contains said "error: "
	contains said "hint: "
}
ok_when "where home/ is a link, HOSTKIT_ROOT tells the hook its root; without it, it says so" linked_home

# As git sees one that is deleted while it lists the refs.
unreadable_pin() {
	mkdir -p "$repo/refs/hostkit/releases"
	: >"$repo/refs/hostkit/releases/20010101-000000"
	pushes
	not grep "broken ref" said
}
ok_when "a pin of a release that is being deleted is nobody's news" unreadable_pin

done_testing
