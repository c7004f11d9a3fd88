#!/bin/bash
#
# How long a push takes with two installations, in turn: of a branch that does not deploy, and of one
# that does (static files).
#
#	push-old-vs-new.sh OLD/bin NEW/bin [PUSHES]
#
# Prints the medians in ms and their ratio.
set -euo pipefail

declare -A bin=([old]=$1 [new]=$2)
pushes=${3:-20}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work GIT_CONFIG_NOSYSTEM=1

git init -q -b main "$work/site"
git -C "$work/site" config user.name bench
git -C "$work/site" config user.email bench@example.org
echo page >"$work/site/index.html"
git -C "$work/site" add -A
git -C "$work/site" commit -qm first

for which in old new; do
	mkdir -p "$work/$which/etc/hostkit"
	PATH=${bin[$which]}:$PATH HOSTKIT_ROOT=$work/$which hostkit project create site --driver none >/dev/null
done
# What the older one may not know is set for the newer one only.
printf '[ratelimit]\nenabled = no\n' >"$work/new/etc/hostkit/hostkit.ini"

push() { # WHICH BRANCH: its time in microseconds
	local began ended

	began=$(date +%s%N)
	git -C "$work/site" push -q "$work/$1/home/site/repo.git" "HEAD:$2" >/dev/null 2>&1
	ended=$(date +%s%N)
	echo $(((ended - began) / 1000)) >>"$work/$1.$2"
}

for branch in wip main; do
	for _ in $(seq "$pushes"); do
		git -C "$work/site" commit -q --allow-empty -m more
		push old "$branch"
		push new "$branch"
	done
	for which in old new; do
		sort -n "$work/$which.$branch" | sed -n "$(((pushes + 1) / 2))p" >"$work/$which.median"
	done
	paste "$work/old.median" "$work/new.median" |
		awk -v b="$branch" '{ printf "%s: old %.1f ms, new %.1f ms, ratio %.2f\n", b, $1 / 1000, $2 / 1000, $2 / $1 }'
done
