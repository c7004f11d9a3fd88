#!/bin/bash
#
# The test library's sshd: a real login, and a real push through it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"

test_begin "the test library's sshd"
sshd_start
git init -q --bare "$T/repo.git"
git init -q work
git -C work commit -q --allow-empty -m first

remote() {
	ssh -F "$T/ssh_config" vps "$@"
}

logs_in() {
	[ "$(remote id -un)" = "$(id -un)" ]
	remote 'echo "$HOME $HOSTKIT_ROOT"' >there
	contains there "$T/home $T/root"
	remote 'echo "$PATH"' >there
	contains there "$PATH"
}
ok_when "a login works, in the test's own home" logs_in

fails_with 7 "exit statuses come back" remote exit 7

pushes() {
	git -C work push -q "vps:$T/repo.git" main
	[ "$(git -C repo.git rev-parse main)" = "$(git -C work rev-parse main)" ]
}
ok_when "git pushes through it" pushes

sshd_stop
fails_with 255 "it is gone after sshd_stop" remote true

done_testing
