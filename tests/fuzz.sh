#!/bin/sh
# The part of `make fuzz` that is no building.
#
#   fuzz.sh probe CC                        whether CC has libFuzzer; says on stdout why not
#   fuzz.sh run SOURCE BUILD SECONDS NAME…  runs BUILD/fuzz-NAME for that long each, one on each
#                                           processor, TAP on stdout
#   fuzz.sh one SOURCE BUILD SECONDS NAME   runs one; how that ended is in BUILD/fuzz-NAME.status
#
# SOURCE/corpus/NAME holds the seeds and SOURCE/dict/NAME may hold a dictionary. What a run finds new goes
# to BUILD/found/NAME, what fails to BUILD/failed/NAME; both are tried first in the next run.
set -u

probe() {
	command -v "$1" >/dev/null 2>&1 || {
		echo "there is no $1"
		return 1
	}
	dir=$(mktemp -d) || return 1
	echo 'int LLVMFuzzerTestOneInput(const char *, long); int LLVMFuzzerTestOneInput(const char *s, long n)
		{ return n && *s ? 0 : 0; }' >"$dir/probe.c"
	"$1" -fsanitize=fuzzer,address,undefined -o "$dir/probe" "$dir/probe.c" >"$dir/log" 2>&1
	status=$?
	rm -rf "$dir"
	[ "$status" = 0 ] || echo "$1 cannot link libFuzzer"
	return "$status"
}

# fuzz NAME: 0 when no input failed; its log has all that it said
fuzz() {
	log=$build/fuzz-$1.log
	failed=$build/failed/$1
	mkdir -p "$build/found/$1" "$failed"
	name=$1
	set -- -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$failed/"
	[ ! -f "$source/dict/$name" ] || set -- "$@" -dict="$source/dict/$name"
	"$build/fuzz-$name" "$@" "$build/found/$name" "$source/corpus/$name" "$failed" >"$log" 2>&1
}

one() {
	source=$1
	build=$2
	seconds=$3
	began=$(date +%s)
	fuzz "$4"
	echo "$? $(($(date +%s) - began))" >"$build/fuzz-$4.status"
}

run() {
	source=$1
	build=$2
	seconds=$3
	shift 3
	number=0
	bad=0
	echo "1..$#"
	for name; do
		rm -f "$build/fuzz-$name.status"
		echo "$name"
	done | xargs -n 1 -P "$(getconf _NPROCESSORS_ONLN)" sh "$0" one "$source" "$build" "$seconds"
	for name; do
		number=$((number + 1))
		log=$build/fuzz-$name.log
		ended=$(cat "$build/fuzz-$name.status" 2>/dev/null || echo "1 0")
		result=ok
		[ "${ended% *}" = 0 ] || {
			result="not ok"
			bad=$((bad + 1))
		}
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "$result $number - $name: ${runs:-some} executions in ${ended#* } s"
		[ "$result" = ok ] || {
			tail -n 40 "$log" | sed 's/^/#   /'
			echo "# failing input: $(sed -n 's/.*Test unit written to //p' "$log")"
		}
	done
	echo "# $(($# - bad)) passed, $bad failed"
	[ "$bad" = 0 ]
}

command=$1
shift
"$command" "$@"
