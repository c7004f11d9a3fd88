#!/bin/bash
#
# Rules of the source tree that no compiler checks.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"

test_begin "rules of the source tree"
top=${HK_TOP_SRCDIR:?}
[ -d "$top/src" ] || skip_all "there are no sources"

only_in() { # HEADER FOLDER
	local files

	files=$(grep -rlE "#include [<\"]$1[>\"]" "$top/src" "$top/hooks" | grep -v "^$top/src/$2") || return 0
	echo "<$1> is included outside src/$2:" >&2
	echo "$files" >&2
	return 1
}
ok_when "libgit2 is used in repo/ only" only_in 'git2[/.].*' repo/
ok_when "libssh2 is used in net/ only" only_in 'libssh2.*' net/
ok_when "libcurl is used in net/ only" only_in 'curl/.*' net/
ok_when "inih is used in conf/ only" only_in 'ini\.h' conf/
ok_when "sqlite is used in store/ only" only_in 'sqlite3\.h' store/
ok_when "libsodium is used in store/ only" only_in 'sodium.*' store/
ok_when "libsystemd is used in service/ only" only_in 'systemd/.*' service/
ok_when "jansson is used in base/json.c only" only_in 'jansson\.h' base/json.c

may_use() { # FOLDER OTHER…
	local folder=$1 allowed bad

	allowed=$(echo "$@" | tr ' ' '|')
	# System headers in folders of the same name (sys/, net/) are no layers of ours.
	[ -d "$top/src/$folder" ] || return 0
	bad=$(grep -rnE '^#include <(base|sys|conf|store|database|net|repo|service|host|deploy|ui|cli|hook|worker)/' \
		"$top/src/$folder" | while IFS=: read -r file line text; do
		header=${text#*<}
		header=${header%>*}
		[ -f "$top/src/$header" ] || continue
		[[ ${header%%/*} =~ ^($allowed)$ ]] || echo "$file:$line: $header"
	done)
	[ -z "$bad" ] || { echo "$bad" >&2; return 1; }
}
ok_when "base/ uses nothing of ours" may_use base
ok_when "sys/ uses base/" may_use sys base
ok_when "conf/ uses base/ and sys/" may_use conf base sys
ok_when "store/ uses base/ and sys/" may_use store base sys
ok_when "database/ uses what is below it" may_use database base sys conf store
ok_when "net/ uses base/ and sys/" may_use net base sys
ok_when "repo/ uses base/ and sys/" may_use repo base sys
ok_when "service/ uses what is below it" may_use service base sys conf net
ok_when "host/ uses what is below it" may_use host base sys conf store
ok_when "deploy/ uses what is below it" may_use deploy base sys conf store database net repo service host
ok_when "ui/ uses base/, sys/ and deploy/" may_use ui base sys deploy

sources() { find "$top/src" "$top/hooks" "$top/tests" -name '*.[ch]' -o -name '*.sh' -path "$top/tests/*"; }

short_files() {
	sources | xargs wc -l | awk '$2 != "total" && $1 > 800 { print; bad = 1 } END { exit bad }'
}
ok_when "no file has over 800 lines" short_files

short_functions() {
	sources | grep '\.c$' | xargs awk '
		FNR == 1 { start = 0 }
		/^\{/ { start = FNR }
		/^\}/ { if (start && FNR - start > 80) { print FILENAME ":" start; bad = 1 } start = 0 }
		END { exit bad }'
}
ok_when "no function has over 80 lines" short_functions

no_shell() { # a shell runs what an administrator wrote as "sh: …", and nothing that hostkit made up
	local word

	for word in system popen strcpy sprintf atoi strtol strtok; do
		grep -qE "^#pragma GCC poison .*\b$word\b" "$top/src/base/banned.h"
	done
	grep -qF -e '-include $(top_srcdir)/src/base/banned.h' "$top/Makefile.am"
	# Where the words of a shell's command line are put together; comparing with them is no use.
	grep -rnF '"-c"' "$top/src" "$top/hooks" | grep -vE 'strcmp\(|/\*' >shells
	[ "$(cut -d: -f1 shells)" = "$top/src/conf/parse.c" ]
}
ok_when "nothing is run through a shell but what the configuration says" no_shell

no_leftovers() {
	not grep -rnE '\b(TODO|FIXME|XXX|HACK)\b' "$top/src" "$top/hooks" "$top/bootstrap"
}
ok_when "no note to self is left in the code" no_leftovers

thin_hook() {
	local hook

	for hook in pre-receive proc-receive post-receive; do
		readelf -d "$HK_LIBEXECDIR/$hook" | grep NEEDED >needed
		contains needed libsqlite3
		not grep -E 'libgit2|libcurl|libssh2|libjansson|libsodium|libsystemd' needed
	done
}
ok_when "the hooks that git starts load neither libgit2 nor libcurl" thin_hook

all_listed() { # a test that no list has is never run
	local file

	for file in "$top"/tests/t/*.sh "$top"/tests/unit/test-*.c; do
		file=${file#"$top/"}
		contains "$top/tests/local.mk" "${file%.c}"
	done
}
ok_when "every test is listed in tests/local.mk" all_listed

described() { # every folder of src/ has its row in the map
	local folder

	for folder in "$top"/src/*/; do
		contains "$top/ARCHITECTURE.md" "\`$(basename "$folder")/\`"
	done
}
ok_when "ARCHITECTURE.md has every folder" described

done_testing
