#!/bin/bash
#
# `project remove` under the root /: what goes, what stays, and that nothing else is touched.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "removing projects that are users of the machine"
not_in_quick_run
machine_require
machine_boot
machine_run hostkit project create neighbour >/dev/null

# Everything that could be a project's, with owners and modes; backups of the user database aside.
snapshot() {
	machine_run find /etc /home /var/lib/hostkit /run/systemd/system /usr/local /var/mail /var/spool \
		! -name 'passwd*' ! -name 'group*' ! -name 'shadow*' ! -name 'gshadow*' \
		! -name 'sub[ug]id*' ! -name .pwd.lock -printf '%p %M %u:%g %l\n' | sort
	machine_run getent passwd
	machine_run getent group
	machine_run getent shadow
	machine_run systemctl list-unit-files --no-legend --no-pager 'hostkit*' | sort
}

create() {
	machine_run hostkit project create site --port 3456 >/dev/null
}

# A process of the project's user, of which the number is in the file `planted`, as the machine
# counts. It is no child of nsenter's, which stops itself when its child is stopped, and then leaves
# a zombie that `kill -0` finds.
plant() {
	machine_run rm -f /home/site/planted
	machine_as site setsid --fork sh -c 'echo $$ >planted; exec sleep 1000 >/dev/null 2>&1'
	wait_until 10 machine_run test -s /home/site/planted
	machine_run cat /home/site/planted >planted
}

asked() {
	create
	snapshot >with
	echo no | machine_run hostkit project remove site 2>err || [ $? -eq 2 ]
	contains err "  settings /etc/hostkit/projects/site.ini"
	contains err "  unit /etc/systemd/system/hostkit-site.service"
	contains err "  polkit rule /etc/polkit-1/rules.d/60-hostkit-site.rules"
	contains err "this will stay:"
	contains err "  user site"
	contains err "  home /home/site"
	contains err "  state /var/lib/hostkit/site"
	contains err "nothing was removed"
	snapshot | diff with -
}
snapshot >without
ok_when "it says what goes and what stays, and asks" asked

removed() {
	plant
	echo keep | machine_as site tee data >/dev/null
	machine_run sh -c 'echo key >/home/site/.ssh/authorized_keys'
	machine_run hostkit project remove site --yes
	not machine_run test -e /etc/hostkit/projects/site.ini
	not machine_run test -e /etc/systemd/system/hostkit-site.service
	not machine_run test -e /etc/polkit-1/rules.d/60-hostkit-site.rules
	not machine_run test -e /home/site/.ssh/authorized_keys
	not machine_run systemctl cat hostkit-site.service
	[ "$(machine_run cat /home/site/data)" = keep ]
	machine_run test -e /var/lib/hostkit/site/ledger.db
	machine_run id site
	wait_until 10 not machine_run kill -0 "$(cat planted)"
}
ok_when "settings, unit, rights and keys go, with what runs; home, state and user stay" removed

again() {
	create
	[ "$(machine_run cat /home/site/data)" = keep ]
	machine_run hostkit doctor site >found
	not grep -E "^  (warn|FAIL) " found
}
ok_when "made again, it has them" again

purged() {
	plant
	machine_run install -d -m 700 /srv/safe
	machine_run touch /srv/safe/file
	machine_as site sh -c 'ln -s /srv/safe link; ln -s /etc/shadow shared/shadow; mkdir -m 0 closed; mkdir -p a/b/c'
	machine_run stat -c '%a %U' /srv/safe /etc/shadow >modes
	echo site | machine_run hostkit project remove site --purge 2>err
	contains err "  user site"
	lacks err "this will stay:"
	machine_run stat -c '%a %U' /srv/safe /etc/shadow | diff modes -
	machine_run test -e /srv/safe/file
	snapshot | diff without -
	wait_until 10 not machine_run kill -0 "$(cat planted)"
	machine_run pwck -r -q
	machine_run grpck -r
}
ok_when "a purge leaves nothing, and touches nothing else" purged

running() { # as systemd's service
	machine_run sh -euc 'mkdir -p /etc/hostkit/templates
		sed "s,^ExecStart=.*,ExecStart=/bin/sleep 1002," \
			/usr/local/share/hostkit/templates/hostkit.service >/etc/hostkit/templates/hostkit.service'
	create
	machine_run systemctl start hostkit-site.service
	machine_run systemctl show -p MainPID --value hostkit-site.service >main
	machine_run kill -0 "$(cat main)"
	machine_run hostkit project remove site --purge --yes
	wait_until 10 not machine_run kill -0 "$(cat main)"
	[ "$(machine_run systemctl show -p LoadState --value hostkit-site.service)" = not-found ]
	[ -z "$(machine_run systemctl list-units --all --no-legend 'hostkit-site*')" ]
	machine_run rm -r /etc/hostkit/templates
	snapshot | diff without -
}
ok_when "a service that runs is stopped, and systemd forgets it" running

left_over() {
	create
	machine_run hostkit project remove site --yes
	machine_run hostkit project remove site --yes 2>err || [ $? -eq 12 ]
	contains err "hostkit project remove site --purge"
	machine_run hostkit --json project remove site --purge --yes >answer
	contains answer '"success":true'
	snapshot | diff without -
	fails=0
	machine_run hostkit project remove site --purge --yes || fails=$?
	[ "$fails" = 12 ]
}
ok_when "a purge also takes what a removal has left" left_over

last() { # also the folders that all of them share
	machine_run hostkit project remove neighbour --purge --yes
	not machine_run test -e /etc/hostkit
	not machine_run test -e /var/lib/hostkit
	machine_run hostkit project create neighbour >/dev/null
}
ok_when "the last one takes the empty folders with it" last

foreign() { # what is not ours is not removed
	local status=0

	snapshot >with
	machine_run hostkit project remove dev --purge --yes 2>err || status=$?
	[ "$status" = 15 ]
	create
	machine_run usermod --comment "Ann" site
	status=0
	machine_run hostkit project remove site --purge --yes 2>err || status=$?
	[ "$status" = 15 ]
	machine_run id site
	machine_run test -e /home/site/repo.git
	machine_run usermod --comment "hostkit project site" site
	machine_run sed -i 1d /etc/systemd/system/hostkit-site.service
	status=0
	machine_run hostkit project remove site --purge --yes 2>err || status=$?
	[ "$status" = 15 ]
	machine_run test -e /etc/systemd/system/hostkit-site.service
	machine_run rm /etc/systemd/system/hostkit-site.service
	machine_run hostkit project remove site --purge --yes
	snapshot | diff with -
}
ok_when "users and units that are not ours stay" foreign

only_root() {
	local status=0 user

	create
	for user in dev site neighbour; do
		status=0
		machine_as "$user" hostkit project remove site --purge --yes 2>err || status=$?
		[ "$status" = 6 ]
		contains err "sudo hostkit project remove site --purge --yes"
	done
	machine_run hostkit project remove site --purge --yes
}
ok_when "only root removes" only_root

containers() { # a process with the same number in a container of root's is somebody else's
	local uid

	create
	uid=$(machine_run id -u site)
	machine_run sh -euc 'mkdir /run/box
		mount -t tmpfs tmpfs /run/box
		mkdir /run/box/usr
		mount --bind /usr /run/box/usr
		ln -s usr/bin usr/lib usr/lib64 /run/box/
		unshare --fork --pid --kill-child --root /run/box \
			setpriv --reuid "$1" --clear-groups sleep 1000 >/dev/null 2>&1 &
		echo $! >/run/outer' - "$uid"
	wait_until 10 machine_run pgrep -u site sleep
	machine_run hostkit project remove site --purge --yes
	machine_run pgrep -U "$uid" sleep
	machine_run sh -euc 'kill $(cat /run/outer); umount -R -l /run/box'
}
ok_when "what a container runs under the same number goes on" containers

hidden() { # while one in a namespace of the user's own is the user's
	create
	machine_as site unshare --user --fork --pid sleep 1001 &
	wait_until 10 machine_run pgrep -u site sleep
	machine_run hostkit project remove site --purge --yes
	not machine_run pgrep -f "sleep 1001"
}
if machine_as dev unshare --user --fork --pid true; then
	ok_when "a process in a namespace of the user's own is ended" hidden
else
	skip "a process in a namespace of the user's own is ended" "users make no namespaces here"
fi

killed() {
	local n=0 status=137

	while [ "$status" -ne 0 ]; do
		n=$((n + 1))
		create
		status=0
		machine_run env "HOSTKIT_FAILPOINT=remove_step@$n:kill" \
			hostkit project remove site --purge --yes || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 137 ]
		machine_run hostkit project remove site --purge --yes || [ $? -eq 12 ]
		snapshot | diff with -
	done
	[ "$n" -gt 9 ]
}
if HOSTKIT_FAILPOINT=create_step:fail hostkit project create point; then
	skip "a run that was killed is finished by the next" "built without failpoints"
else
	ok_when "a run that was killed behind any step is finished by the next" killed
fi

# The next project may get the number of this one's user, and with it what that has left.
leftovers() {
	create
	machine_as site sh -euc 'for dir in /tmp /var/tmp /dev/shm; do
			cp /bin/true "$dir/site.setuid"
			chmod 4755 "$dir/site.setuid"
			mkdir "$dir/site.dir"
			ln -s /etc "$dir/site.dir/link"
		done'
	machine_as dev sh -euc 'echo x >/tmp/dev.file; mkdir /tmp/dev.dir'
	machine_run sh -euc 'mkdir -p /var/spool/cron/crontabs
		echo "* * * * * true" >/var/spool/cron/crontabs/site
		chown site: /var/spool/cron/crontabs/site'
	machine_run id -u site >number
	machine_run hostkit project remove site --purge --yes
	machine_run find / -xdev -uid "$(cat number)" >found
	machine_run find /tmp /dev/shm -uid "$(cat number)" >>found
	cat found
	[ ! -s found ]
	machine_run test -d /etc -a -s /tmp/dev.file -a -d /tmp/dev.dir
	machine_run sh -c 'rm -r /tmp/dev.file /tmp/dev.dir; rmdir /var/spool/cron/crontabs 2>/dev/null || true'
}
ok_when "purged, its user leaves nothing to whoever gets the number next" leftovers

done_testing
