# shellcheck shell=bash
#
# A machine of the test's own, with a real systemd as its first process: an overlay of this one's root
# in namespaces of its own, which nothing outlives. For tests that have sourced lib.sh:
#
#	machine_require		skips the test where that is not possible; before anything else
#	machine_boot		boots it, with hostkit installed in /usr/local
#	machine_run COMMAND…	inside, as root, in "/"; its input is the caller's
#	machine_as USER COMMAND…	inside, as that user, in their home, with a plain environment
#	machine_reboot		pulls the plug and boots again: what was written to the disk is there
#	machine_stop		pulls the plug
#
# $T is there under the same path; /etc, /home, /usr, /var are this machine's, and what is written
# there is gone with the machine. Its network is its own and has no way out. ssh.service and nginx.service
# are there as Debian has them, not started. A user "dev" with the key /home/dev/.ssh/id_ed25519 is a
# developer elsewhere: `ssh vps` and git reach this machine, as the user that the URL names.

machine_dir=
machine_holder=
machine_cgroups=()

machine_require() {
	local program

	[ "$(id -u)" -eq 0 ] || skip_all "a machine of one's own needs root"
	# Its PATH, and what the tests say of units and keys.
	case $HK_BINDIR in
	*/usr/local/bin) ;;
	*) skip_all "hostkit is built for another prefix than /usr/local" ;;
	esac
	[ -x /lib/systemd/systemd ] || skip_all "systemd is not installed"
	for program in unshare nsenter ip sshd nginx useradd dbus-daemon; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null ||
			skip_all "$program is not installed"
	done
	[ -w /sys/fs/cgroup ] || skip_all "the control groups cannot be written"
	unshare --fork --pid --mount --uts --ipc --cgroup --net true 2>/dev/null ||
		skip_all "namespaces cannot be made"
}

# The control groups that this process is in, as folders.
machine_own_cgroups() {
	local controllers path

	while IFS=: read -r _ controllers path; do
		case $controllers in
		'')
			if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
				echo "/sys/fs/cgroup$path"
			else
				echo "/sys/fs/cgroup/unified$path"
			fi
			;;
		name=*) echo "/sys/fs/cgroup/${controllers#name=}$path" ;;
		*) echo "/sys/fs/cgroup/$controllers$path" ;;
		esac
	done </proc/self/cgroup
}

# Those of tests that were killed; rmdir refuses what is in use.
machine_sweep_cgroups() {
	local dir

	for dir in "$@"; do
		[ -d "$dir" ] || continue
		find "$dir" -depth -type d -exec rmdir {} \; 2>/dev/null || true
	done
}

# Runs a command in control groups of the machine, one below each of ours.
machine_in_cgroups() {
	local name=hostkit-test-$$ dir parent

	for parent in "${machine_parents[@]}"; do
		dir=${parent%/}/$name
		mkdir -p "$dir"
		if [ -e "$dir/cpuset.cpus" ] && [ -e "$dir/cgroup.clone_children" ]; then
			cat "$parent/cpuset.cpus" >"$dir/cpuset.cpus"
			cat "$parent/cpuset.mems" >"$dir/cpuset.mems"
			echo 1 >"$dir/cgroup.clone_children"
		fi
		echo "$BASHPID" >"$dir/cgroup.procs"
	done
	exec "$@"
}

machine_boot() {
	local dir

	machine_dir=$T/machine
	mkdir -p "$machine_dir/disk"
	# Keeps the disk while the machine is off.
	unshare --mount --propagation private bash -c \
		'mount -t tmpfs -o size=4G,mode=755 tmpfs "$1" && echo >"$1/../ready" && exec sleep infinity' \
		- "$machine_dir/disk" 3>&- &
	machine_holder=$!
	wait_until 10 [ -e "$machine_dir/ready" ]
	mapfile -t machine_parents < <(machine_own_cgroups)
	for dir in "${machine_parents[@]}"; do
		machine_sweep_cgroups "${dir%/}"/hostkit-test-[0-9]*
		machine_cgroups+=("${dir%/}/hostkit-test-$$")
	done
	machine_install
	machine_start
	machine_add_developer
}

# What is installed goes onto the disk before there is a machine.
machine_install() {
	local stage=${HK_STAGE:-${HK_BINDIR%/usr/local/bin}} upper=$machine_dir/disk/upper

	nsenter -t "$machine_holder" -m bash -euc '
		stage=$1 upper=$2 helpers=$3 rest=$4
		mkdir -p "$upper/usr/local/bin"
		cp -a "$stage/." "$upper/"
		for program in "$helpers"/stubborn "$helpers"/flaky-http; do
			[ ! -x "$program" ] || cp "$program" "$upper/usr/local/bin/"
		done
		chown -R root:root "$upper"' - "$stage" "$upper" "${HK_HELPER_DIR:-/nowhere}" "$T"
}

machine_start() {
	local here

	here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
	machine_in_cgroups nsenter -t "$machine_holder" -m \
		unshare --fork --kill-child --pid --mount --uts --ipc --cgroup --net \
		bash "$here/machine-init.sh" "$machine_dir/disk" vps "$T" \
		3>&- </dev/null >>"$machine_dir/console" 2>&1 &
	echo $! >"$machine_dir/unshare.pid"
	if ! wait_until 60 machine_is_up; then
		note_file "the machine's console" "$machine_dir/console"
		return 1
	fi
}

# The number of its first process, here. In a file, since a step cannot set a variable.
machine_init() {
	cat "$machine_dir/init.pid"
}

machine_is_up() {
	local unshare init state

	unshare=$(cat "$machine_dir/unshare.pid")
	init=$(tr -d ' ' <"/proc/$unshare/task/$unshare/children")
	echo "$init" >"$machine_dir/init.pid"
	[ -n "$init" ] && [ "$(cat "/proc/$init/comm")" = systemd ] || return 1
	state=$(machine_run systemctl is-system-running) || true
	[ "$state" = running ] || [ "$state" = degraded ]
}

machine_enter() {
	nsenter -t "$(machine_init)" -m -u -i -n -p -C -r -- env -C / -i "$@" 3>&-
}

machine_run() {
	machine_enter HOME=/root USER=root LOGNAME=root TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

machine_as() {
	local user=$1 home

	shift
	home=$(machine_run getent passwd "$user" | cut -d: -f6)
	machine_enter -C "$home" setpriv --reuid "$user" --regid "$user" --init-groups -- \
		env -i HOME="$home" USER="$user" LOGNAME="$user" TERM=dumb LANG=C.UTF-8 \
		PATH=/usr/local/bin:/usr/bin:/bin "$@"
}

machine_add_developer() {
	machine_run bash -euc '
		useradd --create-home --shell /bin/bash dev
		install -d -o dev -g dev -m 700 /home/dev/.ssh
		cat >/home/dev/.gitconfig <<-CONFIG
			[user]
				name = Ann Tester
				email = ann@example.org
			[init]
				defaultBranch = main
		CONFIG
		cat >/home/dev/.ssh/config <<-CONFIG
			Host vps
				HostName 127.0.0.1
				StrictHostKeyChecking accept-new
				BatchMode yes
				ConnectTimeout 10
				LogLevel ERROR
		CONFIG
		runuser -u dev -- ssh-keygen -q -t ed25519 -N "" -C ann@laptop -f /home/dev/.ssh/id_ed25519
		chown -R dev:dev /home/dev
		ssh-keygen -A >/dev/null
		printf "127.0.0.1 vps\n" >>/etc/hosts'
}

machine_stop() {
	kill -9 "$(machine_init)" 2>/dev/null || true
	wait_until 30 machine_is_gone
}

machine_is_gone() {
	local dir

	machine_sweep_cgroups "${machine_cgroups[@]}"
	for dir in "${machine_cgroups[@]}"; do
		[ ! -d "$dir" ] || return 1
	done
}

machine_reboot() {
	machine_stop
	machine_start
}
