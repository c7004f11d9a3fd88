#!/bin/bash
#
# State on a VPS: secrets, checkpoints of a SQLite database under the service's unit, and going back
# to all of it, by root and over ssh; and where a secret's value must not be.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "state on a VPS"
not_in_quick_run
plain_build_only
vps_boot
canary="canary-5e1b7c90aa42"
db=/home/data/shared/app.db

# Every transaction counts twice; the page tells both, and whether the secret is there.
app() { # TEXT
	vps_write data/app.py <<-PY
		import os, sqlite3, threading, time
		from http.server import BaseHTTPRequestHandler, HTTPServer

		def connect():
		    return sqlite3.connect('$db', isolation_level=None, timeout=30)

		def write():
		    db = connect()
		    db.execute('PRAGMA journal_mode = WAL')
		    db.execute('CREATE TABLE IF NOT EXISTS entry (n INTEGER PRIMARY KEY)')
		    db.execute('CREATE TABLE IF NOT EXISTS total (n INTEGER)')
		    if not db.execute('SELECT count(*) FROM total').fetchone()[0]:
		        db.execute('INSERT INTO total VALUES (0)')
		    while True:
		        db.execute('BEGIN IMMEDIATE')
		        db.execute('INSERT INTO entry DEFAULT VALUES')
		        db.execute('UPDATE total SET n = n + 1')
		        db.execute('COMMIT')
		        time.sleep(0.002)

		class Handler(BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(200)
		        self.end_headers()
		        secret = len(os.environ.get('TOKEN', ''))
		        self.wfile.write(('{"text": "$1", "color": "%s", "secret": %d}\n'
		                          % (os.environ.get('COLOR'), secret)).encode())
		    def log_message(self, *a):
		        pass

		threading.Thread(target=write, daemon=True).start()
		HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
	PY
}

sql() {
	machine_as data python3 -c '
import sqlite3, sys
for row in sqlite3.connect(sys.argv[1], timeout=30).execute(sys.argv[2]):
    print(*row)' "$db" "$1"
}

count() {
	sql "SELECT n FROM total"
}

grows() {
	[ "$(count)" -gt "$1" ]
}

sound() {
	[ "$(sql "PRAGMA integrity_check")" = ok ]
	[ "$(sql "SELECT (SELECT count(*) FROM entry) = (SELECT n FROM total)")" = 1 ]
}

over_ssh() {
	machine_as dev ssh data@vps "$@"
}

runs_anew() { # OLD-PID
	machine_run systemctl is-active hostkit-data.service
	[ "$(main_pid)" != "$1" ]
	wait_until 10 grows "$(count)"
}

main_pid() {
	machine_run systemctl show -P MainPID hostkit-data.service
}

# The machine's processes are seen from here, too, while they run.
printf '%s\n' "$canary" >canary
spy() {
	while [ ! -e "$T/stop-spying" ]; do
		cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -aF -f canary >>seen || true
		sleep 0.01
	done
}
spy 3>&- &
spy=$!

deployed() {
	vps_project data --domain data.example --runtime python
	machine_run hostkit config set data service.start "python3 app.py"
	machine_run hostkit config set data install.enabled no
	machine_run hostkit config set data database.path shared/app.db
	machine_run hostkit config set data database.kind sqlite
	machine_run hostkit config set data secrets.inject yes
	machine_run hostkit ratelimit disable data
	printf '%s' "$canary" | over_ssh secrets set TOKEN --stdin
	over_ssh env set COLOR=red
	app one
	vps_push data
	contains said "success: data:"
	page_says data.example text one
	page_says data.example color red
	page_says data.example secret ${#canary}
	wait_until 20 grows 100
}
ok_when "a project with a database and a secret is deployed" deployed

made() {
	over_ssh checkpoint create --label first >out
	contains out "checkpoint 1, "
	machine_run hostkit checkpoint create data --label second
	over_ssh checkpoint list >out
	contains out first
	contains out second
	[ "$(machine_run find /var/lib/hostkit/data ! -user data)" = "" ]
	[ "$(machine_run stat -c '%a %U' /var/lib/hostkit/data/checkpoints)" = "700 data" ]
}
ok_when "checkpoints are made under the unit that writes, over ssh and by root" made

not_over_ssh() {
	not over_ssh checkpoint restore 1 --yes 2>why
	contains why "'checkpoint restore' is not possible with this key"
	not over_ssh checkpoint delete 1 2>why
	contains why "'checkpoint delete' is not possible with this key"
}
ok_when "over ssh they are neither restored nor deleted" not_over_ssh

allowed() {
	local pid

	machine_run hostkit config set data project.shell "checkpoint, rollback, env, secrets, deploy"
	pid=$(main_pid)
	not over_ssh checkpoint restore 1 --yes --no-safety 2>why
	contains why "--no-safety is only possible on the machine itself"
	over_ssh checkpoint restore 1 --yes >out
	contains out "the database of data is that of checkpoint 1"
	sound
	runs_anew "$pid"
}
ok_when "unless the administrator says so; the unit is stopped and started around it" allowed

by_root() {
	local pid

	sql "CREATE TABLE mark (n)"
	pid=$(main_pid)
	machine_run hostkit checkpoint restore data 2 --yes >out
	contains out "the database of data is that of checkpoint 2"
	[ "$(sql "SELECT count(*) FROM sqlite_schema WHERE name = 'mark'")" = 0 ]
	sound
	runs_anew "$pid"
	[ "$(machine_run stat -c '%U:%G' "$db")" = data:data ]
	[ "$(machine_run find /home/data/shared /var/lib/hostkit/data ! -user data)" = "" ]
}
ok_when "root restores one as the project's user" by_root

full() { # HOW…
	local pid

	app two
	vps_push data
	contains said "success: data:"
	page_says data.example text two
	over_ssh env set COLOR=blue
	sql "CREATE TABLE later (n)"
	over_ssh env diff >out
	grep -x "~ COLOR" out
	"$@" --full --dry-run >out
	contains out "~ COLOR"
	grep -E "^ +later +0 now, and goes$" out
	grep -E "^ +entry +[0-9]+ now, [0-9]+ then$" out
	lacks out "$canary"
	pid=$(main_pid)
	"$@" --full --yes >out
	contains out "database and .env, before deployment"
	page_says data.example text one
	page_says data.example color red
	page_says data.example secret ${#canary}
	[ "$(sql "SELECT count(*) FROM sqlite_schema WHERE name = 'later'")" = 0 ]
	sound
	runs_anew "$pid"
}
ok_when "rollback --full by root: code, .env and database" full machine_run hostkit rollback data
ok_when "and over ssh" full over_ssh rollback

power_cut() { # while databases are about to change places, or have
	app three
	sql "DROP TABLE IF EXISTS later"
	vps_push data
	sql "CREATE TABLE later (n)"
	machine_run env "HOSTKIT_FAILPOINT=$1:kill" hostkit rollback data --full --yes >out 2>&1 || true
	machine_reboot
	machine_run systemctl start ssh.service nginx.service
	machine_run hostkit recover
	vps_expect data last.status=interrupted running=null
	wait_until 20 page_says data.example text "$2"
	[ "$(sql "SELECT count(*) FROM sqlite_schema WHERE name = 'later'")" = "$3" ]
	sound
	wait_until 20 grows "$(count)"
	machine_as data bash -c '! ls /home/data/shared/*hostkit-new'
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "a power cut before the databases change places: nothing has happened" \
		power_cut restore_stopped three 1
	ok_when "one behind that: all of it has" power_cut restore_swapped three 0
else
	skip "a power cut in a full rollback" "built without --enable-failpoints"
fi

doctor() {
	machine_run hostkit doctor data >out || true
	grep -E "^  ok +database +sqlite: $db, " out
	grep -E "^  ok +checkpoints +[0-9]+, " out
	over_ssh env list >out
	lacks out "$canary"
}
ok_when "doctor is content with both" doctor

# The files of a process that makes no core dumps are root's in /proc, whoever it runs as.
undumpable() { # PROGRAM
	local pid pids

	pids=$(machine_run pgrep -u data -x "$1")
	[ -n "$pids" ]
	for pid in $pids; do
		[ "$(machine_run stat -c %U "/proc/$pid/environ")" = root ]
		machine_run grep -E "^Max core file size +0 " "/proc/$pid/limits"
	done
}

core_dumps() {
	machine_run hostkit config set data database.dump "sh: echo x >dumping; exec sleep 1000"
	machine_run hostkit config set data database.restore true
	machine_run hostkit config set data database.kind command
	over_ssh checkpoint create >out 2>&1 3>&- &
	wait_until 20 machine_run test -e /home/data/dumping
	undumpable hostkit
	machine_run pkill -u data -x sleep
	wait "$!" || true
	machine_run rm /home/data/dumping
	app four
	vps_push data >push.log 2>&1 3>&- &
	wait_until 30 machine_run test -e /home/data/dumping
	undumpable hostkit-worker
	undumpable post-receive
	machine_run pkill -u data -x sleep
	wait "$!" || true
	contains push.log "error: data: snapshot:"
	machine_run rm /home/data/dumping
	machine_run hostkit config set data database.kind sqlite
	# The service may be asked for its own.
	[ "$(machine_run stat -c %U "/proc/$(main_pid)/environ")" = data ]
}
ok_when "neither the command line nor worker and hook can dump core" core_dumps

nowhere() { # but in .env: not in ledger, logs, journal, checkpoints, command lines
	touch "$T/stop-spying"
	wait_until 10 test ! -d "/proc/$spy"
	[ -e seen ]
	machine_run grep -rlF --exclude=canary -e "$canary" /home/data /home/dev /var/lib/hostkit /var/log /etc /run /tmp /root \
		>found 2>/dev/null || true
	printf '/home/data/.env\n' | diff - found
	machine_run journalctl --no-pager -o export >journal
	[ -s journal ]
	not grep -aF "$canary" journal
	[ ! -s seen ] || { cat seen; return 1; }
}
ok_when "the secret is in no file but .env, in no journal, in no command line" nowhere

machine_stop
done_testing
