#!/bin/bash
#
# hostkit env: the project's .env, any value of which survives.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "env"
require_programs flaky-http curl
new_project site
configure site health.interval=100ms service.stop_timeout=2s "service.start=flaky-http 200"
home=$(home_of site)
env=$home/.env

first() {
	hostkit env list site >out
	[ ! -s out ]
	hostkit env set site COLOR=blue EMPTY= >out
	contains out "set COLOR, EMPTY in $env"
	contains out "hostkit service restart site"
	[ "$(stat -c %a "$env")" = 600 ]
	[ "$(cat "$env")" = "COLOR=blue
EMPTY=''" ]
	[ "$(hostkit env get site COLOR)" = blue ]
	answers value=blue -- env get site COLOR
	answers value= -- env get site EMPTY
}
ok_when "several variables are set at once, in a file that only its owner can read" first

kept() { # everything but the value
	cat >"$env" <<-'ENV'
		# The colour of the walls

		export COLOR = wrong
	ENV
	hostkit env set site COLOR=red >out 2>&1 && return 1
	contains out "error: $env:3: no blanks may stand before '='"
	printf '# The colour of the walls\r\n\nexport COLOR="blue"   # or so\nOTHER=1\nCOLOR=green # last\n#end' >"$env"
	cp "$env" before
	hostkit env set site COLOR=red NEW=1
	printf '# The colour of the walls\r\n\nexport COLOR="blue"   # or so\nOTHER=1\nCOLOR=red # last\n#end\nNEW=1\n' |
		cmp - "$env"
	hostkit env unset site COLOR
	printf '# The colour of the walls\r\n\nOTHER=1\n#end\nNEW=1\n' | cmp - "$env"
}
ok_when "comments, order and what follows on the line are kept" kept

# Values that such files are known to corrupt.
cat >values.py <<'PY'
import subprocess, sys, os, random
values = ["a b", " lead", "trail ", "$HOME", "${X}", "`id`", "\"", "'", "'\"'", "\\", "\\n", "a\\", "#", "a #b",
    "a=b", "=", "x\ny", "\n", "a\r\nb", "\t", "ü€😀", "*", "!", "a;b|c&d", "export X=1", "'$(id)'\n\"`x`\"\\",
    "-----BEGIN KEY-----\nabc+/=\n-----END KEY-----\n", "\x01\x1b[31m", "{\"a\": \"b'c\"}"]
random.seed(7)
alphabet = "a'\"\\$` #=\n\r\t{}é;"
values += ["".join(random.choice(alphabet) for _ in range(random.randint(0, 12))) for _ in range(60)]
run = lambda *a: subprocess.run(["hostkit", *a], check=True, capture_output=True).stdout
import json
for n in range(3):
    run("env", "set", "site", *[f"V{i}={v}" for i, v in enumerate(values)])
    got = json.loads(run("--json", "env", "list", "site", "--show"))["data"]["env"]
    for i, v in enumerate(values):
        assert got[f"V{i}"] == v, (i, v, got[f"V{i}"])
    random.shuffle(values)
print(len(values))
PY
survives() {
	python3 values.py
	contains "$env" "OTHER=1"
	# And what a shell would make of the file, for what it can say.
	hostkit env set site "A=it's \$5 \"now\"" B='x y'
	# shellcheck disable=SC2016 # for that shell
	[ "$(bash -c 'set -a; . "$1"; printf "%s|%s" "$A" "$B"' _ "$env")" = "it's \$5 \"now\"|x y" ]
}
ok_when "any value survives any number of round trips" survives

hidden() {
	rm "$env"
	hostkit env set site API_TOKEN=t0ps3cret DB_PASSWORD=pw NAME=ok
	hostkit env list site >out
	contains out "NAME=ok"
	contains out "API_TOKEN=(hidden)"
	lacks out t0ps3cret
	hostkit --json env list site >out
	lacks out t0ps3cret
	hostkit env list site --show >out
	contains out "API_TOKEN=t0ps3cret"
	[ "$(hostkit env get site DB_PASSWORD)" = pw ]
}
ok_when "what looks like a secret is hidden unless asked for" hidden

import() {
	printf '# theirs\nA="x y"\nexport NAME=new\n' >theirs
	hostkit env import site theirs >out
	contains out "set A, NAME"
	[ "$(hostkit env get site A)" = "x y" ]
	echo "B=2" | hostkit env import site -
	[ "$(hostkit env get site B)" = 2 ]
	[ "$(hostkit env get site DB_PASSWORD)" = pw ]
	cp "$env" before
	printf 'C=1\nnonsense\n' >theirs
	hostkit env import site theirs >out 2>&1 && return 1
	contains out "theirs:2: this is neither NAME=VALUE nor a comment"
	cmp before "$env"
}
ok_when "a file, or standard input, is taken over whole or not at all" import

refused() {
	local status bad

	cp "$env" before
	for bad in novalue 1X=1 A-B=1 =x "A B=1"; do
		status=0
		hostkit env set site GOOD=1 "$bad" >out 2>&1 || status=$?
		[ "$status" = 2 ]
		contains out "error: '"
	done
	hostkit env unset site NOT_THERE >out 2>&1 && return 1
	contains out "'NOT_THERE' is not set in '$env'"
	hostkit env get site NOT_THERE >out 2>&1 && return 1
	cmp before "$env"
	ln -s "$env" elsewhere
	mv "$env" kept
	ln -s "$T/kept" "$env"
	hostkit env set site A=1 >out 2>&1 && return 1
	contains out "hint: it is a link: put the file itself in its place"
	rm "$env"
	mv kept "$env"
}
ok_when "what is wrong is refused, and nothing is changed" refused

together() {
	local i pids=()

	for i in $(seq 12); do
		hostkit env set site "P$i=$i" >/dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(grep -c '^P[0-9]*=' "$env")" = 12 ]
}
ok_when "several at once: none is lost" together

service() {
	local pid

	echo home >site/index.html
	push site
	pid=$(answers pid -- service status site)
	hostkit env set site GREETING="hello there"
	[ "$(answers pid -- service status site)" = "$pid" ]
	hostkit env set site COLOR=red --restart
	gone "$pid"
	pid=$(answers pid -- service status site)
	tr '\0' '\n' <"/proc/$pid/environ" >environ
	contains environ "GREETING=hello there"
	contains environ "COLOR=red"
	hostkit env unset site COLOR --restart
	tr '\0' '\n' <"/proc/$(answers pid -- service status site)/environ" | not grep ^COLOR=
}
ok_when "the service has it after a restart, which --restart does" service

done_testing
