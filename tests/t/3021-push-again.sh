#!/bin/bash
#
# A commit can be pushed to refs/deploy/now again, however the deployment before has ended: what
# messages tell people to do must not end in "Everything up-to-date".

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "pushing the same commit again"
require_programs pgrep
new_project site
home=$(home_of site)
fifos begun go
quick() {
	configure site service.driver=none
}
slow() { # a build that says so when it has begun, and goes on when told
	configure site service.driver=none build.timeout=60s "build.command=sh: echo >$T/begun; cat $T/go"
}
quick
echo hi >site/index.html
push site
git -C site commit -q --allow-empty -m "the one to deploy"
commit=$(git -C site rev-parse HEAD)

# Whatever a failed step before left is no concern of the next.
start_over() {
	while timeout 20 hostkit deploy cancel site; do
		:
	done
	git --git-dir="$home/repo.git" update-ref -d refs/deploy/now
	git --git-dir="$home/repo.git" update-ref -d refs/deploy/other
}

has_begun() { # with a limit for when the test fails
	timeout 20 cat begun
}

again() { # the commit deploys when it is pushed there once more
	quick
	push_ref site "$commit:refs/deploy/now"
	lacks said "Everything up-to-date"
	expect site last.status=succeeded "last.commit=$commit" last.ref=refs/deploy/now
	[ -z "$(git --git-dir="$home/repo.git" for-each-ref refs/deploy)" ]
}

after_success() {
	start_over
	push_ref site "$commit:refs/deploy/now"
	again
}
ok_when "after a deployment that went well" after_success

after_failure() {
	start_over
	configure site service.driver=none build.command=false
	push_ref site "$commit:refs/deploy/now"
	expect site last.status=failed
	again
}
ok_when "after one that failed" after_failure

after_cancel() {
	start_over
	slow
	git -C site push hostkit "$commit:refs/deploy/now" >said 2>&1 &
	has_begun
	timeout 20 hostkit deploy cancel site
	wait
	expect site last.status=cancelled
	again
}
ok_when "after one that was cancelled" after_cancel

after_cancelled_waiting() {
	start_over
	slow
	hostkit --json deploy site --detach >answer
	look_up answer id >detached
	has_begun
	git -C site push hostkit "$commit:refs/deploy/now" >waits 2>&1 &
	wait_until 20 grep -q "waiting for deployment" waits
	timeout 20 hostkit deploy cancel site "$(answers id -- deploy log site)"
	wait
	timeout 20 sh -c 'echo go >go'
	hostkit deploy log site "$(cat detached)" --follow
	again
}
ok_when "after one that was cancelled while it waited" after_cancelled_waiting

after_kill() {
	start_over
	slow
	git -C site push hostkit "$commit:refs/deploy/now" >said 2>&1 &
	has_begun
	pkill -KILL -f "hostkit-worker $HOSTKIT_ROOT site "
	wait
	contains said "died in stage"
	expect site last.status=interrupted
	again
}
ok_when "after one whose worker was killed" after_kill

after_broken_file() {
	start_over
	ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini
	echo "nonsense = 1" >>"$ini"
	not push_ref site "$commit:refs/deploy/now"
	contains said "nonsense"
	again
}
ok_when "after a push under a broken configuration" after_broken_file

not_the_one() {
	start_over
	quick
	git -C site push hostkit "$commit:refs/deploy/now" "HEAD^:refs/deploy/other" 2>&1 | as_seen >said
	command=$(sed -n 's/^hint: to deploy it: //p' said)
	contains said "one push makes one deployment"
	(cd site && sh -ec "$command") 2>&1 | as_seen >said
	lacks said "Everything up-to-date"
	again
}
ok_when "after a push of two commits, of which one was deployed and the other named" not_the_one

done_testing
