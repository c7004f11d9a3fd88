#!/bin/bash
#
# The demo of `./bootstrap demo` shows what it claims and leaves nothing.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the demo"
require_programs node npm curl
unset HOSTKIT_ROOT

ok_when "it runs" sh -c "sh '$HK_TOP_SRCDIR/tests/demo.sh' >'$T/demo' 2>&1"
shows_all() {
	[ "$(grep -c "^remote: success: demo: " demo)" = 2 ]
	contains demo "Hello from the first push."
	[ "$(grep -c "^Hello again, from the second push.$" demo)" = 2 ]
	contains demo "remote: error: demo: build: 'npm run build' exited with status 1"
	grep "still live: release" demo
	contains demo "README.md"
}
ok_when "two pushes go live, a broken one does not, and the site serves on" shows_all

nothing_left() {
	dir=$(sed -n 's/.*this was all in \([^,]*\),.*/\1/p' demo)
	[ -n "$dir" ]
	[ ! -e "$dir" ]
	not grep -lsF "$dir" /proc/[0-9]*/environ
}
ok_when "nothing is left of it" nothing_left

done_testing
