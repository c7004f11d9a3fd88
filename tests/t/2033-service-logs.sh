#!/bin/bash
#
# hostkit service logs: what the service has written.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "logs of the service"
new_project site
home=$(home_of site)
cat >site/serve <<-'SH'
	#!/bin/sh
	seq -f 'out %.0f' 200
	seq -f 'err %.0f' 3 >&2
	while sleep 0.1; do [ ! -e more ] || { cat more; rm more; }; done
SH
chmod +x site/serve
echo home >site/index.html
configure site health.enabled=no service.start=./serve service.stop_timeout=1s

nothing() {
	local status=0

	hostkit service logs site >out 2>&1 || status=$?
	[ "$status" = 52 ]
	contains out "error: the service of 'site' has written nothing yet"
}
ok_when "before it ran there is nothing, and that is said" nothing

both() {
	push site
	wait_until 10 grep -qx "out 200" "$home/logs/app.log"
	hostkit service logs site >out
	contains out "==> app.log <=="
	contains out "==> error.log <=="
	contains out "err 3"
	grep -x "out 101" out
	not grep -x "out 100" out
	hostkit service logs site --tail 2 >out
	[ "$(grep -c '^out' out)" = 2 ]
	hostkit service logs site --tail many >out 2>&1 && return 1
	contains out "'many' is not a whole number"
}
ok_when "the last lines of both files, or as many as are asked for" both

json() {
	hostkit --json service logs site --tail 2 >out
	contains out '"app":["out 199","out 200"]'
	contains out '"error":["err 2","err 3"]'
	hostkit --json service logs site --follow >out && return 1
	contains out "exclude each other"
}
ok_when "as JSON" json

follow() {
	local reader

	hostkit service logs site --follow --tail 1 >out 2>&1 &
	reader=$!
	wait_until 10 grep -qx "out 200" out
	echo "something new" >"$home/app/more"
	wait_until 10 grep -qx "something new" out
	kill "$reader"
	wait "$reader" || true
}
ok_when "--follow goes on" follow

cleared() {
	hostkit service logs site --clear >out
	contains out "the logs of site are empty now"
	[ ! -s "$home/logs/app.log" ]
	echo "after that" >"$home/app/more"
	wait_until 10 grep -qx "after that" "$home/logs/app.log"
}
ok_when "--clear empties them; the service writes on" cleared

links() {
	echo secret >secret
	rm "$home/logs/error.log"
	ln -s "$T/secret" "$home/logs/error.log"
	hostkit service logs site >out
	lacks out secret
	hostkit service logs site --clear
	contains secret secret
}
ok_when "a link in their place is not followed" links

done_testing
