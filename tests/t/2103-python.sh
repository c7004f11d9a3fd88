#!/bin/bash
#
# Python applications of the standard library. Nothing is fetched.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=apps.sh
. "$(cd "$(dirname "$0")" && pwd)/apps.sh"

test_begin "Python applications"
plain_build_only
not_in_quick_run
require_programs curl
PATH=/usr/local/bin:/usr/bin:/bin python3 -c 'import venv, ensurepip' ||
	skip_all "python3 -m venv does not work (package python3-venv)"
new_project web
configure web health.interval=200ms
home=$(home_of web)

# The environment of the live release runs it; it was made where it is, so its programs work.
runs_in_its_environment() {
	serves web "$(realpath "$home/app")/.venv"
	[ -x "$home/app/.venv/bin/python" ]
	"$home/app/.venv/bin/pip" --version
}

requirements() {
	python_app web app.py
	echo "# nothing but the standard library" >web/requirements.txt
	push web
	expect web last.status=succeeded active.type=python stage.install=skipped \
		stage.dependencies=succeeded stage.health=succeeded
	grep -E "^ 6/10 dependencies +python3 -m venv \.venv$" said
	grep -E "^ 6/10 dependencies +\.venv/bin/python -m pip install .*-r requirements\.txt$" said
	runs_in_its_environment
}
ok_when "requirements.txt: an environment in the release, in which -m app runs" requirements

missing() {
	remember_live web
	echo ./not-there >web/requirements.txt
	push web
	expect web last.status=failed stage.dependencies=failed last.error.code=COMMAND_FAILED
	contains said not-there
	still_live web
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" = 1 ]
	runs_in_its_environment
}
ok_when "requirements that pip cannot meet fail; the old release serves, the new one is gone" missing

pyproject() {
	rm web/requirements.txt
	printf '[project]\nname = "web"\nversion = "1"\n' >web/pyproject.toml
	mkdir web/app
	git -C web mv app.py app/__main__.py
	push web
	expect web last.status=succeeded active.type=python stage.dependencies=succeeded
	lacks said "pip install"
	runs_in_its_environment
}
ok_when "pyproject.toml without a build system needs no pip; a folder app is a module too" pyproject

no_module() {
	remember_live web
	git -C web mv app main
	push web
	expect web last.status=failed stage.release=failed last.error.code=TYPE_UNKNOWN
	contains said "there is no module 'app' to start"
	grep "^hint: add app.py or app/__main__.py" said
	still_live web
	runs_in_its_environment
}
ok_when "without a module app it fails before it is live, and says what to add" no_module

built() {
	git -C web mv main app
	configure web health.interval=200ms \
		"build.command=.venv/bin/python -c 'import sys; open(\"built\", \"w\").write(sys.prefix)'"
	push web
	expect web last.status=succeeded stage.install=succeeded stage.build=succeeded \
		stage.dependencies=succeeded
	contains "$home/app/built" "/.venv"
	runs_in_its_environment
}
ok_when "a build has an environment too, and the release one of its own" built

done_testing
