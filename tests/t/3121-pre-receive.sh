#!/bin/bash
#
# What a push is refused for before git moves a ref, and what push options do.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "pre-receive"
new_project site
configure site service.driver=none
echo page >site/index.html
repo=$(home_of site)/repo.git

option() { # OPTION… -- REFSPEC…: a push with them; git's status is its own
	local options=()

	while [ "$1" != -- ]; do
		options+=(-o "$1")
		shift
	done
	shift
	git -C site push "${options[@]}" hostkit "$@" 2>&1 | as_seen | tee said
}

refused() { # OPTION… -- TEXT…
	local options=()

	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	git -C "$repo" for-each-ref >refs.before
	not option "${options[@]}" -- HEAD:refs/heads/main
	for text; do
		contains said "$text"
	done
	contains said "[remote rejected] HEAD -> main (pre-receive hook declined)"
	git -C "$repo" for-each-ref | diff refs.before -
}

first() {
	push site
	expect site last.status=succeeded
	git -C site commit -q --allow-empty -m "another"
}
ok_when "a push deploys, to begin with" first
ok_when "an unknown option is refused, with the known ones" refused buidl -- \
	"error: unknown push option 'buidl'; did you mean 'build'?" \
	"hint: the push options here are: build, no-build, install, no-install, restart, no-restart, inject-secrets, reason=TEXT, dry-run"
ok_when "so is one with control characters, made harmless" refused "$(printf 'a\033[2Jb')" -- \
	"unknown push option 'a [2Jb'"
ok_when "and a switch with a value" refused build=yes -- "error: the push option 'build' takes no value"
ok_when "and a reason without a text" refused reason= -- "error: the push option 'reason' needs a text"
ok_when "and two that exclude each other" refused build no-build -- \
	"error: the push options 'build' and 'no-build' exclude each other"
ok_when "and one that the administrator does not allow" refused override-ratelimit -- \
	"error: the push option 'override-ratelimit' is not allowed here" \
	"hint: the administrator allows it: [push] allow"

options_work() {
	configure site service.driver=none build.command="sh: echo built >built"
	option no-build "reason=for the   fair" -- HEAD:refs/heads/main
	expect site stage.build=skipped "last.reason=for the   fair" 'last.options=["no-build"]'
	contains said "hostkit: reason: for the   fair"
	contains said "hostkit: asked for: no-build"
	configure site service.driver=none build.command="sh: echo built >built" build.enabled=no
	git -C site commit -q --allow-empty -m "more"
	option build -- HEAD:refs/heads/main
	expect site stage.build=succeeded last.reason=null
}
ok_when "options override the settings, and the reason is on record" options_work

only_allowed() {
	configure site service.driver=none push.allow=reason
	git -C site commit -q --allow-empty -m "more"
	refused no-build -- "the push option 'no-build' is not allowed here"
	option reason=because -- HEAD:refs/heads/main
	expect site last.reason=because
}
ok_when "an administrator can allow fewer of them" only_allowed

# --- The plan

dry_run() {
	configure site service.driver=none
	echo '{"name": "a", "scripts": {"build": "true"}}' >site/package.json
	echo '{}' >site/package-lock.json
	git -C site add -A
	git -C site commit -q -m "a manifest"
	git -C site commit -q --allow-empty -m "nothing"
	remember_live site
	fact site last.id >id
	refused dry-run -- "plan: 2 commits forwards from " ", 2 files changed; package-lock.json is new" \
		"plan: install      never run yet" "plan: build " "plan: together usually " "of disk, as the live release" \
		"dry run: nothing was deployed, and no ref has moved"
	expect site "last.id=$(cat id)"
	still_live site
	refused dry-run no-build -- "plan: install "
	lacks said "plan: build"
}
ok_when "a dry run tells what would be done, and does nothing" dry_run

back() {
	local before

	git -C site reset -q --hard HEAD~2
	push_ref site HEAD~1:refs/deploy/now
	contains said "plan: 1 commit back from "
	push_ref site HEAD:refs/deploy/now
	contains said "plan: 1 commit forwards from "
	before=$(live site)
	push_ref site HEAD:refs/deploy/now
	contains said "plan: the same commit as release $(basename "$before")"
	git -C site checkout -q -b aside HEAD~1
	git -C site commit -q --allow-empty -m "aside"
	push_ref site HEAD:refs/deploy/now
	contains said "plan: 1 commit forwards and 1 back from "
	git -C site checkout -q --orphan island
	git -C site commit -q -m "island"
	push_ref site HEAD:refs/deploy/now
	contains said "plan: "
	git -C site checkout -q main
}
ok_when "every deployment begins with the way it goes: forwards, back or aside" back

nothing_deploys() {
	git -C site push -o dry-run hostkit HEAD:refs/heads/wip >said 2>&1 && return 1
	contains said "none of the pushed refs would deploy"
	not git -C "$repo" rev-parse -q --verify refs/heads/wip
}
ok_when "a dry run of what does not deploy says so" nothing_deploys

# --- Refs

refs() {
	configure site service.driver=none 'push.refs=refs/heads/*, refs/deploy/*'
	git -C site tag v9
	not git -C site push hostkit v9 HEAD:refs/heads/wip 2>said
	contains said "error: 'refs/tags/v9' may not be pushed to 'site'"
	contains said "[push] refs"
	push_ref site HEAD:refs/heads/team/wip
	contains said "branch 'team/wip' was received, not deployed"
}
ok_when "refs that the administrator does not allow are refused" refs

forced() {
	configure site service.driver=none deploy.force=no
	push site
	git -C site commit -q --amend --allow-empty -m "instead"
	refused_force
	configure site service.driver=none
	git -C site push -f hostkit HEAD:refs/heads/main
	expect site last.status=succeeded "last.commit=$(git -C site rev-parse HEAD)"
	# Branches that do not deploy are nobody's concern.
	configure site service.driver=none deploy.force=no
	git -C site push hostkit HEAD:refs/heads/wip
	git -C site push -f hostkit HEAD~1:refs/heads/wip
}
refused_force() {
	not git -C site push -f hostkit HEAD:refs/heads/main 2>said
	contains said "error: this push would take commits away from branch 'main', which is at "
	contains said "hint: git pull --rebase first"
}
ok_when "a forced push is refused where the settings forbid it" forced

no_commit() {
	local blob

	configure site service.driver=none
	blob=$(git -C site hash-object -w index.html)
	git -C site tag vblob "$blob"
	not git -C site push hostkit vblob 2>said
	contains said "names a blob, not a commit"
}
ok_when "a tag of what is no commit is refused" no_commit

space() {
	configure site service.driver=none deploy.min_free=1024G
	push_refused site
	contains said " are free in '"
	contains said "; a deployment needs 1.0 TiB"
	contains said "hint: see what is large: df -h "
	push_ref site HEAD:refs/heads/wip
	configure site service.driver=none
	push_ref site HEAD:refs/heads/main
}
ok_when "a full disk refuses what deploys, and nothing else" space

busy() {
	configure site service.driver=none deploy.concurrency=reject \
		"build.command=sh: while [ ! -e $T/go ]; do sleep 0.05; done"
	git -C site commit -q --allow-empty -m "slow"
	git -C site push -q hostkit HEAD:refs/heads/main >/dev/null 2>&1 &
	wait_until 10 expect site running.status=running
	fact site running.id >id
	push_refused site
	contains said "error: 'site' is being deployed: deployment $(cat id) "
	contains said "hint: push again when that has ended: hostkit deploy log site $(cat id) -f"
	touch go
	wait
	expect site running=null "last.id=$(cat id)" last.status=succeeded
	configure site service.driver=none
	push_ref site HEAD:refs/heads/main
}
ok_when "with concurrency = reject a second push is refused, and can be pushed again" busy

old_repository() { # made by a version that had one hook
	rm "$repo/hooks/pre-receive" "$repo/hooks/proc-receive"
	git -C "$repo" config --unset receive.advertisePushOptions
	hostkit deploy status site
	[ "$(readlink "$repo/hooks/pre-receive")" = "$HK_LIBEXECDIR/pre-receive" ]
	git -C site commit -q --allow-empty -m "again"
	option "reason=new hooks" -- HEAD:refs/heads/main
	expect site "last.reason=new hooks"
}
ok_when "a repository of before gets its hooks by any command" old_repository

deleted() {
	configure site service.driver=none deploy.branches=main,extra
	push_ref site HEAD:refs/heads/extra
	expect site last.ref=refs/heads/extra
	push_ref site :refs/heads/extra
	contains said "branch 'extra' was deleted; that deploys nothing"
	hostkit pause site
	push_ref site :refs/heads/wip
}
ok_when "deleting refs is free of all of it" deleted

done_testing
