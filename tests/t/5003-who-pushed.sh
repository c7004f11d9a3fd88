#!/bin/bash
#
# Who pushed: the label and fingerprint of the ssh key, in the output, the ledger, the environment and
# the history.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "who pushed"
not_in_quick_run
require_programs ssh ssh-keygen sqlite3 pgrep
new_project site
home=$(home_of site)
for name in ann ben; do
	ssh-keygen -q -t ed25519 -N '' -C "$name" -f "$name"
	hostkit key add site "$name.pub"
done
sshd_start
sshd_keys "$home/.ssh/authorized_keys"
fifos begun go

key_of() {
	ssh-keygen -l -f "$1.pub" | cut -d' ' -f2
}

# as NAME COMMAND…: with that key.
as() {
	local name=$1

	shift
	GIT_SSH_COMMAND="ssh -F '$T/ssh_config' -i '$T/$name'" "$@"
}

vps() {
	local name=$1

	shift
	ssh -F "$T/ssh_config" -i "$T/$name" vps "$@"
}

commit() {
	git -C site add -A
	git -C site commit -q --allow-empty -m "a change"
}

builds() { # COMMAND: what the next push builds with
	configure site service.driver=none "build.command=sh: $1"
	commit
}

push_as() {
	as "$1" git -C site push vps:site HEAD:main 2>&1 | as_seen >"$T/said"
}

short() {
	key_of "$1" | cut -c1-16
}

pushes() {
	local name

	echo hi >site/index.html
	for name in ann ben; do
		builds "env >$T/outside/seen"
		push_as "$name"
		grep "^hostkit: site: deployment .* of branch 'main' at [0-9a-f]* by $name$" said
		shows "hostkit: key: $(key_of "$name")"
		expect site last.status=succeeded last.pusher="$name" last.key="$(key_of "$name")"
		grep -x "HOSTKIT_PUSHER=$name" outside/seen
		grep -x "HOSTKIT_PUSHER_KEY=$(key_of "$name")" outside/seen
	done
	hostkit deploy history site >lines
	sed -n 1p lines | grep -F "main by ben ($(short ben)…)"
	sed -n 2p lines | grep -F "main by ann ($(short ann)…)"
	hostkit deploy log site 1 >shown
	contains shown "key: $(key_of ann)"
	sqlite3 "$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" \
		"SELECT pusher, pusher_key FROM deployment ORDER BY id" >rows
	[ "$(cat rows)" = "ann|$(key_of ann)
ben|$(key_of ben)" ]
}
ok_when "two keys push: output, environment, ledger and history show which" pushes

on_the_machine() { # no key then
	builds "env >$T/outside/seen"
	push_ref site HEAD:main
	grep "of branch 'main' at [0-9a-f]* by $(id -un)$" said
	expect site last.pusher="$(id -un)" last.key=null
	not grep HOSTKIT_PUSHER_KEY outside/seen
	HOSTKIT_KEY=eve hostkit deploy site
	expect site last.pusher="$(id -un)" last.key=null
	HOSTKIT_KEY=eve HOSTKIT_KEY_FINGERPRINT="SHA256:; id" hostkit deploy site
	expect site last.pusher="$(id -un)" last.key=null
}
ok_when "on the machine it is the account, without a key" on_the_machine

# A hint names what can be typed where it is read.
hints() {
	local over

	over="ssh $(id -un)@$(hostname)"
	builds "exit 1"
	push_as ann
	grep "^hint: .*: $over env set site KEY=VALUE" said
	grep "^hint: to try .* again: git push hostkit " said
	commit
	push site
	grep "^hint: .*: hostkit env set site KEY=VALUE" said
	hostkit pause site
	commit
	not push_as ann
	grep "^hint: to go on: $over resume site$" said
	not vps ann deploy site 2>why
	grep "^hint: .*$over resume site" why
	configure site service.driver=none project.shell=deploy
	not vps ann deploy site 2>why
	grep "^hint: .*hostkit resume site" why
	configure site service.driver=none
	hostkit resume site
}
ok_when "hints name the commands as the key's holder has to type them" hints

strict() {
	configure site service.driver=none push.mode=strict
	hostkit config check site
	hostkit deploy status site
	commit
	push_as ben
	expect site last.status=succeeded last.pusher=ben last.key="$(key_of ben)"
	configure site service.driver=none
	hostkit deploy status site
}
ok_when "a strict push too" strict

commands() {
	vps ann deploy >said
	expect site last.trigger=cli last.pusher=ann last.key="$(key_of ann)"
	vps ben rollback >said
	contains said "hostkit: key: $(key_of ben)"
	expect site last.trigger=rollback last.pusher=ben last.key="$(key_of ben)"
	vps ben pause --reason holidays
	expect site paused.by=ben
	vps ann resume
}
ok_when "deploy, rollback and pause over ssh" commands

# Limits for when the test fails, so that nobody waits for ever.
hear() {
	timeout 20 cat "$1"
}

tell() {
	timeout 20 sh -c "echo >'$1'"
}

cancels() {
	builds "echo >$T/begun; cat $T/go"
	push_as ann &
	hear begun
	vps ben deploy cancel
	wait
	expect site last.status=cancelled last.pusher=ann last.cancelled_by=ben
	hostkit deploy status site >shown
	grep ", by ben$" shown
}
ok_when "who cancelled is told beside who pushed" cancels

waits() { # another one's turn
	builds "echo >$T/begun; cat $T/go"
	push_as ann &
	hear begun
	commit
	as ben git -C site push vps:site HEAD:main >second 2>&1 &
	wait_until 20 grep -F " by ann" second
	tell go
	hear begun
	tell go
	wait
	expect site last.pusher=ben
}
ok_when "who waits is told for whom" waits

client_dies() { # in the middle of its push: the deployment ends, and has the key
	local client pid

	builds "echo >$T/begun; cat $T/go"
	as ann git -C site push vps:site HEAD:main >/dev/null 2>&1 &
	client=$!
	hear begun
	for pid in $(descendants "$client") "$client"; do
		# One of them may end by itself as soon as the one before it has.
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait_until 20 not pgrep -f "git-receive-pack $home/repo.git"
	tell go
	wait_until 20 expect site running=null
	expect site last.status=succeeded last.pusher=ann last.key="$(key_of ann)"
}
ok_when "a client that dies in its push leaves a deployment with its key; receive-pack ends" client_dies

done_testing
