#!/bin/bash
#
# The unit of a project, as its template makes it: what the application can see and do, and what
# `hostkit run` refuses to be led to.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=units.sh
. "$(cd "$(dirname "$0")" && pwd)/units.sh"

test_begin "the unit of a project"
machine_require
not_in_quick_run
require_programs python3 curl systemd-analyze
machine_boot
add_project shop 3001
add_project neighbour 3002
unit=hostkit-shop.service

serves() {
	inside curl -sf -m 5 http://127.0.0.1:3001/ >/dev/null
}

exposure() {
	inside systemd-analyze security --offline=true --no-pager "/etc/systemd/system/$unit" |
		tee all | sed -n 's/.*exposure level for .*: \([0-9.]*\) .*/\1/p' >level
	[ -s level ]
	awk '{ exit !($1 < 3.0) }' level
}
ok_when "systemd-analyze security has it below 3.0" exposure
verified() {
	inside systemd-analyze --man=no verify "/etc/systemd/system/$unit" >said 2>&1
	not grep -F "$unit" said
}
ok_when "systemd finds no mistake in it" verified

# --- What the application can do

# Tries everything once: a line "yes NAME" or "no NAME" each, in shared/tried.
probe() {
	write_file shop run.sh <<-'SCRIPT'
		try() {
			name=$1
			shift
			if "$@" >/dev/null 2>&1; then echo "yes $name"; else echo "no $name"; fi
		}
		cd "$HOME"
		{
			try shared sh -c ': >shared/new'
			try logs sh -c ': >logs/new'
			try tmp sh -c ': >/tmp/new'
			try home sh -c ': >new'
			try release sh -c ": >'releases/$HOSTKIT_RELEASE/new'"
			try app ln -sfn releases/x app
			try start-file sh -c "echo x >'releases/$HOSTKIT_RELEASE/.hostkit/start'"
			try repository sh -c ': >repo.git/hooks/new'
			try dotenv sh -c 'echo X=1 >>.env'
			try ledger sh -c ': >/var/lib/hostkit/shop/new'
			try read-ledger ls /var/lib/hostkit/shop
			try read-state ls /var/lib/hostkit
			try read-neighbour ls /home/neighbour
			try see-neighbour test -e /home/neighbour
			try write-etc sh -c ': >/etc/new'
			try settings sh -c 'echo >>/etc/hostkit/projects/shop.ini'
			try neighbours-settings cat /etc/hostkit/projects/neighbour.ini
			try kill-neighbour kill -0 "$(cat /srv/neighbour.pid)"
			try see-process test -e "/proc/$(cat /srv/neighbour.pid)"
			try bus test -S /run/dbus/system_bus_socket
			try restart systemctl restart hostkit-neighbour.service
			try namespace unshare --user true
			try raw-socket python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'
			try setuid sh -c 'cp /bin/true /tmp/t && chmod u+s /tmp/t'
			try clock date -s 2020-01-01
			try dotenv-read cat .env
			try cpus python3 -c 'import os; assert os.cpu_count() and open("/proc/meminfo").read()'
		} >shared/tried.new
		mv shared/tried.new shared/tried
		exec flaky-http 200
	SCRIPT
	echo home | write_file shop index.html
}

tries() {
	inside sh -c 'setpriv --reuid neighbour --regid neighbour --clear-groups sleep 1000 & echo $! >/srv/neighbour.pid'
	inside_as shop sh -c 'umask 077; echo TOKEN=1 >.env'
	set_up shop "service.start=sh run.sh" health.interval=100ms health.timeout=10s
	probe
	push_as shop
	expect_of shop last.status=succeeded
	inside cat /home/shop/shared/tried >tried
	[ "$(grep -c . tried)" = 27 ]
	cat tried
	for name in shared logs tmp dotenv-read cpus; do
		grep -x "yes $name" tried
	done
	# All the others.
	[ "$(grep -c '^yes ' tried)" = 5 ]
	inside test ! -e /tmp/new
}
ok_when "it writes to shared, logs and its own tmp, and reaches nothing else" tries

limits() {
	add_unit shop 64M 50% 20
	[ "$(property shop MemoryMax)" = $((64 << 20)) ]
	[ "$(property shop CPUQuotaPerSecUSec)" = 500ms ]
	[ "$(property shop TasksMax)" = 20 ]
	add_unit shop
	[ "$(property shop MemoryMax)" = infinity ]
	[ "$(property shop CPUQuotaPerSecUSec)" = infinity ]
	[ "$(property shop TasksMax)" = infinity ]
}
ok_when "limits of memory, processors and tasks are in force when they are set" limits

environment() {
	inside sh -c "tr '\\0' '\\n' <\"/proc/\$1/environ\"" - "$(property shop MainPID)" | sort >environment
	cat environment
	grep -x TOKEN=1 environment
	grep -x PORT=3001 environment
	grep -x HOME=/home/shop environment
	grep -x USER=shop environment
	grep -x NODE_ENV=production environment
	grep -x npm_config_cache=/tmp/npm environment
	grep -x "HOSTKIT_RELEASE=$(basename "$(inside readlink /home/shop/app)")" environment
	grep -E '^HOSTKIT_COMMIT=[0-9a-f]{40}$' environment
	# Nothing of systemd's.
	not grep -E '^(NOTIFY_SOCKET|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID|LISTEN_)' environment
}
ok_when "its environment is the declared one, with .env and the facts of the deployment" environment

descriptors() {
	inside ls -l "/proc/$(property shop MainPID)/fd" | grep -o '[0-9]* -> .*' >fds
	cat fds
	grep -x '0 -> /dev/null' fds
	grep -x '1 -> /home/shop/logs/app.log' fds
	grep -x '2 -> /home/shop/logs/error.log' fds
	not grep -E '/(repo.git|releases|var)' fds
}
ok_when "it has the log files as output, and no descriptor of hostkit's" descriptors

# --- What it cannot be led to

# The project's user has planted something: the unit fails, and says why in the project's log.
refuses_to_start() {
	inside sh -c ': >/home/shop/logs/error.log' || true
	inside systemctl restart "$unit" || true
	wait_until 10 is_failing
	not serves
}
is_failing() {
	[ "$(property shop ActiveState)" != active ]
}
works_again() {
	inside_as shop hostkit service restart shop
	wait_until 10 serves
}

dotenv_link() {
	inside sh -c 'echo SECRET=of-the-neighbour >/home/neighbour/.env && chmod 644 /home/neighbour/.env'
	inside_as shop sh -c 'mv .env kept.env; ln -s /home/neighbour/.env .env'
	refuses_to_start
	inside cat /home/shop/logs/error.log >said
	contains said "cannot open '.env'"
	not inside grep -rF of-the-neighbour /home/shop/logs
	answers_of shop success=false "error.message~.env" -- service restart shop
	inside_as shop mv kept.env .env
	works_again
}
ok_when "an .env that is a link is refused" dotenv_link

log_link() {
	inside sh -c 'install -m 666 /dev/null /srv/victim'
	inside_as shop sh -c 'mv logs/app.log logs/kept; ln -s /srv/victim logs/app.log'
	refuses_to_start
	inside test ! -s /srv/victim
	inside journalctl --no-pager -u "$unit" >said
	contains said "cannot open the log 'logs/app.log'"
	inside_as shop mv logs/kept logs/app.log
	works_again
}
ok_when "a log file that is a link is refused, and root's journal says so" log_link

logs_link() {
	inside install -d -m 777 /srv/elsewhere
	inside_as shop sh -c 'mv logs kept-logs; ln -s /srv/elsewhere logs'
	inside systemctl restart "$unit" || true
	wait_until 10 is_failing
	[ -z "$(inside ls -A /srv/elsewhere)" ]
	inside_as shop sh -c 'rm logs; mv kept-logs logs'
	works_again
}
ok_when "a logs folder that is a link, too" logs_link

shared_link() {
	# Readable for all, but below a folder that only the neighbour enters.
	inside sh -c 'echo private >/home/neighbour/shared/note && chmod 755 /home/neighbour/shared'
	inside_as shop sh -c 'mv shared kept-shared; ln -s /home/neighbour/shared shared'
	inside systemctl restart "$unit" || true
	if [ "$(property shop ActiveState)" = active ]; then
		# It came up, with a link that leads nowhere.
		not inside nsenter -t "$(property shop MainPID)" -m -- test -e /home/shop/shared/note
	fi
	inside_as shop sh -c 'rm shared; mv kept-shared shared'
	works_again
}
ok_when "a shared folder that is a link opens no other home" shared_link

app_link() {
	inside_as shop sh -c 'readlink app >kept-app; ln -sfn /home/neighbour/app app'
	refuses_to_start
	inside cat /home/shop/logs/error.log >said
	contains said "is not a link to a release"
	inside_as shop sh -c 'ln -sfn "$(cat kept-app)" app'
	works_again
}
ok_when "so is an app that is no link to one of its releases" app_link

pushed_start_file() {
	inside_as neighbour sh -c 'mkdir -p /home/neighbour/shared/x && echo theirs >/home/neighbour/shared/x/start'
	inside chmod -R a+rwX /home/neighbour/shared/x
	inside_as shop sh -c 'cd "$1" && ln -s /home/neighbour/shared/x .hostkit' - "$T/src/shop"
	push_as shop
	# The checkout refuses the link, or the release has a folder in its place.
	inside_as neighbour grep -x theirs /home/neighbour/shared/x/start
	inside_as shop sh -c 'cd "$1" && rm .hostkit && mkdir .hostkit &&
		echo "{\"argv\":[\"touch\",\"/tmp/x\"],\"env\":[]}" >.hostkit/start' - "$T/src/shop"
	push_as shop
	expect_of shop last.status=succeeded
	inside cat /home/shop/app/.hostkit/start >said
	contains said '"argv":["sh","run.sh"]'
	wait_until 10 serves
}
ok_when "what a push brings as .hostkit is neither followed nor taken for ours" pushed_start_file

as_root() {
	local status=0

	inside hostkit run shop >said 2>&1 || status=$?
	[ "$status" = 6 ]
	contains said "must not run as root"
	contains said "systemctl start hostkit-shop.service"
}
ok_when "root is told to use systemctl instead of hostkit run" as_root

told_status() {
	# The main process may tell systemd anything.
	write_file shop run.sh <<-'SCRIPT'
		exec python3 -c '
		import os, socket, subprocess, time
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.sendto(b"STATUS=release \x1b[31m<evil>", "/run/systemd/notify")
		os.execvp("flaky-http", ["flaky-http", "200"])
		'
	SCRIPT
	push_as shop
	expect_of shop last.status=succeeded
	[ "$(property shop StatusText | od -An -c | tr -d ' \n' | grep -c evil)" = 1 ]
	answers_of shop running=true release=null -- service status shop
}
ok_when "what an application tells systemd as its release is not shown to anybody" told_status

# --- Kinds of application

python_app() {
	inside_as shop sh -c 'cd "$1" && git rm -rqf . && rm -rf ./* .hostkit' - "$T/src/shop"
	write_file shop app.py <<-'PYTHON'
		import http.server, os, tempfile

		tempfile.TemporaryFile()
		http.server.test(http.server.SimpleHTTPRequestHandler, port=int(os.environ["PORT"]),
		                 bind=os.environ["HOST"])
	PYTHON
	: | write_file shop requirements.txt
	mkdir -p "$T/src/shop/api"
	inside chown shop: "$T/src/shop/api"
	echo ok | write_file shop api/health
	set_up shop health.interval=100ms install.enabled=no
	push_as shop
	expect_of shop last.status=succeeded active.type=python
	serves
}
ok_when "a Python application runs in it" python_app

node_app() {
	inside_as shop sh -c 'cd "$1" && git rm -rqf . && rm -rf ./*' - "$T/src/shop"
	write_file shop server.js <<-'NODE'
		const http = require("http"), os = require("os"), fs = require("fs");
		// Compiled at run time: a unit that forbids that cannot run node.
		let x = 0;
		for (let i = 0; i < 1e6; i++) x += i % 7;
		if (!os.cpus().length) throw new Error("no processors");
		fs.writeFileSync(os.tmpdir() + "/x", "x");
		http.createServer((q, r) => r.end("ok " + new WebAssembly.Memory({ initial: 1 }).buffer.byteLength))
			.listen(process.env.PORT, process.env.HOST);
	NODE
	echo '{"name": "shop", "version": "1.0.0", "scripts": {"start": "node server.js"}}' |
		write_file shop package.json
	set_up shop health.interval=100ms install.enabled=no "project.path=$1"
	push_as shop
	expect_of shop last.status=succeeded active.type=node
	serves
	inside cat /home/shop/app/.hostkit/start >said
	contains said '"argv":["npm","start"]'
	inside_as shop hostkit service stop shop
	not serves
}
if node=$(command -v node) && command -v npm >/dev/null && [[ $(readlink -f "$node") != /home/* ]] &&
	machine_run sh -c 'command -v node && command -v npm' >/dev/null; then
	ok_when "npm start runs in it" node_app /usr/local/bin:/usr/bin:/bin
else
	skip "npm start runs in it" "node or npm is not where every user has it"
fi

done_testing
