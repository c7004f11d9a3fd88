#!/bin/bash
#
# Static sites, trees that nobody knows, and a runtime that is set.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "static sites and unknown trees"
new_project site
home=$(home_of site)
mkdir site/css
echo '<h1>hi</h1>' >site/index.html
echo 'body {}' >site/css/site.css

static() {
	push site
	expect site last.status=succeeded active.type=static stage.install=skipped stage.build=skipped \
		stage.dependencies=skipped stage.restart=skipped stage.health=skipped
	diff -r --exclude=.git site "$home/app/"
	[ "$(readlink "$home/app")" = "releases/$(basename "$(realpath "$home/app")")" ]
	hostkit service status site >out
	contains out "not running"
}
ok_when "a static site is released as it is; there is nothing to run" static

unknown() {
	remember_live site
	git -C site rm -q index.html
	push site
	expect site last.status=failed stage.release=failed last.error.code=TYPE_UNKNOWN
	grep "^error: site: release: cannot tell what this is" said
	grep "^hint: add one of these" said
	still_live site
	no_staging site
}
ok_when "an unknown tree fails with a suggestion, and what was live stays" unknown

told() {
	configure site project.runtime=static
	push site
	expect site last.status=succeeded active.type=static
	configure site project.runtime=nextjs-standalone
	push site
	expect site last.status=failed last.error.code=TYPE_UNKNOWN
	contains said "there is no server.js below '.next/standalone'"
	configure site project.runtime=python
	push site
	expect site last.status=failed
	contains said "there is no module 'app'"
}
ok_when "[project] runtime is obeyed, and says what it misses" told

empty() {
	configure site
	git -C site rm -rqf .
	git -C site commit -qm nothing
	push_ref site HEAD:main
	expect site last.status=failed last.error.code=TYPE_UNKNOWN
}
ok_when "an empty tree is unknown too" empty

linked_away() { # a pushed link must not lead the assembly into another release
	configure site service.driver=none
	mkdir -p site/data/standalone/.next
	echo server >site/data/standalone/server.js
	echo hi >site/index.html
	push site
	expect site last.status=succeeded
	old=$(realpath "$home/app")
	ln -s ../../app/data site/.next
	push site
	expect site last.status=succeeded active.type=static
	[ -f "$old/data/standalone/server.js" ]
	[ -f "$home/app/data/standalone/server.js" ]
}
ok_when "a pushed link is not followed into another release" linked_away

removed() { # nothing is made live that is not there
	configure site service.driver=none "build.command=sh: d=\$PWD; mv \$d \$d.moved; ln -s ../20200101-000000 \$d"
	remember_live site
	push site
	expect site last.status=failed
	still_live site
	[ -f "$home/app/index.html" ]
}
ok_when "a build that swaps its folder for a link does not get live" removed

done_testing
