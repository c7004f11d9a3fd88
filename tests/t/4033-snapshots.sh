#!/bin/bash
#
# Snapshots of .env before each deployment, what has changed since, and .env in the release.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "snapshots of the environment"
require_programs python3
new_project site
home=$(home_of site)
vault=$HOSTKIT_ROOT/var/lib/hostkit/site/vault
canary="canary-5d1e7a90b3c4"
echo page >site/index.html
echo "import time; time.sleep(1000)" >site/app.py

settings() {
	configure site service.driver=none "$@"
}

nowhere_but() { # FILE…: the canary is in no file but those, and this test's own output
	grep -rlF --exclude=.stdout --exclude=.stderr -e "$canary" "$T" | sort >found || true
	: >wanted
	[ "$#" -eq 0 ] || printf '%s\n' "$@" | sort >wanted
	diff wanted found
}

nothing() {
	settings
	push site
	expect site last.status=succeeded stage.snapshot=null
	[ ! -e "$vault" ]
	hostkit env diff site >out 2>&1 && return 1
	contains out "there is no snapshot of the environment of 'site' yet"
}
ok_when "without .env there is nothing to keep" nothing

taken() {
	hostkit env set site COLOR=blue "TOKEN=$canary" GONE=1
	push site
	expect site last.status=succeeded stage.snapshot=succeeded
	contains said " snapshot "
	[ "$(stat -c %a "$vault/text-env-2")" = 600 ]
	nowhere_but "$home/.env"
	hostkit env diff site >out
	contains out "the same as before deployment 2"
}
ok_when "a deployment keeps .env, encrypted" taken

differs() {
	hostkit env set site COLOR=red "TOKEN=other" NEW=2
	hostkit env unset site GONE
	hostkit env diff site >out
	printf '~ COLOR\n~ TOKEN\n- GONE\n+ NEW\n' | diff - out
	hostkit env diff site 2 --values >out
	contains out "- COLOR=blue"
	contains out "+ COLOR=red"
	contains out "- TOKEN=$canary"
	rm out
	answers deployment=2 'changes~"name": "TOKEN"' 'changes~"change": "changed"' \
		'changes~"old": null' -- env diff site
	lacks .answer.json "$canary"
	hostkit env diff site 77 >out 2>&1 && return 1
	contains out "there is no snapshot of the environment before deployment 77"
}
ok_when "env diff names what has changed, and values only when asked" differs

before_injection() {
	printf 'injected' | hostkit secrets set site TOKEN --stdin
	hostkit deploy site --inject-secrets
	contains "$home/.env" "TOKEN=injected"
	hostkit env diff site --values >out
	printf -- '- TOKEN=other\n+ TOKEN=injected\n' | diff - out
}
ok_when "it is what was there before secrets were injected" before_injection

was_missing() {
	rm "$home/.env"
	hostkit deploy site --inject-secrets
	hostkit env diff site >out
	echo "+ TOKEN" | diff - out
}
ok_when "that there was no .env is kept as well" was_missing

rotated() {
	hostkit secrets rotate site
	[ "$(find "$vault" -name 'key-*' | wc -l)" = 1 ]
	hostkit env diff site 2 --values >out
	contains out "- COLOR=blue"
	rm out
}
ok_when "a rotation of the key takes snapshots along" rotated

fails() {
	remember_live site
	chmod 755 "$vault/secrets"
	push site
	expect site last.status=failed stage.snapshot=failed last.error.code=PERMISSION
	contains said "error: site: snapshot: the snapshot of .env: "
	still_live site
	chmod 600 "$vault/secrets"
	push site
	expect site last.status=succeeded
}
ok_when "a snapshot that cannot be taken fails the deployment" fails

forgotten() {

	settings deploy.keep_history=10 deploy.keep_releases=1
	for _ in 1 2 3 4 5 6 7 8; do push site; done
	[ ! -e "$vault/text-env-2" ]
	hostkit env diff site
}
ok_when "snapshots go with the rows of their deployments" forgotten

# --- In the release

not_served() {
	[ ! -e "$home/app/.env" ]
	[ ! -L "$home/app/.env" ]
}
ok_when "the files of a static site have no .env among them" not_served

linked() {
	settings project.runtime=python install.enabled=no
	push site
	expect site last.status=succeeded
	[ "$(readlink "$home/app/.env")" = ../../.env ]
	cmp "$home/.env" "$home/app/.env"
	hostkit env set site LATER=1
	contains "$home/app/.env" "LATER=1"
}
ok_when "a release of a program has a link to the .env of the home" linked

of_the_commit() {
	echo OWN=1 >site/.env
	push site
	expect site last.status=succeeded
	contains said "warning: the release has a file '.env' of its own"
	contains "$home/app/.env" "OWN=1"
	[ ! -L "$home/app/.env" ]
	contains "$home/.env" "LATER=1"
	git -C site rm -q --cached .env
	rm site/.env
}
ok_when "a .env of the commit stays, with a warning" of_the_commit

of_a_build() { # and a link that it made is not followed
	settings project.runtime=python install.enabled=no \
		"build.command=ln -s /etc/hostname .env"
	push site
	expect site last.status=succeeded
	contains said "of its own"
	[ "$(readlink "$home/app/.env")" = /etc/hostname ]
}
ok_when "so does what a build has put there" of_a_build

on_another_disk() {
	settings project.runtime=python install.enabled=no
	mv "$home/releases" "$T/disk"
	ln -s "$T/disk" "$home/releases"
	push site
	expect site last.status=succeeded
	[ "$(readlink "$home/app/.env")" = "$home/.env" ]
	contains "$home/app/.env" "LATER=1"
}
ok_when "with releases on another disk the link is absolute" on_another_disk

missing() {
	rm "$home/.env"
	push site
	expect site last.status=succeeded
	[ ! -L "$home/app/.env" ]
}
ok_when "without .env there is no link" missing

done_testing
