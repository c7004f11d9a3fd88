# shellcheck shell=bash
#
# Projects, pushes, and what the ledger says of them, for tests that have sourced lib.sh:
#
#	new_project site [OPTION…]	a project, and a repository $T/site with a remote hostkit
#	configure site build.command=true deploy.keep_releases=2
#					all of its settings, but [project] port and path
#	push site [REF]			commits what is in the repository and pushes it; what the
#					client was told is in $T/said
#	expect site last.status=failed last.error.message~refused stage.build=failed
#					facts of `hostkit --json deploy status`: = is all of it, ~ a part

require_programs() {
	local program

	for program in "$@"; do
		command -v "$program" >/dev/null || skip_all "there is no '$program'"
	done
}

# For tests that take longer than 10 s.
not_in_quick_run() {
	[ -z "${HK_TEST_QUICK:-}" ] || skip_all "quick run"
}

# For tests of what others have built, which a slow build of ours tells nothing more about.
plain_build_only() {
	! grep -q __asan_init "$HK_BINDIR/hostkit" ||
		skip_all "built with sanitizers; the suite of the plain build has it"
}

new_project() {
	local name=$1 port

	shift
	port=$(free_port)
	hostkit project create "$name" --port "$port" "$@"
	echo "$port" >"$T/$name.port"
	git init -q "$T/$name"
	git -C "$T/$name" remote add hostkit "$HOSTKIT_ROOT/home/$name/repo.git"
}

# Programs that need not be in the system's folders, in one: the PATH of projects.
make_path() {
	local program

	[ ! -d "$T/bin" ] || return 0
	mkdir "$T/bin"
	for program in node npm; do
		! command -v "$program" >/dev/null || ln -s "$(command -v "$program")" "$T/bin/"
	done
	# Those of the build may be where a build cannot see them.
	for program in stubborn flaky-http; do
		! command -v "$program" >/dev/null || cp "$(command -v "$program")" "$T/bin/"
	done
}

# FIFOs that builds and hooks may use, too.
fifos() {
	local name

	for name; do
		mkfifo "$T/outside/$name"
		ln -s "outside/$name" "$T/$name"
	done
}

configure() {
	local name=$1 ini setting

	ini=$HOSTKIT_ROOT/etc/hostkit/projects/$name.ini
	shift
	make_path
	printf '[project]\nport = %s\npath = %s:/usr/local/bin:/usr/bin:/bin\n' \
		"$(cat "$T/$name.port")" "$T/bin" >"$ini"
	for setting in "$@"; do
		printf '[%s]\n%s\n' "${setting%%.*}" "${setting#*.}" >>"$ini"
	done
	hostkit config check "$name"
}

home_of() {
	echo "$HOSTKIT_ROOT/home/$1"
}

# What the client saw, as a terminal would show it.
as_seen() {
	sed 's/^remote: //; s/ *$//'
}

push_ref() {
	git -C "$T/$1" push hostkit "$2" 2>&1 | as_seen | tee "$T/said"
}

push() {
	git -C "$T/$1" add -A
	git -C "$T/$1" commit -q --allow-empty -m "a change"
	push_ref "$1" "${2:-HEAD:refs/heads/main}"
}

# push_refused site [REF]: the same for a push that git must refuse, with no ref moved.
push_refused() {
	local status=0

	push "$@" || status=$?
	[ "$status" = 1 ]
	contains "$T/said" "[remote rejected]"
}

# shows TEXT: that line is part of what the client was told, with whatever indent.
shows() {
	# Not grep -q, which would end sed by SIGPIPE.
	sed 's/^ *//' "$T/said" | grep -xF -e "$1" >/dev/null && return 0
	echo "no line '$1' was shown:" >&2
	cat "$T/said" >&2
	return 1
}

url_of() {
	echo "http://127.0.0.1:$(cat "$T/$1.port")"
}

live() {
	readlink "$(home_of "$1")/app" || echo nothing
}

# What `app` names, to compare with later.
remember_live() {
	live "$1" >"$T/$1.live"
}

still_live() {
	[ "$(live "$1")" = "$(cat "$T/$1.live")" ]
}

no_staging() {
	! find "$(home_of "$1")/releases" -maxdepth 1 -name '.*' ! -name . ! -name '.gone-*' | grep .
}

# What has ended, and what only its parent's wait is missing for.
gone() {
	local state

	state=$(sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null) || return 0
	[ "$state" = Z ] || [ -z "$state" ]
}

# No process of a list that stubborn or a service wrote is left.
all_gone() {
	local pid

	[ -s "$1" ]
	while read -r pid; do
		if ! gone "$pid"; then
			echo "process $pid of $1 is still there" >&2
			return 1
		fi
	done <"$1"
}

# worker_of site: the number of its worker; the worker's supervisors have another name.
worker_of() {
	local pid

	for pid in $(pgrep -x hostkit-worker); do
		if tr '\0' ' ' <"/proc/$pid/cmdline" | grep -F " $HOSTKIT_ROOT $1 " >/dev/null; then
			echo "$pid"
		fi
	done
}

# answers CHECK… -- COMMAND…: what `hostkit --json COMMAND` answers, whether it succeeds or not.
answers() {
	local checks=()

	while [ "$1" != -- ]; do
		checks+=("$1")
		shift
	done
	shift
	hostkit --json "$@" >"$T/.answer.json" || true
	look_up "$T/.answer.json" "${checks[@]}"
}

expect() {
	local name=$1

	shift
	answers "$@" -- deploy status "$name"
}

# fact NAME PATH: one of them, to print.
fact() {
	answers "$2" -- deploy status "$1"
}

look_up_program=$(
	cat <<-'PYTHON'

		import json, re, sys
		answer = json.load(open(sys.argv[1]))
		top = dict(answer.get("data") or {}, success=answer["success"], error=answer.get("error"))
		wrong = 0

		def look(path):
		    at = top
		    if path.startswith("stage."):
		        name, _, path = path[6:].partition(".")
		        stages = (top["last"] or {"stages": []})["stages"]
		        at = next((s for s in stages if s["name"] == name), None)
		        path = path or "status"
		    for key in path.split("."):
		        at = at.get(key) if isinstance(at, dict) else None
		    return at if isinstance(at, str) else json.dumps(at)

		for check in sys.argv[2:]:
		    path, how, wanted = re.match("([a-z_.]+)([=~]?)(.*)$", check, re.S).groups()
		    found = look(path)
		    if not how:
		        print(found)
		    elif found != wanted and (how == "=" or wanted not in found):
		        print(f"{path} is {found!r}, not {wanted!r}", file=sys.stderr)
		        wrong = 1
		if wrong:
		    print(open(sys.argv[1]).read(), file=sys.stderr)
		sys.exit(wrong)
	PYTHON
)

look_up() {
	python3 -c "$look_up_program" "$@"
}
