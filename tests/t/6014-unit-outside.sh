#!/bin/bash
#
# A project that attacks from within: what its service reaches of processes that run as the same user
# outside the unit (git, a worker, the commands of root that became the user), and of root's terminal.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=units.sh
. "$(cd "$(dirname "$0")" && pwd)/units.sh"

test_begin "a service and the processes outside its unit"
machine_require
require_programs python3 curl script
machine_boot
add_project shop 3001

# Tries everything once: a line "yes NAME" or "no NAME" each, in shared/tried.
probe() {
	write_file shop run.sh <<-'SCRIPT'
		try() {
			name=$1
			shift
			if "$@" >/dev/null 2>&1; then echo "yes $name"; else echo "no $name"; fi
		}
		cd "$HOME"
		outside=/proc/$(cat shared/outside.pid)
		{
			try environment cat "$outside/environ"
			try root ls "$outside/root/home/shop"
			try plant sh -c ": >$outside/root/home/shop/planted"
			try state ls "$outside/root/var/lib/hostkit/shop"
			try cwd ls "$outside/cwd/"
			try memory python3 -c "open('$outside/mem', 'r+b')"
			sleep 100 &
			try own-child ls "/proc/$!/root/home/shop"
			try end-child kill "$!"
			try move sh -c 'mkdir -p shared/a shared/b; : >shared/a/x; ln -f shared/a/x shared/b/y; mv shared/a/x shared/b/x'
			try move-folder sh -c 'mkdir -p shared/a/d; rm -rf shared/b/d; mv shared/a/d shared/b/d'
		} >shared/tried.new
		if kill -0 "${outside#/proc/}" 2>/dev/null; then echo "yes signal"; else echo "no signal"; fi >shared/signal
		mv shared/tried.new shared/tried
		exec flaky-http 200
	SCRIPT
	echo home | write_file shop index.html
}

landlock_abi() {
	inside python3 -c 'import ctypes; print(ctypes.CDLL(None, use_errno=True).syscall(444, None, 0, 1))'
}

tries() {
	inside_as shop sh -c 'X=of-the-worker sleep 1000 </dev/null >/dev/null 2>&1 & echo $! >shared/outside.pid'
	set_up shop "service.start=sh run.sh" health.interval=100ms health.timeout=10s
	probe
	push_as shop
	expect_of shop last.status=succeeded
	inside cat /home/shop/shared/tried >tried
	cat tried
	# The process is there, and the service goes on doing what a service does.
	inside sh -c 'grep -z X=of-the-worker "/proc/$(cat /home/shop/shared/outside.pid)/environ"'
	for name in own-child end-child move move-folder; do
		grep -x "yes $name" tried
	done
	for name in environment root plant state cwd memory; do
		grep -x "no $name" tried
	done
	inside test ! -e /home/shop/planted
}
signals() {
	inside cat /home/shop/shared/signal | grep -x "no signal"
}

abi=$(landlock_abi)
if [ "$abi" -ge 2 ]; then
	ok_when "it reaches nothing of a process of the same user outside" tries
else
	skip "it reaches nothing of a process of the same user outside" "the kernel's Landlock has version $abi"
fi
if [ "$abi" -ge 6 ]; then
	ok_when "nor signals it" signals
else
	skip "nor signals it" "the kernel's Landlock has version $abi"
fi

# --- Root's terminal

# What of the terminals that are open somewhere the user may get at.
reachable() {
	inside_as shop sh -c 'ls -l /proc/[0-9]*/fd 2>/dev/null | grep -E "/dev/(pts|tty)" || true'
}

follows() {
	inside sh -c 'pgrep -u shop -x tail' >tail.pid
}

terminal() {
	inside_as shop sh -c 'echo a line >>logs/app.log'
	inside sh -c 'script -qefc "hostkit service logs shop -f" /srv/typescript </dev/zero >/dev/null 2>&1 &'
	wait_until 10 follows
	reachable >found
	cat found
	[ ! -s found ]
	wait_until 10 inside grep -F "a line" /srv/typescript
	inside_as shop sh -c 'printf "%s\n" more >>logs/app.log'
	wait_until 10 inside grep -F more /srv/typescript
	inside pkill -x script
	wait_until 10 not follows
}
ok_when "root that looks at its logs does not lend it a terminal" terminal

# --- Its port

# Another project takes the port in the moment that the service does not have it.
impostor() {
	write_file shop run.sh <<-'SCRIPT'
		: >"$HOME/shared/started"
		exec sleep 1000
	SCRIPT
	inside sh -c 'rm -f /home/shop/shared/started
		(while ! [ -e /home/shop/shared/started ]; do sleep 0.05; done
		exec setpriv --reuid dev --regid dev --clear-groups env PORT=3001 HOST=127.0.0.1 flaky-http 200) \
			</dev/null >/dev/null 2>&1 &'
	push_as shop
	inside curl -sf -m 5 http://127.0.0.1:3001/ >/dev/null
	expect_of shop last.status=failed stage.health=failed "last.error.message~port 3001 is answered by"
	inside pkill -u dev -x flaky-http
}
ok_when "an answer of somebody else's on its port is no sign of its health" impostor

done_testing
