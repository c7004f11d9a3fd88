#!/bin/bash
#
# Settings that are changed by a command.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "config set"
new_project site
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini
cat >"$ini" <<'INI'
# Made by hand.
[project]
port = 3000

[deploy]
; which ones
branches = main,
  develop
tags = v*
[health]
# the end
INI
chmod 644 "$ini"

kept() {
	hostkit config set site deploy.branches main
	hostkit config set site health.path /up
	hostkit config set site build.command 'sh: make; make install'
	hostkit config set site deploy.tags 'r*'
	diff "$ini" - <<-'INI'
		# Made by hand.
		[project]
		port = 3000

		[deploy]
		; which ones
		branches = main
		tags = r*
		[health]
		path = /up
		# the end

		[build]
		command = sh: make; make install
	INI
	answers deploy.branches.value=main health.path.value=/up -- config show site
}
ok_when "comments, order and other settings stay" kept

removed() {
	hostkit config unset site health.path
	hostkit config unset site health.path
	lacks "$ini" /up
	answers health.path.value=/api/health -- config show site
}
ok_when "a key is removed, also twice" removed

refuses() { # CODE ARGUMENT…: nothing changes
	local code=$1 status=0

	shift
	cp "$ini" before
	hostkit config set site "$@" >out 2>&1 || status=$?
	[ "$status" = "$code" ]
	cmp before "$ini"
}
ok_when "an unknown key changes nothing" refuses 10 health.pth /up
ok_when "nor does a bad value" refuses 10 health.path up
ok_when "nor one with a newline" refuses 10 health.path "$(printf '/up\n[nope]')"
ok_when "nor a key without a section" refuses 2 path /up
broken() {
	echo "nonsense" >>"$ini"
	refuses 10 health.path /up
	contains out "$ini:14: "
	sed -i '$d' "$ini"
}
ok_when "a file with a mistake is not changed, and the mistake is named" broken
fails_with 12 "there must be such a project" hostkit config set nope health.path /up

done_testing
