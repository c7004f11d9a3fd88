#!/bin/bash
#
# What a pushing client reads: form, safety, and how soon.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "what the client reads"
new_project site
configure site service.driver=none "build.command=python3 say.py"
echo hi >site/index.html
cat >site/say.py <<'PY'
import sys
out = sys.stdout.buffer
out.write(b"first line\n")
out.write(b"\x1b[31mred\x1b[0m and \x1b[2J\x1b[10;10Hcursor tricks\x07\n")
out.write(b"10%\r20%\r20%\r100%\r\nafter the bar\n")
out.write(b"broken \xff\xfe utf-8\n")
out.write(b"title \x1b]0;pwned\x07 DEL \x7f C1 \xc2\x9b2J bidi \xe2\x80\xae over\n")
out.write(b"x" * 5000 + b"\n")
out.write(b"error: not ours\n")
out.write(b"no end of line")
PY
push site
git -C site push -q hostkit HEAD:refs/deploy/now 2>&1 | cat >raw

stages() {
	local n=0 name

	for name in preflight checkout install build release dependencies activate restart health cleanup; do
		n=$((n + 1))
		grep -E "^ ?$n/10 $name +(ok|skipped|FAILED) +[0-9.]+ (ms|s)" said
	done
	[ "$n" = 10 ]
}
ok_when "there is a line for every stage, with number, name, result and duration" stages

indented() {
	grep -E "^ 4/10 build +python3 say.py$" said
	grep -E "^      first line$" said
	grep -E "^      error: not ours$" said
	grep -E "^      no end of line$" said
}
ok_when "a command is announced, and its output is indented under it" indented

safe() {
	not grep -aP '[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]' raw
	# The only escapes left are colours.
	sed 's/\x1b\[[0-9;]*[mK]//g' raw >plain
	not grep -aP '\x1b' plain
	# Nor the controls of ISO 6429 in their two-byte form, nor what turns the direction of writing.
	LC_ALL=C not grep -aP '\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' raw
	not grep -a pwned raw
	contains raw "title "
	contains raw "cursor tricks"
	grep -E "^      20%$" said
	grep -E "^      100%$" said
	[ "$(grep -cE "^      20%$" said)" = 1 ]
	contains raw "broken "
	python3 -c "open('raw', encoding='utf-8').read()"
	not grep -E 'x{1100}' raw
	grep -E 'x{500}.*…' raw
}
ok_when "control characters, redraws, bad UTF-8 and endless lines are made safe" safe

same_log() {
	hostkit deploy log site 1 >log.out
	grep -vE '^(To |  *[0-9a-f]+\.\.|.*new branch|Enumerating|Counting|Delta|Compressing|Writing|Total)' said |
		sed '/^ \* /d' >client
	sed 's/ *$//' log.out | diff - client
}
ok_when "the log on the server is what the client read" same_log

narrow() { # FILE: what hostkit itself says; a terminal has 80, and git puts "remote: " in front
	# The reason of an error is as long as it is.
	grep -vE '^(      |To |error: )' "$1" | awk 'length($0) > 72 { print; bad = 1 } END { exit bad }' >&2
}
ok_when "its lines fit a terminal of 80 columns" narrow said

failed() { # COMMAND START: a push whose build or whose service fails
	configure site "build.command=$1" "service.start=$2" health.timeout=1s
	push site >/dev/null
	grep -q '^error: site: ' said
	grep -q '^hint: ' said
	narrow said
}
ok_when "also those of a failed build, with its hint" failed false true
ok_when "also those of a service that fails, with its hint" failed true false
ok_when "also those of one that does not answer" failed true "sleep 60"

not_deployed() {
	configure site service.driver=none
	push site HEAD:refs/heads/topic >/dev/null
	grep -q '^hint: to deploy it: git push hostkit' said
	narrow said
}
ok_when "also those about a branch that does not deploy" not_deployed

in_full() {
	local wanted

	hostkit service stop site
	for wanted in "deploy status site" "deploy history site"; do
		# shellcheck disable=SC2086 # words
		hostkit $wanted | grep -v '^      ' >shown
		awk -v what="$wanted" 'length($0) > 80 { print what ": " $0; bad = 1 } END { exit bad }' shown >&2
	done
}
ok_when "deploy status and history fit as well" in_full

# From the hook's start, noted by a wrapper, to the client's line. bash reads the clock and the line
# without starting a program, whose own start would be counted.
measure() {
	local began hook line n now

	configure site service.driver=none
	hook=$(home_of site)/repo.git/hooks/post-receive
	mv "$hook" "$hook.real"
	printf '#!/bin/bash\necho "$EPOCHREALTIME" >%s\nexec %s\n' "$T/began" "$hook.real" >"$hook"
	chmod +x "$hook"
	for n in 1 2 3 4 5; do
		git -C site commit -q --allow-empty -m "$n"
		git -C site push hostkit HEAD:main 2>&1 | while IFS= read -r line; do
			[[ $line == "remote: "* ]] || continue
			now=$EPOCHREALTIME
			read -r began <"$T/began"
			echo $(((${now/./} - ${began/./}) / 1000)) >>ms.out
			cat >/dev/null
		done
	done
	mv "$hook.real" "$hook"
	[ "$(wc -l <ms.out)" = 5 ]
	[ "$(sort -n ms.out | head -n 1)" -le 200 ]
}
if readelf -d "$HK_BINDIR/hostkit" | grep -q libasan; then
	skip "the first line is there within 200 ms" "sanitizers take their time"
	done_testing
fi
ok_when "the first line is there within 200 ms of the hook's start (best of five)" measure
note "milliseconds from the hook's start to the first line: $(tr '\n' ' ' <ms.out)"

done_testing
