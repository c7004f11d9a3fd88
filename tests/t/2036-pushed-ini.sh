#!/bin/bash
#
# hostkit.ini in the pushed tree: what a developer may set there.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "hostkit.ini in the pushed tree"
require_programs python3
new_project site
configure site project.runtime=static service.driver=process \
	'service.start=sh: exec python3 -m http.server --bind 127.0.0.1 $PORT'
echo page >site/index.html
ini=site/hostkit.ini

used() {
	printf '[build]\ncommand = sh: echo built >built\n[health]\npath = /built\n' >"$ini"
	push site
	expect site last.status=succeeded stage.build=succeeded stage.health=succeeded
	contains "$(home_of site)/app/built" built
	hostkit health site >out
	contains out "/built: "
}
ok_when "its commands and its health path are used" used

with_release() {
	printf '[health]\npath = /index.html\n' >"$ini"
	push site
	expect site stage.build=skipped
	hostkit health site >out
	contains out "/index.html: "
	hostkit rollback site
	expect site last.status=succeeded stage.health=succeeded
	hostkit health site >out
	contains out "/built: "
	rm "$ini"
	configure site project.runtime=static health.path=/index.html service.driver=process \
		'service.start=sh: exec python3 -m http.server --bind 127.0.0.1 $PORT'
	push site
	hostkit health site >out
	contains out "/index.html: "
}
ok_when "they belong to the release: a rollback goes back to its own" with_release

administrator() {
	printf '[health]\npath = /nope\n[build]\ncommand = false\n' >"$ini"
	configure site project.runtime=static service.driver=none health.path=/index.html \
		build.command=true
	push site
	expect site last.status=succeeded stage.build=succeeded
	printf '[build]\ncommand = false\n' >>"$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
	configure site project.runtime=static service.driver=none
	printf '[build]\ncommand = true\n' >"$ini"
	push site
	expect site last.status=succeeded stage.build=succeeded
	sed -i '/build/,$d' "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
}
ok_when "the project's own file on the server wins; defaults for all projects do not" administrator

refused() { # TEXT WANTED…
	printf '%b' "$1" >"$ini"
	shift
	remember_live site
	push_refused site
	for text; do
		contains said "$text"
	done
	still_live site
}
ok_when "an unknown key is refused with file and line" \
	refused '# mine\n[health]\npth = /\n' "error: hostkit.ini:3: [health] pth: unknown key; did you mean 'path'?"
ok_when "so is a bad value" \
	refused '[health]\npath = up\n' "error: hostkit.ini:2: [health] path: 'up' does not match"
ok_when "and what only the administrator may set" \
	refused '[service]\nstop = true\n' "hostkit.ini:2: [service] stop: cannot be set by what is pushed" \
	"hint: the administrator sets it in the project's INI file on the server"
ok_when "and a file that is no INI file" refused 'hello\n' "hostkit.ini:1: "
ok_when "and one that is too large" \
	refused "$(printf '# %0100000d' 0)\n" "'hostkit.ini' has 100003 bytes"

forbidden() {
	printf '[build]\ncommand = false\n' >"$ini"
	configure site project.runtime=static service.driver=none deploy.pushed_ini=no
	push site
	expect site last.status=succeeded stage.build=skipped
	configure site project.runtime=static service.driver=none
	ln -sf /etc/passwd "$ini"
	push_refused site
	contains said "error: 'hostkit.ini' in the pushed tree is no regular file"
}
ok_when "the administrator can turn it off" forbidden

done_testing
