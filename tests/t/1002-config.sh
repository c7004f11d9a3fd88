#!/bin/bash
#
# INI files as an administrator writes them, rightly and wrongly.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "configuration"
require_programs curl python3
new_project site
# A real service, whose answers show that it goes on under whatever file there is.
configure site health.path=/index.html \
	'service.start=sh: exec python3 -m http.server --bind 127.0.0.1 $PORT'
ini=$HOSTKIT_ROOT/etc/hostkit/projects/site.ini
defaults=$HOSTKIT_ROOT/etc/hostkit/hostkit.ini
echo one >site/index.html
push site
remember_live site
cp "$ini" good.ini

serves() {
	curl -sf -m 10 "$(url_of site)/index.html" >page
	contains page "$1"
}
ok_when "the site is served, to begin with" serves one

shown() {
	printf '[health]\ntimeout = 90s\ninterval = 2s\n' >"$defaults"
	printf '\n[health]\ntimeout = 1m\n' >>"$ini"
	hostkit config show site >out
	contains out "timeout = 1m"
	contains out "$ini:"
	contains out "interval = 2s"
	contains out "$defaults:3"
	contains out "on_failure = keep"
	hostkit config check site
	hostkit --json config show site >answer
	python3 - "$defaults" <<-'PY'
		import json, sys
		d = json.load(open('answer'))['data']
		assert d['health']['interval'] == {'value': '2s', 'origin': sys.argv[1] + ':3'}, d['health']
		assert d['health']['timeout']['value'] == '1m'
		assert d['build']['timeout'] == {'value': '10m', 'origin': 'default'}, d['build']
	PY
}
ok_when "config show has every setting, with where it comes from" shown

wrong() { # LINE TEXT…: appended to a good file, the line is refused with file and line
	local line=$1 text status=0

	shift
	cp good.ini "$ini"
	printf '%s\n' "$line" >>"$ini"
	hostkit config check site >out 2>&1 || status=$?
	[ "$status" = 10 ]
	grep -F "$ini:$(wc -l <"$ini"): " out || grep -F "$ini:$(($(wc -l <"$ini") - 1)): [" out
	for text; do
		contains out "$text"
	done
}
ok_when "an unknown key is refused, the nearest named" wrong $'[build]\ntimeot = 3s' "timeot" "timeout"
ok_when "an unknown section too" wrong $'[biuld]\ntimeout = 3s' "biuld" "build"
ok_when "a bad duration" wrong $'[build]\ntimeout = soon' "soon" "10m"
ok_when "a number out of range" wrong $'[deploy]\nkeep_releases = 0' "keep_releases"
ok_when "a bad choice, with the choices" wrong $'[health]\non_failure = panic' "keep" "rollback"
ok_when "an unfinished quote in a command" wrong $'[build]\ncommand = echo "x' "command"
ok_when "a shell line without sh:" wrong $'[build]\ncommand = make && make test' "sh:"
ok_when "a comment that would cut a command" wrong $'[build]\ncommand = sh: a ; b' ";"
ok_when "a line without =" wrong "nonsense" ":"
ok_when "a key twice" wrong $'[build]\ntimeout = 1s\ntimeout = 2s' "timeout"

all_told() {
	local status=0

	cp good.ini "$ini"
	printf '[build]\ntimeout = soon\nfrob = 1\n' >>"$ini"
	printf '[nope]\nx = 1\n' >"$defaults"
	hostkit config check site >out 2>&1 || status=$?
	[ "$status" = 10 ]
	contains out "soon"
	contains out "frob"
	contains out "$defaults:"
}
ok_when "every mistake of both files is told at once" all_told

refused() {
	echo two >site/index.html
	push_refused site
	shows "error: $(hostkit --json deploy status site | python3 -c \
		'import json, sys; print(json.load(sys.stdin)["error"]["message"])')"
	still_live site
	contains "$(home_of site)/app/index.html" one
	serves one
}
ok_when "a push under a broken file is refused with the reason, and moves no ref" refused

mended() {
	rm "$defaults"
	cp good.ini "$ini"
	push_ref site HEAD:refs/heads/main
	contains "$(home_of site)/app/index.html" two
	serves two
	answers last.trigger=push last.id=2 -- deploy status site
}
ok_when "with the file mended, the same push deploys" mended

systemd() { # it knows one unit of a name, whatever the root
	local status=0

	cp good.ini "$ini"
	printf '[service]\ndriver = systemd\n' >>"$ini"
	hostkit config check site >out 2>&1 || status=$?
	cp good.ini "$ini"
	[ "$status" = 10 ]
	# The last line of the file, as it was then.
	contains out "$ini:$(($(wc -l <"$ini") + 2)): [service] driver: systemd is for projects under '/'"
	answers driver=process -- project show site
}
ok_when "the driver systemd is refused in a private root, with file and line; auto is process there" systemd

unsafe() {
	local status=0

	chmod 666 "$ini"
	hostkit config check site >out 2>&1 || status=$?
	chmod 644 "$ini"
	[ "$status" = 6 ]
	contains out "chmod"
}
ok_when "a file that everybody may write is refused, with the way out" unsafe

unsafe_push() {
	chmod 666 "$ini"
	remember_live site
	echo three >site/index.html
	push_refused site
	chmod 644 "$ini"
	contains said "$ini"
	still_live site
	serves two
}
ok_when "and a push under it is refused" unsafe_push

examples() { # the commented examples, as they are and with every line live
	local file

	for file in hostkit project; do
		grep -qE '^#[a-z_]+ = ' "$HK_TOP_SRCDIR/config/$file.ini"
	done
	cp "$HK_TOP_SRCDIR/config/hostkit.ini" "$defaults"
	cp "$HK_TOP_SRCDIR/config/project.ini" "$ini"
	chmod 644 "$defaults" "$ini"
	hostkit config check site
	sed -i 's/^#\([a-z_]* = .*\|\t\)/\1/' "$defaults" "$ini"
	hostkit config check site
	hostkit --json config show site >answer
	# Each line that can be set there is: only what the files leave empty has no value of theirs.
	python3 - "$ini" <<-'PY'
		import json, sys
		d = json.load(open('answer'))['data']
		lines = [l for l in open(sys.argv[1]) if l[0].isalpha() and l.split('=')[1].strip()]
		there = [k for s in d.values() for k in s.values() if k['origin'].startswith(sys.argv[1])]
		assert len(there) >= len(lines) > 20, (len(there), len(lines))
	PY
}
ok_when "the examples in config/ are valid, also with every line in force" examples

readme() { # README.md names exactly the options that there are
	sed -n 's/^HK_OPTION(\([a-z]*\), \([a-z_]*\),.*/| \1 | \2 |/p' \
		"$HK_TOP_SRCDIR/src/conf/options.def" >there
	grep -oE '^\| [a-z]+ \| [a-z_]+ \|' "$HK_TOP_SRCDIR/README.md" | grep -v '| section |' |
		diff there -
}
ok_when "README.md lists the options that exist" readme

done_testing
