#!/bin/bash
#
# The machine that other tests boot: machine.sh.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "a machine of the test's own"
machine_require
machine_boot

first_is_systemd() {
	[ "$(machine_run cat /proc/1/comm)" = systemd ]
	machine_run systemctl list-units --failed --no-legend >failed
	[ ! -s failed ]
}
ok_when "its first process is systemd, and no unit has failed" first_is_systemd

ok_when "hostkit is installed in it" machine_run hostkit --version

as_dev() {
	[ "$(machine_as dev id -un)" = dev ]
	[ "$(machine_as dev pwd)" = /home/dev ]
	not machine_as dev touch /etc/x
}
ok_when "a command can be run as another user" as_dev

services_start() {
	machine_run systemctl start ssh.service nginx.service polkit.service
	machine_run systemctl is-active ssh.service nginx.service polkit.service
	machine_run bash -c 'install -d -m 700 /root/.ssh && cp /home/dev/.ssh/id_ed25519.pub /root/.ssh/authorized_keys'
	[ "$(machine_as dev ssh root@vps hostname)" = vps ]
}
ok_when "sshd, nginx and polkit run in it, and its developer can log in" services_start

outside() {
	# The file is in the upper layer, and the key is of no use here.
	[ ! -e /root/.ssh/authorized_keys ] || not grep -q ann@laptop /root/.ssh/authorized_keys
	not machine_run ip route get 192.0.2.1
}
ok_when "nothing of it reaches this machine" outside

survives() {
	machine_run bash -c 'echo kept >/var/lib/kept; echo lost >/run/lost; systemd-run --unit stays sleep 1000'
	machine_reboot
	[ "$(machine_run cat /var/lib/kept)" = kept ]
	not machine_run ls /run/lost
	not machine_run pgrep -x sleep
}
ok_when "what is on its disk survives a reboot, and what ran does not" survives

machine_stop
nothing_left() {
	local dir

	for dir in "${machine_cgroups[@]}"; do
		[ ! -e "$dir" ]
	done
	not grep -F "$T" /proc/mounts
}
ok_when "nothing is left of it" nothing_left

done_testing
