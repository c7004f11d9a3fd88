#!/bin/bash
#
# What root does for a project under the root / it does as the project's user: nothing of root's is
# left there, nothing is written through a link, and nobody else gets at it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "root becomes the project's user"
not_in_quick_run
machine_require
machine_boot
machine_run hostkit project create site --driver process >/dev/null
machine_run hostkit project create neighbour --driver process >/dev/null
machine_run hostkit ratelimit disable site >/dev/null
machine_run sh -c 'echo "[health]" >>/etc/hostkit/projects/site.ini; echo "enabled = no" >>/etc/hostkit/projects/site.ini'
machine_as site python3 -c 'import sqlite3; sqlite3.connect("shared/app.db").execute("CREATE TABLE t (a)")'
machine_run sh -c 'mkdir /srv/static && echo hi >/srv/static/index.html'
machine_as site sh -euc 'git init -q -b main work
	cd work
	git config user.name Ann
	git config user.email ann@example.org
	echo hi >index.html
	git add .
	git commit -qm first
	git remote add hostkit /home/site/repo.git'

pushed() {
	machine_as site git -C work push hostkit main 2>said
	contains said "is live"
	[ "$(machine_as site cat app/index.html)" = hi ]
	machine_run find /home/site /var/lib/hostkit/site ! -user site >others
	[ "$(cat others)" = /home/site/.ssh ]
}
ok_when "hook and worker run as the project's user" pushed

# Names with owners, of both folders.
owned_by_root() {
	machine_run find /home/site /var/lib/hostkit/site ! -path /home/site/.ssh \
		\( ! -user site -o ! -group site \)
}

every_command() { # of the help that has a NAME, with operands and options that do something
	local line

	cat >commands <<-'COMMANDS'
		project list
		project show site
		project apply site
		config show site
		config check site
		config set site push.mode strict
		config unset site push.mode
		config set site database.path shared/app.db
		config set site database.kind sqlite
		deploy site --no-restart
		deploy site --source /srv/static --no-restart
		deploy site --cleanup
		deploy status site
		deploy history site
		deploy log site
		deploy cancel site
		rollback site
		health site
		service status site
		service start site
		service restart site
		service stop site
		service logs site
		service logs site --clear
		env set site A=1
		env list site
		env get site A
		env unset site A
		env import site -
		deploy site --no-restart
		env diff site
		secrets set site TOKEN --stdin
		secrets list site
		secrets verify site
		secrets rotate site
		secrets unset site TOKEN
		checkpoint create site
		checkpoint list site
		checkpoint restore site 1 --yes
		checkpoint delete site 1
		ratelimit show site
		ratelimit enable site
		ratelimit set site --max 1000
		ratelimit reset site
		ratelimit disable site
		pause site
		resume site
		recover
		recover site
		doctor
		doctor site
	COMMANDS
	machine_run hostkit help | sed -n 's/^  \([a-z]*\( [a-z]*\)\{0,1\}\) .*NAME.*/\1/p' | sort -u >known
	[ "$(wc -l <known)" -ge 25 ]
	machine_run find /home/site /var/lib/hostkit/site >before
	while read -r line; do
		# shellcheck disable=SC2086 # words
		echo A=value | machine_run hostkit $line >out 2>err || echo "$? $line: $(cat err)"
		owned_by_root >roots
		[ ! -s roots ] || {
			echo "root's after $line:" >&2
			cat roots >&2
			return 1
		}
	done <commands >statuses
	cat statuses
	sed -n 's/^\([0-9]* .*\) site.*/\1/p' statuses | grep -E '^[0-9]' | sort -u >failed
	diff failed - <<-FAILED
		25 deploy cancel
		52 service logs
		7 health
	FAILED
}
ok_when "no command that root runs leaves a file of root's" every_command

all_tried() { # create and remove are others' tests; what other parts add is for them to try
	while read -r line; do
		case $line in
		"project create" | "project remove" | key* | run | shell | "secrets import") ;;
		*) grep -q "^$line " commands || echo "$line" ;;
		esac
	done <known >missing
	cat missing
	[ ! -s missing ]
}
ok_when "and that was every command with a project" all_tried

acts_as() {
	machine_run hostkit config set site build.command "sh: id -un; echo \$HOME"
	machine_run hostkit deploy site --no-restart >out 2>&1 || true
	machine_run hostkit deploy log site >said
	contains said "site"
	contains said "/home/site"
	lacks said "/root"
	machine_run hostkit config unset site build.command
}
ok_when "commands of a deployment that root starts run as the user" acts_as

no_ledger() { # doctor makes nothing, neither as root nor as the user
	machine_run hostkit project create fresh --driver process >/dev/null
	machine_run find /home/fresh /var/lib/hostkit/fresh -printf '%p %u %m\n' | sort >before
	machine_run hostkit doctor >out || true
	machine_run hostkit doctor fresh >out
	machine_run hostkit --json doctor fresh >answer
	machine_run find /home/fresh /var/lib/hostkit/fresh -printf '%p %u %m\n' | sort | diff before -
	contains answer '"name":"rights","status":"ok"'
	machine_run hostkit project remove fresh --purge --yes
}
ok_when "doctor as root makes nothing" no_ledger

recovers() { # all projects, each as its user
	machine_run hostkit recover >out
	contains out "site: nothing to recover"
	contains out "neighbour: nothing to recover"
	machine_run hostkit --json recover >answer
	contains answer '{"name":"site","busy":false,"notes":[]}'
	machine_as site git -C work commit -q --allow-empty -m dies
	machine_as site env HOSTKIT_FAILPOINT=release_filled:kill git -C work push hostkit main || true
	machine_run hostkit --json deploy status site >answer
	machine_run hostkit recover >out
	contains out "neighbour: nothing to recover"
	owned_by_root >roots
	[ ! -s roots ]
}
ok_when "recover goes through all projects" recovers
unit() {
	machine_run cp /usr/local/share/hostkit/templates/hostkit-recover.service \
		/usr/local/share/hostkit/templates/hostkit-recover.timer /etc/systemd/system/
	machine_run systemctl daemon-reload
	machine_run systemctl start hostkit-recover.service
	[ "$(machine_run systemctl show -p Result --value hostkit-recover.service)" = success ]
	owned_by_root >roots
	[ ! -s roots ]
}
ok_when "as does its unit" unit
one_broken() { # is told, and the others are recovered
	local status=0

	machine_run sh -c 'mv /home/neighbour/releases /home/neighbour/gone'
	machine_run hostkit recover >out 2>err || status=$?
	[ "$status" -ne 0 ]
	contains err "neighbour: "
	contains out "site: nothing to recover"
	machine_run sh -c 'mv /home/neighbour/gone /home/neighbour/releases'
}
ok_when "one that is broken does not keep it from the others" one_broken

links() { # planted by the user, in every place that root has something to do with
	machine_run sh -euc 'install -d -m 755 /srv/victim /srv/victim/dir
		echo victim >/srv/victim/file
		touch /srv/victim/dir/authorized_keys
		install -d -m 777 /srv/open'
	machine_run find /srv/victim -printf '%p %m %u:%g %s %T@\n' >before
	machine_as site sh -euc '
		rm -f .env; ln -s /srv/victim/file .env
		mv logs logs.old; ln -s /srv/victim/dir logs
		mv shared shared.old; ln -s /srv/victim/dir shared
		mv .ssh ssh.old; ln -s /srv/victim/dir .ssh
		mv repo.git/config config.old; ln -s /srv/victim/file repo.git/config
		mv /var/lib/hostkit/site/log log.old; ln -s /srv/victim/dir /var/lib/hostkit/site/log
		mv /var/lib/hostkit/site/lock lock.old; ln -s /srv/victim/file /var/lib/hostkit/site/lock'
	while read -r line; do
		# shellcheck disable=SC2086
		echo A=value | machine_run hostkit $line >>out 2>&1 || true
	done <commands
	machine_run hostkit project remove site --yes
	machine_run hostkit project create site && return 1
	machine_run find /srv/victim -printf '%p %m %u:%g %s %T@\n' | diff before -
	machine_run find /srv/open | diff - <(echo /srv/open)
	[ "$(machine_run cat /srv/victim/file)" = victim ]
}
ok_when "no link that the user has planted is written through" links
purged_links() {
	machine_run hostkit project remove site --purge --yes
	machine_run find /srv/victim -printf '%p %m %u:%g %s %T@\n' | diff before -
	not machine_run test -e /home/site
}
ok_when "nor removed by a purge" purged_links

refuses() { # STATUS TEXT COMMAND…
	local wanted=$1 text=$2 status=0

	shift 2
	"$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ]
	contains err "$text"
}

root_pushes() {
	machine_run hostkit project create site --driver process >/dev/null
	machine_run sh -euc 'rm -rf /root/work
		git init -q -b main /root/work
		cd /root/work
		git config user.name Root
		git config user.email root@example.org
		git commit -q --allow-empty -m root'
	not machine_run git -C /root/work -c safe.directory='*' push /home/site/repo.git main
	machine_run git config --global --add safe.directory '*'
	machine_run git -C /root/work push /home/site/repo.git main 2>said && return 1
	contains said "for the user 'site' to do"
	contains said "push to: ssh://site@vps/home/site/repo.git"
	owned_by_root >roots
	[ ! -s roots ]
}
ok_when "hooks refuse to run as root, and say how to push" root_pushes
worker() {
	refuses 6 "for the user 'site' to do" machine_run /usr/local/libexec/hostkit/hostkit-worker / site recover
	owned_by_root >roots
	[ ! -s roots ]
}
ok_when "so does the worker" worker

others() {
	refuses 6 "is for its user and for root" machine_as dev hostkit deploy status site
	contains err "hint: sudo hostkit deploy status site"
	refuses 6 "is for its user and for root" machine_as neighbour hostkit env list site
	refuses 6 "under the root / that is for root to do" machine_as site hostkit config set site project.port 1
	contains err "sudo hostkit config set site project.port 1"
	refuses 6 "for root to do" machine_as site hostkit ratelimit disable site
	refuses 12 "there is no project 'nowhere'" machine_as dev hostkit deploy status nowhere
}
ok_when "other users are refused, and told who may" others

own() {
	machine_as site hostkit deploy status site
	machine_as site hostkit env set site A=1
	machine_as site hostkit doctor site >out
	not grep -E "^  FAIL " out
	machine_as site hostkit recover >out
	contains out "site: "
	lacks out neighbour
	[ "$(machine_as site hostkit project list)" = site ]
	machine_as dev hostkit project list >out 2>&1
	lacks out site
	[ "$(machine_run hostkit project list | tr '\n' ' ')" = "neighbour site " ]
}
ok_when "the project's user sees and works on the own one" own

done_testing
