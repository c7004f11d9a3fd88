#!/bin/bash
#
# Trees that git would never make, and that would write outside their folder, are refused.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "hostile trees"
new_project site
configure site service.driver=none
mkdir -p "$T/outside"
echo canary >"$T/outside/canary"
echo home >"$T/site/index.html"
push site
expect site last.status=succeeded

# entry MODE TYPE OBJECT NAME: one of a tree, as it is stored.
entry() {
	printf '%s %s\0' "${1#0}" "$4"
	printf '%b' "$(printf '%s' "$3" | sed 's/../\\x&/g')"
}

blob() {
	git -C "$T/site" hash-object -w --stdin
}

# Reads entries, one after the other and in any order, and prints the tree.
tree() {
	git -C "$T/site" hash-object -t tree -w --literally --stdin
}

# hostile "SHOWN" <TREE: a commit with that tree is pushed and refused, and its entry is named.
hostile() {
	local shown=$1 commit tree

	tree=$(tree)
	commit=$(git -C "$T/site" commit-tree -m hostile "$tree" </dev/null)
	push_ref site "$commit:refs/deploy/now"
	expect site last.status=failed last.error.code=TREE_REFUSED stage.checkout=failed \
		"last.commit=$commit" "last.error.message~'$shown'"
	contains "$T/said" "error: site: checkout: "
	contains "$T/said" "still live: release $(basename "$(live site)")"
	still_live site
	no_staging site
	[ "$(ls -A "$T/outside")" = canary ]
	[ "$(cat "$T/outside/canary")" = canary ]
	[ ! -e "$T/root/planted" ]
	[ -z "$(find "$(home_of site)" -name planted)" ]
}

file=$(echo planted | blob)
page=$(echo page | blob)
out=$(printf '%s' "$T/outside" | blob)
below=$(entry 100644 blob "$file" planted | tree)
remember_live site

refuse_file() {
	{
		entry 100644 blob "$file" "$1"
		entry 100644 blob "$page" index.html
	} | hostile "$1"
}

refuse_dir() {
	{
		entry 40000 tree "$below" "$1"
		entry 100644 blob "$page" index.html
	} | hostile "$1"
}

refuse_below() {
	entry 40000 tree "$(entry 40000 tree "$below" "$1" | tree)" sub | hostile "sub/$1"
}

# A link, and a folder of the same name: written one after the other, the file would go outside.
refuse_through_link() {
	{
		entry 120000 blob "$out" escape
		entry 40000 tree "$below" escape
		entry 100644 blob "$page" index.html
	} | hostile escape
}

refuse_modules_link() {
	entry 120000 blob "$(echo ../x | blob)" .gitmodules | hostile .gitmodules
}

refuse_same_name() {
	{
		entry 100644 blob "$page" index.html
		entry 100755 blob "$file" index.html
	} | hostile index.html
}

ok_when "a folder named '..' is refused, and nothing is written outside" refuse_dir ..
ok_when "and one deeper in the tree is named with its path" refuse_below ..
ok_when "a folder named '.' is refused" refuse_dir .
ok_when "a folder named '.git' is refused" refuse_dir .git
ok_when "a file named '.git' is refused" refuse_file .git
ok_when "so is '.GIT', in a subfolder too" refuse_below .GIT
ok_when "so is the short name 'git~1'" refuse_dir git~1
ok_when "so is '.git' with a character that has no width" refuse_dir $'.g\xe2\x80\x8cit'
ok_when "so is '.git ' with a blank at the end" refuse_dir '.git '
ok_when "so is '.git::\$INDEX_ALLOCATION'" refuse_dir '.git::$INDEX_ALLOCATION'
ok_when "a name with a slash is refused" refuse_file ../planted
ok_when "a path through a link of the same tree is refused" refuse_through_link
ok_when "a '.gitmodules' that is a link is refused" refuse_modules_link
ok_when "two entries of one name are refused" refuse_same_name

recover() {
	push site
	expect site last.status=succeeded
}
ok_when "and the next push deploys" recover

done_testing
