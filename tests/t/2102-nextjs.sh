#!/bin/bash
#
# Next.js: a real build on push, and its output in every shape. One build serves all steps.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=apps.sh
. "$(cd "$(dirname "$0")" && pwd)/apps.sh"

test_begin "Next.js applications"
plain_build_only
not_in_quick_run
require_programs node npm curl
require_registry
new_project web
share_npm_cache web
next_app web
write_lockfile web
home=$(home_of web)

# A node that writes down its arguments: Next.js overwrites its own command line.
make_path
node=$(command -v node)
rm "$T/bin/node"
cat >"$T/bin/node" <<-NODE
	#!/bin/sh
	echo "\$*" >>'$T/node.log'
	exec '$node' "\$@"
NODE
chmod +x "$T/bin/node"

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
	curl -fsS -D headers -o asset.js "$url$asset"
	[ -s asset.js ]
	grep -i '^content-type: application/javascript' headers
	serves "$1" "public file" /hello.txt
}

# The node that was started last, npm's aside, had exactly these arguments.
started_by() {
	[ "$(grep -v npm node.log | tail -n 1)" = "$*" ] && return 0
	cat node.log >&2
	return 1
}

standalone() {
	# The build's output is kept for the steps below.
	configure web "build.command=sh: npm run build && cp -a .next $T/outside/output"
	push web
	expect web last.status=succeeded active.type=nextjs-standalone stage.install=succeeded \
		stage.build=succeeded stage.dependencies=skipped stage.health=succeeded
	grep -E "^ 3/10 install +npm ci --include=dev$" said
	contains said "✓ Compiled successfully"
	serves_all web
	started_by server.js
}
ok_when "output: 'standalone' is built on push; page, route, asset and public file are served" \
	standalone
[ -d outside/output/standalone ] || { note "there is no output to go on with" && done_testing; }

assembled() {
	[ -f "$home/app/server.js" ]
	[ -d "$home/app/.next/static" ]
	[ -f "$home/app/public/hello.txt" ]
	[ -d "$home/app/node_modules/next" ]
	# Neither the sources, nor what only the build needed.
	[ ! -e "$home/app/app" ]
	[ ! -e "$home/app/next.config.js" ]
	[ ! -e "$home/app/.next/standalone" ]
	[ ! -e "$home/app/.next/cache" ]
	no_staging web
}
ok_when "the release is the server, its static files and public/, and nothing else" assembled
hostkit service stop web

flattened() { # what the assembled release is made of, pushed as it is
	new_project flat
	configure flat
	cp -al "$home/app/." flat/
	git -C flat add -Af
	push flat
	expect flat last.status=succeeded active.type=nextjs-standalone stage.install=skipped \
		stage.build=skipped stage.dependencies=skipped
	contains said "the commit is built output"
	serves_all flat
	started_by server.js
	hostkit service stop flat
}
ok_when "built output that is pushed is neither installed nor built, and serves" flattened

nested() { # NAME: a build that leaves what is in $T/outside/made
	new_project "$1"
	configure "$1" install.enabled=no "build.command=mv $T/outside/made/.next ."
	echo '{ "name": "web" }' >"$1/package.json"
	mkdir "$1/public"
	echo "public file" >"$1/public/hello.txt"
	push "$1"
	expect "$1" last.status=succeeded active.type=nextjs-standalone
	no_staging "$1"
}

below_path() { # the output repeats the project's path
	mkdir -p outside/made/.next/standalone/home/me/web
	cp -al outside/output/static outside/made/.next/
	cp -al outside/output/standalone/. outside/made/.next/standalone/home/me/web/
	nested deep
	[ -f "$(home_of deep)/app/server.js" ]
	serves_all deep
	started_by server.js
	hostkit service stop deep
}
ok_when "output below the project's path is flattened" below_path

workspace() { # modules lie above the server
	mkdir -p outside/made/.next/standalone/apps/web
	cp -al outside/output/static outside/made/.next/
	cp -al outside/output/standalone/. outside/made/.next/standalone/apps/web/
	mv outside/made/.next/standalone/apps/web/node_modules outside/made/.next/standalone/
	nested mono
	[ -f "$(home_of mono)/app/apps/web/server.js" ]
	[ -d "$(home_of mono)/app/node_modules/next" ]
	serves_all mono
	started_by apps/web/server.js
	hostkit service stop mono
}
ok_when "output of a workspace keeps its shape" workspace

standard() { # .next without a standalone server
	new_project plain
	share_npm_cache plain
	configure plain build.enabled=no
	next_app plain
	cp web/package-lock.json plain/
	echo "module.exports = {};" >plain/next.config.js
	echo node_modules >plain/.gitignore
	cp -al outside/output plain/.next
	rm -rf plain/.next/standalone plain/.next/cache
	push plain
	expect plain last.status=succeeded active.type=nextjs
	grep -E "^ 3/10 install +npm ci --omit=dev$" said
	serves_all plain
	grep -E '/npm start$' node.log
	grep -E '/node_modules/.bin/next start$' node.log
	hostkit service stop plain
}
ok_when "Next.js without standalone is started with npm start" standard

done_testing
