#!/bin/bash
#
# A project that is paused.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "pause"
new_project site
configure site service.driver=none

paused() {
	echo one >site/index.html
	push site
	echo two >site/index.html
	push site
	remember_live site
	hostkit pause site --reason "the database moves" >out
	contains out "to go on: hostkit resume site"
	expect site "paused.reason=the database moves" "paused.by=$(id -un)" "paused.at~T"
	hostkit deploy status site >out
	grep "^paused   by $(id -un) since 2.* the database moves$" out
	echo three >site/index.html
	push_refused site
	contains said "error: deployments of 'site' are paused by $(id -un) since 2"
	contains said ": the database moves"
	contains said "hint: to go on: hostkit resume site"
	expect site last.status=succeeded last.id=2
	still_live site
	hostkit deploy site >out 2>&1 && return 1
	contains out "are paused"
	expect site last.id=2
	# What does not deploy is nobody's concern.
	push_ref site HEAD:refs/heads/wip
	contains said "branch 'wip' was received, not deployed"
}
ok_when "pushes and commands deploy nothing, and say who paused it, when and why" paused

back() {
	hostkit rollback site
	contains "$(home_of site)/app/index.html" one
}
ok_when "a rollback is possible all the same" back

again() {
	hostkit pause site
	expect site paused.reason=null
	hostkit resume site >out
	contains out "site deploys again"
	hostkit resume site >out
	contains out "site was not paused"
	expect site paused=null
	push_ref site HEAD:refs/heads/main
	contains "$(home_of site)/app/index.html" three
}
ok_when "after resume it deploys again" again

harmless() {
	hostkit pause site --reason "$(printf 'a\033[2J\ab')"
	hostkit deploy status site >out
	not grep -P '[\x00-\x08\x0b-\x1f\x7f]' out
	push_refused site
	not grep -P '[\x00-\x08\x0b-\x1f\x7f]' said
}
ok_when "control characters in a reason reach no terminal" harmless

done_testing
