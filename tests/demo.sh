#!/bin/sh
# The demo of `./bootstrap demo`: one small web app, three real pushes, in a private root that is
# removed at the end. hostkit, git, node and curl are in PATH.
set -eu

dir=$(mktemp -d "${TMPDIR:-/tmp}/hostkit-demo.XXXXXX")
export HOSTKIT_ROOT="$dir/root"
export GIT_AUTHOR_NAME=demo GIT_AUTHOR_EMAIL=demo@example.org
export GIT_COMMITTER_NAME=demo GIT_COMMITTER_EMAIL=demo@example.org

finish() {
	status=$?
	trap - EXIT
	trap '' INT TERM
	cd /
	# Ctrl-C leaves a deployment running, which would start the service and fill the folder again.
	hostkit deploy cancel demo >/dev/null 2>&1 || true
	hostkit deploy log demo --follow >/dev/null 2>&1 || true
	hostkit service stop demo >/dev/null 2>&1 || true
	rm -rf "$dir"
	exit $status
}
trap finish EXIT
trap 'exit 130' INT TERM

step() { printf '\n=== %s\n' "$*"; }
run() {
	printf '$ %s\n' "$*"
	"$@"
}
page() {
	printf '$ curl %s\n' "$url"
	curl -fsS "$url"
}

step "a project, in a private root (no root rights, no services, no configuration)"
mkdir "$HOSTKIT_ROOT"
run hostkit project create demo
port=$(hostkit --json project show demo | sed 's/.*"port":\([0-9]*\).*/\1/')
url=http://127.0.0.1:$port/

step "a small web app, in a git repository"
git init -q -b main "$dir/app"
cd "$dir/app"
cat >server.js <<'JS'
const http = require('http');
const greeting = require('./greeting');
http.createServer((req, res) => {
  if (req.url === '/api/health') return res.end('ok\n');
  res.end(greeting + '\n');
}).listen(process.env.PORT, process.env.HOST);
JS
cat >package.json <<'JSON'
{ "name": "demo", "private": true,
  "scripts": { "build": "node --check server.js", "start": "node server.js" } }
JSON
echo "module.exports = 'Hello from the first push.';" >greeting.js
git add . && git commit -qm "Greet"
git remote add hostkit "$HOSTKIT_ROOT/home/demo/repo.git"
run git push hostkit main
page

step "a change is a push"
echo "module.exports = 'Hello again, from the second push.';" >greeting.js
git commit -qam "Greet again"
run git push hostkit main
page

step "a commit that does not build: what is live stays live"
echo "this is no JavaScript" >server.js
git commit -qam "Break the build"
run git push hostkit main
page

step "what happened is on record"
run hostkit deploy history demo

step "done; this was all in $dir, which is removed now"
echo "Your own project:   hostkit --root ~/hostkit project create NAME"
echo "Everything else:    README.md, hostkit help, man hostkit"
