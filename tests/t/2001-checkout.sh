#!/bin/bash
#
# The release holds what `git checkout` of the commit would write, whatever the tree is like.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "checkout"
new_project site
configure site service.driver=none
bare=$(home_of site)/repo.git

# What is in a folder: kinds, modes, link targets, bytes.
list() {
	cd "$1"
	find . -mindepth 1 \( -type f -printf 'file %m %s %p\0' -o -type l -printf 'link %l %p\0' \
		-o -printf '%y %m %p\0' \) | LC_ALL=C sort -z | tr '\0\n' '\n\t'
	find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum -z | tr '\0\n' '\n\t'
}

# The release, and a checkout by git with the configuration of the same repository.
same_as_git() {
	local name=$1

	rm -rf "$T/by-git" "$T/by-git.index"
	mkdir "$T/by-git"
	GIT_INDEX_FILE=$T/by-git.index git --git-dir="$(home_of "$name")/repo.git" \
		--work-tree="$T/by-git" -c advice.detachedHead=false read-tree -u --reset main
	list "$T/by-git" >"$T/by-git.list"
	list "$(home_of "$name")/app/" >"$T/release.list"
	[ "$(wc -l <"$T/by-git.list")" -gt "${2:-1}" ]
	diff "$T/by-git.list" "$T/release.list"
}

# --- Names, modes, links

write_names() {
	local deep part

	cd "$T/site"
	echo home >index.html
	: >empty
	echo a >"with blank"
	echo b >$'with\nnewline'
	echo c >$'tab\t"quote" \\backslash\x01'
	echo d >$'latin1-\xe9\xff'
	echo e >$'nfc-\xc3\xa9'
	echo f >$'nfd-e\xcc\x81'
	echo g >-rf
	echo h >README
	echo i >readme
	echo j >ReadMe
	printf '%0255d' 0 | xargs -I{} sh -c 'echo k >{}'
	mkdir Dir dir .hidden "$(printf '%0255d' 1)"
	echo l >Dir/file
	echo m >dir/file
	echo n >.hidden/.gitkeep
	echo o >"$(printf '%0255d' 1)/file"
	part=$(printf 'd%0199d' 0)
	deep=$part/$part/$part/$part/$part/$part/$part/$part/$part/$part
	mkdir -p "$deep"
	echo p >"$deep/file"
	echo q >.gitx
	echo r >git~2
	printf 'no newline at the end' >dir/partial
	head -c 3000000 /dev/urandom >dir/large
	head -c 100 /dev/zero >dir/zeros
}

write_modes() {
	cd "$T/site"
	printf '#!/bin/sh\n' >run.sh
	printf '#!/bin/sh\n' >odd.sh
	echo private >private
	chmod 755 run.sh
	chmod 701 odd.sh
	chmod 600 private
}

write_links() {
	cd "$T/site"
	mkdir -p "$T/outside"
	echo canary >"$T/outside/canary"
	ln -s index.html link
	ln -s nowhere dangling
	ln -s /etc/passwd absolute
	ln -s ../../../../../outside/canary outward
	ln -s "$T/outside" outside
	ln -s dir to-dir
	ln -s . to-self
	ln -s loop loop
	ln -s $'odd\n target\xff' odd-target
	ln -s "$(printf '%03900d' 0 | sed 's/.\{100\}/&\//g')" long-target
	ln -s ../index.html dir/up
}

push_names() {
	push site
	expect site last.status=succeeded last.error=null stage.checkout=succeeded active.type=static
}

write_names
write_modes
write_links
cd "$T"
ok_when "a tree with every kind of name, mode and link deploys" push_names
ok_when "every name, mode, link target and byte is what git checkout writes" same_as_git site 45

links_are_links() {
	cd "$(home_of site)/app"
	[ "$(readlink absolute)" = /etc/passwd ]
	[ "$(readlink dangling)" = nowhere ]
	[ "$(readlink outside)" = "$T/outside" ]
	[ "$(ls "$T/outside")" = canary ]
	[ "$(cat "$T/outside/canary")" = canary ]
}
ok_when "links that point out of the tree are made as they are, and not followed" links_are_links

# Three more deployments with one release to keep: only the active one and the one before it stay.
remove_links() {
	configure site service.driver=none deploy.keep_releases=1
	push site
	push site
	push site
	[ "$(find "$(home_of site)/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" -eq 2 ]
	[ "$(cat "$T/outside/canary")" = canary ]
}
ok_when "removing an old release follows none of its links either" remove_links

# --- Attributes

write_attributes() {
	cd "$T/site"
	git rm -rq .
	mkdir -p sub lib
	cat >.gitattributes <<-ATTRIBUTES
		*.crlf text eol=crlf
		*.lf text eol=lf
		*.auto text=auto
		*.bin binary
		*.id ident
		*.u16 text working-tree-encoding=UTF-16
		*.latin text working-tree-encoding=ISO-8859-1
		*.loud filter=shout
		*.gone filter=undefined
		secret.txt export-ignore
		stamp.txt export-subst
		[attr]web text eol=crlf
		*.web web
	ATTRIBUTES
	printf '*.crlf -text\nspecial.lf eol=crlf\n' >sub/.gitattributes
	printf 'one\r\ntwo\r\n' >a.crlf
	printf 'one\ntwo\n' >a.lf
	printf 'one\ntwo\n' >a.auto
	printf 'one\ntwo\n' >a.web
	printf 'one\r\ntwo\n\0' >a.bin
	# shellcheck disable=SC2016 # the keyword of git
	printf 'rev $Id$ end\n' >a.id
	printf 'gr\xc3\xbc\xc3\x9fe\n' | iconv -f UTF-8 -t UTF-16 >a.u16
	printf 'gr\xfc\xdfe\n' >a.latin
	echo quiet >a.loud
	echo same >a.gone
	printf 'one\ntwo\n' >sub/b.crlf
	printf 'one\r\ntwo\r\n' >sub/special.lf
	echo secret >secret.txt
	# shellcheck disable=SC2016
	echo '$Format:%H$' >stamp.txt
	echo home >index.html
	git -C "$bare" config filter.shout.smudge 'tr a-z A-Z'
}

push_attributes() {
	push site
	expect site last.status=succeeded
	cd "$(home_of site)/app"
	[ "$(head -c 5 sub/special.lf | od -An -c | tr -d ' ')" = 'one\r\n' ]
	[ "$(cat a.loud)" = QUIET ]
	grep -Eq '^rev \$Id: [0-9a-f]{40} \$ end$' a.id
	[ "$(iconv -f UTF-16 -t UTF-8 a.u16)" = grüße ]
}
write_attributes
cd "$T"
ok_when "line ends, ident, encodings and filters of .gitattributes are applied" push_attributes
ok_when "and the result is git checkout's, byte by byte" same_as_git site 18

export_attributes() {
	contains "$(home_of site)/app/secret.txt" secret
	# shellcheck disable=SC2016
	contains "$(home_of site)/app/stamp.txt" '$Format:%H$'
}
ok_when "export-ignore and export-subst are not applied: a release is no archive" export_attributes

# --- Submodules

push_submodule() {
	local commit

	remember_live site
	commit=$(git -C "$T/site" rev-parse HEAD)
	git -C "$T/site" update-index --add --cacheinfo "160000,$commit,lib/theme"
	git -C "$T/site" commit -qm "a submodule"
	not push_ref site HEAD:refs/heads/main
	contains "$T/said" "error: 'lib/theme' is a submodule"
	contains "$T/said" "set [checkout] submodules = recursive in $HOSTKIT_ROOT/etc"
	still_live site
	no_staging site
}
ok_when "a submodule is refused, not left as an empty folder (2071 has the rest)" push_submodule

done_testing
