#!/bin/bash
#
# From the INI file to the running service and its builds: limits, logs, the start with the machine.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "settings of a service"
not_in_quick_run
plain_build_only
vps_boot
unit=hostkit-shop.service

status_of() { # of a command that may fail; what it said is in the file said
	"$@" >said 2>&1 && echo 0 >status || echo "$?" >status
}

property() {
	machine_run systemctl show --value -p "$1" "$unit"
}

# What a control group of the service says, in either version.
limit_of() { # CONTROLLER V1-FILE V2-FILE
	machine_run bash -c '
		pid=$(systemctl show --value -p MainPID "$4")
		v1=$(sed -n "s/^[0-9]*:\([^:]*,\)*$1\(,[^:]*\)*://p" "/proc/$pid/cgroup")
		v2=$(sed -n "s/^0:://p" "/proc/$pid/cgroup")
		cat "/sys/fs/cgroup/$1$v1/$2" 2>/dev/null || cat "/sys/fs/cgroup$v2/$3"' - "$@" "$unit"
}

vps_project shop --domain shop.example >/dev/null
machine_run hostkit config set shop ratelimit.enabled no
vps_app shop "the shop"
vps_push shop

limits() {
	machine_run hostkit config set shop service.memory_max 200M
	machine_run hostkit config set shop service.cpu_quota 50
	machine_run hostkit config set shop service.tasks_max 60
	machine_run hostkit service restart shop
	wait_until 10 page_says shop.example text "the shop"
	[ "$(property MemoryMax)" = $((200 << 20)) ]
	[ "$(property CPUQuotaPerSecUSec)" = 500ms ]
	[ "$(property TasksMax)" = 60 ]
	limit_of memory memory.limit_in_bytes memory.max >memory.is
	limit_of pids pids.max pids.max >pids.is
	limit_of cpu cpu.cfs_quota_us cpu.max >cpu.is
	[ "$(cat memory.is)" = $((200 << 20)) ]
	[ "$(cat pids.is)" = 60 ]
	grep -Ex '50000( 100000)?' cpu.is
}
ok_when "limits that are set with config set are the running service's, as the kernel has them" limits

unlimited() {
	machine_run hostkit config unset shop service.memory_max
	machine_run hostkit config unset shop service.cpu_quota
	machine_run hostkit config unset shop service.tasks_max
	machine_run hostkit service restart shop
	wait_until 10 page_says shop.example text "the shop"
	[ "$(property MemoryMax)" = infinity ]
	[ "$(property CPUQuotaPerSecUSec)" = infinity ]
}
ok_when "and are gone when they are unset" unlimited

secure() {
	machine_run systemd-analyze security --no-pager "$unit" >told
	sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p' told >level
	[ -s level ]
	awk '{ exit !($1 < 3.0) }' level
}
ok_when "systemd-analyze security has the running unit below 3.0" secure

build_limits() {
	machine_run hostkit config set shop build.memory_max 900M
	machine_run hostkit config set shop build.tasks_max 77
	machine_run hostkit config set shop build.command 'bash -c "ulimit -d -u; id -un; exit 4"'
	vps_push shop
	contains said "error: shop: build:"
	sed 's/^ *//' said >trimmed
	grep -E '^data seg size .* 921600$' trimmed
	grep -E '^max user processes .* 77$' trimmed
	grep -x shop trimmed
	machine_run hostkit config unset shop build.command
	page_says shop.example text "the shop"
}
ok_when "so are those of builds, which the project's user has by resource limits" build_limits

# --- Logs

speaks() {
	vps_write shop/index.js <<-'JS'
		const http = require('http');
		http.createServer((request, response) => {
			console.log('out ' + request.url);
			console.error('err ' + request.url);
			response.end(JSON.stringify({ text: 'the shop' }) + '\n');
		}).listen(process.env.PORT, process.env.HOST);
	JS
	vps_push shop
	contains said "success: shop:"
	wait_until 10 page_says shop.example text "the shop" /one
	machine_run hostkit service logs shop >told
	contains told "out /one"
	contains told "err /one"
	machine_as dev ssh shop@vps service logs --tail 3 >told
	contains told "out /one"
	not machine_as dev ssh shop@vps service logs blog
}
ok_when "service logs shows the log files, to root and over ssh" speaks

no_reader() {
	not machine_run pgrep -x tail
}

follows() {
	: >followed
	machine_run hostkit service logs shop --follow --tail 50 >followed 2>&1 &
	wait_until 10 grep -F "out /one" followed
	vps_page shop.example /more >/dev/null
	wait_until 10 grep -F "out /more" followed
	# Not root's any more.
	machine_run pkill -x -u shop tail
	wait_until 10 no_reader
}
ok_when "--follow goes on, for root as the project's user" follows

hung_up() { # the client's end is the reader's
	: >followed
	machine_as dev ssh shop@vps service logs --follow --tail 50 >followed 2>&1 &
	wait_until 10 grep -F "out /one" followed
	vps_page shop.example "/over-ssh" >/dev/null
	wait_until 10 grep -F "out /over-ssh" followed
	machine_run pkill -u dev -x ssh
	wait_until 10 no_reader
}
ok_when "and over ssh, until the client is gone" hung_up

journal() {
	machine_run hostkit service logs shop --journal >told
	contains told "Started $unit"
	status_of machine_as dev ssh shop@vps service logs --journal
	[ "$(cat status)" = 6 ]
	contains said "you may not read the journal"
	contains said "as root: hostkit service logs shop --journal"
	machine_run timeout 3 hostkit service logs shop --journal --follow >told || [ $? -eq 124 ]
	contains told "Started $unit"
}
ok_when "the journal is root's, and a client is told so" journal

# --- The start with the machine

by_timer() { # as README says
	machine_run sh -euc 'cp /usr/local/share/hostkit/templates/hostkit-recover.service \
			/usr/local/share/hostkit/templates/hostkit-recover.timer /etc/systemd/system/
		systemctl daemon-reload
		systemctl -q enable hostkit-recover.timer'
	vps_write shop/package.json <<-'JSON'
		{ "name": "shop", "version": "3.0.0", "private": true,
		  "scripts": { "build": "sleep 1000", "start": "node index.js" } }
	JSON
	machine_as dev git -C shop commit -qam "a long build"
	machine_as dev git -C shop push hostkit HEAD:refs/heads/main >push.log 2>&1 &
	wait_until 30 grep -F 'npm run build' push.log
	machine_reboot
	machine_run systemctl start ssh.service nginx.service
	wait_until 20 page_says shop.example text "the shop"
	wait_until 40 is_recovered
	vps_expect shop last.status=interrupted running=null
}
is_recovered() { # without asking hostkit, which would recover it
	machine_run journalctl --no-pager -u hostkit-recover.service >told
	cat told
	grep -F "Finished hostkit-recover.service" told
}
ok_when "with the timer, a deployment that a power cut interrupts is ended without anybody's asking" by_timer

machine_stop
done_testing
