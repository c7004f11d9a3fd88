#!/bin/bash
#
# The strict mode: git push fails exactly when the deployment fails, and the ref stays. Over ssh, with
# the real client.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "strict mode"
not_in_quick_run
new_project site --strict
sshd_start
repo=$(home_of site)/repo.git
git -C site remote set-url hostkit "vps:$repo"
echo page >site/index.html

# What `push` says beside the status of git.
strict_push() {
	git -C site push "$@" 2>&1 | as_seen | tee said
}
commit() {
	git -C site add -A
	git -C site commit -q --allow-empty -m "$1"
}
holds() { # REF COMMIT
	[ "$(git -C "$repo" rev-parse -q --verify "$1" || echo none)" = "$2" ]
}
head() {
	git -C site rev-parse "${1:-HEAD}"
}
# Settings are all written anew.
settings() {
	configure site push.mode=strict service.driver=none "$@"
}

created() {
	contains "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini" "mode = strict"
	[ "$(git -C "$repo" config --get-all receive.procReceiveRefs)" = refs ]
}
ok_when "project create --strict sets it up" created
settings

succeeds() {
	commit one
	strict_push hostkit HEAD:refs/heads/main
	contains said "success: site: "
	lacks said "rejected"
	holds refs/heads/main "$(head)"
	expect site last.status=succeeded last.id=1
	[ "$(hostkit --json deploy history site | grep -o '"id"' | wc -l)" = 1 ]
}
ok_when "a deployment that succeeds: git push succeeds and the ref has moved; it is deployed once" succeeds

fails() {
	head >good
	settings build.command=false
	commit two
	not strict_push hostkit HEAD:refs/heads/main
	contains said "error: site: build: 'false' exited with status 1"
	contains said "[remote rejected] HEAD -> main (deployment 2: failed, COMMAND_FAILED)"
	contains said "hint: the ref has not moved: the same push again deploys it again"
	holds refs/heads/main "$(cat good)"
	not strict_push hostkit HEAD:refs/heads/main
	contains said "(deployment 3: failed, COMMAND_FAILED)"
	settings
	strict_push hostkit HEAD:refs/heads/main
	holds refs/heads/main "$(head)"
	expect site last.status=succeeded last.id=4 "active.commit=$(head)"
}
ok_when "one that fails: git push fails, the ref stays, and the same commit deploys again" fails

refused() {
	hostkit pause site
	commit paused
	not strict_push hostkit HEAD:refs/heads/main
	contains said "(pre-receive hook declined)"
	hostkit resume site
	expect site last.id=4
}
ok_when "a refusal makes no deployment" refused

several() {
	git -C site tag v1
	strict_push hostkit HEAD:refs/heads/main v1 HEAD:refs/heads/wip
	contains said "branch 'main' was received, not deployed: one push makes one deployment"
	contains said "branch 'wip' was received, not deployed"
	[ "$(grep -c "was received" said)" = 2 ]
	expect site last.id=5 last.tag=v1
	holds refs/heads/main "$(head)"
	holds refs/heads/wip "$(head)"
	holds refs/tags/v1 "$(head v1)"
	commit three
	git -C site tag -a -m "annotated" v2
	settings build.command=false
	not strict_push hostkit HEAD:refs/heads/wip v2
	contains said "[remote rejected] v2 -> v2 (deployment 6: failed, COMMAND_FAILED)"
	holds refs/heads/wip "$(head)"
	holds refs/tags/v2 none
}
ok_when "of several refs only the one that was to deploy is rejected" several

atomic() {
	commit four
	not strict_push --atomic hostkit HEAD:refs/heads/wip HEAD:refs/heads/main
	contains said "rejected"
	holds refs/heads/wip "$(head HEAD~1)"
	holds refs/heads/main "$(head HEAD~2)"
	settings
	strict_push --atomic hostkit HEAD:refs/heads/wip HEAD:refs/heads/main
	holds refs/heads/wip "$(head)"
	holds refs/heads/main "$(head)"
	expect site last.status=succeeded
}
ok_when "with --atomic all of them are" atomic

options() {
	settings build.command=false
	commit five
	strict_push -o no-build -o "reason=to see" hostkit HEAD:refs/heads/main
	expect site last.status=succeeded stage.build=skipped "last.reason=to see"
	not strict_push -o nope hostkit HEAD:refs/heads/wip2
	contains said "unknown push option 'nope'"
	not strict_push -o dry-run hostkit HEAD:refs/deploy/now
	contains said "plan: the same commit as release "
	settings
}
ok_when "push options reach it" options

one_commit() {
	strict_push hostkit HEAD~1:refs/deploy/now
	expect site "active.commit=$(head HEAD~1)"
	holds refs/deploy/now none
	strict_push hostkit HEAD:refs/deploy/now
	settings build.command=false
	not strict_push hostkit HEAD~1:refs/deploy/now
	contains said "[remote rejected]"
	holds refs/deploy/now none
	settings
	strict_push hostkit HEAD~1:refs/deploy/now
	strict_push hostkit HEAD:refs/deploy/now
	expect site "active.commit=$(head)"
}
ok_when "a single commit can be deployed, again and again" one_commit

deletes() {
	fact site last.id >id
	strict_push hostkit :refs/heads/wip
	contains said "branch 'wip' was deleted; that deploys nothing"
	holds refs/heads/wip none
	expect site "last.id=$(cat id)"
}
ok_when "refs are deleted as ever" deletes

slow_settings() {
	settings "build.command=sh: while [ ! -e $T/go ]; do sleep 0.05; done"
	rm -f go
}

overtaken() { # the second of two pushes began from what the first has moved
	slow_settings
	git clone -q "vps:$repo" other
	commit mine
	git -C other commit -q --allow-empty -m "theirs"
	strict_push hostkit HEAD:refs/heads/main >/dev/null &
	wait_until 10 expect site running.status=running
	git -C other push origin HEAD:refs/heads/main >theirs 2>&1 &
	wait_until 10 grep -c "waiting for deployment" theirs
	touch go
	wait
	contains theirs "' has moved to "
	contains theirs "hint: git pull, and push again"
	contains theirs "SUPERSEDED)"
	holds refs/heads/main "$(head)"
	expect site "active.commit=$(head)" last.status=superseded
}
ok_when "a push that waited for another one of its ref is rejected, and what is live is what the ref has" overtaken

twice() { # the same commit from two clients
	slow_settings
	commit twice
	git -C other pull -q --no-rebase ../site HEAD
	git -C other reset -q --hard "$(head)"
	strict_push hostkit HEAD:refs/heads/main >/dev/null &
	wait_until 10 expect site running.status=running
	git -C other push origin HEAD:refs/heads/main >theirs 2>&1 &
	wait_until 10 grep -c "deploys this commit already" theirs
	touch go
	wait "$!"
	wait
	lacks theirs rejected
	lacks said rejected
	holds refs/heads/main "$(head)"
}
ok_when "two pushes of the same commit both succeed" twice

client_dies() {
	local pid

	slow_settings
	commit lost
	setsid git -C site push hostkit HEAD:refs/heads/main >/dev/null 2>&1 &
	pid=$!
	wait_until 10 expect site running.status=running
	kill -KILL -- "-$pid"
	touch go
	wait_until 20 expect site running=null "active.commit=$(head)"
	wait_until 10 holds refs/heads/main "$(head)"
	fact site last.id >id
	hostkit recover site
	expect site "last.id=$(cat id)"
}
ok_when "the ref follows the deployment of a client that died" client_dies

cancelled() {
	slow_settings
	commit cancelled
	strict_push hostkit HEAD:refs/heads/main >/dev/null &
	wait_until 10 expect site running.status=running
	hostkit deploy cancel site
	wait
	contains said "cancelled, CANCELLED)"
	holds refs/heads/main "$(head HEAD~1)"
	settings
	strict_push hostkit HEAD:refs/heads/main
}
ok_when "a cancelled deployment is a rejected push" cancelled

worker_dies() {
	slow_settings
	commit killed
	strict_push hostkit HEAD:refs/heads/main >/dev/null &
	wait_until 10 expect site running.status=running
	pkill -KILL -f "hostkit-worker $HOSTKIT_ROOT site "
	wait
	contains said "interrupted, INTERRUPTED)"
	holds refs/heads/main "$(head HEAD~1)"
	settings
	strict_push hostkit HEAD:refs/heads/main
	holds refs/heads/main "$(head)"
}
ok_when "so is one whose worker was killed" worker_dies

off_and_on() {
	configure site service.driver=none build.command=false
	[ -z "$(git -C "$repo" config receive.procReceiveRefs)" ]
	commit off
	strict_push hostkit HEAD:refs/heads/main
	holds refs/heads/main "$(head)"
	expect site last.status=failed
	# Edited by hand, with no command in between; and a comment of the administrator's.
	echo "	# procReceiveRefs is set by hostkit" >>"$repo/config"
	printf '[push]\nmode = strict\n' >>"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	commit on
	not strict_push hostkit HEAD:refs/heads/main
	contains said "error: the strict mode of 'site' has just been switched on"
	contains said "hint: push once more"
	not strict_push hostkit HEAD:refs/heads/main
	contains said "failed, COMMAND_FAILED)"
	holds refs/heads/main "$(head HEAD~1)"
	sed -i '/^.push/,$d' "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	strict_push hostkit HEAD:refs/heads/main
	holds refs/heads/main "$(head)"
	wait_until 10 not git -C "$repo" config receive.procReceiveRefs
}
ok_when "the repository follows the INI file, whoever edits it" off_and_on

old_git() {
	mkdir old
	printf '#!/bin/sh\necho git version 2.28.1\n' >old/git
	chmod +x old/git
	PATH=$T/old:$PATH hostkit project create other --strict >out 2>&1 && return 1
	contains out "error: the strict mode needs git 2.29 or later on the server, and this is 'git version 2.28.1'"
	[ ! -e "$HOSTKIT_ROOT/etc/hostkit/projects/other.ini" ]
	PATH=$T/old:$PATH hostkit config set site push.mode strict >out 2>&1 && return 1
	contains out "install a newer git, or set [push] mode = post-receive"
}
ok_when "a git that is too old is told of when it is configured" old_git

done_testing
