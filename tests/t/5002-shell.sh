#!/bin/bash
#
# hostkit shell, through a real sshd: what a key may do, and that it may do nothing else.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "hostkit shell"
not_in_quick_run
require_programs ssh ssh-keygen
new_project site
new_project other
configure site service.driver=none
configure other service.driver=none
home=$(home_of site)
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini
ssh-keygen -q -t ed25519 -N '' -C ann -f ann
hostkit key add site ann.pub
sshd_start
echo "AcceptEnv *" >>"$T/sshd/config"
sshd_keys "$home/.ssh/authorized_keys"
export GIT_SSH_COMMAND="ssh -F '$T/ssh_config' -i '$T/ann'"
echo hi >site/index.html
git -C site add -A
git -C site commit -q -m first

vps() {
	ssh -F "$T/ssh_config" -i "$T/ann" "$@"
}

pushes() {
	git -C site push -q "vps:$home/repo.git" HEAD:main >said 2>&1
	[ "$(git -C "$home/repo.git" rev-parse main)" = "$(git -C site rev-parse HEAD)" ]
	grep "success: site: " said
	expect site last.status=succeeded
}
ok_when "a push by the repository's path deploys" pushes

spellings() { # each names the one repository
	local url

	for url in vps:repo.git vps:site vps:site.git vps:/site ssh://vps/site.git ssh://vps/~/repo.git \
		"ssh://vps$home/repo.git/" ssh://vps/~site/repo.git; do
		git ls-remote "$url" refs/heads/main >found
		contains found "$(git -C site rev-parse HEAD)"
	done
	git clone -q ssh://vps/site cloned
	[ -f cloned/index.html ]
	git -c protocol.version=2 -C cloned fetch -q
}
ok_when "it is fetched from by each of its names" spellings

commands() {
	vps vps deploy status >shown
	contains shown "live     release"
	vps vps hostkit deploy history site >shown
	grep " by ann (SHA256:" shown
	vps vps hostkit --json deploy status >shown
	contains shown '"success":true'
	vps vps "env set 'GREETING=hello \$(id) ; world'"
	vps vps env get GREETING >shown
	[ "$(cat shown)" = 'hello $(id) ; world' ]
	vps vps env set "URL=x://h/d?a=b" >shown
	grep "^The service has it after: ssh $(id -un)@$(hostname) service restart site$" shown
	vps vps env get URL >shown
	[ "$(cat shown)" = "x://h/d?a=b" ]
	echo "A=from standard input" | vps vps env import -
	vps vps env get site A >shown
	[ "$(cat shown)" = "from standard input" ]
	vps vps help >shown
	grep "^usage: ssh $(id -un)@$(hostname) \[--json\] COMMAND" shown
	grep "^  deploy status NAME " shown
	lacks shown "project create"
	vps vps help deploy status >shown
	contains shown "usage: hostkit deploy status"
	vps vps deploy log 1 >shown
	contains shown "deployment 1 of branch 'main'"
}
ok_when "commands run, with the project's name or without" commands

exit_status_back() {
	local status=0

	vps vps deploy log 99 2>why || status=$?
	[ "$status" = 22 ]
	not hostkit deploy log site 99 2>here
	cmp why here
}
ok_when "its exit status and its error come back" exit_status_back

# refused TEXT COMMAND…: with the reason and what is possible, and nothing done.
refused() {
	local text=$1 status=0

	shift
	vps vps "$@" >shown 2>why </dev/null || status=$?
	[ "$status" = 38 ]
	[ ! -s shown ]
	contains why "error: "
	contains why "$text"
	grep "^hint: ." why
	[ ! -e "$T/proof" ]
}

possible() { # what is refused is told with what is not
	refused "$@"
	contains why "possible are git push and git fetch of 'site', and of hostkit: deploy, rollback, health"
}

smuggling() {
	possible "'--upload-pack=touch $T/proof' is an option" "git-receive-pack '--upload-pack=touch $T/proof'"
	possible "takes one word" "git-upload-pack --strict site"
	possible "is an option" "git-upload-pack -oProxyCommand=touch"
	possible "takes one word" "git-receive-pack -- site"
	possible "takes one word" "git-receive-pack a b"
	possible "takes one word" "git-receive-pack"
	possible "is not the repository" "git-receive-pack ''"
	possible "'' is not possible" "'' deploy"
	possible "'git-upload-archive' is not possible" "git-upload-archive site"
	possible "';' needs a shell" "deploy status site; touch $T/proof"
	possible "'&' needs a shell" "deploy status && touch $T/proof"
	possible "'|' needs a shell" "deploy status | touch $T/proof"
	possible "'\$' needs a shell" "deploy status \$(touch $T/proof)"
	possible "'\`' needs a shell" "deploy status \`touch $T/proof\`"
	possible "'>' needs a shell" "deploy status > $T/proof"
	possible "one line" "deploy status
touch $T/proof"
	possible "'sh' is not possible" "sh -c 'touch $T/proof'"
	possible "one line" "$(printf 'deploy \033[2J')"
	possible "is not UTF-8" "$(printf 'deploy \377')"
	possible "over 65536 bytes" "deploy $(printf 'x%.0s' {1..66000})"
}
ok_when "nothing is smuggled past it: options, more words, shell syntax, bytes" smuggling

others() {
	local repo

	repo=$(home_of other)/repo.git
	possible "is not the repository of 'site'" "git-upload-pack '$repo'"
	possible "is not the repository of 'site'" "git-upload-pack '$home/../other/repo.git'"
	ln -s "$repo" "$home/link.git"
	possible "is not the repository of 'site'" "git-receive-pack '$home/link.git'"
	possible "is not the repository of 'site'" "git-receive-pack '~/link.git'"
	possible "is not the repository of 'site'" "git-receive-pack other"
	refused "this key is for the project 'site', not for 'other'" "hostkit deploy other"
	refused "not for 'other'" "deploy status other"
	refused "not for 'other'" "env set other A=1"
	possible "--root is only possible on the machine itself" "hostkit --root $T deploy"
	possible "--source is only possible on the machine itself" "deploy --source $T"
	possible "only standard input" "env import $ini"
	possible "'project create' is not possible" "project create third"
	possible "'key add' is not possible" "key add site $T/ann.pub"
	possible "'config set' is not possible" "config set site push.mode strict"
	possible "'shell' is not possible" "shell --key ben"
	expect other last=null
}
ok_when "other projects, repositories, roots and files are out of reach" others

no_shell() { # what ssh asks for beside commands
	possible "there is no shell here"
	not vps -t -t vps >shown 2>why
	contains why "PTY allocation request failed"
	not sftp -F "$T/ssh_config" -i "$T/ann" -b /dev/null vps >shown 2>&1
	not scp -F "$T/ssh_config" -i "$T/ann" ann.pub "vps:$T/proof" >shown 2>&1
	not scp -O -F "$T/ssh_config" -i "$T/ann" ann.pub "vps:$T/proof" >shown 2>&1
	[ ! -e proof ]
}
ok_when "there is no interactive session, no sftp and no scp" no_shell

forwarding() { # sshd tells the client what its key has beside a command
	local port

	port=$(free_port)
	not timeout 20 ssh -v -F "$T/ssh_config" -i ann -W "127.0.0.1:$port" vps >shown 2>why
	contains why "open failed: administratively prohibited"
	not timeout 20 ssh -F "$T/ssh_config" -i ann -N -o ExitOnForwardFailure=yes \
		-R "$port:127.0.0.1:1" vps 2>why
	contains why "remote port forwarding failed"
	vps -v vps deploy status >shown 2>log
	grep -E "key options: command[[:space:]]*$" log
	not grep -E "key options: .*(forwarding|pty|user-rc)" log
}
ok_when "neither ports nor the agent nor X11 are forwarded" forwarding

environment() { # it is built from nothing
	printf '#!/bin/sh\nexport -p >&2\n' >"$home/repo.git/hooks/update"
	chmod +x "$home/repo.git/hooks/update"
	HOSTKIT_KEY=eve HOSTKIT_ROOT=$T/eve FOO=eve GIT_PROTOCOL='version=2; id' TERM='a eve' \
		HOSTKIT_DEBUG=1 vps -o 'SendEnv=*' vps deploy history >shown 2>why
	contains shown "by ann"
	lacks why debug
	HOSTKIT_KEY=eve FOO=eve TERM='a eve' HOSTKIT_DEBUG=1 \
		GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o 'SendEnv=*'" \
		git -C site push vps:site HEAD:refs/heads/side >said 2>&1
	rm "$home/repo.git/hooks/update"
	contains said "HOSTKIT_KEY='ann'"
	contains said "HOSTKIT_ROOT='$HOSTKIT_ROOT'"
	contains said "HOME='$home'"
	lacks said eve
	lacks said FOO
	lacks said HOSTKIT_DEBUG
	lacks said "TERM="
	lacks said SSH_
}
ok_when "what git runs in is made anew, whatever the client sends" environment

options() { # deploy's switches follow [push] allow, as push options do
	refused "the option 'override-ratelimit' is not allowed here" deploy --override-ratelimit
	contains why "[push] allow"
	configure site service.driver=none push.allow=override-ratelimit
	vps vps deploy --override-ratelimit
	expect site last.options='["override-ratelimit"]' last.trigger=cli last.pusher=ann
	refused "the option 'build' is not allowed here" deploy --build
}
ok_when "switches are those of [push] allow" options

list() { # [project] shell
	configure site service.driver=none "project.shell=deploy status, health"
	vps vps deploy status >shown
	refused "'deploy' is not possible with this key" deploy
	contains why "and of hostkit: deploy status, health"
	configure site service.driver=none "project.shell="
	refused "'deploy status' is not possible" deploy status
	contains why "possible are git push and git fetch of 'site'"
	git ls-remote vps:site >found
	contains found refs/heads/main
	configure site service.driver=none
}
ok_when "[project] shell says which commands there are" list

removed() {
	cp "$home/.ssh/authorized_keys" copy
	hostkit key remove site ann
	fails_at_login
}
fails_at_login() {
	local status=0

	vps vps deploy status 2>why || status=$?
	[ "$status" = 255 ]
	contains why "Permission denied"
}
ok_when "a key that was removed does not log in" removed

sshd_keys "$T/copy"
still_there() { # in a copy of its line
	refused "the key 'ann' is no longer known" deploy status
	not git ls-remote vps:site 2>why
	contains why "the key 'ann' is no longer known"
}
ok_when "nor does it by a line that was copied elsewhere" still_there

by_hand() { # what is no forced command
	not hostkit shell 2>why
	contains why "--key is missing"
	not hostkit shell --key ben --project site 2>why
	contains why "--project goes with --root"
	not hostkit shell --key "a b" --root "$HOSTKIT_ROOT" --project site 2>why
	contains why "cannot be the label of a key"
}
ok_when "without its options it says what is missing" by_hand

done_testing
