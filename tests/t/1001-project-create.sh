#!/bin/bash
#
# What `project create` makes, and what it refuses.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "making projects"
port=$(free_port)
home=$HOSTKIT_ROOT/home/site
state=$HOSTKIT_ROOT/var/lib/hostkit/site
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini

ok_when "a project is made with one command" hostkit project create site --port "$port" \
	--runtime static --branch release --driver none
cp "$OUT" said

made() {
	[ "$(git -C "$home/repo.git" rev-parse --is-bare-repository)" = true ]
	[ "$(git -C "$home/repo.git" symbolic-ref HEAD)" = refs/heads/release ]
	[ "$(readlink "$home/repo.git/hooks/post-receive")" = "$HK_LIBEXECDIR/post-receive" ]
	[ "$(stat -c %a "$home" "$home/releases" "$home/logs" "$home/shared" "$state" "$state/log" |
		tr '\n' ' ')" = "750 755 750 750 750 750 " ]
	[ "$(stat -c %a "$state/ledger.db" "$ini" | tr '\n' ' ')" = "600 644 " ]
	[ ! -e "$home/app" ]
}
ok_when "repository, hook, folders and ledger are there" made

settings() {
	contains "$ini" "port = $port"
	contains "$ini" "runtime = static"
	contains "$ini" "branches = release"
	contains "$ini" "driver = none"
	hostkit config check site
}
ok_when "the options are in the INI file" settings

printed() { # the commands that it printed do what they say
	git init -q work
	cd work
	echo hi >index.html
	git add . && git commit -qm first && git branch -m release
	sh -ec "$(sed -n 's/^  \(git remote add hostkit \/.*\)/\1/p' ../said)"
	sh -ec "$(sed -n 's/^  \(git push .*\)/\1/p' ../said)"
	contains "$home/app/index.html" hi
}
ok_when "the printed git commands deploy" printed
ok_when "an ssh form of the remote is printed too" grep -E "ssh://[^ ]+@[^ ]+$home/repo.git" said

shown() {
	hostkit project show site >out
	contains out "$home/repo.git"
	contains out "git push hostkit release"
	hostkit --json project show site >answer
	python3 - "$port" "$home" <<-'PY'
		import json, sys
		d = json.load(open('answer'))['data']
		assert d['name'] == 'site' and d['port'] == int(sys.argv[1]) and d['runtime'] == 'static'
		assert d['driver'] == 'none' and d['branches'] == ['release'] and d['home'] == sys.argv[2]
	PY
	[ "$(hostkit --json project list)" = '{"success":true,"data":{"projects":["site"]}}' ]
}
ok_when "project show and list tell about it" shown

refuses() { # STATUS TEXT COMMAND…: it fails so, and says so
	local wanted=$1 text=$2 status=0

	shift 2
	"$@" >out 2>err || status=$?
	[ "$status" = "$wanted" ]
	contains err "$text"
}
fails_with 13 "a second one of the name is refused" hostkit project create site
ok_when "a port that is none is refused, with the range" refuses 10 "65535" hostkit project create other --port 99999
ok_when "an unknown runtime is refused, with the known ones" refuses 10 "nextjs-standalone" hostkit project create other --runtime cobol
ok_when "a port that is no number is refused, and the key is named" refuses 10 "port: 'abc'" hostkit project create other --port abc
ok_when "an unknown driver is refused, with the known ones" refuses 10 "process, command, none" hostkit project create other --driver docker
for branch in '' 'a b' ../x x.lock -x 'a*'; do
	fails_with 2 "'$branch' is no name for a branch" hostkit --root "$T/unused" project create other "--branch=$branch"
done
nothing_made() {
	[ ! -e "$HOSTKIT_ROOT/home/other" ]
	[ "$(hostkit project list)" = site ]
}
ok_when "and nothing was made for these" nothing_made

if [ "$(id -u)" -eq 0 ]; then
	skip "a project under / is root's to make" "this is root, for whom 6001 has a machine"
else
	ok_when "a project under / is root's to make" refuses 6 "sudo hostkit project create other" \
		hostkit --root / project create other
	ok_when "and nothing was made there" test ! -e /etc/hostkit/projects/other.ini
fi

ports() { # the first free one from 3000 that no other project has
	hostkit project create one >/dev/null
	hostkit project create two >/dev/null
	a=$(look_up_port one)
	b=$(look_up_port two)
	[ "$a" -ge 3000 ]
	[ "$b" -gt "$a" ]
}
busy_port() { # one that something else listens on is passed over
	next=$(($(look_up_port two) + 1))
	mkfifo listens
	python3 -c '
import signal, socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what has just ended may have had it
for _ in range(100):
    try:
        s.bind(("127.0.0.1", int(sys.argv[1])))
        s.listen()
        break
    except OSError:
        time.sleep(0.05)  # this test, beside us, has it for a moment; or another program for good
open("listens", "w").close()
signal.pause()' "$next" &
	cat listens
	hostkit project create three >/dev/null
	kill $!
	[ "$(look_up_port three)" -gt "$next" ]
}
look_up_port() {
	sed -n 's/^port = //p' "$HOSTKIT_ROOT/etc/hostkit/projects/$1.ini"
}
ok_when "ports that nobody named differ" ports
ok_when "a port that is in use is not chosen" busy_port

completed() { # what an interrupted run left is no obstacle
	mv "$ini" saved.ini
	rm "$home/repo.git/hooks/post-receive"
	hostkit project create site --port "$port" >/dev/null
	[ -L "$home/repo.git/hooks/post-receive" ]
	contains "$home/app/index.html" hi
}
ok_when "a run that was interrupted is completed by the next" completed

at_once() { # side by side, none gets the port of another
	local n

	for n in 1 2 3 4 5 6; do
		hostkit project create "beside-$n" >"said-$n" &
	done
	wait
	for n in 1 2 3 4 5 6; do
		look_up_port "beside-$n"
	done >ports
	[ "$(wc -l <ports)" = 6 ]
	[ -z "$(sort ports | uniq -d)" ]
}
ok_when "projects that are made at once have ports of their own" at_once

undone() { # what the run has made, and nothing else
	echo mine >"$HOSTKIT_ROOT/home/mine"
	mkdir "$HOSTKIT_ROOT/home/half"
	echo kept >"$HOSTKIT_ROOT/home/half/kept"
	find "$HOSTKIT_ROOT" | sort >before
	for n in 1 2 3 4 5; do
		HOSTKIT_FAILPOINT=create_step@$n:fail hostkit project create half && return 1
		find "$HOSTKIT_ROOT" | sort | diff before -
	done
	hostkit project create half
	contains "$HOSTKIT_ROOT/home/half/kept" kept
}
if HOSTKIT_FAILPOINT=create_step:fail hostkit --root "$T/points" project create point; then
	skip "a run that fails undoes what it has made" "built without failpoints"
else
	ok_when "a run that fails undoes what it has made" undone
	ok_when "also the folders of a root that is new" test ! -e "$T/points/etc/hostkit"
fi

new_root() {
	hostkit --root "$T/new/deep" project create site --port "$port" >/dev/null
	[ -d "$T/new/deep/home/site/repo.git" ]
}
ok_when "a root that does not exist is made" new_root

done_testing
