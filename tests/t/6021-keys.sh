#!/bin/bash
#
# Keys and hostkit shell on a machine: each project its own user, sshd as Debian has it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "keys on a machine"
not_in_quick_run
machine_require
machine_boot
# Clients may set the environment, see below.
machine_run bash -euc 'echo "AcceptEnv *" >/etc/ssh/sshd_config.d/all.conf; systemctl start ssh'

machine_run hostkit project create site --driver none
machine_run hostkit project create other --driver none
machine_run bash -euc 'ssh-keygen -q -t ed25519 -N "" -C ben -f /root/ben
	install -o dev -m 600 /root/ben /home/dev/.ssh/ben'
machine_as dev bash -euc 'git init -q work; cd work; echo hi >index.html; git add -A
	git commit -q -m first; git remote add hostkit vps:site'

fact_of() { # PATH: as the project's user sees it
	machine_as site hostkit --json deploy status site >"$T/.answer.json"
	look_up "$T/.answer.json" "$1"
}

adds() {
	local line

	machine_run cat /home/dev/.ssh/id_ed25519.pub >pub
	machine_run hostkit key add site - <pub
	[ "$(machine_run stat -c '%a %U:%G' /home/site/.ssh)" = "750 root:site" ]
	[ "$(machine_run stat -c '%a %U:%G' /home/site/.ssh/authorized_keys)" = "640 root:site" ]
	line="restrict,command=\"/usr/local/bin/hostkit shell --key ann@laptop\" $(cat pub)"
	[ "$(machine_run cat /home/site/.ssh/authorized_keys)" = "$line" ]
	machine_as site hostkit key list site >listed
	contains listed "ann@laptop"
}
ok_when "root adds a key, which the project's user can read" adds

pushes() {
	machine_as dev git -C work push site@vps:site HEAD:main >said 2>&1
	contains said " by ann@laptop"
	contains said "hostkit: key: SHA256:"
	contains said "success: site: "
	fact_of last.pusher=ann@laptop
	fact_of last.status=succeeded
	fact_of "last.key=$(machine_run ssh-keygen -l -f /home/dev/.ssh/id_ed25519.pub | cut -d' ' -f2)"
	machine_run find /home/site /var/lib/hostkit/site ! -user site ! -path '/home/site/.ssh*' >strange
	[ ! -s strange ]
}
ok_when "its owner pushes, as the project's user" pushes

commands() {
	machine_as dev ssh site@vps deploy status >shown
	contains shown "live     release"
	machine_as dev ssh site@vps env set A=1
	[ "$(machine_as dev ssh site@vps env get A)" = 1 ]
	machine_as dev git clone -q ssh://site@vps/~/repo.git cloned
}
ok_when "commands run and git fetches" commands

refused() { # TEXT COMMAND…
	local text=$1 status=0

	shift
	machine_as dev ssh site@vps "$@" >shown 2>why </dev/null || status=$?
	[ "$status" = 38 ]
	contains why "$text"
}

closed() {
	refused "'id' is not possible with this key" id
	refused "there is no shell here"
	refused "is not the repository of 'site'" "git-upload-pack '/home/other/repo.git'"
	refused "not for 'other'" deploy status other
	refused "is an option" "git-receive-pack '--upload-pack=id'"
	not machine_as dev ssh other@vps deploy status 2>why
	contains why "Permission denied"
}
ok_when "everything else is refused, and so is the login to another project" closed

not_the_users() { # the project's user adds no key
	not machine_as site sh -c 'echo x >>.ssh/authorized_keys'
	not machine_as site sh -c 'echo x >.ssh/more'
	not machine_as site hostkit key add site - <pub 2>why
	contains why "that is for root to do"
	not machine_as site hostkit key remove site ann@laptop 2>why
	contains why "that is for root to do"
	not machine_as other hostkit key list site 2>why
	not machine_run env SSH_ORIGINAL_COMMAND=deploy hostkit shell --key ann@laptop 2>why
	contains why "a project's keys are for its user, and this is root"
}
ok_when "the project's user changes no keys, and root has none" not_the_users

planted() { # what the user puts in the place of the folder
	machine_run cat /root/ben.pub >ben.pub
	machine_run mkdir -m 755 /etc/victim
	machine_as site sh -c 'mv .ssh .kept; ln -s /etc/victim .ssh'
	not machine_run hostkit key add site - <ben.pub 2>why
	contains why "it has to be a folder, and no link"
	machine_as site sh -c 'rm .ssh; mkdir .ssh; ln -s /etc/victim/file .ssh/authorized_keys'
	not machine_run hostkit key add site - <ben.pub 2>why
	contains why "'/home/site/.ssh' is not root's"
	[ -z "$(machine_run ls /etc/victim)" ]
	machine_as site hostkit doctor site >words || true
	grep -E "^  FAIL +keys +'/home/site/.ssh' is not root's" words
	machine_as site sh -c 'rm -r .ssh; mv .kept .ssh'
	machine_as site hostkit doctor site >words || true
	grep -E "^  ok +keys +1, in /home/site/.ssh/authorized_keys" words
	lacks words "not of 'site'"
}
ok_when "root writes through no link of the user's, and into no folder of theirs" planted

roots() { # a client that may set the environment gains no other root
	machine_as site bash -euc 'mkdir -p evil/etc/hostkit/projects evil/home/site'
	machine_as dev env HOSTKIT_ROOT=/home/site/evil ssh -o 'SendEnv=*' site@vps project show >shown
	contains shown "home        /home/site"
	lacks shown evil
}
ok_when "HOSTKIT_ROOT is not looked at" roots

removed() {
	machine_run hostkit key add site - <ben.pub
	machine_as dev ssh -o IdentitiesOnly=yes -i .ssh/ben site@vps deploy history >shown
	machine_run hostkit key remove site ann@laptop
	not machine_as dev ssh -o IdentitiesOnly=yes -i .ssh/id_ed25519 site@vps deploy history 2>why
	contains why "Permission denied"
	machine_as dev ssh -o IdentitiesOnly=yes -i .ssh/ben site@vps deploy history >shown
	contains shown "by ann@laptop (SHA256:"
	[ "$(machine_run stat -c '%a %U:%G' /home/site/.ssh/authorized_keys)" = "640 root:site" ]
}
ok_when "a key that root removes gets in no more; what it pushed is still told" removed

machine_stop
done_testing
