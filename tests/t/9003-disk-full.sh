#!/bin/bash
#
# A full disk: before a deployment, and in the middle of one. The root is a small tmpfs, in a mount
# namespace of the test's own, so that nothing of it can stay.

if [ -z "${HK_OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	HK_OWN_MOUNTS=yes exec unshare --mount bash "$0" "$@"
fi

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "a full disk"
require_programs flaky-http curl
[ -n "${HK_OWN_MOUNTS:-}" ] || skip_all "mounting a tmpfs takes root"
mount -t tmpfs -o size=24m,nr_inodes=2000,mode=755 none "$HOSTKIT_ROOT" ||
	skip_all "no tmpfs can be mounted"
unlimited
new_project site
home=$(home_of site)
echo home >"$T/site/index.html"

settings() {
	configure site deploy.min_free=1M deploy.min_inodes=100 health.interval=100ms \
		health.timeout=20s "service.start=flaky-http 200" "$@"
}

serves() {
	curl -sf -m 5 "$(url_of site)/" >"$T/page"
	contains "$T/page" "$(answers pid -- service status site)"
}

free_blocks() {
	df --output=avail,iavail "$HOSTKIT_ROOT" | tail -n 1
}

first() {
	settings
	push site
	expect site last.status=succeeded active.state=good
	serves
	remember_live site
}
ok_when "there is room for a small site" first

# Nothing stays of a failed deployment but its record; what was live is live.
unharmed() {
	expect site running=null last.status=failed last.error.code="$1" "stage.$2=failed" \
		last.release=null active.state=good "active.release=$(basename "$(live site)")"
	contains "$T/said" "error: site: $2: "
	contains "$T/said" "still live: release $(basename "$(live site)")"
	still_live site
	no_staging site
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" -eq 1 ]
	serves
	hostkit deploy log site | contains /dev/stdin "error: site: $2: "
}

# --- Before it starts

# What a full disk refuses before git moves a ref leaves nothing but what was there.
refused() {
	fact site last.id >"$T/id"
	push_refused site
	expect site "last.id=$(cat "$T/id")"
	still_live site
	serves
	answers error.code=NO_SPACE -- deploy site
}

no_bytes() {
	settings
	sed -i 's/^min_free=.*/min_free=200M/' "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	refused
	contains said "a deployment needs 200.0 MiB"
	contains said "$home"
	contains said "hint: see what is large: df -h $home; to free some: hostkit deploy site --cleanup"
}
ok_when "too little space: refused before anything is written, with what is free and what is needed" \
	no_bytes

no_inodes() {
	settings
	sed -i 's/^min_inodes=.*/min_inodes=10000/' "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	refused
	contains said " inodes are free in '$home'; a deployment needs 10000"
}
ok_when "too few inodes: the same" no_inodes

# --- In the middle

# Nulls hardly take room in the repository, but all of it in a release.
checkout_bytes() {
	settings
	head -c 60M /dev/zero >"$T/site/large"
	push site
	unharmed NO_SPACE checkout
	expect site "last.error.message~large" stage.install=null
}
ok_when "the disk fills up in the checkout: the file is named, and the room is free again" \
	checkout_bytes

# More names than inodes, all of one object.
checkout_inodes() {
	local blob

	git -C "$T/site" rm -qf --cached large
	rm "$T/site/large"
	blob=$(git -C "$T/site" hash-object -w index.html)
	seq 3000 | sed "s|.*|100644 $blob\tmany/&|" | git -C "$T/site" update-index --add --index-info
	git -C "$T/site" commit -qm "many files"
	push_ref site HEAD:refs/heads/main
	unharmed NO_SPACE checkout
	git -C "$T/site" reset -q --hard HEAD~2
}
ok_when "the inodes run out in the checkout" checkout_inodes

build() {
	settings "build.command=sh -c 'echo busy; head -c 60M /dev/zero >large && echo never'"
	push site "+HEAD:refs/heads/main"
	unharmed COMMAND_FAILED build
	shows busy
	contains "$T/said" "No space left on device"
}
ok_when "the disk fills up in the build: in the program's own words" build

# --- And afterwards

again() {
	settings
	push site
	expect site last.status=succeeded active.state=good
	serves
}
ok_when "the next push that fits deploys" again

history() {
	hostkit --json deploy history site >answer
	[ "$(grep -o '"status":"failed"' answer | wc -l)" -ge 5 ]
	! grep '"status":"running"' answer
}
ok_when "the ledger has all of them, each with an end" history

hostkit service stop site
cd /
umount "$HOSTKIT_ROOT"
done_testing
