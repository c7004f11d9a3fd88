#!/bin/bash
#
# Twenty clients push at once, to one project and to five, for some hundred deployments.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "a crowd"
not_in_quick_run
projects=(one two three four five)
CLIENTS=20
ROUNDS=${HK_CROWD_ROUNDS:-6}
# Builds with sanitizers take their time.
! grep -q __asan_init "$HK_BINDIR/hostkit" || ROUNDS=${HK_CROWD_ROUNDS:-2}

for project in "${projects[@]}"; do
	new_project "$project"
	configure "$project" service.driver=none deploy.keep_releases=3 deploy.min_free=1M \
		"deploy.branches=main,c*"
	echo "$project" >"$project/index.html"
	push "$project"
done
for ((c = 0; c < CLIENTS; c++)); do
	git init -q "client$c"
done
echo 0 >deployments
commits=0

# Each client commits on top of what it has, and pushes to a ref of a project, all at once.
round() { # REF PROJECT…: REF with @ for the client's number
	local c ref project pids=() to=("${@:2}")

	rm -f ./*.raw ./*.sha ./*.accepted
	for ((c = 0; c < CLIENTS; c++)); do
		ref=${1//@/$c}
		project=${to[c % ${#to[@]}]}
		echo "client $c, commit $((++commits))" >"client$c/index.html"
		git -C "client$c" add -A
		git -C "client$c" commit -qm "of client $c"
		git -C "client$c" rev-parse HEAD >"$c.sha"
		echo "$project" >"$c.project"
		git -C "client$c" push -f "$(home_of "$project")/repo.git" "HEAD:$ref" >"$c.raw" 2>&1 &
		pids+=($!)
	done
	for ((c = 0; c < CLIENTS; c++)); do
		if wait "${pids[c]}"; then
			echo "$c" >"$c.accepted"
		else # git lets one of those through that move a ref at once
			grep "remote rejected\|failed to push" "$c.raw"
		fi
	done
	cat ./*.raw >>all.raw
}

# Every accepted push has a row, which has ended well, or was overtaken; told so, with nothing else.
recorded() { # PROJECT…
	local c project

	for project in "$@"; do
		hostkit --json deploy history "$project" --last 1000 >"$project.history"
	done
	for c in ./*.accepted; do
		c=${c#./}
		c=${c%.accepted}
		project=$(cat "$c.project")
		python3 - "$project.history" "$(cat "$c.sha")" >"$c.status" <<-'PY'
			import json, sys
			rows = json.load(open(sys.argv[1]))["data"]["deployments"]
			mine = [r for r in rows if r["commit"] == sys.argv[2]]
			assert len(mine) == 1, (sys.argv[2], mine)
			assert mine[0]["status"] in ("succeeded", "superseded"), mine
			print(mine[0]["status"])
		PY
		case $(cat "$c.status") in
		succeeded)
			grep "success: $project: .* is live as release" "$c.raw"
			not grep "error: \|warning: \|recovered: " "$c.raw"
			;;
		superseded) grep "superseded after" "$c.raw" ;;
		esac
	done
	# No row but theirs.
	for project in "$@"; do
		python3 - "$project.history" >"$project.odd" <<-'PY'
			import json, sys
			for row in json.load(open(sys.argv[1]))["data"]["deployments"]:
			    if row["status"] not in ("succeeded", "superseded"):
			        print(row)
		PY
		not grep . "$project.odd"
		not grep '"trigger":"recovery"' "$project.history"
	done
	echo "$(($(cat deployments) + $(find . -name '*.accepted' | wc -l)))" >deployments
}

# What is live is what the ref holds, file by file.
newest_is_live() { # PROJECT REF
	rm -rf wanted
	mkdir wanted
	git -C "$(home_of "$1")/repo.git" archive "$2" | tar -xC wanted
	diff -r wanted "$(home_of "$1")/app/"
}

# A branch each: whichever row is the last of those that succeeded.
last_is_live() { # PROJECT
	newest_is_live "$1" "$(fact "$1" active.commit)"
	expect "$1" active.state=good
	[ "$(fact "$1" active.commit)" = "$(python3 -c '
import json, sys
rows = json.load(open(sys.argv[1]))["data"]["deployments"]
print(next(r["commit"] for r in rows if r["status"] == "succeeded"))' "$1.history")" ]
}

clean() { # PROJECT…
	local project

	for project in "$@"; do
		no_staging "$project"
		flock -n "$HOSTKIT_ROOT/var/lib/hostkit/$project/lock" true
		[ -z "$(git -C "$(home_of "$project")/repo.git" for-each-ref refs/hostkit/deployments refs/deploy)" ]
		expect "$project" running=null
	done
	not pgrep -f "hostkit-worker $HOSTKIT_ROOT "
}

one_branch() {
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		round refs/heads/main one
		recorded one
		newest_is_live one main
	done
	clean one
}
ok_when "20 clients at one branch of one project: what it holds is live, all are on record" one_branch

own_branches() {
	local i

	for ((i = 0; i < ROUNDS; i++)); do
		round refs/heads/c@ two
		[ "$(find . -name '*.accepted' | wc -l)" = "$CLIENTS" ]
		recorded two
		last_is_live two
	done
	clean two
}
ok_when "20 clients with a branch each: all of them deploy" own_branches

five_projects() {
	local i project

	for ((i = 0; i < ROUNDS; i++)); do
		round refs/heads/c@ "${projects[@]}"
		[ "$(find . -name '*.accepted' | wc -l)" = "$CLIENTS" ]
		recorded "${projects[@]}"
		for project in "${projects[@]}"; do
			last_is_live "$project"
		done
	done
	clean "${projects[@]}"
}
ok_when "20 clients at five projects" five_projects
note "$(cat deployments) deployments"

done_testing
