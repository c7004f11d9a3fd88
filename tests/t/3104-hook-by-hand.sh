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

deployments() {
	hostkit --json deploy history site --last 1000 | { grep -o '"started_at"' || true; } | wc -l
}

main() {
	git -C "$home/repo.git" rev-parse main
}

# hook STATUS TEXT [INPUT]: run in the repository, as git would, but by hand
hook() {
	local status=0 before

	before=$(deployments)
	printf '%b' "${3:-}" | (cd "$home/repo.git" && hooks/post-receive) >out 2>&1 || status=$?
	cat out
	[ "$status" = "$1" ]
	contains out "$2"
	[ "$status" = 0 ] || [ "$(deployments)" = "$before" ]
}

ok_when "without git it says what it is" hook 2 "git did not start it"
ok_when "and how to deploy by hand" hook 2 "hint: to deploy by hand: hostkit deploy"
export GIT_DIR=.
ok_when "without input it says so" hook 2 "no ref updates on standard input"
ok_when "garbage is quoted" hook 2 "'what is this' is not a ref update" "what is this\n"
ok_when "half an update is garbage" hook 2 "is not a ref update" "$zero $head"
ok_when "so is a short object id" hook 2 "is not a ref update" "$zero ${head:0:7} refs/heads/main\n"
ok_when "so is a ref with control characters" hook 2 "is not a ref update" \
	"$zero $head refs/heads/a\001b\n"
ok_when "so is one that is no ref" hook 2 "is not a ref update" "$zero $head ../../main\n"
ok_when "one line of garbage spoils a good one" hook 2 "'x' is not a ref update" \
	"$zero $head refs/heads/main\nx\n"

harmless() { # what is quoted cannot play tricks on a terminal
	hook 2 "is not a ref update" "\033[2J\033]0;title\007 a b\n"
	not grep -P '[\x00-\x08\x0b-\x1f\x7f]' out
}
ok_when "quoted garbage holds no control characters" harmless

binary() {
	local status=0

	head -c 100000 /dev/urandom >garbage
	(cd "$home/repo.git" && hooks/post-receive) <garbage >out 2>&1 || status=$?
	[ "$status" = 2 ]
	[ "$(wc -c <out)" -lt 2000 ]
}
ok_when "100 KB of random bytes are refused in a line" binary
ok_when "a right line deploys" hook 0 "success: site: " "$zero $head refs/heads/main\n"

absent() { # a commit that the repository does not have
	hook 0 "error: site: " "$head ${head//[0-9]/a} refs/heads/main\n"
	hostkit --json deploy history site --last 2 >rows
	contains rows "has no commit"
}
ok_when "a commit that is not there is a failed deployment, and says so" absent
unset GIT_DIR

look_alike() { # in a folder that is called like the project's repository, and is not
	local status=0

	mkdir -p old/home/site/repo.git
	(cd old/home/site/repo.git && GIT_DIR=. "$home/repo.git/hooks/post-receive") \
		<<<"$zero $head refs/heads/main" >out 2>&1 || status=$?
	cat out
	[ "$status" != 0 ]
	contains out "error: '$T/old/home/site/repo.git' is not the repository of"
	lacks out "deployment"
}
ok_when "in another folder of that name it deploys nothing, whatever HOSTKIT_ROOT says" look_alike

elsewhere() {
	git init -q --bare other.git
	ln -s "$HK_LIBEXECDIR/post-receive" other.git/hooks/post-receive
	git -C site push "$T/other.git" HEAD:main >said 2>&1
	contains said "is not the repository of a hostkit project"
	[ "$(git -C other.git rev-parse main)" = "$(git -C site rev-parse HEAD)" ]
}
ok_when "in another repository it says so, and the push is done all the same" elsewhere

leaked() { # what a shell may have exported about other repositories
	local next

	printf '*.html text\n' >site/.gitattributes
	printf 'one\ntwo\n' >site/index.html
	git -C site add -A
	git -C site commit -qm two
	configure site service.driver=none "build.command=sh: env >$T/outside/environment"
	git -C site push -q hostkit HEAD:refs/heads/later
	next=$(git -C site rev-parse HEAD)
	git -C "$home/repo.git" update-ref refs/heads/main "$next"
	export GIT_DIR=. GIT_WORK_TREE=/nowhere GIT_INDEX_FILE=/nowhere/index \
		GIT_OBJECT_DIRECTORY=/nowhere/objects GIT_NAMESPACE=other GIT_EXTERNAL_DIFF=false \
		GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.autocrlf GIT_CONFIG_VALUE_0=true \
		GIT_CONFIG_PARAMETERS="'core.eol=crlf'" GIT_EXEC_PATH=/nowhere
	hook 0 "success: site: " "$head $next refs/heads/main\n"
	printf 'one\ntwo\n' | cmp - "$home/app/index.html"
	not grep "^GIT_" outside/environment
	not grep nowhere outside/environment
}
ok_when "variables of git that leaked into its environment change nothing" leaked

bare() { # an environment with nothing at all in it
	configure site service.driver=none "build.command=sh: echo \$HOME >$T/outside/its_home"
	(cd "$home/repo.git" && env -i GIT_DIR=. hooks/post-receive) \
		<<<"$zero $(main) refs/heads/main" >out 2>&1
	contains out "success: site: "
	echo "$home" | diff - outside/its_home
}
ok_when "no environment at all is enough" bare

closed() { # by somebody who closed its descriptors
	(cd "$home/repo.git" && GIT_DIR=. hooks/post-receive) \
		<<<"$zero $(main) refs/heads/main" >&- 2>&-
	hostkit deploy log site --follow >out
	contains out "success: site: "
}
ok_when "nor does it need somewhere to write to" closed

done_testing
