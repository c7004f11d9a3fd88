#!/bin/bash
#
# [checkout] submodules: refused without the option; with it, fetched at the recorded commits, from
# nowhere that the administrator has not allowed.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "submodules"
not_in_quick_run
new_project site
home=$(home_of site)
app=$home/app
bare=$home/repo.git
cache=$HOSTKIT_ROOT/var/lib/hostkit/site/cache/submodules

# A repository that others fetch from, and a working copy to push from: upstream NAME
upstream() {
	git init -q --bare "$T/up/$1.git"
	git init -q "$T/$1"
	git -C "$T/$1" remote add origin "file://$T/up/$1.git"
	echo "$1 1" >"$T/$1/$1.txt"
	commit_in "$1"
	git -C "$T/$1" push -q origin main
}

commit_in() {
	git -C "$T/$1" add -A
	git -C "$T/$1" commit -q --allow-empty -m "a change"
}

head_of() {
	git -C "$T/$1" rev-parse HEAD
}

# add_submodule IN PATH URL COMMIT: as git submodule add, but with any URL
add_submodule() {
	git config -f "$T/$1/.gitmodules" "submodule.$2.path" "$2"
	git config -f "$T/$1/.gitmodules" "submodule.$2.url" "$3"
	mkdir -p "$T/$1/$2"
	git -C "$T/$1" update-index --add --cacheinfo "160000,$4,$2"
	git -C "$T/$1" add .gitmodules
	git -C "$T/$1" commit -qm "a submodule"
}

push_again() {
	push_ref site HEAD:refs/deploy/now
}

refused() { # CODE MESSAGE HINT
	expect site last.status=failed "last.error.code=$1" "last.error.message~$2" \
		"last.error.hint~$3"
	still_live site
	no_staging site
}

mkdir up
upstream icons
upstream theme
mkdir -p "$T/site/web"
echo home >"$T/site/index.html"
echo web >"$T/site/web/index.html"
configure site service.driver=none
push site
remember_live site

refuse_without() {
	add_submodule theme assets/icons "file://$T/up/icons.git" "$(head_of icons)"
	git -C "$T/theme" push -q origin main
	add_submodule site web/theme "file://$T/up/theme.git" "$(head_of theme)"
	not push_again
	contains "$T/said" "error: 'web/theme' is a submodule"
	contains "$T/said" \
		"set [checkout] submodules = recursive in $HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	still_live site
}
ok_when "without the option a commit with a submodule is refused, by name" refuse_without

refuse_local() {
	configure site service.driver=none checkout.submodules=recursive
	push_again
	refused TREE_REFUSED "submodule 'web/theme': the URL 'file://$T/up/theme.git' is a path" \
		"git -C $bare config protocol.file.allow always"
	[ ! -e "$cache" ]
}
ok_when "a path of this machine is not fetched from, as in git" refuse_local

fetch_nested() {
	git -C "$bare" config protocol.file.allow always
	push_again
	expect site last.status=succeeded "stage.checkout.detail~, 2 submodules"
	[ "$(cat "$app/web/theme/theme.txt")" = "theme 1" ]
	[ "$(cat "$app/web/theme/assets/icons/icons.txt")" = "icons 1" ]
	contains "$T/said" "submodule web/theme: $(head_of theme | cut -c1-7) of file://$T/up/theme.git"
	contains "$T/said" "submodule web/theme/assets/icons:"
	[ -z "$(find "$app/" -name .git)" ]
	remember_live site
}
ok_when "where the administrator allows it, submodules and theirs are fetched" fetch_nested

same_as_git() {
	git -c protocol.file.allow=always clone -q --recurse-submodules "$T/site" "$T/by-git"
	diff -r -x .git "$T/by-git" "$app/"
}
ok_when "the release is what git clone --recurse-submodules writes" same_as_git

fetch_moved() {
	# The upstream moves on; the recorded commit is an older one, then the new one.
	local old

	old=$(head_of theme)
	echo "theme 2" >"$T/theme/theme.txt"
	commit_in theme
	git -C "$T/theme" push -q origin main
	push_again
	[ "$(cat "$app/web/theme/theme.txt")" = "theme 1" ]
	add_submodule site web/theme "file://$T/up/theme.git" "$(head_of theme)"
	push_again
	[ "$(cat "$app/web/theme/theme.txt")" = "theme 2" ]
	add_submodule site web/theme "file://$T/up/theme.git" "$old"
	push_again
	expect site last.status=succeeded
	[ "$(cat "$app/web/theme/theme.txt")" = "theme 1" ]
}
ok_when "it is the recorded commit, whatever the branch has" fetch_moved

without_network() {
	mv up away
	push_again
	mv away up
	expect site last.status=succeeded
	[ "$(cat "$app/web/theme/assets/icons/icons.txt")" = "icons 1" ]
	remember_live site
}
ok_when "a commit that was fetched once is not fetched again" without_network

missing_commit() {
	echo lost >"$T/theme/lost.txt"
	commit_in theme
	add_submodule site web/theme "file://$T/up/theme.git" "$(head_of theme)"
	push_again
	refused REF_NOT_FOUND \
		"submodule 'web/theme': 'file://$T/up/theme.git' does not have commit $(head_of theme)" \
		"push it in the submodule first: git -C web/theme push"
}
ok_when "a commit that was not pushed there is named, with what to do" missing_commit

pushed_then() {
	git -C "$T/theme" push -q origin main
	push_again
	expect site last.status=succeeded
	[ "$(cat "$app/web/theme/lost.txt")" = lost ]
	remember_live site
}
ok_when "once it is pushed, the same commit deploys" pushed_then

by_refs_only() {
	# An old server, which gives out what its refs name.
	git -C "$T/up/icons.git" config uploadpack.allowAnySHA1InWant false
	git -C "$bare" config protocol.version 0
	local old

	old=$(head_of icons)
	echo "icons 2" >"$T/icons/icons.txt"
	commit_in icons
	echo "icons 3" >"$T/icons/icons.txt"
	commit_in icons
	git -C "$T/icons" push -q origin main
	add_submodule site icons "file://$T/up/icons.git" "$(git -C "$T/icons" rev-parse HEAD~1)"
	push_again
	git -C "$bare" config --unset protocol.version
	expect site last.status=succeeded
	contains "$T/said" "unadvertised object"
	[ "$(cat "$app/icons/icons.txt")" = "icons 2" ]
	[ "$old" != "$(head_of icons)" ]
	remember_live site
}
ok_when "from a server that knows only refs, these are fetched" by_refs_only

part_of_it() {
	configure site service.driver=none checkout.submodules=recursive deploy.subdirectory=web
	push_again
	expect site last.status=succeeded "stage.checkout.detail~, 2 submodules"
	[ "$(cat "$app/index.html")" = web ]
	[ "$(cat "$app/theme/assets/icons/icons.txt")" = "icons 1" ]
	[ ! -e "$app/icons" ]
	configure site service.driver=none checkout.submodules=recursive
	remember_live site
}
ok_when "with a subdirectory only the submodules in it are fetched" part_of_it

# --- What a submodule may not bring

bad_url() { # URL MESSAGE
	git config -f "$T/site/.gitmodules" submodule.icons.url "$1"
	git -C "$T/site" commit -qam "another URL"
	push_again
	refused TREE_REFUSED "submodule 'icons': the URL '$1' $2" "commit, and push again"
	[ ! -e "$T/ran" ]
}
ok_when "a URL that runs a command is refused" bad_url "ext::touch $T/ran" "names a remote helper"
ok_when "so is one that is an option" bad_url "--upload-pack=touch $T/ran" "begins with '-'"
ok_when "and one whose host is an option" \
	bad_url "ssh://-oProxyCommand=touch/x" "has a name that begins with '-'"
ok_when "and one with a password" bad_url "https://ann:secret@127.0.0.1/x" "has a password in it"
ok_when "and one over plain http" bad_url "http://127.0.0.1/x" "is neither https nor ssh"
ok_when "and a relative one" bad_url ../icons.git "is relative"

no_url() {
	git config -f "$T/site/.gitmodules" --remove-section submodule.icons
	git -C "$T/site" commit -qam "no URL"
	push_again
	refused TREE_REFUSED "submodule 'icons' has no URL in .gitmodules" "git rm --cached"
}
ok_when "a submodule that .gitmodules does not name is refused" no_url

no_server() {
	add_submodule site icons "https://127.0.0.1:$(free_port)/icons.git" "$(head_of icons)"
	push_again
	refused COMMAND_FAILED "submodule 'icons': git fetch: " "git ls-remote https://127.0.0.1"
}
ok_when "a server that does not answer is named, with what git says" no_server

hostile_tree() {
	# A tree that git itself would not make: the submodule goes through the same checks.
	local blob tree commit

	blob=$(echo evil | git -C "$T/icons" hash-object -w --stdin)
	tree=$({
		printf '100644 .GIT\0'
		python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1]))' "$blob"
	} | git -C "$T/icons" hash-object -w --stdin -t tree --literally)
	commit=$(git -C "$T/icons" commit-tree -m evil "$tree" </dev/null)
	git -C "$T/icons" push -q origin "$commit:refs/heads/evil"
	add_submodule site icons "file://$T/up/icons.git" "$commit"
	push_again
	refused TREE_REFUSED "in submodule 'icons': entry '.GIT' is a spelling of '.git'" ""
}
ok_when "a submodule's tree is checked like any other" hostile_tree

pointer_within() {
	git -C "$T/icons" checkout -q main
	echo '*.bin filter=lfs' >"$T/icons/.gitattributes"
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 3\n' 1 \
		>"$T/icons/logo.bin"
	git -C "$T/icons" -c filter.lfs.clean=cat -c filter.lfs.process= -c filter.lfs.required=no add -A
	git -C "$T/icons" commit -qm "a pointer"
	git -C "$T/icons" push -q --no-verify origin main
	add_submodule site icons "file://$T/up/icons.git" "$(head_of icons)"
	push_again
	refused TREE_REFUSED "'icons/logo.bin' is a Git LFS pointer" "[checkout] lfs = yes"
}
ok_when "a pointer file in a submodule is refused, too" pointer_within

# --- Limits

slow_upstream() { # git's upload-pack, after a minute
	cat >"$T/bin/slow-ssh" <<-SLOW
		#!/bin/sh
		sleep 60 & echo \$! >>$T/slow.pids
		echo \$\$ >>$T/slow.pids
		wait
	SLOW
	chmod +x "$T/bin/slow-ssh"
	git -C "$bare" config core.sshCommand "$T/bin/slow-ssh"
	add_submodule site icons "ssh://127.0.0.1/icons.git" "$(head_of icons)"
}
slow_upstream

time_out() {
	configure site service.driver=none checkout.submodules=recursive checkout.timeout=2s
	push_again
	refused STAGE_TIMEOUT "the time is over before every submodule was fetched" ""
	all_gone "$T/slow.pids"
}
ok_when "a fetch ends with the stage's time, and nothing of it is left" time_out

cancel() {
	rm "$T/slow.pids"
	configure site service.driver=none checkout.submodules=recursive
	push_again >/dev/null &
	wait_until 20 [ -s "$T/slow.pids" ]
	hostkit deploy cancel site
	wait
	expect site last.status=cancelled
	all_gone "$T/slow.pids"
	still_live site
	no_staging site
}
ok_when "a fetch can be cancelled" cancel

no_secrets() {
	echo TOKEN=hidden >"$home/.env"
	rm "$T/slow.pids"
	configure site service.driver=none checkout.submodules=recursive
	printf '#!/bin/sh\nenv >%s\necho "$@" >%s\nexit 1\n' "$T/ssh.env" "$T/ssh.args" \
		>"$T/bin/slow-ssh"
	push_again
	refused COMMAND_FAILED "submodule 'icons': git fetch: " ""
	lacks "$T/ssh.env" TOKEN
	lacks "$T/ssh.env" SSH_AUTH_SOCK
	contains "$T/ssh.env" "GIT_TERMINAL_PROMPT=0"
	contains "$T/ssh.args" "BatchMode=yes"
}
ok_when "git gets no secret of the project, and must not ask" no_secrets

damaged_mirror() {
	local mirror

	add_submodule site icons "file://$T/up/icons.git" "$(git -C "$T/icons" rev-parse HEAD~1)"
	push_again
	expect site last.status=succeeded
	for mirror in "$cache"/*.git; do
		: >"$mirror/HEAD"
		mkdir "$mirror/hostkit-index-left"
	done
	push_again
	expect site last.status=succeeded
	[ "$(cat "$app/icons/icons.txt")" = "icons 3" ]
	for mirror in "$cache"/*.git; do touch "$mirror/shallow.lock"; done
	add_submodule site web/theme "file://$T/up/theme.git" "$(git -C "$T/theme" rev-parse HEAD~2)"
	push_again
	expect site last.status=succeeded
}
ok_when "what a crash leaves in the cache is put right" damaged_mirror

done_testing
