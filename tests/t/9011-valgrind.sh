#!/bin/bash
#
# The hook and the command line under valgrind: no error, no leak, no descriptor left open.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "valgrind"
not_in_quick_run
require_programs valgrind
! grep -q __asan_init "$HK_BINDIR/hostkit" || skip_all "built with sanitizers, which are stricter"
new_project site
configure site service.driver=none
home=$(home_of site)
hook=$home/repo.git/hooks/post-receive
ulimit -c 0
mkdir reports

# checked PROGRAM…: its report is in reports/, one file a process; its own children are not followed.
cat >checked <<-SH
	#!/bin/sh
	exec valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,possible \
		--errors-for-leak-kinds=definite,possible --track-fds=yes \
		--log-file='$T/reports/%p' "\$@"
SH
chmod +x checked
for name in pre-receive proc-receive post-receive; do
	other=$(dirname "$hook")/$name
	program=$(readlink "$other")
	rm "$other"
	printf '#!/bin/sh\nexec "%s" "%s"\n' "$T/checked" "$program" >"$other"
	chmod +x "$other"
done

# There is a report, and it is empty, but for the descriptors that were there from the start.
no_report() {
	local file

	[ -n "$(ls reports)" ]
	for file in reports/*; do
		sed 's/^==[0-9]*== *//' "$file" >plain
		not grep "Invalid\|uninitialised\|definitely lost\|possibly lost\|Warning: invalid file" plain
		# An open descriptor is told with where it was opened, unless it was inherited.
		# The one that signals.c keeps is for the handler, those of the supervisor are for its
		# command: up to the end.
		awk 'BEGIN { RS = "Open " } NR > 1 && !/<inherited from parent>|hk_signals_cancel_fd|hk_supervisor_main/ {
			print; bad = 1 } END { exit bad }' plain
	done
	rm -f reports/*
}

pushes() {
	echo one >site/index.html
	push site
	expect site last.status=succeeded
	no_report
}
ok_when "a push that deploys" pushes

fails() {
	configure site service.driver=none build.command=false
	push site
	expect site last.status=failed
	configure site service.driver=none
	no_report
}
ok_when "one that fails" fails

not_deployed() {
	git -C site push hostkit HEAD:refs/heads/other >said 2>&1
	contains said "was received, not deployed"
	git -C site push hostkit :other HEAD:refs/tags/x HEAD:refs/deploy/now >said 2>&1
	contains said "success: site: "
	no_report
}
ok_when "deletions, tags, several refs" not_deployed

garbage() {
	local input

	for input in "" "x" "a b c" "$(head -c 3000 /dev/zero | tr '\0' y)"; do
		(cd "$home/repo.git" && GIT_DIR=. "$hook") <<<"$input" >said 2>&1 && return 1
		[ "$(tail -c 200 said | wc -c)" -gt 10 ]
	done
	(cd "$home/repo.git" && "$hook") </dev/null >said 2>&1 && return 1
	no_report
}
ok_when "garbage by hand" garbage

broken() {
	echo nonsense >>"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	echo two >site/index.html
	push_refused site
	contains said "error: "
	configure site service.driver=none
	no_report
}
ok_when "a broken configuration" broken

damaged() {
	hostkit recover site
	dd if=/dev/urandom of="$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" bs=4096 count=1 \
		conv=notrunc status=none
	rm -f "$HOSTKIT_ROOT"/var/lib/hostkit/site/ledger.db-*
	echo three >site/index.html
	push site
	contains said "success: site: "
	no_report
}
ok_when "a damaged ledger" damaged

commands() {
	local command

	while read -r command; do
		# shellcheck disable=SC2086 # words
		./checked "$HK_BINDIR/hostkit" $command >out 2>&1 || [ $? != 99 ]
	done <<-'COMMANDS'
		deploy status site
		--json deploy status site
		deploy history site --last 3
		deploy log site
		deploy site --detach
		deploy site
		deploy cancel site
		deploy status nowhere
		config show site
		--json config check site
		service status site
		health site
		recover
		project list
		project create second --driver none
		help
		nonsense
	COMMANDS
	no_report
}
ok_when "the command line" commands

done_testing
