#!/bin/bash
#
# Checkpoints of a live SQLite database in WAL mode, whose service never stops writing; restoring one;
# and everything that must leave the live data as it is.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "checkpoints of SQLite"
not_in_quick_run
require_programs python3
new_project site
home=$(home_of site)
dumps=$HOSTKIT_ROOT/var/lib/hostkit/site/checkpoints
db=$home/shared/data/app.db

# Every transaction adds a row and counts it elsewhere: half of one is seen.
cat >site/app.py <<'PY'
import os, sqlite3, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer

def write():
    db = sqlite3.connect('data/app.db', isolation_level=None, timeout=30)
    db.execute('PRAGMA journal_mode = WAL')
    db.execute('PRAGMA synchronous = OFF')
    db.execute('CREATE TABLE IF NOT EXISTS entry (n INTEGER PRIMARY KEY, filler TEXT)')
    db.execute('CREATE TABLE IF NOT EXISTS total (n INTEGER)')
    if not db.execute('SELECT count(*) FROM total').fetchone()[0]:
        db.execute('INSERT INTO total VALUES (0)')
    while True:
        db.execute('BEGIN IMMEDIATE')
        db.execute('INSERT INTO entry (filler) VALUES (?)', ('x' * 200,))
        db.execute('UPDATE total SET n = n + 1')
        db.execute('COMMIT')
        time.sleep(0.0005)

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'ok')
    def log_message(self, *a):
        pass

threading.Thread(target=write, daemon=True).start()
HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
PY
echo page >site/index.html

settings() {
	configure site project.runtime=python "service.start=python3 app.py" install.enabled=no \
		health.interval=100ms health.timeout=20s shared.dirs=data \
		database.kind=sqlite database.path=shared/data/app.db "$@"
}

# sql FILE STATEMENT: by the library of Python, which need not be told to wait.
sql() {
	python3 - "$1" "$2" <<-'PY'
		import sqlite3, sys
		db = sqlite3.connect(sys.argv[1], timeout=30)
		for row in db.execute(sys.argv[2]):
		    print('|'.join(str(v) for v in row))
		db.commit()
	PY
}

count() {
	sql "${1:-$db}" "SELECT n FROM total"
}

sound() { # FILE: no transaction is there by half
	[ "$(sql "$1" "PRAGMA integrity_check")" = ok ]
	[ "$(sql "$1" "SELECT (SELECT count(*) FROM entry) = (SELECT n FROM total)")" = 1 ]
}

grows() {
	[ "$(count)" -gt "$1" ]
}

# id_of LABEL
id_of() {
	hostkit --json checkpoint list site | python3 -c '
import json, sys
print(next(c["id"] for c in json.load(sys.stdin)["data"]["checkpoints"] if c["label"] == sys.argv[1]))' "$1"
}

nothing_beside() {
	not ls "$db".hostkit-* "$dumps"/*.tmp
}

first() {
	settings
	push site
	expect site last.status=succeeded stage.snapshot=succeeded active.state=good
	contains said "there is no database 'shared/data/app.db' yet"
	[ "$(ls "$dumps")" = "" ]
	wait_until 20 grows 500
}
ok_when "the first deployment has no database to keep, and says so" first

before_deployment() {
	push site
	expect site last.status=succeeded
	contains said "checkpoint 1, "
	[ "$(stat -c %a "$dumps")" = 700 ]
	[ "$(stat -c %a "$dumps/1.dump")" = 600 ]
	cp "$dumps/1.dump" copy.db
	sound copy.db
	[ "$(count copy.db)" -ge 500 ]
	hostkit checkpoint list site >out
	contains out "before deployment 2"
	contains out "$(sha256sum <"$dumps/1.dump" | cut -c 1-12)"
}
ok_when "the next one makes a checkpoint while the service writes, and it is sound" before_deployment

under_writes() {
	local i before=0 now

	for i in 1 2 3 4 5 6; do
		wait_until 20 grows "$before"
		hostkit checkpoint create site --label "round $i" >out
		now=$(count)
		cp "$dumps/$(id_of "round $i").dump" copy.db
		sound copy.db
		[ "$(count copy.db)" -gt "$before" ]
		[ "$(count copy.db)" -le "$now" ]
		before=$(count copy.db)
	done
	wait_until 60 grows 3000
}
ok_when "each checkpoint under thousands of writes is one instant of them" under_writes

marked() { # FILE: it is from after the mark was set
	[ "$(sql "$1" "SELECT count(*) FROM sqlite_schema WHERE name = 'mark'")" = 1 ]
}

restored() {
	local id pid

	id=$(id_of "round 1")
	sql "$db" "CREATE TABLE mark (n)"
	pid=$(answers pid -- service status site)
	hostkit checkpoint restore site "$id" --yes >"$T/restored"
	contains "$T/restored" "the database of site is that of checkpoint $id"
	sound "$db"
	not marked "$db"
	# The service goes on from there.
	wait_until 10 grows "$(count)"
	[ "$(answers pid -- service status site)" != "$pid" ]
	nothing_beside
	[ "$(sql "$db" "PRAGMA journal_mode")" = wal ]
}
ok_when "restored under the writer: what was then, and the service writes on" restored

went_back() { # to what was before the restore
	local safety

	safety=$(sed -n 's/.*checkpoint restore site //p' "$T/restored")
	cp "$dumps/$safety.dump" copy.db
	sound copy.db
	marked copy.db
	[ "$(count copy.db)" -ge 3000 ]
	hostkit checkpoint list site >listed
	grep -E "^ +$safety .*before a restore" listed
	hostkit checkpoint restore site "$safety" --yes --no-safety >out
	lacks out "what was there before"
	[ "$(count)" -ge 3000 ]
	marked "$db"
	sound "$db"
}
ok_when "what was there before the restore is a checkpoint of its own" went_back

asks() {
	local id

	id=$(id_of "round 2")
	hostkit checkpoint restore site "$id" </dev/null
}
fails_with 2 "without a terminal it takes --yes" asks

asked() { # ANSWER
	python3 - "$1" "$(id_of "round 2")" <<-'PY' >shown
		import os, pty, sys
		pid, tty = pty.fork()
		if not pid:
		    os.execvp("hostkit", ["hostkit", "checkpoint", "restore", "site", sys.argv[2]])
		shown = b""
		while b"(yes or no): " not in shown:
		    shown += os.read(tty, 1000)
		os.write(tty, sys.argv[1].encode() + b"\n")
		try:
		    while more := os.read(tty, 1000):
		        shown += more
		except OSError:
		    pass
		sys.stdout.write(shown.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	PY
}
no_asked() {
	local before

	before=$(count)
	fails=0
	asked y || fails=$?
	[ "$fails" = 26 ]
	contains shown "The database of site ('shared/data/app.db') becomes what it was at"
	contains shown "nothing was changed"
	[ "$(count)" -ge "$before" ]
}
ok_when "it asks, and anything but yes changes nothing" no_asked

# --- What must not change anything

unharmed() { # the service was not even stopped
	[ "$(answers pid -- service status site)" = "$(cat was)" ]
	[ "$(count)" -ge "$(cat before)" ]
	sound "$db"
	nothing_beside
	wait_until 10 grows "$(count)"
}

remember() {
	answers pid -- service status site >was
	count >before
}

tampered() {
	local id

	id=$(id_of "round 3")
	remember
	cp "$dumps/$id.dump" kept
	flip_byte "$dumps/$id.dump" 5000
	status=0
	hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	[ "$status" = 72 ]
	contains out "checkpoint $id is damaged, and is not used: its dump is not what was written"
	unharmed
	truncate -s -4096 "$dumps/$id.dump"
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "another size"
	unharmed
	rm "$dumps/$id.dump"
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "its dump is missing"
	unharmed
	ln -s "$T/kept" "$dumps/$id.dump"
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "its dump is missing"
	unharmed
	rm "$dumps/$id.dump"
	cp kept "$dumps/$id.dump"
}
ok_when "a dump that was changed, cut off, removed or replaced is refused" tampered

unsound() { # and its digest is right: whoever can write the one can write the other
	local id sum

	id=$(id_of "round 3")
	remember
	head -c 8192 kept >"$dumps/$id.dump"
	head -c 200000 /dev/urandom >>"$dumps/$id.dump"
	sum=$(sha256sum <"$dumps/$id.dump" | cut -d' ' -f1)
	sql "$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" \
		"UPDATE checkpoint SET sha256 = '$sum', size = $(stat -c %s "$dumps/$id.dump") WHERE id = $id"
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "checkpoint $id is damaged, and is not used"
	unharmed
	hostkit checkpoint delete site "$id"
	[ ! -e "$dumps/$id.dump" ]
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "there is no checkpoint $id"
}
ok_when "one that is no sound database, too" unsound

in_use() { # by somebody else than the service
	local id before

	id=$(id_of "round 4")
	before=$(count)
	python3 - "$db" <<-'PY' &
		import sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1], timeout=30)
		print(db.execute('SELECT count(*) FROM entry').fetchone())
		open('reading', 'w').close()
		time.sleep(1000)
	PY
	reader=$!
	wait_until 10 test -e reading
	status=0
	hostkit checkpoint restore site "$id" --yes >out 2>&1 || status=$?
	kill "$reader"
	wait "$reader" || true
	[ "$status" = 73 ]
	contains out "is in use"
	[ "$(count)" -ge "$before" ]
	sound "$db"
	nothing_beside
	wait_until 10 grows "$(count)"
	[ "$(sql "$db" "PRAGMA journal_mode")" = wal ]
	hostkit checkpoint restore site "$id" --yes
	sound "$db"
}
ok_when "a database that another program has open is left alone, until it has not" in_use

at_once() {
	local id a=0 b=0

	id=$(id_of "round 5")
	hostkit checkpoint restore site "$id" --yes >out.1 2>&1 &
	first=$!
	hostkit checkpoint restore site "$id" --yes >out.2 2>&1 || b=$?
	wait "$first" || a=$?
	# One of them, or one after the other.
	case $a,$b in
	0,0 | 0,24 | 24,0) ;;
	*) cat out.1 out.2 >&2; return 1 ;;
	esac
	[ "$a,$b" = 0,0 ] || cat out.1 out.2 | contains /dev/stdin "is being worked on"
	sound "$db"
	nothing_beside
	wait_until 10 grows "$(count)"
}
ok_when "of two restores at once, one waits for better times" at_once

damaged() { # the reason to have checkpoints
	local id

	id=$(id_of "round 6")
	hostkit service stop site
	rm -f "$db"-*
	head -c 100000 /dev/urandom >"$db"
	not hostkit checkpoint create site >out 2>&1
	contains out "is not a database"
	not hostkit checkpoint restore site "$id" --yes >out 2>&1
	contains out "hostkit checkpoint restore site $id --no-safety"
	hostkit checkpoint restore site "$id" --yes --no-safety
	sound "$db"
	rm "$db"
	hostkit checkpoint restore site "$id" --yes
	sound "$db"
	# It did not run, and is not started.
	answers running=false -- service status site
	hostkit service start site
}
ok_when "a damaged or a missing database is replaced" damaged

through_a_link() {
	local status=0

	hostkit service stop site
	mkdir "$T/elsewhere"
	mv "$home/shared/data" "$home/shared/data.kept"
	cp "$home/shared/data.kept/app.db" "$T/elsewhere/app.db"
	ln -s "$T/elsewhere" "$home/shared/data"
	hostkit checkpoint create site >out 2>&1 || status=$?
	[ "$status" != 0 ]
	rm "$home/shared/data"
	mv "$home/shared/data.kept" "$home/shared/data"
	mv "$db" "$db.kept"
	ln -s "$T/elsewhere/app.db" "$db"
	not hostkit checkpoint create site >out 2>&1
	contains out "is a link, or lies behind one"
	rm "$db"
	mv "$db.kept" "$db"
	hostkit service start site
}
ok_when "nothing is read through a link" through_a_link

deployment_fails() {
	remember_live site
	hostkit service stop site
	sql "$db" "PRAGMA journal_mode = DELETE"
	mv "$db" "$db.kept"
	head -c 100000 /dev/urandom >"$db"
	push site
	expect site last.status=failed stage.snapshot=failed stage.release=null \
		last.error.code=CHECKPOINT_FAILED
	contains said "error: site: snapshot: the database checkpoint: "
	still_live site
	settings database.before_deploy=no
	mv "$db.kept" "$db"
	hostkit service start site
	push site
	expect site last.status=succeeded stage.snapshot=null
}
ok_when "a checkpoint that fails fails the deployment, and before_deploy = no makes none" deployment_fails

too_slow() {
	settings database.timeout=100ms
	# Larger than what can be copied and looked through in that time.
	hostkit service stop site
	sql "$db" "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 60000)
		INSERT INTO entry (filler) SELECT hex(randomblob(1000)) FROM c"
	not hostkit checkpoint create site >out 2>&1
	contains out "took too long"
	settings
	hostkit checkpoint create site --label large
	nothing_beside
	sql "$db" "DELETE FROM entry WHERE length(filler) > 1000"
	hostkit service start site
}
ok_when "a limit ends what takes too long, and leaves nothing of it" too_slow

lost_ledger() { # gone, or damaged where something of it can be read
	local state=$HOSTKIT_ROOT/var/lib/hostkit/site id found

	id=$(id_of "round 6")
	found=$(ls "$dumps")
	hostkit service stop site
	rm "$state"/ledger.db*
	echo "no checkpoint" >"$dumps/x.dump"
	ln -s /etc/passwd "$dumps/99.dump"
	hostkit checkpoint list site >out
	rm "$dumps/x.dump" "$dumps/99.dump"
	[ "$(wc -l <out)" = "$(wc -w <<<"$found")" ]
	grep -E "^ +$id .*found when the ledger was lost" out
	contains out "$(sha256sum <"$dumps/$id.dump" | cut -c 1-12)"
	hostkit checkpoint restore site "$id" --yes
	sound "$db"
	# New ones have new numbers.
	hostkit checkpoint create site --label after
	[ "$(id_of after)" -gt "$(printf "%s\n" "${found//.dump/}" | sort -n | tail -n 1)" ]
	hostkit doctor site >out || true
	grep -E "^  ok +checkpoints " out
	hostkit service start site
}
ok_when "the checkpoints of a lost ledger are on record again" lost_ledger

kept() {
	local i

	settings database.keep=2 deploy.keep_releases=1
	for i in 1 2 3; do
		push site
		expect site last.status=succeeded
	done
	for i in 1 2 3; do hostkit checkpoint create site --label "last $i"; done
	hostkit checkpoint list site >out
	contains out "last 3"
	contains out "last 2"
	lacks out "last 1"
	# Those of the releases that are still there are left.
	for i in "$home"/releases/2*; do
		id=$(sql "$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" \
			"SELECT deployment FROM release WHERE name = '$(basename "$i")'")
		grep -E "before deployment $id\$" out
	done
	there=("$home"/releases/2*)
	[ "$(wc -l <out)" = $((2 + ${#there[@]})) ]
	[ "$(find "$dumps" -type f | wc -l)" = "$(wc -l <out)" ]
	settings database.keep=100 database.keep_for=1ms
	hostkit checkpoint create site --label new
	hostkit checkpoint list site >out
	lacks out "last 2"
}
ok_when "old ones go, by number and by age, but none of a release that is there" kept

none() {
	configure site project.runtime=python "service.start=python3 app.py" install.enabled=no
	hostkit checkpoint create site
}
fails_with 10 "a project without a database has no checkpoints" none

done_testing
