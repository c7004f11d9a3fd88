#!/bin/sh
# Everything that has to hold, for `./bootstrap check TOP JOBS`: lints, gcc and clang builds without a
# warning, the suite, the suite under ASan and UBSan, make distcheck. The last line counts all tests.
set -u

top=$1
jobs=$2
build=$top/build
passed=0
failed=0
skipped=0

say() { printf '%s\n' "check: $*"; }

# step TITLE COMMAND...: one test; its output is shown when it fails
step() {
	title=$1
	shift
	began=$(date +%s)
	log=$build/check-step.log
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
		say "ok: $title ($(($(date +%s) - began)) s)"
	else
		failed=$((failed + 1))
		say "FAILED: $title"
		tail -n 60 "$log" | sed 's/^/    /'
		return 1
	fi
}

count() { sed -n "s/^# $1: *//p" "$2" | awk '{ n += $1 } END { print n + 0 }'; }

# suite TITLE DIR: make check there; every test of every program counts
suite() {
	title=$1
	dir=$2
	began=$(date +%s)
	log=$dir/make-check.log
	# More at once take as long: they compute.
	make -C "$dir" -j$((jobs * 2)) check >"$log" 2>&1
	status=$?
	p=$(count PASS "$log")
	f=$(($(count FAIL "$log") + $(count XPASS "$log") + $(count ERROR "$log")))
	s=$(count SKIP "$log")
	passed=$((passed + p))
	failed=$((failed + f))
	skipped=$((skipped + s))
	say "$title: $p passed, $f failed, $s skipped ($(($(date +%s) - began)) s)"
	grep -h '^SKIP: ' "$log" | sed 's/^/    /'
	# How often the tests that repeat something did so.
	grep -h '^# .*\(faults tried\|power cuts,\| runs: \| deployments$\)' "$dir"/tests/t/*.log |
		sed 's/^# /    /'
	if [ "$status" != 0 ]; then
		# A suite that did not get as far as counting is a failure too.
		[ "$f" -gt 0 ] || failed=$((failed + 1))
		[ -f "$dir/test-suite.log" ] && tail -n 150 "$dir/test-suite.log" | sed 's/^/    /'
		[ "$f" -gt 0 ] || tail -n 40 "$log" | sed 's/^/    /'
	fi
}

sources() { find "$top/src" "$top/hooks" "$top/tests" \( -name '*.c' -o -name '*.h' \); }
scripts() { printf '%s\n' "$top/bootstrap" "$top/.ci/run" "$top"/tests/*.sh "$top"/tests/t/*.sh "$top"/tests/bench/*.sh; }

format_check() { sources | xargs clang-format --dry-run -Werror; }
shell_check() { scripts | xargs -n 8 -P "$jobs" shellcheck -x -P "$top/tests/t"; }
man_check() { # a warning of the formatter is a failure
	out=$(for page in hostkit.1 hostkit.ini.5; do
		groff -man -Tutf8 -ww -z "$build/gcc/man/$page" 2>&1
	done)
	[ -z "$out" ] || { printf '%s\n' "$out"; return 1; }
}
compile() { # CC DIR OPTION...
	cc=$1
	dir=$2
	shift 2
	CC=$cc "$top/bootstrap" configure "$dir" --enable-werror "$@" && make -s -C "$dir" -j"$jobs"
}
fuzzers() {
	if why=$(sh "$top/tests/fuzz.sh" probe clang); then
		step "fuzzers (5 s each)" make -s -C "$build/clang" -j"$jobs" fuzz FUZZ_SECONDS=5
	else
		skipped=$((skipped + 1))
		say "SKIP: fuzzers: $why"
	fi
}
distcheck() {
	HK_TEST_QUICK=1 make -C "$build/gcc" -j$((jobs * 2)) distcheck \
		DISTCHECK_CONFIGURE_FLAGS=--enable-werror
}

mkdir -p "$build"
step "format (clang-format)" format_check
step "shell scripts (shellcheck)" shell_check
step "build with clang, no warnings" compile clang "$build/clang" --disable-failpoints && fuzzers
step "build with gcc and sanitizers, no warnings" compile gcc "$build/asan" --enable-sanitizers \
	--enable-failpoints &&
	suite "suite under ASan and UBSan" "$build/asan"
step "build with gcc, no warnings" compile gcc "$build/gcc" --enable-failpoints && {
	step "man pages (groff)" man_check
	suite "suite" "$build/gcc"
	step "make distcheck" distcheck
}

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
