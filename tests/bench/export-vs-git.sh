#!/bin/sh
# Time of hostkit's export of a 30,000-file tree against git's checkout of the same commit.
#
#   export-vs-git.sh EXPORT [FILES]
#
# EXPORT is the built tests/helper/export. The work happens in $BENCH_DIR (default: $TMPDIR or /tmp);
# give a journaled filesystem or a tmpfs: others slow down with every file that was ever deleted.
set -eu

export_program=$1
files=${2:-30000}
runs=5

work=$(mktemp -d "${BENCH_DIR:-${TMPDIR:-/tmp}}/export-vs-git.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

export HOME="$work"
export GIT_CONFIG_NOSYSTEM=1
repo=$work/repo.git
git init -q --bare "$repo"

# 30 files to a folder, three levels, contents of 0.1 to 8 KiB, as in an application with modules.
awk -v n="$files" 'BEGIN {
	print "commit refs/heads/main\ncommitter b <b@example.org> 0 +0000\ndata 0\n"
	for (i = 0; i < n; i++) {
		text = ""
		for (j = 0; j < 1 + (i * 7919) % 80; j++)
			text = text sprintf("line %d of file %d, with some words to pack: %d\n", j, i, i * j)
		printf "M 100644 inline d%d/e%d/f%d/file%d.js\n", i % 10, int(i / 10) % 10, int(i / 300) % 10, i
		printf "data %d\n%s\n", length(text), text
	}
}' | git -C "$repo" fast-import --quiet
git -C "$repo" repack -adq
with_attributes=$(
	blob=$(printf '*.js text=auto eol=crlf\n*.png binary\n' | git -C "$repo" hash-object -w --stdin)
	tree=$( (git -C "$repo" ls-tree main; printf '100644 blob %s\t.gitattributes\n' "$blob") |
		git -C "$repo" mktree)
	GIT_COMMITTER_NAME=b GIT_COMMITTER_EMAIL=b@example.org GIT_AUTHOR_NAME=b \
		GIT_AUTHOR_EMAIL=b@example.org git -C "$repo" commit-tree -m attributes "$tree"
)

now() {
	date +%s%N
}

# milliseconds COMMAND…: runs it with an empty folder in $out; leaves the milliseconds in $ms
milliseconds() {
	out=$work/out
	rm -rf "$out" "$work/index"
	mkdir "$out"
	began=$(now)
	"$@"
	ms=$((($(now) - began) / 1000000))
}

ours() {
	"$export_program" "$repo" "$1" "$out" >/dev/null
}

checkout() {
	GIT_INDEX_FILE=$work/index git --git-dir="$repo" --work-tree="$out" read-tree --reset -u "$1"
}

checkout_index() {
	export GIT_INDEX_FILE="$work/index"
	git --git-dir="$repo" read-tree "$1"
	git --git-dir="$repo" --work-tree="$out" checkout-index -a -q
	unset GIT_INDEX_FILE
}

measure() {
	echo "$files files, $1"
	run=1
	while [ "$run" -le "$runs" ]; do
		milliseconds ours "$2"
		export_ms=$ms
		milliseconds checkout "$2"
		checkout_ms=$ms
		milliseconds checkout_index "$2"
		printf '  export %5d ms, checkout %5d ms (x%s), checkout-index %5d ms (x%s)\n' \
			"$export_ms" "$checkout_ms" "$(ratio "$export_ms" "$checkout_ms")" \
			"$ms" "$(ratio "$export_ms" "$ms")"
		run=$((run + 1))
	done
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / (b ? b : 1) }'
}

measure "no attributes" "$(git -C "$repo" rev-parse main)"
measure "text=auto eol=crlf" "$with_attributes"
