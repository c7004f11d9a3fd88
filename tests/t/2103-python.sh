#!/bin/bash
#
# Python applications of the standard library.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "Python applications"
require_programs curl
/usr/bin/python3 -c 'import venv, ensurepip' || skip_all "python3-venv is not installed"
new_project web
configure web health.interval=200ms
home=$(home_of web)
cat >web/app.py <<'PY'
import http.server, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.prefix.encode())

http.server.HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
PY
echo "# nothing but the standard library" >web/requirements.txt

requirements() {
	push web
	expect web last.status=succeeded active.type=python stage.install=skipped stage.dependencies=succeeded
	[ -x "$home/app/.venv/bin/python" ]
	grep -E "^ 6/10 dependencies +\.venv/bin/python -m pip install " said
	# It runs in the release's own environment, made where it stays.
	[ "$(curl -fsS "$(url_of web)/")" = "$(realpath "$home/app")/.venv" ]
	"$home/app/.venv/bin/pip" --version
}
ok_when "requirements.txt: a virtual environment in the release, started with -m app" requirements

pyproject() {
	rm web/requirements.txt
	printf '[project]\nname = "web"\nversion = "1"\n' >web/pyproject.toml
	mkdir web/app
	git -C web mv app.py app/__main__.py
	push web
	expect web last.status=succeeded active.type=python
	[ "$(curl -fsS "$(url_of web)/")" = "$(realpath "$home/app")/.venv" ]
}
ok_when "pyproject.toml without a build system needs no pip; app/ is a module" pyproject

no_module() {
	remember_live web
	git -C web mv app main
	push web
	expect web last.status=failed stage.release=failed
	contains said "there is no module 'app' to start"
	still_live web
	curl -fsS "$(url_of web)/"
}
ok_when "without a module app it fails before it is live" no_module

done_testing
