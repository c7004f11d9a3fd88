#!/bin/bash
#
# Node applications, with real packages from the registry.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=apps.sh
. "$(cd "$(dirname "$0")" && pwd)/apps.sh"

test_begin "Node applications"
plain_build_only
not_in_quick_run
require_programs node npm curl
require_registry
new_project web
share_npm_cache web
configure web health.interval=200ms
home=$(home_of web)

# What the application runs with is in the release; what only its development needs is not.
production_only() {
	[ -f "$home/app/node_modules/express/package.json" ]
	[ ! -e "$home/app/node_modules/is-number" ]
}

with_lockfile() {
	express_app web
	write_lockfile web
	push web
	expect web last.status=succeeded active.type=node stage.install=succeeded \
		stage.build=skipped stage.dependencies=skipped
	grep -E "^ 3/10 install +npm ci --omit=dev$" said
	production_only
	serves web "Hello from Express"
}
ok_when "with a lockfile, npm ci installs what production needs, and the page is served" \
	with_lockfile

with_build() {
	sed -i 's/"start":/"build": "node build.js", "start":/' web/package.json
	echo "require('is-number'); require('fs').writeFileSync('built', 'yes')" >web/build.js
	push web
	expect web last.status=succeeded stage.build=succeeded stage.dependencies=succeeded
	grep -E "^ 3/10 install +npm ci --include=dev$" said
	grep -E "^ 6/10 dependencies +npm prune --omit=dev$" said
	[ "$(cat "$home/app/built")" = yes ]
	production_only
	serves web "Hello from Express"
}
ok_when "a build has development dependencies; the release has not" with_build

without_lockfile() {
	git -C web rm -q --cached package-lock.json
	rm web/package-lock.json
	push web
	expect web last.status=succeeded
	grep -E "^ 3/10 install +npm install --include=dev$" said
	production_only
	serves web "Hello from Express"
}
ok_when "without a lockfile, npm install does it" without_lockfile

# --- Installs that fail

install_fails() { # TEXT that the client is told
	remember_live web
	push web
	expect web last.status=failed last.error.code=COMMAND_FAILED stage.install=failed
	contains said "$1"
	still_live web
	no_staging web
	serves web "Hello from Express"
}

broken_lockfile() {
	echo '{ "name": "web", "lockfileVersion": 3, "packages": {} }' >web/package-lock.json
	install_fails "npm error Missing: express@4.21.2 from lock file"
	rm web/package-lock.json
}
ok_when "a lockfile without the dependencies fails the install; the old release serves" \
	broken_lockfile

no_such_version() {
	sed -i 's/4\.21\.2/4.999.0/' web/package.json
	install_fails "npm error code ETARGET"
}
ok_when "a version that the registry has not fails the install; the old release serves" \
	no_such_version

not_json() {
	echo '{ "name": ' >web/package.json
	install_fails "npm error code EJSONPARSE"
}
ok_when "a package.json that is no JSON fails the install; the old release serves" not_json

no_file() {
	rm web/package.json
	mkdir web/package.json
	echo x >web/package.json/x
	install_fails "npm error code EISDIR"
	rm -r web/package.json
}
ok_when "a package.json that is a folder fails the install; the old release serves" no_file

# --- What starts it

rm -f web/*.js

starts() { # MANIFEST FILE: that it runs FILE, and serves
	git -C web rm -qf --ignore-unmatch main.js index.js
	echo "$1" >web/package.json
	node_app web "this is $2" "$2"
	push web
	expect web last.status=succeeded active.type=node
	serves web "this is $2"
}
ok_when "without a start script, main is started" \
	starts '{ "name": "web", "main": "main.js" }' main.js
ok_when "without main, index.js" starts '{ "name": "web" }' index.js

nothing_to_start() {
	remember_live web
	git -C web mv index.js other.js
	push web
	expect web last.status=failed stage.release=failed last.error.code=TYPE_UNKNOWN
	contains said "there is no 'index.js'"
	grep '^hint: add "start" to the scripts' said
	still_live web
	no_staging web
	serves web "this is index.js"
}
ok_when "with nothing to start it fails, says what to add, and the old release serves" \
	nothing_to_start

done_testing
