#!/bin/bash
#
# `project create` under the root /: what it makes, exactly, and what it refuses.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "projects that are users of the machine"
not_in_quick_run
machine_require
machine_boot

made() {
	machine_run hostkit project create site --port 3456 --domain www.example.org >said
	[ "$(machine_run getent passwd site | cut -d: -f1,5-)" = "site:hostkit project site:/home/site:/bin/sh" ]
	[ "$(machine_run getent shadow site | cut -d: -f2)" = '*' ]
	[ "$(machine_run id -Gn site)" = site ]
	[ "$(machine_run id -u site)" -lt 1000 ]
}
ok_when "a project is a system account of its name" made

modes() {
	machine_run stat -c '%a %U:%G %n' /etc/hostkit /etc/hostkit/projects \
		/etc/hostkit/projects/site.ini /var/lib/hostkit /var/lib/hostkit/site \
		/var/lib/hostkit/site/ledger.db /var/lib/hostkit/site/log /home/site /home/site/.ssh \
		/home/site/repo.git /home/site/releases /home/site/shared /home/site/logs \
		/etc/systemd/system/hostkit-site.service /etc/polkit-1/rules.d/60-hostkit-site.rules >modes
	diff - modes <<-MODES
		755 root:root /etc/hostkit
		711 root:root /etc/hostkit/projects
		640 root:site /etc/hostkit/projects/site.ini
		711 root:root /var/lib/hostkit
		750 site:site /var/lib/hostkit/site
		600 site:site /var/lib/hostkit/site/ledger.db
		750 site:site /var/lib/hostkit/site/log
		750 site:site /home/site
		750 root:site /home/site/.ssh
		700 site:site /home/site/repo.git
		755 site:site /home/site/releases
		750 site:site /home/site/shared
		750 site:site /home/site/logs
		644 root:root /etc/systemd/system/hostkit-site.service
		644 root:root /etc/polkit-1/rules.d/60-hostkit-site.rules
	MODES
	machine_run find /home/site /var/lib/hostkit/site -user root >roots
	[ "$(cat roots)" = /home/site/.ssh ]
}
ok_when "owners and modes are exactly these" modes

loose_mask() { # that of whoever calls does not matter
	machine_run sh -c 'umask 077 && hostkit project create masked'
	machine_run stat -c '%a' /home/masked /home/masked/releases /etc/systemd/system/hostkit-masked.service \
		/etc/hostkit/projects/masked.ini >modes
	[ "$(tr '\n' ' ' <modes)" = "750 755 644 640 " ]
	machine_run hostkit project remove masked --purge --yes
}
ok_when "whatever the umask" loose_mask

unit() {
	machine_run systemctl cat hostkit-site.service >unit
	contains unit "User=site"
	contains unit "ExecStart=/usr/local/bin/hostkit run site"
	lacks unit "{{"
	[ "$(machine_run systemctl show -p LoadState --value hostkit-site.service)" = loaded ]
	[ "$(machine_run systemctl show -p NeedDaemonReload --value hostkit-site.service)" = no ]
	machine_run systemd-analyze --man=no verify hostkit-site.service 2>&1 | grep hostkit-site >problems || true
	[ ! -s problems ]
}
ok_when "systemd knows its unit" unit
enabled() { # by the driver
	machine_run hostkit config set site service.driver none
	machine_run systemctl is-enabled hostkit-site.service >state || true
	[ "$(cat state)" = disabled ]
	machine_run hostkit config unset site service.driver
	driver=$(machine_run hostkit --json project show site | sed 's/.*"driver":"\([a-z]*\)".*/\1/')
	machine_run systemctl is-enabled hostkit-site.service >state || true
	[ "$driver" != systemd ] || [ "$(cat state)" = enabled ]
}
ok_when "it starts with the machine where systemd runs the service" enabled

printed() {
	contains said "project site is ready, with port 3456"
	contains said "settings: /etc/hostkit/projects/site.ini"
	contains said "ssh://site@vps/home/site/repo.git"
	lacks said "on this machine"
}
ok_when "it says how to push to it" printed
settings() {
	machine_run cat /etc/hostkit/projects/site.ini >ini
	contains ini "port = 3456"
	contains ini "domain = www.example.org"
	machine_run hostkit config check site
	machine_as site hostkit config check site
}
ok_when "the options are in its INI file" settings
fails_with 10 "a domain that is none is refused" machine_run hostkit project create other --domain 'a b;c'

fails_with 13 "a second one of the name is refused" machine_run hostkit project create site

refuses() { # STATUS TEXT COMMAND…: it fails so, says so, and makes nothing
	local wanted=$1 text=$2 status=0

	shift 2
	machine_run find /etc /home /var/lib >before
	machine_run "$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ]
	contains err "$text"
	machine_run find /etc /home /var/lib | diff before -
}
taken() {
	refuses 15 "there is a user 'dev' that is not hostkit's" hostkit project create dev
	refuses 15 "there is a user 'daemon' that is not hostkit's" hostkit project create daemon
	machine_run groupadd crowd
	refuses 15 "there is a group 'crowd' that is not hostkit's" hostkit project create crowd
	machine_run sh -c 'echo "[Service]" >/etc/systemd/system/hostkit-foreign.service'
	refuses 15 "hostkit-foreign.service' that is not hostkit's" hostkit project create foreign
	machine_run sh -c 'mkdir -p /run/systemd/system && echo "[Service]" >/run/systemd/system/hostkit-passing.service'
	refuses 15 "hostkit-passing.service' that is not hostkit's" hostkit project create passing
	machine_run sh -c 'ln -s /dev/null /etc/systemd/system/hostkit-masked.service'
	refuses 15 "hostkit-masked.service' that is not hostkit's" hostkit project create masked
	machine_run sh -c 'echo >/etc/polkit-1/rules.d/60-hostkit-ruled.rules'
	refuses 15 "60-hostkit-ruled.rules' that is not hostkit's" hostkit project create ruled
	machine_run install -d -o dev /home/house
	machine_run touch /home/house/file
	refuses 15 "'/home/house' is there already" hostkit project create house
	not machine_run getent passwd house
	machine_run install -d -o dev /home/empty
	refuses 15 "'/home/empty' is there already" hostkit project create empty
}
ok_when "users, groups, units, rules and homes of others are not taken" taken

not_root() {
	local status=0

	machine_as dev hostkit project create other --port 80 --strict 2>err || status=$?
	[ "$status" = 6 ]
	contains err "sudo hostkit project create other --port 80 --strict"
	status=0
	machine_as site hostkit project create other 2>err || status=$?
	[ "$status" = 6 ]
}
ok_when "only root makes one" not_root

at_once() { # side by side; each has its own port, and passwd is whole
	local n

	for n in 1 2 3 4 5; do
		machine_run hostkit project create "beside-$n" >"said-$n" 2>&1 &
	done
	wait
	machine_run sh -c 'cat /etc/hostkit/projects/beside-*.ini' | grep '^port' >ports
	[ "$(wc -l <ports)" = 5 ]
	[ -z "$(sort ports | uniq -d)" ]
	for n in 1 2 3 4 5; do
		machine_run hostkit doctor "beside-$n" >found
		not grep -E "^  (warn|FAIL) " found
	done
	machine_run pwck -r -q
	machine_run grpck -r
}
ok_when "several can be made at once" at_once

own_template() {
	machine_run sh -c 'mkdir -p /etc/hostkit/templates && {
		cat /usr/local/share/hostkit/templates/hostkit.service
		echo "# of {{name}} at {{port}}"; } >/etc/hostkit/templates/hostkit.service'
	machine_run hostkit project apply site >out
	contains out "site is applied"
	machine_run systemctl cat hostkit-site.service >unit
	contains unit "# of site at 3456"
	[ "$(machine_run systemctl show -p NeedDaemonReload --value hostkit-site.service)" = no ]
	machine_run hostkit project apply site >out
	contains out "site is as it should be"
}
ok_when "an administrator's template wins, and is applied" own_template
follows() { # what is set with config set is applied at once
	machine_run hostkit config set site project.port 3457
	machine_run systemctl cat hostkit-site.service >unit
	contains unit "# of site at 3457"
	[ "$(machine_run stat -c '%a %U:%G' /etc/hostkit/projects/site.ini)" = "640 root:site" ]
}
ok_when "the unit follows config set" follows
bad_template() {
	local status=0

	machine_run cat /etc/systemd/system/hostkit-site.service >before
	machine_run sh -c 'echo "{{nonsense}}" >>/etc/hostkit/templates/hostkit.service'
	machine_run hostkit project apply site 2>err || status=$?
	[ "$status" = 10 ]
	contains err "/etc/hostkit/templates/hostkit.service:"
	contains err "there is no placeholder '{{nonsense}}'"
	machine_run cat /etc/systemd/system/hostkit-site.service | diff before -
	refuses 10 "there is no placeholder '{{nonsense}}'" hostkit project create other
	not machine_run getent passwd other
	machine_run chmod o+w /etc/hostkit/templates/hostkit.service
	refuses 6 "others than root could have written" hostkit project create other
	machine_run rm /etc/hostkit/templates/hostkit.service
	machine_run hostkit project apply site
}
ok_when "one with a mistake is told with its line, and changes nothing" bad_template

isolated() { # of two users
	local other=beside-1 path

	for path in /etc/hostkit/projects/$other.ini /var/lib/hostkit/$other /home/$other \
		/home/$other/repo.git/HEAD /var/lib/hostkit/$other/ledger.db /etc/hostkit/projects; do
		not machine_as site ls "$path/" 2>/dev/null
		not machine_as site cat "$path" 2>/dev/null
	done
	machine_as site cat /etc/hostkit/projects/site.ini >/dev/null
	not machine_as site sh -c 'echo >>/etc/hostkit/projects/site.ini'
	not machine_as site sh -c 'echo >>/etc/systemd/system/hostkit-site.service'
	not machine_as site sh -c 'echo >/home/site/.ssh/authorized_keys'
}
ok_when "a project's user sees and changes nothing of another, nor its own settings" isolated

done_testing
