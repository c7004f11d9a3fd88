#!/bin/bash
#
# Which pushes deploy, and what they are told.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "refs that deploy"
new_project site
configure site service.driver=none
home=$(home_of site)

version() { # N: commits a site that says so
	echo "$1" >"$T/site/index.html"
	git -C "$T/site" add -A
	git -C "$T/site" commit -qm "version $1"
}

serves() {
	[ "$(cat "$home/app/index.html")" = "$1" ]
}

count() {
	hostkit --json deploy history site --last 1000 | python3 -c \
		'import json, sys; print(len(json.load(sys.stdin)["data"]["deployments"]))'
}

head_of() {
	git -C "$T/site" rev-parse "$1"
}

first() {
	version 1
	push_ref site main
	serves 1
	expect site last.status=succeeded last.ref=refs/heads/main "last.commit=$(head_of HEAD)" \
		"last.pusher=$(id -un)" last.trigger=push "active.commit=$(head_of HEAD)"
	contains "$T/said" "success: site: "
}
ok_when "the first push into an empty repository deploys" first

second() {
	version 2
	push_ref site main
	serves 2
	[ "$(count)" = 2 ]
}
ok_when "the second push deploys" second

nothing_new() {
	push_ref site main
	contains "$T/said" "Everything up-to-date"
	[ "$(count)" = 2 ]
}
ok_when "a push with no change records nothing" nothing_new

other_branch() {
	git -C site checkout -qb topic
	version 3
	push_ref site topic
	contains "$T/said" "branch 'topic' was received, not deployed"
	serves 2
	[ "$(count)" = 2 ]
}
ok_when "a branch that does not deploy is accepted and named" other_branch

named_command() {
	command=$(sed -n 's/^hint: to deploy it: //p' "$T/said")
	[ -n "$command" ]
	(cd "$T/site" && sh -ec "$command")
	serves 3
	expect site last.ref=refs/deploy/now "last.commit=$(head_of topic)"
}
ok_when "and the command that it named deploys it" named_command

same_again() {
	push_ref site topic:refs/deploy/now
	push_ref site topic:refs/deploy/now
	[ "$(count)" = 5 ]
	push_ref site main:refs/deploy/now
	serves 2
	[ -z "$(git --git-dir="$home/repo.git" for-each-ref refs/deploy)" ]
}
ok_when "the same commit can be pushed to refs/deploy/ again, and an older one" same_again

kept_commits() { # what a kept release was made from is not garbage
	git --git-dir="$home/repo.git" update-ref -d refs/heads/topic
	git --git-dir="$home/repo.git" reflog expire --expire=now --all
	git --git-dir="$home/repo.git" gc -q --prune=now
	git --git-dir="$home/repo.git" cat-file -e "$(head_of topic)"
	not grep refs/hostkit <(git -C site ls-remote hostkit)
}
ok_when "commits of kept releases survive gc, and clients do not see their pins" kept_commits

forced() {
	git -C site checkout -q main
	git -C site reset -q --hard HEAD^
	git -C site push -f hostkit main
	serves 1
	expect site "last.commit=$(head_of HEAD)"
}
ok_when "a forced push backwards deploys the older commit" forced

light_tag() {
	version 4
	git -C site tag v1.0
	push_ref site v1.0
	serves 4
	expect site last.ref=refs/tags/v1.0 last.tag=v1.0 "last.commit=$(head_of main)"
}
ok_when "a tag deploys" light_tag

annotated_tag() {
	version 5
	git -C site tag -a v1.1 -m "one point one"
	push_ref site v1.1
	serves 5
	expect site last.tag=v1.1 "last.commit=$(head_of main)" last.status=succeeded
	[ "$(head_of v1.1)" != "$(head_of main)" ]
}
ok_when "an annotated tag deploys the commit it names" annotated_tag

other_tag() {
	git -C site tag nightly
	push_ref site nightly
	contains "$T/said" "tag 'nightly' was received, not deployed"
}
ok_when "a tag that does not match is named" other_tag

deleted() {
	git -C site push -q hostkit main:refs/heads/gone
	git -C site push hostkit --delete gone 2>&1 | as_seen >"$T/said"
	contains "$T/said" "branch 'gone' was deleted; that deploys nothing"
	serves 5
}
ok_when "a deleted branch deploys nothing and is told so" deleted

several() {
	before=$(count)
	version 6
	git -C site tag v2.0
	git -C site push hostkit main v2.0 main:topic2 2>&1 | as_seen >"$T/said"
	serves 6
	[ "$(count)" = $((before + 1)) ]
	expect site last.ref=refs/tags/v2.0
	contains "$T/said" "branch 'main' was received, not deployed: one push makes one deployment"
	contains "$T/said" "branch 'topic2' was received, not deployed"
}
ok_when "several refs in one push make one deployment; the others are named" several

priority() { # whatever the order in which git names them
	before=$(count)
	git -C site push -f hostkit HEAD~1:refs/deploy/now HEAD~2:refs/tags/v2.1 HEAD~3:main 2>&1 |
		as_seen >"$T/said"
	expect site last.ref=refs/deploy/now "last.commit=$(head_of HEAD~1)"
	contains "$T/said" "branch 'main' was received, not deployed: one push makes one deployment"
	contains "$T/said" "tag 'v2.1' was received, not deployed: one push makes one deployment"
	git -C site push -f hostkit HEAD~2:refs/heads/zz HEAD~3:refs/tags/v0 HEAD~1:main
	expect site last.ref=refs/tags/v0 last.tag=v0 "last.commit=$(head_of HEAD~3)"
	[ "$(count)" = $((before + 2)) ]
	git -C site push -f hostkit HEAD:main
	serves 6
}
ok_when "a commit comes before tags, and these before branches" priority

globs() {
	configure site service.driver=none deploy.branches=main,release/* deploy.tags=
	git -C site checkout -qb release/7
	version 7
	push_ref site release/7
	serves 7
	git -C site push hostkit HEAD:refs/heads/release/1 HEAD~1:refs/heads/release/2 2>&1 |
		as_seen >"$T/said"
	expect site last.ref=refs/heads/release/2
	contains "$T/said" "branch 'release/1' was received, not deployed: one push"
	git -C site push -f hostkit HEAD:refs/heads/release/2
	git -C site checkout -qb deeper
	version 8
	push_ref site deeper:refs/heads/release/x/y
	serves 7
	git -C site tag v9
	push_ref site v9
	contains "$T/said" "tag 'v9' was received, not deployed"
	configure site service.driver=none
}
ok_when "branches are globs, whose * ends at a slash; of several the last deploys; no tags means none" globs

two_in_a_second() { # as soon as two deployments begin in one second, which a few tries see to
	local n first

	for n in 1 2 3 4 5 6 7 8 9 10; do
		version "9.$n"
		first=$(git -C site rev-parse HEAD)
		version "10.$n"
		git -C site push -q hostkit "$first:refs/deploy/first" &
		git -C site push -q hostkit HEAD:refs/deploy/second &
		wait
		hostkit --json deploy history site --last 2 >answer
		python3 - <<-'PY' && return 0
			import json, sys
			a, b = json.load(open('answer'))['data']['deployments']
			assert a['status'] == b['status'] == 'succeeded', (a, b)
			assert a['release'] != b['release'] and a['commit'] != b['commit'], (a, b)
			sys.exit(a['started_at'][:19] != b['started_at'][:19])
		PY
	done
	echo "no two deployments began in one second" >&2
	return 1
}
ok_when "two pushes within one second get two releases" two_in_a_second

done_testing
