#!/bin/bash
#
# The failure scenarios of the pipeline document, each as it tells it: the symptom, what stays live, and
# the recovery steps, which are then taken.

# The last one has a small tmpfs, in a mount namespace of the test's own, so that nothing of it can stay.

if [ -z "${HK_OWN_MOUNTS:-}" ] && unshare --mount true 2>/dev/null; then
	HK_OWN_MOUNTS=yes exec unshare --mount bash "$0" "$@"
fi

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "failure scenarios"
not_in_quick_run
require_programs node npm curl
new_project site
home=$(home_of site)

# server BODY: an application whose health check answers what it says.
server() {
	cat >site/server.js <<-JS
		const http = require('http');
		$1
	JS
}
well='http.createServer((q, r) => { r.statusCode = q.url === "/api/health" ? 200 : 404; r.end("well"); }).listen(process.env.PORT, "127.0.0.1");'
manifest() { # SCRIPTS
	echo "{\"name\": \"site\", \"version\": \"1.0.0\", \"scripts\": {\"start\": \"node server.js\"${1:+, $1}}}" >site/package.json
}
serves() {
	curl -sf -m 10 "$(url_of site)/api/health" >page
	contains page well
}

first() {
	configure site
	manifest
	server "$well"
	push site
	expect site last.status=succeeded
	serves
}
ok_when "a healthy site, to begin with" first

# --- 1: npm install timeout

install_timeout() {
	configure site install.timeout=2s
	manifest '"preinstall": "sleep 60"'
	remember_live site
	push site
	contains said "error: site: install: 'npm install --omit=dev' ran past its limit of 2.0 s"
	contains said "still live: release $(basename "$(live site)")"
	contains said "hint: 1. see where it stood: hostkit deploy log site 2"
	contains said "hint: 2. and the service: hostkit service logs site --tail 50"
	contains said "hint: 3. remove or replace large dependencies"
	contains said "hint: 4. try it locally, where it has 2.0 s: npm install --omit=dev"
	contains said "hint: 5. deploy again: hostkit deploy site --install, or push"
	still_live site
	serves
	hostkit deploy log site 2 >out
	contains out "npm install"
	hostkit service logs site --tail 50
	manifest
	push site
	hostkit deploy site --install
	expect site last.status=succeeded
}
ok_when "1: npm install runs into its limit; the old release stays active" install_timeout

# --- 2: the build fails

build_fails() {
	configure site
	manifest '"build": "node -e \"process.exit(3)\""'
	remember_live site
	push site
	contains said "error: site: build: 'npm run build' exited with status 3"
	contains said "still live: release $(basename "$(live site)")"
	contains said "hint: 1. try it locally: npm run build"
	contains said "hint: 2. mend it, commit, and push again"
	contains said "hint: 3. a variable that it needs: hostkit env set site KEY=VALUE"
	still_live site
	serves
	manifest '"build": "node -e \"process.exit(process.env.KEY === \\\"VALUE\\\" ? 0 : 3)\""'
	hostkit env set site KEY=VALUE
	push site
	expect site last.status=succeeded
}
ok_when "2: the build fails; the old release stays active" build_fails

# --- 3: the service does not start

service_fails() {
	configure site health.timeout=15s health.interval=200ms
	manifest
	server 'console.error("DATABASE_URL is missing"); process.exit(1);'
	remember_live site
	push site
	contains said "error: site: "
	contains said "is live"
	contains said "hint: 1. see what it says: hostkit service logs site --follow"
	contains said "hint: 2. look for errors in logs/error.log and app.log"
	contains said "hint: 3. mend it and push again, or go back"
	contains said "hint: or, on the server: hostkit rollback site"
	# Marked as failed, but the new release is active.
	expect site last.status=failed active.state=failed
	not still_live site
	hostkit service logs site >out
	contains out "DATABASE_URL is missing"
	hostkit rollback site
	still_live site
	serves
}
ok_when "3: the service does not start; the new release is active and unhealthy, and rollback goes back" service_fails

# --- 4: there is no health endpoint

no_endpoint() {
	configure site health.timeout=6s health.interval=200ms
	server 'http.createServer((q, r) => { r.statusCode = q.url === "/" ? 200 : 404; r.end("works"); }).listen(process.env.PORT, "127.0.0.1");'
	push site
	contains said "was not healthy within 6.0 s: status 404"
	contains said "hint: 1. add a route /api/health that answers 200"
	contains said "hint: 2. rebuild and deploy again, or name another path: [health] path"
	expect site last.status=failed
	# The application works even so.
	curl -sf -m 10 "$(url_of site)/" >page
	contains page works
	printf '[health]\npath = /\n' >site/hostkit.ini
	push site
	expect site last.status=succeeded
	rm site/hostkit.ini
	server "$well"
	push site
	serves
}
ok_when "4: there is no health endpoint; the deployment is marked failed, the application works" no_endpoint

# --- 5: the disk is full

disk_full() {
	configure site service.driver=none deploy.min_free=0 deploy.min_inodes=0 deploy.keep_releases=3 \
		install.enabled=no
	rm -f site/package.json site/server.js
	for n in 1 2 3; do
		head -c 3000000 /dev/urandom >site/large
		echo "$n" >site/index.html
		push site
		expect site last.status=succeeded
	done
	remember_live site
	head -c 6000000 /dev/urandom >site/large
	push site
	contains said "No space left on device"
	contains said "hint: 1. see how full it is: df -h $home"
	contains said "hint: 2. remove old releases: hostkit deploy site --cleanup (--keep 1 for more)"
	contains said "hint: 3. empty the service's logs: hostkit service logs site --clear"
	expect site last.status=failed last.error.code=NO_SPACE
	still_live site
	df -h "$home"
	hostkit deploy site --cleanup --keep 1 >out
	contains out "removed release "
	contains out "freed "
	hostkit service logs site --clear
	push_ref site HEAD:refs/deploy/now
	expect site last.status=succeeded
}

if [ -n "${HK_OWN_MOUNTS:-}" ]; then
	hostkit service stop site
	rm -rf "$home/releases" "$home/app"
	mkdir "$home/releases"
	mount -t tmpfs -o size=14m tmpfs "$home/releases"
	ok_when "5: no space is left; old releases and logs are removed, and the same push deploys" disk_full
	umount "$home/releases"
else
	skip "5: no space is left" "mounting a tmpfs takes root"
fi

done_testing
