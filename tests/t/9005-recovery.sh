#!/bin/bash
#
# Recovery: what dead workers, lost clients and lost ledgers leave, and putting it right.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=faults.sh
. "$(cd "$(dirname "$0")" && pwd)/faults.sh"

test_begin "recovery"
not_in_quick_run
require_programs flaky-http stubborn curl pgrep sqlite3
fault_project
ledger=$state/ledger.db
fifos begun go

hear() {
	timeout 20 cat "$1"
}

settings() {
	configure site deploy.keep_releases=2 deploy.min_free=1M health.interval=100ms \
		health.timeout=20s service.stop_timeout=2s "service.start=flaky-http 200" \
		build.timeout=60s "$@"
}

worker() {
	pgrep -f "hostkit-worker $HOSTKIT_ROOT site "
}

has_lines() {
	[ "$(wc -l <"$2")" -ge "$1" ]
}

# --- Processes

all_killed() { # the worker and its supervisor at once, as the kernel does when memory ends
	settings "build.command=stubborn pids $T/outside/pids print busy ignore-term fork 2 session orphan"
	commit
	git -C site push hostkit main >said 2>&1 &
	wait_until 20 has_lines 5 outside/pids
	worker | xargs kill -KILL
	wait $!
	contains said "died in stage 'build'"
	wait_until 20 all_gone outside/pids
	contains "$state/log/$(fact site last.id).log" busy
	settings
	holds
	clean
}
ok_when "worker and supervisor killed together: everything that the build had started goes too" \
	all_killed

# --- Between the link and the restart

half_switched() {
	local old

	old=$(answers pid -- service status site)
	settings "build.command=sh: echo >$T/begun; cat $T/go"
	commit
	git -C site push hostkit main >said 2>&1 &
	hear begun
	worker >worker.pid
	# What a worker that died behind the rename leaves, made by hand.
	kill -STOP "$(worker | head -n 1)"
	mkdir "$home/releases/20200101-000000"
	git -C site archive HEAD | tar -xC "$home/releases/20200101-000000"
	sqlite3 "$ledger" "
		INSERT INTO release (deployment, name, state, type, start, created_at)
			SELECT max(id), '20200101-000000', 'ready', 'static', '[\"flaky-http\",\"200\"]', 0
			FROM deployment;
		UPDATE deployment SET release_name = '20200101-000000' WHERE finished_at IS NULL;
		INSERT INTO stage (deployment, name, status, started_at)
			SELECT max(id), 'activate', 'succeeded', 0 FROM deployment;"
	ln -sfn releases/20200101-000000 "$home/app.new"
	mv -T "$home/app.new" "$home/app"
	xargs kill -KILL <worker.pid
	wait
	contains said "died in stage 'activate'; its release is live"
	gone "$old"
	settings
	holds
	expect site last.status=interrupted active.release=20200101-000000 active.state=good
	rm -f "$home/releases/"*.new
}
ok_when "killed between link and restart: the service runs what is live, and it is healthy" \
	half_switched

ok_when "and the next push deploys" next_deploys

# --- Pushes whose client died

# As if the client had died in pre-receive: git moves the ref, and no hook runs.
lost_push() {
	mv "$home/repo.git/hooks/post-receive" "$T/hook"
	git -C site push -q hostkit "$@"
	mv "$T/hook" "$home/repo.git/hooks/post-receive"
}

is_live() {
	[ "$(cat "$home/app/version")" = "version $1" ]
}

deployed_by() { # COMMAND…: that it deploys what was lost
	commit
	lost_push main
	not is_live "$(cat n)"
	"$@" >out 2>&1
	contains out "branch 'main' at $(git -C site rev-parse --short=7 HEAD) was pushed, but its hook"
	wait_until 20 no_worker
	is_live "$(cat n)"
	holds
	expect site last.trigger=recovery last.status=succeeded
	# Once.
	hostkit recover site >out
	contains out "site: nothing to recover"
}
ok_when "a lost push is deployed by hostkit recover" deployed_by hostkit recover
ok_when "and by any other command" deployed_by hostkit deploy status site

by_next_push() {
	commit
	lost_push main
	git -C site push -q hostkit HEAD~:refs/heads/other >said 2>&1
	wait_until 20 is_live "$(cat n)"
	wait_until 20 no_worker
	holds
	git -C site push -q hostkit :other
}
ok_when "and by the next hook, also of a push that deploys nothing" by_next_push

by_other_deployment() {
	commit
	lost_push main
	git -C site tag v1 HEAD~
	git -C site push hostkit v1 >said 2>&1
	contains said "recovered: branch 'main' at"
	wait_until 20 no_worker
	is_live "$(cat n)"
	holds
}
ok_when "and by the worker of another ref, which it comes after" by_other_deployment

lost_commit() {
	commit
	lost_push HEAD:refs/deploy/now
	hostkit recover site >out
	contains out "commit at"
	wait_until 20 no_worker
	is_live "$(cat n)"
	git -C site push -q hostkit main
	holds
	clean
}
ok_when "a lost refs/deploy/now too" lost_commit

only_reported() {
	local sha

	settings push.missed=report
	commit
	sha=$(git -C site rev-parse --short=7 HEAD)
	lost_push main
	hostkit recover site >out
	contains out "to deploy it: git push hostkit $sha:refs/deploy/now"
	no_worker
	# Until it is deployed.
	hostkit deploy status site 2>err >out
	contains err "recovered: branch 'main' at $sha"
	git -C site push -q hostkit HEAD:refs/deploy/now
	settings
	hostkit deploy site >out 2>err
	is_live "$(cat n)"
	hostkit recover site >out
	contains out "nothing to recover"
}
ok_when "with [push] missed = report it is only told, each time, and how to deploy it" only_reported

hold_hook() { # until something is written to go
	mv "$home/repo.git/hooks/post-receive" "$T/hook"
	cat >"$home/repo.git/hooks/post-receive" <<-SH
		#!/bin/sh
		echo >$T/begun
		cat $T/go
		exec $(readlink "$T/hook")
	SH
	chmod +x "$home/repo.git/hooks/post-receive"
}

let_hook() {
	rm "$home/repo.git/hooks/post-receive"
	mv "$T/hook" "$home/repo.git/hooks/post-receive"
}

not_meanwhile() { # a push that is just arriving is not a lost one
	local client

	hold_hook
	commit
	git -C site push -q hostkit main >said 2>&1 &
	client=$!
	hear begun
	hostkit recover site >out
	echo >go
	wait "$client"
	let_hook
	wait_until 20 no_worker
	holds
	hostkit recover site >out
	contains out "nothing to recover"
}
ok_when "a push that is just arriving is deployed, whoever sees it first" not_meanwhile

behind_the_look() { # at the others that push, which is made because something was lost
	local client looker

	settings push.missed=report
	commit
	lost_push HEAD:refs/deploy/now
	HOSTKIT_FAILPOINT=missed_looked:stop hostkit recover site >out &
	looker=$!
	wait_until 20 is_stopped "$looker"
	hold_hook
	commit
	git -C site push hostkit main >said.raw 2>&1 &
	client=$!
	hear begun
	kill -CONT "$looker"
	wait "$looker"
	contains out "commit at"
	lacks out "branch 'main'"
	echo >go
	wait "$client"
	let_hook
	contains said.raw "success: site: "
	is_live "$(cat n)"
	expect site last.trigger=push last.status=succeeded
	git -C site push -q hostkit HEAD:refs/deploy/now
	settings
	hostkit recover site >out
	contains out "nothing to recover"
}
is_stopped() {
	grep -q "^State:.T" "/proc/$1/status"
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "nor is one that comes just after others were looked for" behind_the_look
else
	skip "nor is one that comes just after others were looked for" "built without failpoints"
fi

# --- Leftovers

leftovers() {
	mkdir -p "$home/releases/.staging-3/node_modules" "$home/repo.git/hostkit-index-x"
	ln -s nowhere "$home/app.tmp"
	git -C "$home/repo.git" update-ref refs/hostkit/deployments/1 main
	hostkit recover site >out
	contains out "removed 3 leftovers"
	clean
}
ok_when "what lies about is swept" leftovers

git_locks() { # as a power cut leaves them
	mkdir -p "$home/repo.git/refs/heads/a"
	: >"$home/repo.git/refs/heads/main.lock"
	: >"$home/repo.git/refs/heads/a/b.lock"
	: >"$home/repo.git/packed-refs.lock"
	commit
	git -C site push hostkit main >said 2>&1 && return 1
	contains said "main.lock"
	# Not while somebody works there.
	(cd "$home/repo.git" && exec sleep 100) &
	wait_until 10 in_repository
	hostkit recover site >out
	contains out "nothing to recover"
	kill $!
	wait $! || true
	hostkit recover site >out
	contains out "removed 3 locks that git had left"
	git -C site push hostkit main >said 2>&1
	is_live "$(cat n)"
}

in_repository() {
	[ -n "$(find /proc -maxdepth 2 -name cwd -lname "$home/repo.git" 2>/dev/null)" ]
}
ok_when "locks that git left are removed, unless somebody may hold them" git_locks

removed_by_hand() {
	local gone

	gone=$(hostkit --json deploy history site --last 20 | python3 -c '
import json, sys
print([d["release"] for d in json.load(sys.stdin)["data"]["deployments"] if d["release"]][1])')
	rm -rf "$home/releases/$gone"
	hostkit recover site >out
	contains out "release $gone is not on disk any more"
	hostkit recover site >out
	contains out "nothing to recover"
}
ok_when "a release that somebody removed is forgotten" removed_by_hand

# --- The service

link_by_hand() {
	local other

	next_deploys
	other=$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name "$(basename "$(live site)")" |
		sort | tail -n 1)
	remember_live site
	ln -s "releases/${other##*/}" "$home/app.new"
	mv -T "$home/app.new" "$home/app"
	hostkit recover >out
	contains out "site: the service ran from another release: restarted on release ${other##*/}"
	is_served
	ln -s "$(cat site.live)" "$home/app.new"
	mv -T "$home/app.new" "$home/app"
	hostkit recover >out
	is_served
}
ok_when "the link is the truth: the service follows one that was set by hand" link_by_hand

died() { # as after a reboot
	kill -KILL "$(service_pid)"
	hostkit recover site >out
	contains out "the service was not running: restarted on release"
	holds
}
ok_when "a service that died is started again" died

stopped_stays() {
	hostkit service stop site
	hostkit recover site >out
	contains out "nothing to recover"
	hostkit service start site
	holds
}
ok_when "a service that was stopped stays stopped" stopped_stays

# --- A folder in the place of the link

folder() { # RELEASES-ON: a site that was there before hostkit
	local pid

	hostkit service stop site
	rm "$home/app"
	mkdir "$home/app"
	echo old >"$home/app/index.html"
	echo '# mine' >"$home/app/notes"
	commit
	git -C site push hostkit main >said 2>&1
	grep "'$home/app' was a folder; it is release [0-9-]* now" said
	holds
	grep -rl "# mine" "$home/releases" | grep '/[0-9]*-[0-9]*/notes$'
	[ ! -e "$home/app.tmp" ]
	expect site last.status=succeeded
}
ok_when "an app that is a folder becomes a release, and nothing of it is lost" folder

folder_kept() {
	rm "$home/app"
	mkdir "$home/app"
	echo kept >"$home/app/index.html"
	settings "build.command=false"
	commit
	git -C site push hostkit main >said 2>&1
	expect site last.status=failed active.state=good
	contains "$home/app/index.html" kept
	contains said "still live: release"
	settings
	git -C site push hostkit HEAD:refs/deploy/now >said 2>&1
	holds
}
ok_when "and stays live when the deployment fails" folder_kept

interrupted_folder() { # the worker dies between the link and the folder's new place
	hostkit service stop site
	rm "$home/app"
	mkdir "$home/app"
	echo kept >"$home/app/index.html"
	commit
	HOSTKIT_FAILPOINT=app_exchanged:kill git -C site push hostkit main >said 2>&1
	[ ! -e "$home/app.tmp" ]
	contains "$home/app/index.html" kept
	next_deploys
}

interrupted_recovery() { # it is killed itself, and done again
	commit
	HOSTKIT_FAILPOINT=release_filled:kill git -C site push hostkit main >said 2>&1 &
	HOSTKIT_FAILPOINT=recover_settled:kill hostkit recover site || true
	wait
	hostkit recover site
	holds
	clean
	next_deploys
}

if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "also when the worker dies in the middle of that" interrupted_folder
	ok_when "a recovery that dies is done by the next" interrupted_recovery
else
	skip "a worker and a recovery that die in the middle" "built without --enable-failpoints"
fi

# --- The ledger

rebuilt() { # what is live is known, and the next push deploys
	holds
	expect site active.state=good "active.commit=$(git -C site rev-parse HEAD)"
	next_deploys
	[ "$(fact site last.id)" -gt "$1" ]
}

damaged() { # COMMAND…: finds it
	local last

	commit
	git -C site push -q hostkit main
	last=$(fact site last.id)
	dd if=/dev/urandom of="$ledger" bs=4096 count=1 conv=notrunc status=none
	rm -f "$ledger-wal" "$ledger-shm"
	"$@" >out 2>&1
	contains out "a new one was made from the releases on disk, the old one is kept as 'ledger.db.damaged-"
	ls "$state"/ledger.db.damaged-*
	rebuilt "$last"
}
ok_when "a damaged ledger is set aside by hostkit recover; releases and link are read back" \
	damaged hostkit recover site
ok_when "and by any other command" damaged hostkit deploy status site

damaged_push() {
	local last

	last=$(fact site last.id)
	dd if=/dev/urandom of="$ledger" bs=4096 count=1 conv=notrunc status=none
	rm -f "$ledger-wal" "$ledger-shm"
	commit
	git -C site push hostkit main >said 2>&1
	contains said "warning: "
	contains said "a new one is made from the releases on disk"
	contains said "success: site: "
	rebuilt "$last"
}
ok_when "and by a push, which deploys" damaged_push

damaged_inside() { # the first page is whole
	local last

	last=$(fact site last.id)
	sqlite3 "$ledger" "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
	for page in 2 3 4 5 6; do
		dd if=/dev/urandom of="$ledger" bs=4096 count=1 seek="$page" conv=notrunc status=none
	done
	commit
	git -C site push hostkit main >said 2>&1
	contains said "is damaged"
	contains said "success: site: "
	rebuilt "$last"
}
ok_when "a push notices also a page in the middle" damaged_inside

missing() {
	local last

	last=$(fact site last.id)
	rm -f "$ledger" "$ledger"-*
	hostkit deploy status site >out 2>&1
	contains out "is missing"
	rebuilt "$last"
}
ok_when "a missing ledger is made anew, and old logs stay" missing

older_row() { # of which only the commit is known: it is no row of the ref
	local now

	rm -f "$ledger" "$ledger"-*
	hostkit recover site
	now=$(git -C site rev-parse HEAD)
	commit
	git -C site push -q hostkit HEAD:refs/heads/other
	(cd "$home/repo.git" && GIT_DIR=. hooks/post-receive) \
		<<<"$now $(git -C site rev-parse HEAD) refs/heads/main" >said 2>&1
	contains said "success: site: "
	git -C site push -q hostkit main :other
	wait_until 20 no_worker
	is_live "$(cat n)"
	holds
}
ok_when "what it does not know of a release harms no deployment" older_row

# For root, modes are no obstacle.
make_read_only() {
	if [ "$(id -u)" = 0 ]; then chattr +i "$ledger"; else chmod a-w "$ledger"; fi
}

make_writable() {
	if [ "$(id -u)" = 0 ]; then chattr -i "$ledger"; else chmod u+w "$ledger"; fi
}

read_only() {
	local status=1

	make_read_only
	commit
	git -C site push hostkit main >said 2>&1 && status=0
	make_writable
	[ "$status" = 1 ]
	contains said "error: cannot use the ledger"
	contains said "it must be writable"
	git -C site push hostkit main >said 2>&1
	is_live "$(cat n)"
	holds
}
if make_read_only 2>/dev/null; then
	make_writable
	ok_when "a push under a read-only ledger is refused with the reason, and the next one deploys" read_only
else
	skip "a read-only ledger" "chattr +i does not work here"
fi

busy() {
	local holder

	sqlite3 "$ledger" >held 2>&1 <<-SQL &
		BEGIN EXCLUSIVE;
		.shell echo >$T/begun; cat $T/go
		ROLLBACK;
	SQL
	holder=$!
	hear begun
	commit
	git -C site push hostkit main >said 2>&1
	contains said "error: cannot use the ledger"
	echo >go
	wait "$holder"
	hostkit recover site
	wait_until 20 no_worker
	is_live "$(cat n)"
	holds
}
ok_when "a ledger that somebody else holds is waited for, then told; nothing is lost" busy

# --- All projects

all_projects() {
	new_project other
	hostkit recover >out
	contains out "other: nothing to recover"
	contains out "site: nothing to recover"
	answers success=true -- recover site
	contains .answer.json '"busy":false'
	echo "[nonsense]" >>"$HOSTKIT_ROOT/etc/hostkit/projects/other.ini"
	hostkit recover >out 2>err && return 1
	contains out "site: nothing to recover"
	contains err "error: other: "
}
ok_when "hostkit recover sees to all projects; a broken one does not stop it" all_projects

done_testing
