#!/bin/bash
#
# Kinds of applications as units of systemd: what each is started with, and that it runs there.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=apps.sh
. "$(cd "$(dirname "$0")" && pwd)/apps.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "applications under systemd"
plain_build_only
not_in_quick_run
vps_boot
mkdir app

# The developer's repository gets what is in app/.
vps_copy() {
	tar -C app -cf - . | machine_as dev tar -C "$1" -xf -
}

runs_as() { # NAME COMMAND
	local pid

	pid=$(machine_run systemctl show --value -p MainPID "hostkit-$1")
	[ "$pid" != 0 ]
	machine_run bash -c "tr '\\0' ' ' </proc/$pid/cmdline" >cmdline
	contains cmdline "$2"
	[ "$(machine_run readlink "/proc/$pid/cwd")" = "$(machine_run realpath "/home/$1/app")" ]
	[ "$(machine_run stat -c %U "/proc/$pid")" = "$1" ]
}

page() { # NAME
	vps_page "$1.example" "${2:-/}" >page
}

node() {
	vps_project node --domain node.example >/dev/null
	node_app app v1 index.js
	echo '{ "name": "node" }' >app/package.json
	vps_copy node
	vps_push node
	contains said "success: node:"
	vps_expect node active.type=node stage.health=succeeded
	runs_as node "node index.js"
	page node
	contains page v1
}
ok_when "Node.js: node index.js" node

npm_start() {
	echo '{ "name": "node", "scripts": { "start": "node index.js" } }' >app/package.json
	vps_copy node
	vps_push node
	contains said "success: node:"
	runs_as node "npm start"
	page node
	contains page v1
}
ok_when "Node.js with a start script: npm start" npm_start

standalone() {
	rm -rf app
	mkdir -p app/.next/standalone/.next app/.next/static app/public
	node_app app/.next/standalone standalone server.js
	echo id | tee app/.next/BUILD_ID >app/.next/standalone/.next/BUILD_ID
	echo chunk >app/.next/static/chunk.js
	echo public >app/public/a.txt
	vps_project next --domain next.example >/dev/null
	vps_copy next
	vps_push next
	contains said "success: next:"
	vps_expect next active.type=nextjs-standalone stage.health=succeeded
	runs_as next "node server.js"
	page next
	contains page standalone
	machine_run cat /home/next/app/.next/static/chunk.js /home/next/app/public/a.txt
}
ok_when "Next.js standalone: node server.js, with its static files beside it" standalone

python() {
	machine_as dev /usr/bin/python3 -c 'import venv, ensurepip' || return 0
	rm -rf app
	mkdir app
	python_app app app.py
	echo "# nothing but the standard library" >app/requirements.txt
	vps_project python --domain python.example >/dev/null
	vps_copy python
	vps_push python
	contains said "success: python:"
	vps_expect python active.type=python stage.health=succeeded
	runs_as python "python -m app"
	page python
	contains page "/home/python/releases/"
}
ok_when "Python: python -m app, in the release's environment" python

machine_stop
done_testing
