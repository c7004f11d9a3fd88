#!/bin/bash
#
# hostkit doctor: each thing that can be broken is found, and what it says mends it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "doctor"
not_in_quick_run
require_programs flaky-http stubborn python3 sqlite3 pgrep ssh-keygen
new_project site
home=$(home_of site)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini
repo=$home/repo.git

settings() {
	configure site health.interval=100ms service.stop_timeout=2s "service.start=flaky-http 200" "$@"
}

# finds STATUS CHECK TEXT: also in words; the hint goes to the file `hint`.
finds() {
	local status=0 wanted=0 word=$1

	[ "$1" != fail ] || wanted=60
	[ "$1" != fail ] || word=FAIL
	hostkit doctor site >words 2>errors || status=$?
	[ "$status" = "$wanted" ]
	grep -F -A1 -e "$3" words >lines
	grep -E "^  $word +$2 " lines
	grep "^        hint: ." lines
	[ "$wanted" = 0 ] || contains errors "error: "
	hostkit --json doctor site >answer || true
	python3 - "$@" <<-'PY'
		import json, sys
		status, name, text = sys.argv[1:]
		answer = json.load(open("answer"))
		bad = [c for c in answer["data"]["checks"] if c["status"] != "ok"]
		found = [c for c in bad if c["name"] == name and text in c["message"]]
		assert len(found) == 1 and found[0]["status"] == status, bad
		assert found[0]["scope"] == "site" and found[0]["hint"], found
		assert answer["success"] == (status != "fail")
		if status == "fail":
		    assert answer["error"]["code"] == "DOCTOR_FOUND_PROBLEMS", answer["error"]
		open("hint", "w").write(found[0]["hint"])
	PY
}

all_well() {
	hostkit doctor "$@" >words
	not grep -E "^  (warn|FAIL) " words
	not grep "hint:" words
}

# Does what the hint says, as a user would.
mend() {
	cat hint
	bash -c "$(cat hint)"
	all_well site
}

# All that is there but the times of folders, where SQLite has its files while a ledger is open.
snapshot() {
	find "$HOSTKIT_ROOT" -printf '%p %y %m %u %s %l\n' | sort
	find "$HOSTKIT_ROOT" -type f -exec sha256sum {} + | sort
}

new_and_well() {
	snapshot >before
	all_well site
	all_well
	grep "^installation $HOSTKIT_ROOT" words
	grep -E "^  ok +programs +$HK_LIBEXECDIR/hostkit-worker" words
	grep "^project site" words
	grep -E "^  ok +live +nothing is deployed yet" words
	snapshot | cmp before -
}
ok_when "all is well with a new project, and nothing is changed" new_and_well

live_and_well() {
	settings
	echo home >"$T/site/index.html"
	push site
	snapshot >before
	all_well site
	snapshot | cmp before -
	grep -E "^  ok +live +release [0-9]{8}-[0-9]{6}" words
	grep -E "^  ok +service +it runs, as process $(answers pid -- service status site)" words
	grep -E "^  ok +port +process [0-9]+ \('flaky-http'\) of the service listens on port" words
	grep -E "^  ok +git +/.*: git version 2" words
	contains words "are free in '$home'"
}
ok_when "all is well with one that is live" live_and_well

environment() {
	hostkit env set site COLOR=blue API_TOKEN=t0ps3cret
	hostkit doctor site >words
	contains words "    PATH=$T/bin:/usr/local/bin:/usr/bin:/bin"
	contains words "    COLOR=blue"
	contains words "    API_TOKEN=(hidden)"
	contains words "    PORT=$(cat "$T/site.port")"
	hostkit --json doctor site >answer
	python3 - "$T/bin:/usr/local/bin:/usr/bin:/bin" <<-'PY'
		import json, sys
		env = json.load(open("answer"))["data"]["environment"]
		assert env["PATH"] == sys.argv[1] and env["COLOR"] == "blue", env
		assert env["API_TOKEN"] is None and "HOME" in env, env
	PY
	not grep -F t0ps3cret words answer
}
ok_when "the environment of deployments is shown, without secrets" environment

# --- Database

database() {
	settings database.kind=sqlite database.path=shared/app.db
	all_well site
	contains words "there is no 'shared/app.db' yet"
	mkdir -p "$home/shared"
	sqlite3 "$home/shared/app.db" "PRAGMA journal_mode = WAL; CREATE TABLE t (n)" >/dev/null
	hostkit checkpoint create site
	snapshot >before
	all_well site
	snapshot | cmp before -
	grep -E "^  ok +database +sqlite: $home/shared/app.db, " words
	grep -E "^  ok +checkpoints +1, [0-9]" words
	cp "$home/shared/app.db" "$home/shared/app.db.hostkit-new"
	finds warn database "a restore has left another database beside the live one"
	hostkit checkpoint restore site 1 --yes
	all_well site
	hostkit checkpoint delete site 2
	mv "$home/shared/app.db" kept.db
	echo "no database" >"$home/shared/app.db"
	finds fail database "is not a database of SQLite"
	rm "$home/shared/app.db"
	ln -s "$T/kept.db" "$home/shared/app.db"
	finds fail database "cannot open the database"
	rm "$home/shared/app.db"
	mv kept.db "$home/shared/app.db"
	all_well site
}
ok_when "a database that is none" database

checkpoints() {
	local dump=$state/checkpoints/1.dump

	touch "$state/checkpoints/77.dump"
	finds warn checkpoints "77.dump' is no checkpoint on record"
	mend
	truncate -s +1 "$dump"
	finds fail checkpoints "the dump of checkpoint 1 is not there, or of another size"
	mend
	sqlite3 "$state/ledger.db" "INSERT INTO checkpoint (kind, safety, created_at) VALUES ('sqlite', 0, 1)"
	finds fail checkpoints "a checkpoint or a restore was interrupted"
	mend
	settings database.kind=command "database.dump=no-such-program" database.restore=cat
	finds fail database "there is no 'no-such-program' in [project] path"
	settings
	all_well site
}
ok_when "a checkpoint that is damaged or left over" checkpoints

# --- Keys

keys() {
	local file=$home/.ssh/authorized_keys

	ssh-keygen -q -t ed25519 -N '' -C ann -f ann
	hostkit key add site ann.pub
	all_well site
	grep -E "^  ok +keys +1, in $file" words
	chmod g+w "$file"
	finds fail keys "others may write '$file', so sshd ignores it"
	mend
	sed -i "s|$HK_BINDIR/hostkit shell|/nowhere/hostkit shell|" "$file"
	finds fail keys "the key 'ann' runs '/nowhere/hostkit', which is not there"
	mend
	contains "$file" "command=\"$HK_BINDIR/hostkit shell "
	chmod 770 "$home/.ssh"
	finds fail keys "'$home/.ssh' may be written by others"
	chmod 700 "$home/.ssh"
	cat ann.pub >>"$file"
	finds warn keys "1 line of '$file' is not hostkit's, and may let a key do anything"
	rm -r "$home/.ssh"
	all_well site
}
ok_when "a file of keys that sshd ignores, a line that is not ours, a program that has gone" keys

# --- Hooks and repository

hook_is_file() {
	rm "$repo/hooks/post-receive"
	echo 'exit 0' >"$repo/hooks/post-receive"
	finds fail hooks "is not the link that hostkit made"
	mend
	[ -L "$repo/hooks/post-receive" ]
}
ok_when "a hook that was replaced by a file" hook_is_file

hook_is_missing() {
	rm "$repo/hooks/post-receive"
	finds fail hooks "is missing: pushes deploy nothing"
	mend
}
ok_when "a hook that is missing" hook_is_missing

hook_is_dead() {
	ln -sfn "$T/nowhere" "$repo/hooks/post-receive"
	finds fail hooks "links to '$T/nowhere', which cannot be run"
	mend
	cp "$HK_LIBEXECDIR/post-receive" other
	ln -sfn "$T/other" "$repo/hooks/post-receive"
	finds warn hooks "of another installation"
	mend
}
ok_when "a hook that leads nowhere, or to another installation" hook_is_dead

hook_of_others() {
	printf '#!/bin/sh\nexit 1\n' >"$repo/hooks/update"
	chmod +x "$repo/hooks/update"
	finds warn hooks "/hooks/update' is not hostkit's, and git runs it"
	mend
	rm "$repo/hooks/update"
}
ok_when "a hook of somebody else's" hook_of_others

git_settings() {
	local key

	git -C "$repo" config core.hooksPath /tmp/elsewhere
	finds fail repository "git's core.hooksPath is not hooks"
	mend
	for key in transfer.hideRefs core.fsync; do
		git -C "$repo" config --unset-all "$key"
		finds fail repository "git's $key is not "
		mend
	done
}
ok_when "settings of git that project create made" git_settings

locks() {
	touch "$repo/refs/heads/main.lock"
	finds fail repository "1 lock that git left keeps pushes out"
	[ -e "$repo/refs/heads/main.lock" ]
	mend
	[ ! -e "$repo/refs/heads/main.lock" ]
	mv "$repo/HEAD" HEAD
	finds fail repository "is not a git repository"
	mv HEAD "$repo/HEAD"
}
ok_when "locks that a power cut left, and what is no repository" locks

# --- Settings and files

broken_settings() {
	local n

	n=$(wc -l <"$ini")
	cp "$ini" good.ini
	printf '[build]\ntimeot = 3s\n[health]\ntimeout = soon\n' >>"$ini"
	finds fail settings "$ini:$((n + 2)): [build] timeot: unknown key"
	finds fail settings "$ini:$((n + 4)): [health] timeout: "
	# All the rest is looked at, with what is right in the file.
	grep -E "^  ok +port +process [0-9]+ \('flaky-http'\) of the service" words
	contains words "    PATH=$T/bin:"
	cp good.ini "$ini"
	all_well site
	cp "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini" defaults.ini
	printf 'nonsense\n' >"$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
	finds fail settings "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini:1: "
	mv defaults.ini "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
	chmod 666 "$ini"
	finds fail settings "others may write it (mode 666)"
	sed 's/.*then: //' hint >mending
	bash -c "$(cat mending)"
	all_well site
}
ok_when "every mistake in the INI files, with file and line" broken_settings

modes() {
	chmod 644 "$home/.env"
	finds fail permissions "others may read '$home/.env' (mode 644)"
	mend
	[ "$(stat -c %a "$home/.env")" = 600 ]
	chmod 640 "$state/ledger.db"
	finds fail permissions "others may read '$state/ledger.db'"
	mend
	chmod 777 "$home"
	finds fail permissions "others may write '$home' (mode 777)"
	mend
	chmod 755 "$state"
	finds fail permissions "others may read '$state'"
	mend
	chmod 775 "$repo/hooks"
	finds fail permissions "others may write '$repo/hooks'"
	mend
	settings notify.secret=s3cret
	finds warn permissions "holds a secret ([notify] secret), and everybody may read it"
	mend
	settings
	chmod 644 "$ini"
}
ok_when "modes that let others read secrets or write" modes

owners() {
	chown 12345 "$repo/objects" "$state/log"
	finds fail owner "2 files or folders are not of '$(id -un)', such as '"
	mend
	[ "$(stat -c %u "$state/log")" = 0 ]
	chown 12345 "$HOSTKIT_ROOT"
	finds fail owner "it belongs to '12345', who alone can use it"
	[ "$(cat hint)" = "sudo -u 12345 hostkit --root $HOSTKIT_ROOT doctor site" ]
	[ "$(grep -c '^  FAIL' words)" = 1 ]
	chown 0 "$HOSTKIT_ROOT"
}
if [ "$(id -u)" = 0 ]; then
	ok_when "what belongs to somebody else; all of it may" owners
else
	skip "what belongs to somebody else" "only root can give files away"
fi

dotenv() {
	cp "$home/.env" good.env
	echo 'a line of prose' >>"$home/.env"
	finds fail environment "$home/.env:3: "
	cp good.env "$home/.env"
	rm "$home/.env"
	ln -s "$T/good.env" "$home/.env"
	finds fail environment ".env"
	rm "$home/.env"
	cp good.env "$home/.env"
	chmod 600 "$home/.env"
	all_well site
}
ok_when "an .env that cannot be read" dotenv

folders() {
	mv "$home/logs" logs
	finds fail folders "cannot open folder '$home/logs'"
	mv logs "$home/logs"
	mv "$state" state
	finds fail folders "cannot open folder '$state'"
	contains words "there is no ledger '$state/ledger.db'"
	[ ! -e "$state" ]
	mv state "$state"
	mv "$home" gone
	finds fail folders "cannot open folder '$home'"
	mv gone "$home"
	all_well site
}
ok_when "folders that are gone" folders

space() {
	settings deploy.min_free=1024G
	finds fail disk "are free in '$home'; a deployment needs 1"
	contains hint "[deploy] min_free in $ini"
	settings deploy.min_inodes=1000000000
	finds fail disk "inodes are free in '$home'; a deployment needs 1000000000"
	settings
	all_well site
}
ok_when "a disk that is too full" space

# --- Programs

programs() {
	local program dir

	mkdir few
	for program in git sh; do
		ln -s "$(command -v "$program")" few/
	done
	printf '[project]\nport = %s\nruntime = node\npath = %s\n' "$(cat site.port)" "$T/few" >"$ini"
	sqlite3 "$state/ledger.db" "UPDATE release SET type = NULL"
	mkdir yours
	printf '#!/bin/sh\necho v99\n' | tee yours/node >yours/npm
	chmod +x yours/*
	PATH=$T/yours:$PATH finds fail npm "there is no 'npm' in [project] path, which Node.js applications need"
	PATH=$T/yours:$PATH finds fail node "there is no 'node' in [project] path, which Node.js applications need"
	contains hint "yours is in $T/yours: put that in front of [project] path in $ini"
	grep -E "^  ok +python3 +not found; only Python applications need it" words
	dir=$(sed 's/^yours is in \(.*\): put.*/\1/' hint)
	sed -i "s#^path = #path = $dir:#" "$ini"
	hostkit doctor site >words || true
	grep -E "^  ok +node +$T/yours/node: v99" words
	rm few/git
	finds fail git "there is no 'git' in [project] path"
	printf '#!/bin/sh\necho git version 2.20.1\n' >few/git
	chmod +x few/git
	finds warn git "2.29 is needed for strict mode"
	printf '#!/bin/sh\nexit 3\n' >few/git
	finds fail git "exited with status 3"
	sqlite3 "$state/ledger.db" "UPDATE release SET type = 'static'"
	settings
	all_well site
}
ok_when "programs, where deployments look for them and not where the caller does" programs

open_path() {
	mkdir public
	chmod 777 public
	sed -i "s#^path = #path = $T/public:#" "$ini"
	finds fail path "everybody may put programs into '$T/public'"
	mend
	settings
}
ok_when "a folder of programs that everybody may write" open_path

# --- What is live, and what runs

service_died() {
	local pid

	pid=$(answers pid -- service status site)
	kill -KILL "$pid"
	wait_until 20 gone "$pid"
	finds fail service "it was started, and is not running"
	mend
	hostkit service stop site
	finds warn service "it is stopped"
	mend
}
ok_when "a service that died, or was stopped" service_died

port_taken() {
	local pid

	hostkit service stop site
	python3 -m http.server --bind 127.0.0.1 "$(cat site.port)" &
	pid=$!
	wait_until 20 finds fail port "is taken by process $pid ('python3'), which is not the service"
	[ "$(cat hint)" = "kill $pid" ]
	bash -c "$(cat hint)"
	wait "$pid" || true
	hostkit service start site
	all_well site
}
ok_when "a port that another process has" port_taken

nobody_listens() {
	configure site health.enabled=no service.stop_timeout=1s "service.start=sleep 1000"
	push site
	finds warn port "the service runs, but nobody listens on port"
	settings
	push site
	all_well site
}
ok_when "a service that listens elsewhere" nobody_listens

shared_port() {
	hostkit project create other --port "$(cat site.port)"
	finds fail port "project 'other' has port $(cat site.port), too"
	hostkit doctor >words 2>errors && return 1
	grep "^project other" words
	grep "^project site" words
	rm "$HOSTKIT_ROOT/etc/hostkit/projects/other.ini"
	all_well site
}
ok_when "two projects with one port; without a name, all projects are looked at" shared_port

dangling() {
	ln -sfn releases/20200101-000000 "$home/app"
	finds fail live "'$home/app' names release 20200101-000000, whose folder is missing"
	mend
	rm "$home/app"
	echo prose >"$home/app"
	finds fail live "'$home/app' is not a link to a release"
	sed 's/^move it away: //' hint >mending
	bash -c "$(cat mending)"
	hostkit deploy site
	all_well site
}
ok_when "an app that names nothing" dangling

gone_release() {
	local name

	rm -rf "$(realpath "$home/app")"
	finds fail live "whose folder is missing"
	[ "$(cat hint)" = "hostkit rollback site" ]
	name=$(basename "$(live site)")
	bash -c "$(cat hint)"
	finds warn ledger "release $name is not on disk any more, and the ledger has it as 'good'"
	mend
}
ok_when "a live release that somebody removed" gone_release

failed_release() {
	configure site health.timeout=1s health.interval=100ms service.stop_timeout=2s \
		"service.start=flaky-http 404"
	push site
	finds warn live "is live, but its deployment failed"
	mend
	settings
	push site
	all_well site
}
ok_when "a live release that is not well" failed_release

# --- Deployments and ledger

building() {
	[ -e "$T/outside/building" ]
}

worker_died() {
	local id

	settings build.enabled=yes "build.command=sh: touch '$T/outside/building'; exec sleep 60"
	hostkit deploy site --detach
	wait_until 20 building
	all_well site
	grep -E "^  ok +deployments +deployment [0-9]+ is running" words
	worker_of site >killed
	kill -KILL "$(cat killed)"
	wait_until 20 all_gone killed
	id=$(sqlite3 "$state/ledger.db" "SELECT max(id) FROM deployment")
	finds fail deployments "deployment $id is 'running', but its worker is gone"
	[ "$(sqlite3 "$state/ledger.db" "SELECT status FROM deployment WHERE id = $id")" = running ]
	settings
	mend
	mkdir "$home/releases/.staging-99"
	finds warn deployments "a deployment that died has left '$home/releases/.staging-99'"
	mend
}
ok_when "a worker that died is found, and left to recover" worker_died

paused() {
	hostkit pause site --reason "the database moves"
	finds warn deployments "they are paused by $(id -un): the database moves"
	mend
}
ok_when "a project that is paused" paused

ledger() {
	cp "$state/ledger.db" good.db
	printf 'garbage, and more of it' | dd of="$state/ledger.db" conv=notrunc status=none
	rm -f "$state/ledger.db-wal" "$state/ledger.db-shm"
	finds fail ledger "ledger.db'"
	mend
	cp good.db "$state/ledger.db"
	rm -f "$state/ledger.db-wal" "$state/ledger.db-shm"
	mv "$state/ledger.db" old.db
	finds fail ledger "there is no ledger '$state/ledger.db'"
	[ ! -e "$state/ledger.db" ]
	mend
	sqlite3 "$state/ledger.db" "ALTER TABLE deployment DROP COLUMN source;
		ALTER TABLE deployment DROP COLUMN pusher_key;
		ALTER TABLE deployment DROP COLUMN canceller;
		DROP TABLE notification; DROP TABLE checkpoint; DROP TABLE restore;
		ALTER TABLE deployment DROP COLUMN live_before; PRAGMA user_version = 3"
	finds warn ledger "has version 3; the next command or push brings it to"
	mend
}
ok_when "a ledger that is damaged, missing, or of an older hostkit" ledger

notification() {
	settings "notify.url=http://127.0.0.1:$(free_port)/" notify.attempts=1
	push site
	wait_until 20 finds warn notify "could not be reported: connection refused"
	contains hint "[notify] url in $ini"
}
ok_when "a notification that could not be sent" notification

fails_with 12 "there is no doctor for what is no project" hostkit doctor nothing

done_testing
