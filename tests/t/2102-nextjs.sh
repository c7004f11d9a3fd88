#!/bin/bash
#
# Next.js: a real build on push, and its output in every shape.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=apps.sh
. "$(cd "$(dirname "$0")" && pwd)/apps.sh"

test_begin "Next.js applications"
require_programs node npm curl
not_in_quick_run
new_project web
use_registry web
next_app web
(cd web && npm install --package-lock-only --no-audit --no-fund)
home=$(home_of web)

# The page, the health route, a static asset and a public file.
serves_all() {
	local url asset

	url=$(url_of "$1")
	curl -fsS "$url/" >page
	contains page "Hello from Next"
	curl -fsS "$url/api/health" >health.out
	contains health.out '"status":"ok"'
	asset=$(grep -oE '/_next/static/[^"]+\.js' page | head -n 1)
	[ -n "$asset" ]
	curl -fsS -o asset.js "$url$asset"
	[ -s asset.js ]
	[ "$(curl -fsS "$url/hello.txt")" = "public file" ]
}

standalone() {
	# The build's output is kept for the steps below.
	configure web "build.command=sh: npm run build && cp -a .next $T/output"
	push web
	expect web last.status=succeeded active.type=nextjs-standalone stage.install=succeeded \
		stage.build=succeeded stage.dependencies=skipped stage.health=succeeded
	[ -f "$home/app/server.js" ]
	[ -d "$home/app/.next/static" ]
	[ -f "$home/app/public/hello.txt" ]
	[ ! -e "$home/app/app" ]
	no_staging web
	serves_all web
}
ok_when "output: 'standalone' is built on push, assembled, and serves page, route, asset and file" standalone
[ -d output ] || { note "there is no output to go on with"; done_testing; }

flattened() { # what the assembled release is made of, pushed as it is
	hostkit service stop web
	new_project flat
	configure flat
	cp -a "$home/app/." flat/
	git -C flat add -Af
	push flat
	expect flat last.status=succeeded active.type=nextjs-standalone stage.install=skipped stage.build=skipped
	contains said "the commit is built output"
	serves_all flat
	hostkit service stop flat
}
ok_when "built output that is pushed is neither installed nor built, and serves" flattened

nested() { # NAME: deploys $T/made/.next/standalone as the output of a build
	new_project "$1"
	configure "$1" install.enabled=no "build.command=cp -a $T/made/. ."
	echo '{ "name": "web" }' >"$1/package.json"
	mkdir "$1/public"
	echo "public file" >"$1/public/hello.txt"
	push "$1"
	expect "$1" last.status=succeeded active.type=nextjs-standalone
}

below_path() { # the output repeats the project's path
	mkdir -p made/.next/standalone/home/me/web
	cp -a output/static made/.next/
	cp -a output/standalone/. made/.next/standalone/home/me/web/
	nested deep
	[ -f "$(home_of deep)/app/server.js" ]
	serves_all deep
	hostkit service stop deep
	rm -rf made
}
ok_when "output below the project's path is flattened" below_path

workspace() { # modules lie above the server
	mkdir -p made/.next/standalone/apps/web
	cp -a output/static made/.next/
	cp -a output/standalone/. made/.next/standalone/apps/web/
	mv made/.next/standalone/apps/web/node_modules made/.next/standalone/
	nested mono
	[ -f "$(home_of mono)/app/apps/web/server.js" ]
	[ -d "$(home_of mono)/app/node_modules/next" ]
	serves_all mono
	hostkit service stop mono
}
ok_when "output of a workspace keeps its shape" workspace

standard() { # .next without a standalone server runs with npm start
	new_project plain
	use_registry plain
	configure plain build.enabled=no
	next_app plain
	cp web/package-lock.json plain/
	echo "module.exports = {};" >plain/next.config.js
	echo node_modules >plain/.gitignore
	cp -a output plain/.next
	rm -rf plain/.next/standalone plain/.next/cache
	push plain
	expect plain last.status=succeeded active.type=nextjs
	serves_all plain
	hostkit service stop plain
}
ok_when "Next.js without standalone runs with npm start" standard

done_testing
