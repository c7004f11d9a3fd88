#!/bin/bash
#
# Odd resources: other filesystems, a clock that is set back, few descriptors, missing programs.

if [ -z "${HK_OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	HK_OWN_MOUNTS=yes exec unshare --mount bash "$0" "$@"
fi

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=faults.sh
. "$(cd "$(dirname "$0")" && pwd)/faults.sh"

test_begin "odd resources"
require_programs flaky-http curl pgrep
fault_project

# --- Filesystems

other_filesystem() { # FOLDER: it becomes a link to a tmpfs
	local disk=$T/disk-${1##*/}

	mkdir "$disk"
	mount -t tmpfs none "$disk"
	cp -a "$1" "$disk/"
	rm -rf "$1"
	ln -s "$disk/${1##*/}" "$1"
}

releases_elsewhere() {
	other_filesystem "$home/releases"
	next_deploys
	[ "$(stat -f -c %T "$home/app/")" = tmpfs ]
	next_deploys
}

folder_elsewhere() { # an app that is a folder has to be copied there
	hostkit service stop site
	rm "$home/app"
	mkdir "$home/app"
	echo old >"$home/app/index.html"
	echo mine >"$home/app/notes"
	commit
	git -C site push hostkit main >said 2>&1
	contains said "was a folder; it is release"
	holds
	[ ! -e "$home/app.tmp" ]
	grep -r mine "$(realpath "$home/releases")"
	next_deploys
}

state_elsewhere() {
	hostkit service stop site
	other_filesystem "$state"
	hostkit service start site
	next_deploys
}

if [ -n "${HK_OWN_MOUNTS:-}" ] && mount -t tmpfs none "$T/tmp"; then
	umount "$T/tmp"
	ok_when "releases/ may be a link to another filesystem" releases_elsewhere
	ok_when "also when app is still a folder" folder_elsewhere
	ok_when "the ledger may be on another filesystem than the home" state_elsewhere
else
	skip "other filesystems" "mounting takes root"
fi

# --- The clock

clock_back() {
	local before

	before=$(fact site last.id)
	commit
	HOSTKIT_CLOCK_STEP=-3600 git -C site push hostkit main >said 2>&1
	contains said "success: site: "
	[ "$(cat "$home/app/version")" = "version $(cat n)" ]
	[ "$(fact site last.id)" = $((before + 1)) ]
	holds
	next_deploys
	# The name of a release may be older; the order is the ledger's.
	hostkit --json deploy history site --last 3 | python3 -c '
import json, sys
rows = json.load(sys.stdin)["data"]["deployments"]
assert [r["id"] for r in rows] == sorted((r["id"] for r in rows), reverse=True)
assert all(r["status"] == "succeeded" for r in rows), rows'
}

clock_back_waiting() { # the queue and recovery look at processes, not at times
	commit
	HOSTKIT_CLOCK_STEP=-3600 HOSTKIT_FAILPOINT=worker_started:kill \
		git -C site push hostkit main >said 2>&1
	contains said "died before its first stage"
	next_deploys
}

if grep -q HOSTKIT_CLOCK_STEP "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "a clock that is set back an hour changes no order" clock_back
	ok_when "nor what is known to be dead" clock_back_waiting
else
	skip "a clock that is set back" "built without --enable-failpoints"
fi

# --- Descriptors and memory

few_descriptors() { # NUMBER: the push is told, or it works; never half of it
	commit
	(ulimit -n "$1" && git -C site push hostkit main >said 2>&1) || true
	wait_until 20 no_worker
	hostkit recover site >recovered
	wait_until 20 no_worker
	# The service gets the same few, and need not be well with them.
	is_complete
	is_truthful
}

descriptors() {
	local n

	for n in 6 8 10 12 14 16 20 24 32; do
		few_descriptors "$n"
	done
	next_deploys
}
ok_when "few descriptors: what is live is complete, and the ledger tells the truth" descriptors

# --- Programs

no_git() { # an attribute makes git write the files
	local path

	remember_live site
	configure site deploy.keep_releases=2 deploy.min_free=1M health.interval=100ms \
		service.stop_timeout=2s "service.start=flaky-http 200"
	path=$(sed -n 's/^path = //p' "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini")
	sed -i "s|^path = .*|path = $T/bin|" "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	echo '* text=auto' >site/.gitattributes
	commit
	git -C site push hostkit main >said 2>&1
	expect site last.status=failed last.error.code=COMMAND_NOT_FOUND stage.checkout=failed \
		"last.error.message~git"
	still_live site
	no_staging site
	sed -i "s|^path = .*|path = $path|" "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	git -C site rm -qf .gitattributes
	next_deploys
}
ok_when "without git the checkout says so" no_git

no_npm() {
	remember_live site
	configure site deploy.min_free=1M health.interval=100ms "service.start=flaky-http 200"
	sed -i "s|^path = .*|path = $T/few:/usr/bin:/bin|" "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	mkdir -p few
	ln -sf "$(command -v flaky-http)" few/
	if PATH=/usr/bin:/bin command -v npm >/dev/null; then
		sed -i "s|^path = .*|path = $T/few|" "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	fi
	echo '{ "name": "site", "scripts": { "build": "true" } }' >site/package.json
	commit
	git -C site push hostkit main >said 2>&1
	expect site last.status=failed last.error.code=COMMAND_NOT_FOUND stage.install=failed \
		"last.error.message~npm" "last.error.hint~[project] path"
	still_live site
	no_staging site
	git -C site rm -qf package.json
	next_deploys
}
ok_when "without npm the install says so, and where to name its folder" no_npm

hostkit service stop site
for disk in "$T"/disk-*; do
	[ ! -d "$disk" ] || umount -l "$disk"
done
done_testing
