#!/bin/bash
#
# Checkpoints by the administrator's own dump and restore.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "checkpoints by commands"
require_programs python3 flaky-http
new_project site
home=$(home_of site)
dumps=$HOSTKIT_ROOT/var/lib/hostkit/site/checkpoints
echo page >site/index.html

settings() {
	configure site "service.start=flaky-http 200" health.interval=100ms health.timeout=20s \
		database.kind=command "$@"
}

incomplete() {
	settings "database.dump=cat shared/data"
	hostkit checkpoint create site >out 2>&1 && return 1
	contains out "[database] kind = command needs [database] restore"
	push site
	expect site last.status=failed stage.preflight=failed last.error.code=CONFIG_INVALID
}
ok_when "both commands are needed" incomplete

made() {
	mkdir -p "$home/shared"
	echo one >"$home/shared/data"
	settings "database.dump=cat shared/data" "database.restore=sh: cat >shared/data"
	push site
	expect site last.status=succeeded stage.snapshot=succeeded
	echo one | cmp - "$dumps/1.dump"
	hostkit env set site WHERE=shared/data
	settings 'database.dump=sh: cat "$WHERE"; echo "with .env" >&2' "database.restore=sh: cat >shared/data"
	hostkit checkpoint create site --label second >out 2>&1
	contains out "with .env"
	echo one | cmp - "$dumps/2.dump"
}
ok_when "the dump is what the command writes, in the home, with the environment of .env" made

restored() {
	echo two >"$home/shared/data"
	# A line of an INI file would be too short for where this may be built.
	cat >"$T/bin/restore-it" <<-SCRIPT
		#!/bin/sh
		cat >shared/data
		$HK_BINDIR/hostkit --root $HOSTKIT_ROOT service status site >running
	SCRIPT
	chmod +x "$T/bin/restore-it"
	settings "database.dump=cat shared/data" database.restore=restore-it
	pid=$(answers pid -- service status site)
	hostkit checkpoint restore site 2 --yes >out
	echo one | cmp - "$home/shared/data"
	contains "$home/running" "is not running"
	[ "$(answers pid -- service status site)" != "$pid" ]
	echo two | cmp - "$dumps/3.dump"
}
ok_when "a restore gets it, while the service is stopped" restored

dump_fails() {
	local status=0

	settings "database.dump=sh: cat shared/data; echo 'no such table' >&2; exit 3" \
		"database.restore=sh: cat >shared/data"
	hostkit checkpoint create site >out 2>&1 || status=$?
	[ "$status" = 70 ]
	contains out "no such table"
	settings "database.dump=true" "database.restore=sh: cat >shared/data"
	not hostkit checkpoint create site >out 2>&1
	contains out "the dump is empty"
	find "$dumps" -type f | sort >there
	[ "$(wc -l <there)" = 3 ]
}
ok_when "a dump that fails, or is empty, is no checkpoint" dump_fails

restore_fails() {
	local status=0

	settings "database.dump=cat shared/data" "database.restore=sh: echo half >shared/data; exit 1"
	echo three >"$home/shared/data"
	hostkit checkpoint restore site 2 --yes >out 2>&1 || status=$?
	[ "$status" = 73 ]
	contains out "what the restore command has left is not known"
	safety=$(sed -n 's/^hint: what was there before: hostkit checkpoint restore site //p' out)
	answers running=true -- service status site
	settings "database.dump=cat shared/data" "database.restore=sh: cat >shared/data"
	hostkit checkpoint restore site "$safety" --yes
	echo three | cmp - "$home/shared/data"
}
ok_when "a restore that fails says that its end is not known, and what to do" restore_fails

another_kind() {
	local status=0

	configure site "service.start=flaky-http 200" database.kind=sqlite database.path=shared/app.db
	hostkit checkpoint restore site 2 --yes >out 2>&1 || status=$?
	[ "$status" = 10 ]
	contains out "checkpoint 2 is of a database of the kind command, and [database] kind is sqlite"
}
ok_when "a checkpoint of another kind of database is refused" another_kind

hostkit service stop site
done_testing
