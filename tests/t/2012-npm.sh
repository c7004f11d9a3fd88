#!/bin/bash
#
# npm as installs and builds use it, with packages of the tree itself: no registry is asked.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "npm"
require_programs node npm
not_in_quick_run
new_project app --driver none
configure app service.driver=none

# An application, with a package that it runs with and one that only its build needs.
write_app() {
	cd "$T/app"
	mkdir greet tool
	echo '{ "name": "greet", "version": "1.0.0" }' >greet/package.json
	echo 'module.exports = "hello";' >greet/index.js
	echo '{ "name": "tool", "version": "1.0.0", "bin": "./tool.js" }' >tool/package.json
	cat >tool/tool.js <<-'JS'
		#!/usr/bin/env node
		require('fs').writeFileSync('built', require('greet') + '\n');
		console.log('tool: built');
	JS
	chmod +x tool/tool.js
	write_manifest '"build": "tool"'
	printf 'node_modules/\n' >.gitignore
	echo 'console.log(require("greet"));' >index.js
}

write_manifest() {
	cat >"$T/app/package.json" <<-JSON
		{ "name": "app", "private": true, "scripts": { $1 },
		  "dependencies": { "greet": "file:./greet" },
		  "devDependencies": { "tool": "file:./tool" } }
	JSON
}

# What production needs is in the release and works there; what it does not need is not.
production_only() {
	cd "$(home_of app)/app/"
	[ "$(node index.js)" = hello ]
	[ -d node_modules/greet ]
	[ ! -e node_modules/tool ]
	[ ! -L node_modules/tool ]
}

without_lockfile() {
	push app
	expect app last.status=succeeded stage.install=succeeded stage.build=succeeded \
		stage.dependencies=succeeded active.type=node
	contains "$T/said" "npm install --include=dev"
	shows "tool: built"
	contains "$(home_of app)/app/built" hello
	production_only
}
write_app
cd "$T"
ok_when "without a lockfile, npm install, the build, and what only the build needed is removed" \
	without_lockfile

with_lockfile() {
	cd "$T/app"
	npm install --package-lock-only --ignore-scripts
	push app
	expect app last.status=succeeded stage.install=succeeded stage.build=succeeded
	contains "$T/said" "npm ci --include=dev"
	lacks "$T/said" "npm install"
	production_only
}
ok_when "with one, npm ci" with_lockfile

stale_lockfile() {
	cd "$T/app"
	mkdir more
	echo '{ "name": "more", "version": "1.0.0" }' >more/package.json
	sed -i 's|"dependencies": {|& "more": "file:./more",|' package.json
	remember_live app
	push app
	expect app last.status=failed last.error.code=COMMAND_FAILED stage.install=failed
	contains "$T/said" "npm ci"
	contains "$T/said" "package.json and package-lock.json"
	still_live app
	no_staging app
	git -C "$T/app" reset -q --hard HEAD~1
}
ok_when "a lockfile that does not fit the manifest fails the install, in npm's own words" \
	stale_lockfile

no_build() {
	write_manifest '"test": "true"'
	push app "+HEAD:refs/heads/main"
	expect app last.status=succeeded stage.install=succeeded stage.build=skipped \
		"stage.build.detail~no build script" stage.dependencies=skipped
	contains "$T/said" "npm ci --omit=dev"
	production_only
}
ok_when "without a build script, only what production needs is installed, once" no_build

fails() {
	local stage=$1 message=$2

	remember_live app
	push app
	expect app last.status=failed last.error.code=COMMAND_FAILED "stage.$stage=failed"
	contains "$T/said" "$message"
	still_live app
	no_staging app
}

failing_build() {
	write_manifest '"build": "echo half way; exit 4"'
	fails build "half way"
	expect app "last.error.message~npm run build" "last.error.message~status 4"
}
ok_when "a failing build script fails the build, with its status" failing_build

failing_install() {
	write_manifest '"preinstall": "echo not on this machine >&2; exit 9"'
	fails install "not on this machine"
}
ok_when "a failing install script fails the install" failing_install

broken_manifest() {
	echo '{ "name": "app", }' >"$T/app/package.json"
	fails install "package.json"
}
ok_when "a broken package.json is npm's to explain" broken_manifest

configured() {
	write_manifest '"build": "tool"'
	configure app service.driver=none 'install.command=npm install --include=dev --no-save' \
		'build.command=sh: npm run build && echo "$NODE_ENV" >mode'
	push app
	expect app last.status=succeeded stage.install=succeeded stage.build=succeeded \
		"stage.dependencies.detail~configured"
	contains "$T/said" "npm install --include=dev --no-save"
	contains "$(home_of app)/app/mode" production
	[ -e "$(home_of app)/app/node_modules/tool" ]
}
ok_when "configured commands take npm's place, and nothing is removed behind their back" configured

done_testing
