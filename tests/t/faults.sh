# shellcheck shell=bash
#
# What has to hold after any fault, for tests that have sourced lib.sh and deploying.sh:
#
#	fault_project		project and repository "site": a service, one version deployed
#	commit			the next version
#	holds			what is live is complete, runs, and is what the ledger says
#	clean			and nothing of a deployment that died is left
#	fault_loop ACTION…	a fault at the Nth call that changes state, for N = 1, 2, … until there
#				are no more, in the worker and in the hook; the actions take turns

fault_project() {
	new_project site
	configure site deploy.keep_releases=2 deploy.min_free=1M health.interval=100ms \
		health.timeout=20s service.stop_timeout=2s "service.start=flaky-http 200" \
		shared.dirs=up hooks.pre_activate=true hooks.post_activate=true
	home=$(home_of site)
	state=$HOSTKIT_ROOT/var/lib/hostkit/site
	echo 0 >"$T/n"
	: >"$T/site/index.html"
	mkdir "$T/site/pages"
	ln -s ../index.html "$T/site/pages/link"
	mkdir -p "$T/site/up/d"
	echo a | tee "$T/site/up/a" >"$T/site/up/d/b"
	commit
	git -C "$T/site" push -q hostkit main
	holds
}

commit() {
	local n

	n=$(($(cat "$T/n") + 1))
	echo "$n" >"$T/n"
	echo "version $n" | tee "$T/site/version" "$T/site/pages/$((n % 3))" >/dev/null
	echo >"$T/site/index.html"
	# What is shared begins anew with every version.
	rm -rf "$home/shared/up/a" "$home/shared/up/d"
	git -C "$T/site" add -A
	git -C "$T/site" commit -qm "version $n"
}

# What `app` names is a version, file by file.
is_complete() {
	local version commit

	version=$(cat "$home/app/version")
	commit=$(git -C "$T/site" log --format=%H --grep "^$version\$" main)
	[ -n "$commit" ]
	git -C "$T/site" --work-tree="$(realpath "$home/app")" diff --exit-code --stat "$commit" \
		-- . ':!up'
}

service_pid() {
	hostkit service status site | sed -n 's/^pid \([0-9]*\),.*/\1/p'
}

# The service's process runs in it, and answers.
is_served() {
	local pid

	pid=$(service_pid)
	[ "$(readlink "/proc/$pid/cwd")" = "$(realpath "$home/app")" ]
	curl -sf -m 5 "$(url_of site)/" >"$T/page"
	contains "$T/page" "$pid"
}

# The last row has ended, with all of its stages, and says what happened.
is_truthful() {
	local live

	live=$(live site)
	hostkit --json deploy status site >"$T/.status.json"
	python3 - "$T/.status.json" "${live#releases/}" <<-'PY'
		import json, sys
		data = json.load(open(sys.argv[1]))["data"]
		last, live = data["last"], sys.argv[2]
		assert data["running"] is None, data["running"]
		assert data["active"]["release"] == live, (data["active"], live)
		assert all(s["status"] != "running" for s in last["stages"]), last["stages"]
		assert (last["error"] is None) == (last["status"] == "succeeded"), last
		if last["status"] == "succeeded":
		    assert last["release"] == live and data["active"]["state"] == "good", data
		elif last["status"] == "interrupted":
		    assert last["error"]["code"] == "INTERRUPTED" and last["error"]["hint"], last
		elif last["status"] != "failed":
		    raise AssertionError(last)
	PY
}

holds() {
	is_complete
	is_truthful
	is_served
}

clean() {
	local left

	left=$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' ! -regex '.*/[0-9]+-[0-9]+'
		find "$home" "$home/repo.git" "$state" -mindepth 1 -maxdepth 1 \
			\( -name '*.tmp*' -o -name 'tmp-*' -o -name 'hostkit-index-*' -o -name '*.new*' \)
		git -C "$home/repo.git" for-each-ref 'refs/hostkit/deployments/*' 'refs/deploy/*')
	# No more releases than are kept: two good ones, the active and a failed one.
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" -le 4 ] || left+=" releases"
	flock -n "$state/lock" true || left+=" lock"
	[ -z "$left" ] && return 0
	echo "left over: $left" >&2
	return 1
}

# No worker, supervisor or build of the project; its service is.
no_process() {
	local pid service

	service=$(service_pid)
	for pid in $(cd / && started); do
		case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in
		*"$T"*hostkit* | *hostkit-worker*"$T"*) ;;
		*) continue ;;
		esac
		[ "$pid" = "$service" ] && continue
		echo "process $pid is left: $(tr '\0' ' ' <"/proc/$pid/cmdline")" >&2
		return 1
	done
}

# The worker of the present deployment, if any, is waited for: the client may have left before it.
settled() {
	wait_until 60 no_worker
}

no_worker() {
	! pgrep -f "hostkit-worker $HOSTKIT_ROOT site " >/dev/null
}

# --- Faults at the Nth call

# Pushes with a fault; then everything has to hold after a recovery.
faulted() { # PROGRAM N ACTION
	commit
	rm -f fault
	HOSTKIT_FAULT=$1:$2:$3 HOSTKIT_FAULT_LOG=$T/fault \
		git -C site push hostkit main >said 2>&1 || true
	[ -e fault ] || return 0
	echo "$(($(cat tried) + 1))" >tried
	settled
	hostkit recover site >recovered
	settled
	holds
	no_process
}

next_deploys() {
	commit
	git -C site push hostkit main >said 2>&1
	[ "$(cat "$home/app/version")" = "version $(cat n)" ]
	diff -r site/up "$home/app/up/"
	diff <(ls -A "$home/shared") <(echo up)
	holds
	clean
}

# One step for a stretch of N, so that the output can be read.
stretch() { # PROGRAM FROM TO ACTION…
	local program=$1 n actions=("${@:4}") action

	for ((n = $2 + START - 1; n <= $3; n += STEP)); do
		action=${actions[n / STEP % ${#actions[@]}]}
		echo "$program:$n:$action" >"$T/at"
		faulted "$program" "$n" "$action"
		[ -e fault ] || return 0
		next_deploys
	done
}

fault_loop() {
	local program from names="$*"

	# Every other call fails, and the others kill: together all of them. HK_FAULT_STEP=1 is each twice.
	STEP=${HK_FAULT_STEP:-2}
	! grep -q __asan_init "$HK_LIBEXECDIR/hostkit-worker" || STEP=${HK_FAULT_STEP:-10}
	START=1
	[ "$1" != kill ] || START=$((STEP / 2 + 1))
	echo 0 >tried
	for program in hostkit-worker post-receive; do
		: >fault
		for ((from = 1; ; from += 40)); do
			[ -e fault ] || break
			ok_when "$program: ${names// / or } at calls $from to $((from + 39))" \
				stretch "$program" "$from" $((from + 39)) "$@"
			# shellcheck disable=SC2154 # lib.sh sets it
			[ "$step_status" -ne 0 ] || continue
			note "at $(cat "$T/at"), which is $(cat fault 2>/dev/null)"
			note_file "the client saw" said
			break
		done
	done
	note "$(cat tried) faults tried"
}
