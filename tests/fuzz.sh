#!/bin/sh
# The part of `make fuzz` that is no building.
#
#   fuzz.sh probe CC                        whether CC has libFuzzer; says on stdout why not
#   fuzz.sh run SOURCE BUILD SECONDS NAME…  runs BUILD/fuzz-NAME for that long each, TAP on stdout
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

# one NAME: 0 when no input failed; $log has all that it said
one() {
	log=$build/fuzz-$1.log
	failed=$build/failed/$1
	mkdir -p "$build/found/$1" "$failed"
	name=$1
	set -- -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$failed/"
	[ ! -f "$source/dict/$name" ] || set -- "$@" -dict="$source/dict/$name"
	"$build/fuzz-$name" "$@" "$build/found/$name" "$source/corpus/$name" "$failed" >"$log" 2>&1
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
		number=$((number + 1))
		began=$(date +%s)
		result=ok
		one "$name" || {
			result="not ok"
			bad=$((bad + 1))
		}
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
		echo "$result $number - $name: ${runs:-some} executions in $(($(date +%s) - began)) s"
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
