# shellcheck shell=bash
#
# A small TAP library for tests that drive the installed programs. A test sources it, and then:
#
#	test_begin "what is tested"        a private folder $T and a clean environment; cd "$T"
#	git init -q "$T/repo"              set-up: plain commands; one that fails fails the test
#	ok_when "it works" COMMAND…        a step: one line of TAP; its output is in $OUT and $ERR
#	fails_with 12 "it is refused" COMMAND…
#	done_testing                       the plan; the last line
#
# COMMAND may be a function of the test. A step runs in a subshell under `set -e`: a function fails
# at its first failing command, and keeps what it finds out in files below $T, not in variables.
# Do not call ok_when, or set-up functions, in a condition: bash ignores `set -e` there.
#
# Predicates for steps: contains FILE TEXT, lacks FILE TEXT, wait_until SECONDS COMMAND…, and
# not COMMAND… (a plain "! COMMAND" never fails a step: bash exempts it from `set -e`).
# Programs: HK_BINDIR (an installed hostkit) comes first in PATH, HK_HELPER_DIR (tests/helper) last.
#
# The exit status is 0 when everything passed, 1 otherwise. A harness that counts TAP lines sets
# HK_TAP_HARNESS=1: then a complete plan is always 0, and a failed step is not counted twice.
# HK_KEEP=1 keeps $T; HK_VERBOSE=1 shows the output of set-up on stderr.

set -eEuo pipefail

T=
OUT=/dev/null
ERR=/dev/null
test_number=0
test_failed=0
test_over=
test_error=
sshd_pid=

# --- TAP

tap() {
	printf '%s\n' "$*" >&3
}

note() {
	printf '%s\n' "$*" | sed 's/^/# /' >&3
}

# The last lines of a file, as diagnostics.
note_file() {
	local title=$1 file=$2

	[ -s "$file" ] || return 0
	tap "# $title:"
	tail -n "${HK_DIAG_LINES:-60}" "$file" | tr -d '\000' | sed 's/^/#   /' >&3
}

# A description may hold neither a newline nor a directive.
tap_result() {
	local result=$1 description=${2//$'\n'/ }

	test_number=$((test_number + 1))
	tap "$result $test_number - ${description//#/\\#}${3:-}"
}

pass() {
	tap_result ok "$1"
}

fail() {
	test_failed=$((test_failed + 1))
	tap_result "not ok" "$1"
}

skip() {
	tap_result ok "$1" " # SKIP $2"
}

# Ends a test that cannot run here, before its first step.
skip_all() {
	if [ "$test_number" -gt 0 ]; then
		note "skip_all after a step: $1"
		exit 1
	fi
	test_over=yes
	tap "1..0 # SKIP ${1//$'\n'/ }"
	exit 0
}

done_testing() {
	[ "$test_number" -gt 0 ] || fail "the test has a step"
	test_over=yes
	tap "1..$test_number"
	exit "$(exit_status)"
}

exit_status() {
	if [ "$test_failed" -eq 0 ] || [ -n "${HK_TAP_HARNESS:-}" ]; then
		echo 0
	else
		echo 1
	fi
}

# --- Steps

# Runs a step; its status is in step_status. The TAP descriptor stays out of its programs.
run_step() {
	set +e
	(
		exec 3>&- >"$OUT" 2>"$ERR"
		trap - EXIT
		trap '[ "${FUNCNAME[0]}" = run_step ] ||
			echo "failed in line $LINENO: $BASH_COMMAND" >&2' ERR
		set -e
		"$@"
	)
	step_status=$?
	test_error=
	set -e
}

show_step() {
	local status=$1

	shift
	note "status $status of: $(printf '%q ' "$@")"
	note_file stdout "$OUT"
	note_file stderr "$ERR"
}

ok_when() {
	local description=$1

	shift
	run_step "$@"
	if [ "$step_status" -eq 0 ]; then
		pass "$description"
	else
		fail "$description"
		show_step "$step_status" "$@"
	fi
}

fails_with() {
	local wanted=$1 description=$2

	shift 2
	run_step "$@"
	if [ "$step_status" -eq "$wanted" ]; then
		pass "$description"
	else
		fail "$description"
		note "status $wanted was expected"
		show_step "$step_status" "$@"
	fi
}

# Whether a file holds a text; says what it holds when not.
contains() {
	# Not grep -q, which would end whoever writes to it by SIGPIPE.
	grep -F -e "$2" -- "$1" >/dev/null && return 0
	echo "'$1' does not contain '$2':" >&2
	tail -n 50 -- "$1" >&2 || true
	return 1
}

lacks() {
	if [ ! -f "$1" ]; then
		echo "there is no file '$1'" >&2
		return 1
	fi
	grep -nF -e "$2" -- "$1" >&2 || return 0
	echo "'$1' contains '$2'" >&2
	return 1
}

not() {
	if "$@"; then
		echo "this should have failed: $*" >&2
		return 1
	fi
}

# flip_byte FILE OFFSET: another byte than the one that is there
flip_byte() {
	local byte

	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Hundredths of a second on a clock that nobody sets.
uptime_cs() {
	local up

	read -r up _ </proc/uptime
	echo "$((10#${up/./}))"
}

# For conditions that have no event to wait for. The command's last output is shown when it never
# came true.
wait_until() {
	local end log

	end=$(($(uptime_cs) + $1 * 100))
	log=$(mktemp)
	shift
	while ! ("$@") >"$log" 2>&1; do
		if [ "$(uptime_cs)" -ge "$end" ]; then
			echo "waited in vain for: $*" >&2
			cat "$log" >&2
			rm -f "$log"
			return 1
		fi
		sleep 0.05
	done
	rm -f "$log"
}

# --- Set-up and clean-up

on_error() {
	test_error="line $1: $2"
}

on_exit() {
	local status=$?

	trap - EXIT ERR
	trap '' INT TERM HUP
	set +e
	if [ -z "$test_over" ]; then
		fail "the test runs to its end"
		note "ended with status $status${test_error:+ in $test_error}"
		[ -z "$T" ] || note_file "output of set-up" "$T/.set-up.log"
		tap "1..$test_number"
		status=$(exit_status)
	fi
	if [ -n "$T" ] && ! clean_up; then
		note "not everything that the test started could be ended"
		status=1
	fi
	exit "$status"
}

# Tests deploy more than ten times an hour, and what builds leave for them to find is in $T/outside: for
# a root that has just been made.
unlimited() {
	mkdir -p "$HOSTKIT_ROOT/etc/hostkit" "$T/outside"
	printf '[ratelimit]\nenabled = no\n[build]\nwritable = %s\n' "$T/outside" \
		>"$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
}

clean_environment() {
	local name

	for name in $(compgen -e); do
		case $name in
		HK_* | PATH | TERM | USER | LOGNAME | SHELL | TMPDIR) ;;
		*) unset "$name" ;;
		esac
	done
	export HOME=$T/home HOSTKIT_ROOT=$T/root TMPDIR=$T/tmp LC_ALL=C.UTF-8 TZ=UTC
	export GIT_CONFIG_GLOBAL=$T/home/.gitconfig GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
	PATH=${HK_BINDIR:+$HK_BINDIR:}$T/.bin:$PATH${HK_HELPER_DIR:+:$HK_HELPER_DIR}
	mkdir "$T/home" "$T/root" "$T/tmp" "$T/.bin"
	# Not a version manager's script of that name, which takes five times as long to start.
	[ ! -x /usr/bin/python3 ] || ln -s /usr/bin/python3 "$T/.bin/python3"
	unlimited
	cat >"$GIT_CONFIG_GLOBAL" <<-CONFIG
		[user]
			name = Ann Tester
			email = ann@example.org
		[init]
			defaultBranch = main
		[advice]
			detachedHead = false
	CONFIG
}

test_begin() {
	exec 3>&1 </dev/null
	trap on_exit EXIT
	trap 'on_error "$LINENO" "$BASH_COMMAND"' ERR
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	tap "# $1"
	if [ -n "${HK_BINDIR:-}" ] && [ ! -d "$HK_BINDIR" ]; then
		note "HK_BINDIR is '$HK_BINDIR', which is no folder"
		exit 1
	fi
	umask 022
	T=$(mktemp -d "${TMPDIR:-/tmp}/hk-test.XXXXXXXX")
	T=$(realpath "$T")
	chmod 755 "$T"
	clean_environment
	OUT=$T/.stdout
	ERR=$T/.stderr
	: >"$OUT"
	: >"$ERR"
	cd "$T"
	if [ -n "${HK_VERBOSE:-}" ]; then
		exec 1>&2
	else
		exec >"$T/.set-up.log" 2>&1
	fi
}

descendants() {
	local pid

	# shellcheck disable=SC2013 # the words of one line
	for pid in $(cat "/proc/$1/task/"*/children 2>/dev/null); do
		echo "$pid"
		descendants "$pid"
	done
}

# The processes that the test started: its descendants, and whatever got away from it but has $T in
# its environment or its working folder there. Run in "/", and with programs that have neither.
list_started() {
	local pattern

	pattern=$(printf '%s' "$T" | sed 's/[][*?\\]/\\&/g')
	descendants $$
	env -i grep -lsF -e "$T/" /proc/[0-9]*/environ | cut -d/ -f3
	env -i grep -lsF -e "$T/" /proc/[0-9]*/cmdline | cut -d/ -f3
	env -i find /proc -maxdepth 2 -name cwd \
		\( -lname "$pattern" -o -lname "$pattern/*" \) 2>/dev/null | cut -d/ -f3
}

# Those of them that still run: the listing's own processes have ended by then, and this one is not
# meant.
started() {
	local pid self=$BASHPID

	for pid in $(list_started | sort -un); do
		if [ "$pid" != $$ ] && [ "$pid" != "$self" ] && kill -0 "$pid" 2>/dev/null; then
			echo "$pid"
		fi
	done
}

end_started() {
	local end pids signal=TERM pid

	end=$(($(uptime_cs) + 100))
	while pids=$(started) && [ -n "$pids" ]; do
		if [ "$(uptime_cs)" -ge "$end" ]; then
			[ "$signal" = TERM ] || return 1
			signal=KILL
			end=$((end + 1000))
		fi
		for pid in $pids; do
			# Never 0, 1 or a group: whatever a test has made of the list.
			case $pid in
			*[!0-9]* | 0 | 1) ;;
			*) kill -s "$signal" "$pid" 2>/dev/null ;;
			esac
		done
		sleep 0.02
	done
}

clean_up() {
	local status=0

	cd /
	end_started || status=1
	if [ -n "${HK_KEEP:-}" ]; then
		note "kept: $T"
	else
		chmod -R u+rwX "$T" 2>/dev/null
		rm -rf "$T" || status=1
	fi
	return "$status"
}

# --- Ports

port_is_free() {
	local hex

	hex=$(printf '%04X' "$1")
	! awk '{ print $2 }' /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep ":$hex\$" >/dev/null
}

# Prints a port of 127.0.0.1 that nobody uses, another one on every call. Each test has a range of
# its own, below the ports that the kernel gives out, so that tests can run side by side.
free_port() {
	local port first=$((20000 + $$ % 600 * 20)) used=0

	[ ! -f "$T/.ports" ] || read -r used <"$T/.ports"
	while [ "$used" -lt 20 ]; do
		port=$((first + used))
		used=$((used + 1))
		echo "$used" >"$T/.ports"
		if port_is_free "$port"; then
			echo "$port"
			return 0
		fi
	done
	echo "no port is left" >&2
	return 1
}

# --- A real sshd

# Skips the test where no sshd can take a login of the present user.
sshd_require() {
	local user=$1

	sshd_program=$(PATH=$PATH:/usr/sbin:/sbin command -v sshd) ||
		skip_all "sshd is not installed"
	command -v ssh >/dev/null || skip_all "ssh is not installed"
	case $(getent passwd "$user" | cut -d: -f7) in
	*/nologin | */false) skip_all "the account '$user' has no login shell" ;;
	esac
	[ "$(id -u)" -eq 0 ] || return 0
	mkdir -p /run/sshd
	case $(getent shadow "$user" | cut -d: -f2) in
	'!'*) skip_all "the account '$user' is locked" ;;
	esac
}

# Host and user keys, and both ends' configuration.
sshd_configure() {
	local user=$1 port=$2 options=$3 dir=$T/sshd environment

	environment="\"HOME=$HOME\" \"PATH=$PATH\" \"TMPDIR=$TMPDIR\" \"TZ=$TZ\""
	environment+=" \"HOSTKIT_ROOT=$HOSTKIT_ROOT\" \"LC_ALL=$LC_ALL\""
	mkdir "$dir"
	ssh-keygen -q -t ed25519 -N '' -C host -f "$dir/host_key"
	ssh-keygen -q -t ed25519 -N '' -C tester -f "$dir/user_key"
	printf '%s%s\n' "${options:+$options }" "$(cat "$dir/user_key.pub")" >"$dir/authorized_keys"
	printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d' ' -f1,2 "$dir/host_key.pub")" \
		>"$dir/known_hosts"
	cat >"$dir/config" <<-CONFIG
		ListenAddress 127.0.0.1
		Port $port
		HostKey "$dir/host_key"
		AuthorizedKeysFile "$dir/authorized_keys"
		PidFile none
		UsePAM no
		StrictModes no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin prohibit-password
		PrintMotd no
		SetEnv $environment
	CONFIG
	cat >"$T/ssh_config" <<-CONFIG
		Host vps
			HostName 127.0.0.1
			Port $port
			User $user
			IdentityFile "$dir/user_key"
			IdentitiesOnly yes
			IdentityAgent none
			UserKnownHostsFile "$dir/known_hosts"
			GlobalKnownHostsFile none
			StrictHostKeyChecking yes
			BatchMode yes
			ConnectTimeout 10
			LogLevel ERROR
	CONFIG
}

# sshd_start [OPTIONS]: an sshd of the test's own. Afterwards "vps" is a host for ssh and git (by
# ssh -F "$T/ssh_config"), where the present user has the test's HOME, PATH and HOSTKIT_ROOT.
# OPTIONS are those of the key's line in authorized_keys, such as a forced command. The log is
# $T/sshd/log.
# shellcheck disable=SC2120 # OPTIONS may be left out
sshd_start() {
	local user port

	user=$(id -un)
	sshd_require "$user"
	port=$(free_port)
	sshd_configure "$user" "$port" "${1:-}"
	sshd_run
	export GIT_SSH_COMMAND="ssh -F '$T/ssh_config'"
}

sshd_run() {
	: >"$T/sshd/log"
	"$sshd_program" -D -e -f "$T/sshd/config" 3>&- >>"$T/sshd/log" 2>&1 &
	sshd_pid=$!
	if ! wait_until 10 grep -q "^Server listening" "$T/sshd/log"; then
		note_file "sshd's log" "$T/sshd/log"
		return 1
	fi
}

# sshd_keys FILE: from now on, only the keys in FILE log in, such as a project's authorized_keys.
sshd_keys() {
	sshd_stop
	sed -i "s|^AuthorizedKeysFile .*|AuthorizedKeysFile \"$1\"|" "$T/sshd/config"
	sshd_run
}

sshd_stop() {
	[ -n "$sshd_pid" ] || return 0
	kill "$sshd_pid"
	wait "$sshd_pid" || true
	sshd_pid=
}

# A test that defines one of these by chance would make the clean-up end what is not its own.
readonly -f clean_up descendants end_started list_started on_error on_exit run_step started
