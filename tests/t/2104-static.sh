#!/bin/bash
#
# Static sites, trees that nobody knows, and a runtime that is set.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=apps.sh
. "$(cd "$(dirname "$0")" && pwd)/apps.sh"

test_begin "static sites and unknown trees"
new_project site
configure site
home=$(home_of site)

static() {
	static_site site hi
	push site
	expect site last.status=succeeded active.type=static stage.install=skipped \
		stage.build=skipped stage.dependencies=skipped stage.restart=skipped \
		stage.health=skipped
	diff -r --exclude=.git site "$home/app/"
	[ "$(readlink "$home/app")" = "releases/$(fact site last.release)" ]
}
ok_when "a static site is released as it is" static

nothing_runs() {
	lacks said "http://"
	hostkit service status site >out
	contains out "not running"
	answers running=false pid=null -- service status site
}
ok_when "there is nothing to run, and nobody is sent to an address" nothing_runs

changed() {
	remember_live site
	static_site site hello
	push site
	expect site last.status=succeeded
	not still_live site
	diff -r --exclude=.git site "$home/app/"
	contains "$home/$(cat site.live)/index.html" "<h1>hi</h1>"
}
ok_when "a change is live at once, and the release before is whole" changed

# --- Refused

# refused TEXT: the deployment fails for what the tree is, before it is live, and says TEXT.
refused() {
	remember_live site
	push site
	expect site last.status=failed stage.release=failed last.error.code=TYPE_UNKNOWN
	contains said "$1"
	still_live site
	no_staging site
	[ "$(ls "$home/releases")" = "$(cat releases)" ]
}
ls "$home/releases" >releases

unknown() {
	git -C site mv index.html start.html
	refused "error: site: release: cannot tell what this is"
	grep "^hint: add one of these" said
}
ok_when "an unknown tree fails with a suggestion, and what was live stays" unknown

empty() {
	git -C site rm -rq .
	refused "cannot tell what this is"
	git -C site checkout -q HEAD~ -- .
}
ok_when "an empty tree is unknown too" empty

wrong() { # RUNTIME TEXT
	configure site "project.runtime=$1"
	refused "$2"
	grep "^hint: " said
}
ok_when "[project] runtime = nextjs-standalone misses the build's output" \
	wrong nextjs-standalone "there is no server.js below '.next/standalone'"
ok_when "runtime = nextjs too" wrong nextjs "there is no '.next'"
ok_when "runtime = node misses the manifest" wrong node "there is no 'package.json'"
ok_when "runtime = python misses the module" wrong python "there is no module 'app'"

no_kind() {
	remember_live site
	printf '[project]\nruntime = php\n' >"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	not hostkit config check site 2>error
	contains error "site.ini:2: "
	contains error "php"
	contains error "static"
	push_refused site
	contains said "site.ini:2: "
	still_live site
}
ok_when "a runtime that there is not is named with its line, and nothing is deployed" no_kind

# --- Told

told() {
	configure site project.runtime=static
	push site
	expect site last.status=succeeded active.type=static
	[ -f "$home/app/start.html" ]
}
ok_when "runtime = static releases any tree" told

own_start() {
	configure site "service.start=sh -c 'exec sleep 1000'" health.enabled=no \
		project.runtime=static
	push site
	expect site last.status=succeeded stage.restart=succeeded
	answers running=true -- service status site
	hostkit service stop site
	answers running=false -- service status site
}
ok_when "with a start command of its own it runs that" own_start

done_testing
