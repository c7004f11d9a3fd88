#!/bin/bash
#
# hostkit doctor, for projects under the root /: what is not as it was made is found, and what it says
# mends it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "doctor, of projects that are users of the machine"
not_in_quick_run
machine_require
machine_boot
machine_run hostkit project create site >/dev/null

all_well() {
	machine_run hostkit doctor site >found
	not grep -E "^  (warn|FAIL) " found
	for check in user modes unit rights enabled site; do
		grep -E "^  ok +$check " found >/dev/null
	done
	machine_as site hostkit doctor site >found
	not grep -E "^  (warn|FAIL) " found
	contains found "only root sees the polkit rule"
}
ok_when "a project that was just made is well, for root and for its user" all_well

finds() { # STATUS CHECK TEXT; the hint goes to the file `hint`
	local status=0 wanted=0 word=$1

	[ "$1" != fail ] || wanted=60
	[ "$1" != fail ] || word=FAIL
	machine_run hostkit doctor site >found || status=$?
	[ "$status" = "$wanted" ]
	grep -F -A1 -e "$3" found >lines
	grep -E "^  $word +$2 " lines
	sed -n 's/^        hint: //p' lines | head -n 1 >hint
	[ -s hint ]
}

# Breaks it by a command, finds it, does what the hint says, and is well again.
mends() { # COMMAND STATUS CHECK TEXT
	machine_run sh -euc "$1"
	finds "$2" "$3" "$4"
	machine_run sh -euc "$(cat hint)"
	all_well
}
ok_when "the mode of the home" mends 'chmod 755 /home/site' fail modes "'/home/site' has the mode 755 instead of 750"
ok_when "the owner of the repository" mends 'chown root /home/site/repo.git' fail modes "'/home/site/repo.git' is not of the project's user"
ok_when "the mode of the repository" mends 'chmod 755 /home/site/repo.git' fail modes "'/home/site/repo.git' has the mode 755"
ok_when "the owner of .ssh" mends 'chown site /home/site/.ssh' fail modes "'/home/site/.ssh' is not of root"
# What a hint names may be a link of the user's by the time that root does what it says.
planted() {
	machine_run sh -euc 'install -m 600 /dev/null /srv/secret; chmod 700 /home/site/releases'
	finds fail modes "'/home/site/releases' has the mode 700"
	machine_as site sh -c 'mv releases kept; ln -s /srv/secret releases'
	machine_run sh -euc "$(cat hint)" || true
	[ "$(machine_run stat -c %a /srv/secret)" = 600 ]
	machine_as site sh -c 'rm releases; mv kept releases; chmod 755 releases'
	machine_as site sh -euc 'rm -rf .ssh.old; mkdir -m 700 .ssh; echo key >.ssh/authorized_keys; ln -s /srv .ssh.old'
	finds fail modes "'/home/site/.ssh' is not of root"
	machine_run sh -euc "$(cat hint)" || true
	machine_run test ! -e /srv/.ssh
	[ "$(machine_run stat -c %U /home/site/.ssh)" = site ]
	machine_as site sh -euc 'rm -r .ssh .ssh.old'
	all_well
}
ok_when "what it tells root to do follows no link that the user puts there meanwhile" planted
ok_when "the mode of the settings" mends 'chmod 644 /etc/hostkit/projects/site.ini' fail modes "has the mode 644 instead of 640"
ok_when "the group of the settings" mends 'chgrp root /etc/hostkit/projects/site.ini' fail modes "is not of root and the group 'site'"
ok_when "the mode of the state" mends 'chmod 751 /var/lib/hostkit/site' fail modes "has the mode 751 instead of 750"
ok_when "a unit that is missing" mends 'rm /etc/systemd/system/hostkit-site.service' fail unit "there is no unit"
ok_when "a unit that is somebody else's" mends 'echo "[Unit]" >/etc/systemd/system/hostkit-site.service' fail unit "is not hostkit's"
ok_when "a rule that is missing" mends 'rm /etc/polkit-1/rules.d/60-hostkit-site.rules' fail rights "there is no polkit rule"

by_hand() { # an administrator's change is nobody else's to take back
	local unit=/etc/systemd/system/hostkit-site.service

	machine_run sh -euc "echo '# x' >>$unit"
	machine_run hostkit doctor site >found
	grep -E "^  ok +unit +$unit, which was changed by hand" found
	machine_run hostkit project apply site >applied 2>&1
	contains applied "'$unit' was changed by hand and is left as it is"
	machine_run tail -n 1 "$unit" >last
	contains last "# x"
	machine_run sh -euc "$(sed -n 's/.*to make it anew: //p' applied)"
	machine_run cat "$unit" >now
	lacks now "# x"
	all_well
}
ok_when "a unit that was changed by hand is left as it is, until it is removed" by_hand

ok_when "a shell that runs no command" mends 'usermod --shell /usr/sbin/nologin site' fail user "sshd cannot run"
ok_when "a home that is elsewhere in passwd" mends 'usermod --home /nowhere site' fail user "the home of the user 'site' is '/nowhere'"
other_port() { # which the template that is installed does not have
	machine_run sh -euc 'mkdir -p /etc/hostkit/templates
		sed "\$a# {{port}}" /usr/local/share/hostkit/templates/hostkit.service >/etc/hostkit/templates/hostkit.service'
	mends true warn unit "is not as template and settings say"
	mends 'sed -i "s/^port = .*/port = 4567/" /etc/hostkit/projects/site.ini' warn unit "is not as template"
}
ok_when "a unit that is older than settings or template" other_port

no_user() {
	machine_run userdel site
	finds fail user "the project's user 'site' is missing"
	contains hint "hostkit project remove site && hostkit project create site"
	not machine_run hostkit deploy status site 2>err
	contains err "hint: see: hostkit doctor site"
}
ok_when "a user that is missing" no_user
mends_user() { # with the number that the files have
	uid=$(machine_run stat -c %u /home/site)
	machine_run sh -euc "$(sed 's/remove site/& --yes/' hint)"
	[ "$(machine_run id -u site)" = "$uid" ]
	machine_run hostkit deploy status site
	# The group may have another number than before, which doctor mends.
	for _ in 1 2 3 4 5 6; do
		machine_run hostkit doctor site >found || true
		sed -n 's/^        hint: //p' found | head -n 1 >hint
		machine_run sh -euc "$(cat hint)"
	done
	all_well
	machine_run userdel site
}
ok_when "and what it says brings it back" mends_user

foreign_user() {
	machine_run useradd --home-dir /home/site --shell /bin/sh site
	finds fail user "there is a user 'site' that is not hostkit's"
}
ok_when "a user who is somebody else" foreign_user

done_testing
