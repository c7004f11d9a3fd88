#!/bin/bash
# Every failpoint, failing and as a SIGKILL: afterwards exactly the old or the new release is live and
# complete, the ledger tells the truth, and the next push deploys and leaves nothing behind.
. "${HK_TOP_SRCDIR:-$(dirname "$0")/../..}/tests/t/lib.sh"

test_begin "faults at named points"

grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker" ||
	skip_all "built without --enable-failpoints"
[ -z "${HK_TEST_QUICK:-}" ] || skip_all "quick run"
command -v node >/dev/null || skip_all "node is not installed"

home=$HOSTKIT_ROOT/home/site
port=$(free_port)
hostkit project create site --port "$port"
cat >>"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini" <<-INI

	[install]
	enabled = no
	[service]
	start = node server.js
	[shared]
	dirs = data
	[hooks]
	pre_activate = true
INI
git init -q app
cat >app/server.js <<-'JS'
	const version = require('fs').readFileSync('version', 'utf8');
	require('http').createServer((q, s) => s.end(version)).listen(process.env.PORT, process.env.HOST);
JS
echo '{ "name": "site" }' >app/package.json
git -C app remote add hostkit "$home/repo.git"

n=0
commit() {
	n=$((n + 1))
	echo "$n" >app/version
	git -C app add -A
	git -C app commit -qm "version $n"
}

# The release that is live is, file by file, the commit of its version.
live_is_complete() {
	local version commit

	version=$(cat "$home/app/version")
	commit=$(git -C app log --format=%H --grep "^version $version\$" main)
	git -C app --work-tree="$(realpath "$home/app")" diff --exit-code "$commit"
}

recorded() {
	hostkit --json deploy status site >answer
	python3 - "$1" <<-'PY'
		import json, sys
		data = json.load(open('answer'))['data']
		assert data['running'] is None, data['running']
		last = data['last']
		assert last['status'] in ('failed', 'interrupted', 'succeeded'), last['status']
		assert (last['error'] is None) == (last['status'] == 'succeeded')
		assert all(s['status'] != 'running' for s in last['stages']), last['stages']
		# What is called live by the ledger is what the link names.
		import os
		assert os.readlink(sys.argv[1] + '/app') == 'releases/' + data['active']['release']
	PY
}

nothing_left() {
	local name

	for name in "$home"/releases/* "$home"/releases/.[!.]*; do
		name=${name##*/}
		[ -e "$home/releases/$name" ] || continue
		[[ $name =~ ^[0-9]{8}-[0-9]{6}$ ]] || { echo "left over: $name"; return 1; }
	done
	! ls "$home"/app.tmp* 2>/dev/null
}

faulted() {
	HOSTKIT_FAILPOINT=$1 git -C app push -q hostkit main
	live_is_complete
	recorded "$home"
}

recovers() {
	git -C app push -q hostkit main
	live_is_complete
	[ "$(readlink "$home/app/data")" = ../../shared/data ]
	recorded "$home"
	nothing_left
	[ "$(cat "$home/app/version")" = "$n" ]
	[ "$(curl -fsS "http://127.0.0.1:$port/api/health")" = "$n" ]
}

commit
git -C app push -q hostkit main

# Some are not on the way of a push: see 9005-recovery.sh, 2051-notify.sh, 2061-shared.sh,
# 4021-secrets.sh, 4034-checkpoints-killed.sh and 4036-rollback-full.sh.
points=$(sed -n 's/^HK_POINT(\([a-z_]*\),.*/\1/p' "$HK_TOP_SRCDIR/src/sys/failpoints.def" |
	grep -v 'app_exchanged\|recover_settled\|notify_posted\|shared_seeding\|vault_read\|missed_looked\|checkpoint_\|sqlite_\|restore_')
for stage in $(seq 10); do
	points="$points stage_begun@$stage stage_done@$stage"
done
# Sanitizers have nothing to say of what is killed.
actions=(fail kill)
! grep -q __asan_init "$HK_BINDIR/hostkit" || actions=(fail)
tried=0
for point in $points; do
	for action in "${actions[@]}"; do
		commit
		ok_when "$point:$action leaves the old or the new release" faulted "$point:$action"
		commit
		ok_when "after $point:$action the next push deploys" recovers
		tried=$((tried + 1))
	done
done
note "$tried faults tried"

done_testing
