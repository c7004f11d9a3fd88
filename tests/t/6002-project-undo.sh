#!/bin/bash
#
# `project create` under the root /, failing and killed at every step: what it has made is undone, or
# completed by the next.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "projects under / that are not made to the end"
not_in_quick_run
machine_require
HOSTKIT_FAILPOINT=create_step:fail hostkit project create point &&
	skip_all "built without failpoints"
machine_boot

# Names that a project leaves, and accounts; backups of the user database aside.
snapshot() {
	machine_run find /etc /home /var/lib /run/systemd /usr/local \
		! -name 'passwd*' ! -name 'group*' ! -name 'shadow*' ! -name 'gshadow*' \
		! -name 'sub[ug]id*' ! -name .pwd.lock ! -path '/run/systemd/*/*:*' | sort
	machine_run getent passwd
	machine_run getent group
	machine_run getent shadow
}

fails_at() { # POINT TIMES [OPTION…]: at its first, second, … time, until a run gets through
	local n=0 status=1 point=$1 times=$2

	shift 2

	snapshot >before
	while [ "$status" -ne 0 ]; do
		n=$((n + 1))
		status=0
		machine_run env "HOSTKIT_FAILPOINT=$point@$n:fail" \
			hostkit project create site "$@" 2>err || status=$?
		[ "$status" -eq 0 ] || contains err "failpoint '$point'"
		lacks err "could not be undone"
		[ "$status" -eq 0 ] || snapshot | diff before -
	done
	[ "$n" -gt "$times" ]
	machine_run hostkit project remove site --purge --yes
	snapshot | diff before -
}
ok_when "a failure behind any step undoes all of them" fails_at create_step 8
ok_when "so does one in the machine's configuration" fails_at part_made 4
ok_when "also with a site" fails_at part_made 4 --domain site.example
ok_when "and with one that nginx serves itself" fails_at create_step 8 --domain site.example --runtime static

whole() {
	machine_run hostkit doctor site >found
	not grep -E "^  (warn|FAIL) " found
	[ "$(machine_run getent shadow site | cut -d: -f2)" = '*' ]
	machine_run pwck -r -q
	machine_run grpck -r
	[ "$(machine_run stat -c '%a %U:%G' /home/site)" = "750 site:site" ]
	[ "$(machine_run stat -c '%a %U:%G' /home/site/.ssh)" = "750 root:site" ]
	not machine_run test -e /etc/hostkit/projects/site.ini.new
}

killed_at() {
	local n=0 status=137

	while [ "$status" -ne 0 ]; do
		n=$((n + 1))
		status=0
		machine_run env "HOSTKIT_FAILPOINT=$1@$n:kill" \
			hostkit project create site || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 137 ]
		machine_run hostkit project create site || [ $? -eq 13 ]
		whole
		machine_run hostkit project remove site --purge --yes
	done
	[ "$n" -gt "$2" ]
}
ok_when "a run that was killed behind any step is completed by the next" killed_at create_step 8
ok_when "so is one that was killed in the machine's configuration" killed_at part_made 4

half_account() { # what a useradd that was killed leaves
	machine_run hostkit project create site
	machine_run hostkit project remove site --yes
	machine_run sed -i '/^site:/d' /etc/group /etc/gshadow /etc/shadow
	machine_run hostkit project create site
	whole
	[ "$(machine_run id -Gn site)" = site ]
	machine_run hostkit project remove site --purge --yes
	snapshot | diff before -
}
ok_when "an account without group and shadow entry is completed" half_account

occupied() { # without failpoints: what cannot be written
	local status=0

	snapshot >before
	machine_run mount -t tmpfs -o ro tmpfs /etc/polkit-1/rules.d
	machine_run hostkit project create site 2>err || status=$?
	machine_run umount /etc/polkit-1/rules.d
	[ "$status" = 6 ]
	contains err "the right to restart it: "
	snapshot | diff before -
	not machine_run systemctl cat hostkit-site.service
}
ok_when "a folder that cannot be written undoes all of it" occupied

no_systemctl() {
	local status=0

	machine_run hostkit project create site >/dev/null
	machine_run hostkit project remove site --purge --yes
	machine_run mount --bind /bin/false /usr/bin/systemctl
	machine_run hostkit project create site 2>err || status=$?
	machine_run umount /usr/bin/systemctl
	[ "$status" = 41 ]
	snapshot | diff before -
}
ok_when "so does a systemctl that fails" no_systemctl

kept_home() { # what was there before is not the run's to undo
	machine_run hostkit project create site
	machine_run hostkit project remove site --yes
	machine_as site sh -c 'echo kept >kept'
	snapshot >with
	machine_run env HOSTKIT_FAILPOINT=create_step@7:fail hostkit project create site && return 1
	snapshot | diff with -
	[ "$(machine_run cat /home/site/kept)" = kept ]
	machine_run hostkit project remove site --purge --yes
	snapshot | diff before -
}
ok_when "a home that was there before stays" kept_home

done_testing
