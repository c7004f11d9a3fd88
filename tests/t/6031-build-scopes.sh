#!/bin/bash
#
# Builds under a real systemd: scopes with limits for root, what is left of them for others, and no way
# to have systemd start anything.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"

test_begin "builds in scopes of systemd"
machine_require
not_in_quick_run
machine_boot

# Inside, a private root of root's and one of a user's; the latter's home is hidden from its builds.
in_root() { machine_run env HOSTKIT_ROOT=/srv/hostkit "$@"; }
in_user() { machine_as dev env HOSTKIT_ROOT=/home/dev/hostkit "$@"; }

# What the groups of a process have as their limits, in either version.
limits=$T/limits.sh
cat >"$limits" <<'SCRIPT'
cat /proc/self/cgroup
for knob in memory:memory.limit_in_bytes memory:memory.max pids:pids.max cpu:cpu.cfs_quota_us cpu:cpu.max; do
	controller=${knob%%:*}
	v1=$(sed -n "s/^[0-9]*:\([^:]*,\)*$controller\(,[^:]*\)*://p" /proc/self/cgroup)
	v2=$(sed -n 's/^0:://p' /proc/self/cgroup)
	cat "/sys/fs/cgroup/$controller$v1/${knob#*:}" "/sys/fs/cgroup$v2/${knob#*:}" 2>/dev/null
done
true
SCRIPT

begin() { # WHO
	"$1" mkdir -p "$("$1" printenv HOSTKIT_ROOT)/etc/hostkit"
	"$1" bash -euc 'printf "[ratelimit]\nenabled = no\n" >"$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
		hostkit project create site --driver none
		git init -q -b main "$HOSTKIT_ROOT/work"
		cd "$HOSTKIT_ROOT/work"
		echo home >index.html
		cp "$0" limits.sh
		git add -A
		git -c user.name=t -c user.email=t@example.org commit -qm first
		git push -q "$HOSTKIT_ROOT/home/site/repo.git" main' "$limits"
}

deploys() { # WHO SETTING…: the answer is in said
	local who=$1 setting

	shift
	{
		printf '[project]\npath = /usr/local/bin:/usr/bin:/bin\n'
		for setting in service.driver=none "$@"; do
			printf '[%s]\n%s\n' "${setting%%.*}" "${setting#*.}"
		done
	} | "$who" bash -c 'cat >"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"'
	"$who" hostkit deploy site >said 2>&1 || true
}

no_scope_left() {
	[ -z "$(machine_run systemctl list-units --all --no-legend 'hostkit-build-*')" ]
}

begin in_root

in_scope() {
	deploys in_root "build.command=sh limits.sh" build.memory_max=100M build.cpu_quota=50 \
		build.tasks_max=60
	contains said "success: site: "
	grep -E 'hostkit-build-site-[0-9]+-[0-9]+\.scope' said
	shows 104857600
	shows 60
	grep -E '^ *50000( 100000)?$' said
	no_scope_left
}
ok_when "a build of root's is in a scope that limits memory, processor and tasks" in_scope

told() {
	in_root hostkit doctor site >findings
	grep -E "^  ok +confinement +memory: 100.0 MiB, by a scope of systemd" findings
	grep -E "^  ok +confinement +processor: 50% of one, by a scope of systemd" findings
	grep -E "^  ok +confinement +tasks: 60, by a scope of systemd" findings
	no_scope_left
}
ok_when "doctor says so, having tried it" told

memory() {
	deploys in_root 'build.command=sh: head -c 400M /dev/zero | tail -c 400M >/dev/null' \
		build.memory_max=100M
	contains said "build        FAILED"
	contains said "hint: memory ran out: 1 of its processes ended at the limit of 100.0 MiB"
	contains said "hostkit config set site build.memory_max"
	no_scope_left
}
ok_when "memory that runs out is told, with the limit" memory

tasks() {
	deploys in_root 'build.command=sh: for i in $(seq 300); do sleep 30 & done' build.tasks_max=50
	contains said "build        FAILED"
	contains said "hint: it wanted more than 50 processes and threads"
	not machine_run pgrep -x sleep
	no_scope_left
}
ok_when "so is a fork bomb, which ends" tasks

# --- Nobody else starts anything for a build

can_be_asked() { # or the next steps would prove nothing
	deploys in_root build.confine=no "build.command=systemd-run --unit planted sleep 5000"
	contains said "success: site: "
	machine_run systemctl stop planted.service
}
ok_when "systemd does start what an unconfined build asks for" can_be_asked

asks_root() {
	deploys in_root "build.command=sh: $1"
	contains said "build        FAILED"
	not machine_run pgrep -x sleep
	machine_run systemctl is-active dbus.service
}
ok_when "a build of root's gets no unit from systemd" asks_root "systemd-run --unit planted sleep 5000"
ok_when "nor over its socket" asks_root "systemctl stop dbus.service"
ok_when "nor over the message bus" asks_root \
	"busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager Reload"

# --- A user

begin in_user
reports_one_each() {
	in_user hostkit doctor site >findings || true
	grep -E "^  (ok|warn) +confinement +memory: " findings
	grep -E "^  ok +confinement +tasks: [0-9]+, by a" findings
}

alone() {
	deploys in_user 'build.command=sh: ulimit -d; ulimit -u; nice' build.memory_max=100M \
		build.cpu_quota=50 build.tasks_max=60
	contains said "success: site: "
	shows 102400
	shows 10
	reports_one_each
	grep -F "sudo loginctl enable-linger dev" findings
}
ok_when "without a manager of its own, a user's build has resource limits" alone

lingering() {
	machine_run loginctl enable-linger dev
	wait_until 20 machine_as dev test -S "/run/user/$(machine_as dev id -u)/systemd/private"
	deploys in_user 'build.command=sh: cat /proc/self/cgroup; ulimit -d' build.memory_max=100M
	contains said "success: site: "
	grep -E 'hostkit-build-site-[0-9]+-[0-9]+\.scope' said
	# Either the scope has it, or the resource limit does.
	reports_one_each
	if grep -E "^  ok +confinement +memory: 100.0 MiB, by a scope" findings; then
		shows unlimited
	else
		shows 102400
	fi
}
user_manager() {
	machine_run test -x /lib/systemd/systemd-logind &&
		machine_run systemctl is-active systemd-logind.service
}
if user_manager; then
	ok_when "with one it has a scope, and what that cannot limit stays limited otherwise" lingering
	asks_user() {
		deploys in_user "build.command=sh: export XDG_RUNTIME_DIR=/run/user/$(machine_as dev id -u); $1"
		contains said "build        FAILED"
		not machine_run pgrep -x sleep
	}
	ok_when "and cannot ask that manager for a unit" asks_user "systemd-run --user sleep 5000"
else
	skip "a user's own manager" "systemd-logind does not run in the machine"
fi

outside() {
	machine_as dev bash -c 'echo hidden-text >~/secret'
	deploys in_user 'build.command=sh: cat ~dev/secret || cat /home/dev/.ssh/id_ed25519'
	contains said "build        FAILED"
	lacks said hidden-text
	lacks said PRIVATE
}
ok_when "what else is in the user's home is hidden" outside

# --- Projects with users, under "/"

# By hand, with the owners and modes that such projects have.
project_user() { # NAME
	machine_run bash -euc '
		hostkit --root /stage project create "$1" --driver none
		useradd --system --home-dir "/home/$1" --shell /bin/sh "$1"
		install -d /etc/hostkit /var/lib/hostkit /home
		install -d -m 711 /etc/hostkit/projects /var/lib/hostkit
		mv "/stage/home/$1" /home/
		mv "/stage/var/lib/hostkit/$1" /var/lib/hostkit/
		mv "/stage/etc/hostkit/projects/$1.ini" /etc/hostkit/projects/
		echo "TOKEN=hidden-text" >"/home/$1/.env"
		chmod 600 "/home/$1/.env"
		chown -R "$1:$1" "/home/$1" "/var/lib/hostkit/$1"
		chown "root:$1" "/etc/hostkit/projects/$1.ini"
		chmod 640 "/etc/hostkit/projects/$1.ini"' - "$1"
}

isolated() {
	project_user one
	project_user two
	machine_as one bash -euc '
		echo s3cret | hostkit --root / secrets set one KEY --stdin
		git init -q -b main ~/work
		cd ~/work
		cat >attack.sh <<-"SCRIPT"
			for file in /home/two/.env /home/one/.env /etc/hostkit/projects/one.ini \
				/var/lib/hostkit/one/ledger.db /var/lib/hostkit/one/vault/secrets /home/one/repo.git/HEAD; do
				cat $file | grep . && echo "READ: $file"
				echo x >>$file && echo "WRITTEN: $file"
			done
			ln -sfn releases /home/one/app && echo "SWITCHED"
			ls /home | grep two && echo "FOUND"
			echo x >/tmp/of-the-build
			echo "it is over: $TMPDIR"
		SCRIPT
		echo home >index.html
		git add -A
		git -c user.name=t -c user.email=t@example.org commit -qm first
		git push -q /home/one/repo.git main'
	printf '[project]\npath = /usr/bin:/bin\n[service]\ndriver = none\n[build]\ncommand = sh attack.sh\n' |
		machine_run tee /etc/hostkit/projects/one.ini
	machine_as one hostkit --root / deploy one >said 2>&1 || true
	contains said "success: one: "
	contains said "it is over: /var/lib/hostkit/one/tmp-"
	not machine_run test -e /tmp/of-the-build
	lacks said READ:
	lacks said WRITTEN:
	lacks said SWITCHED
	lacks said FOUND
	lacks said hidden-text
	machine_as one hostkit --root / doctor one >findings || true
	grep -E "^  ok +confinement +files: " findings
	grep -E "^  ok +confinement +sockets: " findings
}
ok_when "the build of a project with a user sees its own folders, without what is hidden there" isolated

machine_stop
done_testing
