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
require_programs node npm curl
not_in_quick_run
new_project web
use_registry web
configure web health.interval=200ms
cat >web/package.json <<'JSON'
{ "name": "web", "private": true,
  "scripts": { "start": "node server.js" },
  "dependencies": { "express": "4.21.2" },
  "devDependencies": { "is-number": "7.0.0" } }
JSON
cat >web/server.js <<'JS'
const app = require('express')();
app.get('/api/health', (req, res) => res.send('ok'));
app.get('/', (req, res) => res.send('Hello from Express'));
app.listen(process.env.PORT, process.env.HOST);
JS
echo node_modules >web/.gitignore
home=$(home_of web)

with_lockfile() {
	(cd web && npm install --package-lock-only --no-audit --no-fund)
	push web
	expect web last.status=succeeded active.type=node stage.install=succeeded stage.build=skipped \
		stage.dependencies=skipped
	grep -E "^ 3/10 install +npm ci --omit=dev$" said
	[ "$(curl -fsS "$(url_of web)/")" = "Hello from Express" ]
	[ -d "$home/app/node_modules/express" ]
	[ ! -e "$home/app/node_modules/is-number" ]
}
ok_when "with a lockfile npm ci installs what production needs" with_lockfile

with_build() {
	sed -i 's/"start":/"build": "node build.js", "start":/' web/package.json
	echo "require('is-number'); require('fs').writeFileSync('built', 'yes')" >web/build.js
	push web
	expect web last.status=succeeded stage.build=succeeded stage.dependencies=succeeded
	grep -E "^ 3/10 install +npm ci --include=dev$" said
	grep -E "^ 6/10 dependencies +npm prune --omit=dev$" said
	[ "$(cat "$home/app/built")" = yes ]
	[ ! -e "$home/app/node_modules/is-number" ]
	[ -d "$home/app/node_modules/express" ]
	[ "$(curl -fsS "$(url_of web)/")" = "Hello from Express" ]
}
ok_when "a build has development dependencies; the release has not" with_build

without_lockfile() {
	git -C web rm -q --cached package-lock.json
	rm web/package-lock.json
	push web
	expect web last.status=succeeded
	grep -E "^ 3/10 install +npm install --include=dev$" said
}
ok_when "without a lockfile npm install does it" without_lockfile

broken_lockfile() { # what npm ci refuses
	remember_live web
	echo '{ "name": "web", "lockfileVersion": 3, "packages": {} }' >web/package-lock.json
	push web
	expect web last.status=failed stage.install=failed last.error.code=COMMAND_FAILED
	contains said "npm error"
	still_live web
	[ "$(curl -fsS "$(url_of web)/")" = "Hello from Express" ]
	git -C web rm -qf package-lock.json
}
ok_when "an install that fails leaves the old release serving" broken_lockfile

entries() { # what starts it: scripts.start, else main, else index.js
	rm web/*.js
	echo 1 >web/version
	node_server web/main.js
	echo '{ "name": "web", "main": "main.js" }' >web/package.json
	push web
	expect web last.status=succeeded
	[ "$(curl -fsS "$(url_of web)/")" = 1 ]
	git -C web mv main.js index.js
	echo '{ "name": "web" }' >web/package.json
	push web
	expect web last.status=succeeded
	rm web/index.js
	push web
	expect web last.status=failed stage.release=failed last.error.code=TYPE_UNKNOWN
	contains said "there is no 'index.js'"
	[ "$(curl -fsS "$(url_of web)/")" = 1 ]
}
ok_when "main and index.js start where there is no start script; without one it fails in time" entries

not_json() {
	echo '{ "name": ' >web/package.json
	push web
	expect web last.status=failed
	[ "$(curl -fsS "$(url_of web)/")" = 1 ]
	rm web/package.json
	mkdir web/package.json
	echo x >web/package.json/x
	push web
	expect web last.status=failed
	[ "$(curl -fsS "$(url_of web)/")" = 1 ]
}
ok_when "a manifest that is none fails, and what was live stays" not_json

done_testing
