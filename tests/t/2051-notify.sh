#!/bin/bash
#
# [notify]: the ends of deployments, posted, signed, tried again, and never waited for.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "notifications"
not_in_quick_run
require_programs python3 openssl sqlite3 pgrep
new_project site
receiver_port=$(free_port)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
secret='s3cret=kèy of "any" length, also of more than the 64 bytes that a block of SHA-256 has'

# Keeps what it gets as got/N.json (method, path, headers) and got/N.body. The first line of `answers`
# says what to answer, and goes unless it is the last: STATUS [RETRY-AFTER], or "hold": not before
# the file `go` is there.
mkdir got
echo 200 >answers
cat >receiver.py <<'PY'
import http.server, json, os, sys, threading, time
lock = threading.Lock()
count = 0

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with lock:
            count += 1
            lines = open("answers").read().splitlines()
            if len(lines) > 1:
                open("answers", "w").write("\n".join(lines[1:]) + "\n")
            open(f"got/{count}.body", "wb").write(body)
            head = {"method": self.command, "path": self.path, "headers": dict(self.headers)}
            open("got/new", "w").write(json.dumps(head))
            os.rename("got/new", f"got/{count}.json")
        words = lines[0].split()
        if words[0] == "hold":
            while not os.path.exists("go"):
                time.sleep(0.02)
            words = ["200"]
        self.send_response(int(words[0]))
        if len(words) > 1:
            self.send_header("Retry-After", words[1])
        if words[0][0] == "3":
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"as \x1b[2J asked\n")
    def log_message(self, *args):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver)
open("ready", "w").close()
server.serve_forever()
PY
python3 receiver.py "$receiver_port" 3>&- &
wait_until 20 test -e ready

notify() { # SETTING…
	configure site service.driver=none "notify.url=http://127.0.0.1:$receiver_port/hook?x=1" "$@"
}

received() {
	find got -name '*.json' | wc -l
}

has_received() {
	[ "$(received)" = "$1" ]
}

# start_over ANSWER…
start_over() {
	python3 - "$(received)" <<-'PY'
		import os, sys
		os.makedirs("old", exist_ok=True)
		n = len(os.listdir("old"))
		for i, name in enumerate(sorted(os.listdir("got"))):
		    os.rename("got/" + name, f"old/{n + i}")
	PY
	printf '%s\n' "$@" >answers
	rm -f go
}

# The number of the last request.
newest() {
	find got -name '*.json' -printf '%f\n' | sort -n | tail -1 | cut -d. -f1
}

header() { # NUMBER NAME
	python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["headers"].get(sys.argv[2], ""))' "got/$1.json" "$2"
}

body_has() { # NUMBER PATH=VALUE…
	python3 - "$@" <<-'PY'
		import json, sys
		body = json.load(open(f"got/{sys.argv[1]}.body"))
		for check in sys.argv[2:]:
		    path, _, wanted = check.partition("=")
		    at = body
		    for key in path.split("."):
		        at = at[key]
		    found = at if isinstance(at, str) else json.dumps(at)
		    assert found == wanted, (path, found, wanted)
	PY
}

sent() {
	expect site notify.status=sent
}

given_up() {
	expect site notify.status=failed
}

sender() {
	pgrep -f "hostkit-worker $HOSTKIT_ROOT site notify\$"
}

none_yet() {
	configure site service.driver=none
	echo one >site/index.html
	push site
	expect site last.status=succeeded notify=null
	[ ! -e "$state/notify.lock" ]
}
ok_when "without a url there is nothing to report" none_yet

signed() {
	local n

	notify "notify.secret=$secret"
	push site
	wait_until 20 sent
	has_received 1
	n=$(newest)
	expect site notify.deployment=2 notify.attempts=1 notify.error=null
	[ "$(header "$n" Content-Type)" = application/json ]
	hostkit --version | tr ' ' / >version
	[ "$(header "$n" User-Agent)" = "$(cat version)" ]
	[ "$(header "$n" X-Hostkit-Event)" = deployment ]
	header "$n" X-Hostkit-Delivery | grep -E '^site-2-[0-9]+$'
	openssl dgst -sha256 -hmac "$secret" -r "got/$n.body" | cut -d' ' -f1 >wanted
	[ "$(header "$n" X-Hostkit-Signature-256)" = "sha256=$(cat wanted)" ]
	contains "got/$n.json" '"path": "/hook?x=1"'
}
ok_when "a deployment is posted, with a signature that openssl confirms" signed

same_facts() { # the body, and what the command answers
	hostkit --json deploy status site >answer
	python3 - "got/$(newest).body" <<-'PY'
		import json, sys
		body, data = json.load(open(sys.argv[1])), json.load(open("answer"))["data"]
		assert body["event"] == "deployment" and body["project"] == "site", body
		facts = ["id", "status", "trigger", "ref", "commit", "tag", "release", "pusher",
		         "started_at", "finished_at", "error"]
		for key in facts:
		    assert body[key] == data["last"][key], (key, body[key])
		assert body["error"] is None and body["status"] == "succeeded" and body["trigger"] == "push"
		assert body["active"] == data["active"], body["active"]
		assert body["active"]["commit"] == body["commit"]
	PY
}
ok_when "the body has the facts that deploy status has" same_facts

held() {
	start_over hold
	notify notify.timeout=5m
	push site
	# The push has ended; the receiver has not answered, and will not before it is told to.
	contains said "success: site:"
	wait_until 20 has_received 1
	[ -z "$(header "$(newest)" X-Hostkit-Signature-256)" ]
	expect site notify.status=pending notify.attempts=0 last.status=succeeded
	# Nor does the next one wait, nor its own notification get lost.
	push site
	contains said "success: site:"
	has_received 1
	touch go
	wait_until 20 has_received 2
	wait_until 20 sent
	expect site notify.deployment=4
}
ok_when "a receiver that does not answer delays neither this push nor the next" held

again() {
	local first last

	start_over 500 "429 2" 200
	notify
	push site
	wait_until 30 sent
	has_received 3
	expect site notify.attempts=3 notify.error=null
	last=$(newest)
	first=$((last - 2))
	cmp "got/$first.body" "got/$last.body"
	[ "$(header "$first" X-Hostkit-Delivery)" = "$(header "$last" X-Hostkit-Delivery)" ]
	hostkit deploy status site >out
	lacks out notification
}
ok_when "after a 500 and a 429 the same is delivered once more" again

visible() {
	start_over 500
	notify notify.attempts=2
	push site
	wait_until 20 given_up
	has_received 2
	hostkit deploy status site >out
	contains out "warning: the notification of deployment 6 failed after 2 attempts: status 500: as "
	not grep -P '[\x00-\x08\x0b-\x1f\x7f]' out
	expect site notify.deployment=6 notify.attempts=2 "notify.error~status 500"
}
ok_when "when it is given up, deploy status tells how often it was tried, and why" visible

pointless() {
	start_over 404 302
	notify
	push site
	wait_until 20 given_up
	has_received 1
	expect site notify.attempts=1 "notify.error~status 404"
	push site
	wait_until 20 expect site notify.deployment=8 notify.status=failed
	has_received 2
	expect site notify.attempts=1 "notify.error=status 302, a redirect (not followed)"
	configure site service.driver=none notify.attempts=1 notify.timeout=300ms \
		"notify.url=http://127.0.0.1:$(free_port)/"
	push site
	wait_until 20 expect site notify.deployment=9 notify.status=failed
	expect site "notify.error=connection refused"
	start_over hold
	notify notify.attempts=1 notify.timeout=300ms
	push site
	wait_until 20 expect site notify.deployment=10 notify.status=failed
	expect site "notify.error=no answer within 300 ms"
	touch go
}
ok_when "what a second try would not mend is not tried again; silence is told" pointless

chosen() {
	start_over 200
	notify notify.on=failed
	push site
	expect site last.id=11 notify.deployment=10
	notify notify.on=failed build.command=false
	push site
	wait_until 20 expect site notify.deployment=12 notify.status=sent
	has_received 1
	body_has "$(newest)" id=12 status=failed error.code=COMMAND_FAILED release=null
	notify notify.on=all
	hostkit rollback site
	wait_until 20 expect site notify.deployment=13 notify.status=sent
	body_has "$(newest)" id=13 status=succeeded trigger=rollback
}
ok_when "[notify] on says which ends are reported" chosen

building() {
	[ -e "$T/outside/building" ]
}

interrupted() {
	start_over 200
	notify notify.on=cancelled,interrupted build.enabled=yes \
		"build.command=sh: touch '$T/outside/building'; exec sleep 60"
	push site >/dev/null &
	wait_until 20 building
	kill -KILL "$(worker_of site)"
	wait $! || true
	wait_until 20 expect site notify.deployment=14 notify.status=sent
	has_received 1
	body_has "$(newest)" status=interrupted error.code=INTERRUPTED
	rm outside/building
	push site >/dev/null &
	wait_until 20 building
	hostkit deploy cancel site
	wait $! || true
	wait_until 20 expect site notify.deployment=15 notify.status=sent
	body_has "$(newest)" status=cancelled error.code=CANCELLED
}
ok_when "one whose worker died is reported by who finds that out; one that was cancelled, too" interrupted

killed() {
	local n

	start_over hold 200
	notify notify.timeout=5m
	push site
	wait_until 20 has_received 1
	n=$(newest)
	sender >senders
	[ "$(wc -l <senders)" = 1 ]
	hostkit deploy status site
	sender | cmp senders -
	kill -KILL "$(cat senders)"
	wait_until 20 all_gone senders
	hostkit recover site
	wait_until 20 sent
	has_received 2
	cmp "got/$n.body" "got/$(newest).body"
	[ "$(header "$n" X-Hostkit-Delivery)" = "$(header "$(newest)" X-Hostkit-Delivery)" ]
	touch go
}
ok_when "a sender that was killed is missed by the next command, and replaced once" killed

unrecorded() {
	start_over 200
	notify
	HOSTKIT_FAILPOINT=notify_posted:kill push site
	wait_until 20 has_received 1
	wait_until 20 not sender
	[ "$(sqlite3 "$state/ledger.db" "SELECT status, attempts FROM notification
		ORDER BY deployment DESC LIMIT 1")" = "pending|0" ]
	wait_until 20 sent
	has_received 2
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "one that died before it could record the answer sends it again" unrecorded
else
	skip "one that died before it could record the answer" "built without --enable-failpoints"
fi

old() {
	start_over hold
	notify notify.timeout=5m
	push site
	wait_until 20 has_received 1
	kill -KILL "$(sender)"
	wait_until 20 not sender
	sqlite3 "$state/ledger.db" \
		"UPDATE notification SET created_at = created_at - 3700000 WHERE status = 'pending'"
	hostkit recover site
	wait_until 20 given_up
	has_received 1
	hostkit deploy status site >out
	contains out "it could not be sent within an hour"
	touch go
}
ok_when "what is older than an hour is given up" old

hidden() {
	local place

	start_over hold
	configure site service.driver=none notify.timeout=5m "notify.secret=$secret" \
		"notify.url=http://someone:pa55word@127.0.0.1:$receiver_port/"
	push site
	wait_until 20 has_received 1
	[ "$(header "$(newest)" Authorization)" = "Basic $(printf 'someone:pa55word' | base64)" ]
	hostkit config show site >shown
	hostkit --json config show site >>shown
	contains shown "http://*@127.0.0.1:$receiver_port/"
	kill -0 "$(sender)"
	tr '\0' ' ' <"/proc/$(sender)/cmdline" >shown.cmdline
	tr '\0' ' ' <"/proc/$(sender)/environ" >shown.environ
	touch go
	wait_until 20 sent
	hostkit deploy status site >shown.status
	hostkit --json deploy status site >>shown.status
	for place in shown* said "$state" got; do
		not grep -raF s3cret "$place"
	done
	for place in shown* said "$state"; do
		not grep -raF pa55word "$place"
	done
	configure site "notify.url=ftp://someone:pa55word@x/" >out 2>&1 && return 1
	lacks out pa55word
}
ok_when "neither the secret nor a password in the url is shown or kept anywhere" hidden

refused() {
	configure site notify.url=ftp://x/ >out 2>&1 && return 1
	contains out "site.ini:5: [notify] url: 'ftp://x/' does not match"
	configure site notify.on=faild >out 2>&1 && return 1
	contains out "site.ini:5: [notify] on: 'faild' is none of all, succeeded, failed, cancelled, superseded, interrupted; did you mean 'failed'?"
	configure site notify.attempts=0 >out 2>&1 && return 1
	contains out "1 to 20"
}
ok_when "wrong settings are refused with file and line" refused

done_testing
