#!/bin/bash
#
# [hooks]: when they run, where, with what in their environment, and what their failure means.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "hooks"
not_in_quick_run
require_programs stubborn flaky-http curl pgrep
new_project site
home=$(home_of site)
app=$home/app
echo home >site/index.html
git -C site add -A
git -C site commit -qm first

settings() {
	configure site service.driver=none build.grace=200ms "$@"
}

served() { # with a service
	configure site health.interval=100ms health.timeout="${limit:-20s}" service.stop_timeout=2s \
		"service.start=flaky-http ${answer:-200}" "$@"
}

# A hook that appends to the file "ran" its name, where it runs, and what is live at that moment.
told='echo "$HOSTKIT_HOOK ${PWD#$HOME} $(readlink $HOME/app || echo nothing)"'
ran=$T/outside/ran
all_hooks() {
	local hook

	for hook in pre_build pre_activate post_activate on_failure; do
		printf '%s\n' "hooks.$hook=sh: $told >>$ran"
	done
}
mapfile -t hooks < <(all_hooks)

# did LINE…: exactly these ran, since the last time.
did() {
	touch "$ran"
	printf '%s\n' "$@" | grep -v '^$' >wanted || true
	mv "$ran" seen
	diff wanted seen
}

release() {
	live site | sed 's|.*/||'
}

# --- Order

order() {
	local release

	settings "${hooks[@]}" "install.command=sh: echo install >>$ran" \
		"build.command=sh: echo build >>$ran"
	push site
	expect site last.status=succeeded
	release=$(release)
	did install "pre_build /releases/.staging-1 nothing" build \
		"pre_activate /releases/$release nothing" \
		"post_activate /releases/$release releases/$release"
	# Each is a line of the stage that it belongs to, before that stage's result.
	grep -oE '[0-9]+/10 (install|build|activate|health) +(sh|pre_build|pre_activate|post_activate|/bin/sh|ok|skipped)' \
		said | tr -s ' ' >lines
	printf '%s\n' "3/10 install /bin/sh" "3/10 install ok" "4/10 build pre_build" \
		"4/10 build /bin/sh" "4/10 build ok" "7/10 activate pre_activate" "7/10 activate ok" \
		"9/10 health post_activate" "9/10 health skipped" | diff - lines
}
ok_when "they run in this order, in staging, in the release, and in what is live" order

next() {
	local before release

	before=$(live site)
	settings "${hooks[@]}" install.enabled=no
	push site
	expect site last.status=succeeded stage.build=skipped
	release=$(release)
	did "pre_build /releases/.staging-2 $before" "pre_activate /releases/$release $before" \
		"post_activate /releases/$release releases/$release"
}
ok_when "also where there is nothing to build; pre_activate sees the old release live" next

no_build() {
	local before

	before=$(live site)
	hostkit deploy site --no-build
	did "pre_activate /releases/$(release) $before" "post_activate /releases/$(release) $(live site)"
}
ok_when "--no-build leaves pre_build out" no_build

healthy() {
	served "hooks.post_activate=sh: curl -sf -m 5 http://127.0.0.1:\$PORT/ >$T/outside/page"
	push site
	expect site last.status=succeeded stage.health=succeeded
	contains outside/page "$(answers pid -- service status site)"
}
ok_when "post_activate comes when the new release is healthy" healthy

for_all() {
	settings
	cp "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini" hostkit.ini.kept
	printf '[hooks]\npost_activate = sh: echo all >>%s\n' "$ran" \
		>>"$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
	push site
	did all
	settings "hooks.post_activate="
	push site
	did ""
	mv hostkit.ini.kept "$HOSTKIT_ROOT/etc/hostkit/hostkit.ini"
}
ok_when "a hook for all projects can be set, and unset by one" for_all

# --- Words and lines

words() {
	settings "hooks.pre_build=cp index.html 'to \$HOME; x'" \
		'hooks.pre_activate=sh: cp index.html "to ${HOME##*/}"; echo "$X$((1 + 1))"'
	push site
	expect site last.status=succeeded
	[ -f "$app/to \$HOME; x" ]
	[ -f "$app/to site" ]
	shows 2
}
ok_when "words are not expanded, a shell line is" words

# --- Facts

facts_of() {
	tr '\0' '\n' <"$1" | grep '^HOSTKIT_' | grep -v '^HOSTKIT_RUN=' | LC_ALL=C sort
}

facts() {
	local id commit before release

	before=$(release)
	cat >"$home/.env" <<-'ENV'
		DATABASE_URL="sqlite:///x y"
		HOSTKIT_HOOK=forged
		HOSTKIT_RELEASE=forged
		HOSTKIT_TAG=forged
		HOSTKIT_ERROR_CODE=forged
		HOSTKIT_OWN=kept
	ENV
	settings "hooks.pre_build=cp /proc/self/environ env.pre_build" \
		"hooks.pre_activate=cp /proc/self/environ env.pre_activate" \
		"hooks.post_activate=cp /proc/self/environ env.post_activate"
	push site
	expect site last.status=succeeded
	id=$(fact site last.id)
	commit=$(git -C site rev-parse HEAD)
	release=$(release)
	cat >wanted <<-ENV
		HOSTKIT_COMMIT=$commit
		HOSTKIT_DEPLOYMENT=$id
		HOSTKIT_HOOK=pre_build
		HOSTKIT_OWN=kept
		HOSTKIT_PREVIOUS_RELEASE=$before
		HOSTKIT_PROJECT=site
		HOSTKIT_PUSHER=$(id -un)
		HOSTKIT_REF=refs/heads/main
		HOSTKIT_RELEASE_DIR=$home/releases/.staging-$id
		HOSTKIT_STAGE=build
		HOSTKIT_TRIGGER=push
	ENV
	facts_of "$app/env.pre_build" | diff wanted -
	sed -e 's/=pre_build/=pre_activate/; s/=build/=activate/' \
		-e "s|/.staging-$id|/$release|; /_REF=/aHOSTKIT_RELEASE=$release" wanted >wanted.pre_activate
	facts_of "$app/env.pre_activate" | diff wanted.pre_activate -
	sed 's/=pre_activate/=post_activate/; s/=activate/=health/' wanted.pre_activate >wanted.post_activate
	facts_of "$app/env.post_activate" | diff wanted.post_activate -
	tr '\0' '\n' <"$app/env.pre_activate" | grep -x "DATABASE_URL=sqlite:///x y"
	tr '\0' '\n' <"$app/env.pre_activate" | grep -x "PORT=$(cat site.port)"
	tr '\0' '\n' <"$app/env.pre_activate" | grep -x NODE_ENV=production
}
ok_when "the facts of the deployment are in the environment, with .env, which cannot forge them" facts

tag() {
	git -C site tag v1.0
	push_ref site v1.0
	expect site last.status=succeeded last.tag=v1.0
	facts_of "$app/env.post_activate" | grep -x HOSTKIT_TAG=v1.0
	facts_of "$app/env.post_activate" | grep -x HOSTKIT_REF=refs/tags/v1.0
	hostkit deploy site
	facts_of "$app/env.post_activate" | grep -x HOSTKIT_TRIGGER=cli
	not grep -z ^HOSTKIT_TAG= "$app/env.post_activate"
}
ok_when "so are a tag's name and what has triggered it" tag

# --- Failures

# failed STAGE "MESSAGE": the last push has failed, and left what was live.
failed() {
	expect site last.status=failed "stage.$1=failed" "last.error.message~$2" last.release=null
	contains said "$2"
	contains said "still live: release $(basename "$(cat site.live)")"
	still_live site
	no_staging site
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" = "$(cat count)" ]
}

count() {
	remember_live site
	find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l >count
}

build_stopped() {
	count
	settings "hooks.pre_build=sh: echo nothing to build with; exit 3" "build.command=touch $T/outside/built"
	push site
	failed build "build: pre_build: 'echo nothing to build with; exit 3'"
	contains said "status 3"
	shows "nothing to build with"
	[ ! -e outside/built ]
}
ok_when "a failing pre_build: no build, and the old release stays" build_stopped

# A migration that fails, and one that does not, while a service answers.
migration() {
	local pid

	served
	push site
	pid=$(answers pid -- service status site)
	count
	served "hooks.pre_activate=sh: echo migrating; exit 7" \
		"hooks.on_failure=sh: $told >>$ran; env -0 >$T/outside/env.on_failure"
	push site
	failed activate "activate: pre_activate: 'echo migrating; exit 7'"
	shows migrating
	expect site stage.dependencies.status~s stage.restart=null
	[ "$(answers pid -- service status site)" = "$pid" ]
	curl -sf -m 5 "$(url_of site)/" >page
	contains page "$pid"
	did "on_failure  $(live site)"
	not git --git-dir="$home/repo.git" rev-parse -q --verify "refs/hostkit/deployments/$(fact site last.id)"
	facts_of outside/env.on_failure >seen
	contains seen HOSTKIT_ERROR_CODE=COMMAND_FAILED
	contains seen "HOSTKIT_ERROR_MESSAGE=activate: pre_activate: 'echo migrating; exit 7' exited with"
	contains seen HOSTKIT_STAGE=activate
	contains seen "HOSTKIT_PREVIOUS_RELEASE=$(release)"
	lacks seen HOSTKIT_RELEASE=
	lacks seen HOSTKIT_RELEASE_DIR=
}
ok_when "a failing pre_activate: the release is gone, the old one serves; on_failure has the reason" \
	migration

after_migration() {
	served "hooks.pre_activate=true"
	push site
	expect site last.status=succeeded active.state=good
	not still_live site
}
ok_when "and the next push deploys" after_migration

not_found() {
	count
	settings "hooks.pre_activate=no-such-program"
	push site
	expect site last.error.code=COMMAND_NOT_FOUND
	failed activate "no-such-program"
}
ok_when "a hook that is not there is named" not_found

timed_out() {
	count
	rm -f outside/pids
	settings hooks.timeout=1s \
		"hooks.$1=stubborn pids $T/outside/pids print started ignore-term fork 2 session orphan"
	push site
	expect site last.error.code=COMMAND_TIMEOUT
	failed "$2" "1.0 s"
	shows started
	[ "$(wc -l <outside/pids)" -eq 5 ]
	all_gone outside/pids
}
ok_when "a pre_build past the limit is ended, with every process that it made" timed_out pre_build build
ok_when "and so is a pre_activate" timed_out pre_activate activate

background() {
	rm -f outside/pids
	settings "hooks.pre_activate=stubborn pids $T/outside/pids ignore-term orphan exit 0"
	push site
	expect site last.status=succeeded
	contains said "left 1 process running; ended"
	all_gone outside/pids
}
ok_when "what a hook leaves running is ended" background

warned() {
	rm -f outside/pids
	served hooks.timeout=1s "hooks.post_activate=$1" "hooks.on_failure=sh: $told >>$ran"
	push site
	expect site last.status=succeeded last.error=null active.state=good stage.health=succeeded \
		"stage.health.detail~post_activate failed"
	contains said "warning: post_activate: '"
	contains said "the release stays live"
	contains said "success: site: "
	contains said "$2"
	did ""
}
ok_when "a failing post_activate is a warning: what is live is well" warned "sh: exit 4" "status 4"
ok_when "so is one that takes too long; it is ended" \
	warned "stubborn pids $T/outside/pids ignore-term fork 2 session orphan" "1.0 s"
ok_when "with all of its processes" all_gone outside/pids

# --- on_failure

by_health() {
	local answer=500 limit=1s before

	before=$(live site)
	served "hooks.on_failure=sh: $told >>$ran; env -0 >$T/outside/env.on_failure" \
		"hooks.post_activate=touch $T/outside/post"
	push site
	expect site last.status=failed stage.health=failed
	did "on_failure /$(live site) $(live site)"
	[ "$(live site)" != "$before" ]
	[ ! -e outside/post ]
	facts_of outside/env.on_failure >seen
	contains seen HOSTKIT_STAGE=health
	contains seen HOSTKIT_ERROR_CODE=HEALTH_FAILED
	contains seen "HOSTKIT_RELEASE_DIR=$home/$(live site)"
	grep -n 'on_failure:\|11/11 cleanup\|health .*FAILED\|^error: ' said | cut -d: -f2 |
		grep -oE 'FAILED|on_failure|cleanup|error' | tr '\n' ' ' >seen
	[ "$(cat seen)" = "FAILED on_failure cleanup error " ]
}
ok_when "after a failed health check it runs in the release, which is live; post_activate does not" \
	by_health

went_back() {
	local answer=200 limit=20s before

	served
	push site
	before=$(live site)
	answer=500
	limit=1s
	served health.on_failure=rollback "hooks.on_failure=sh: $told >>$ran"
	# The old release has a start command of its own, which answers 200.
	push site
	expect site last.status=failed
	[ "$(live site)" = "$before" ]
	did "on_failure /releases/$(fact site last.release) $before"
}
ok_when "after going back it runs in the release that failed, with the old one live" went_back

early() {
	settings "hooks.on_failure=sh: $told \$HOSTKIT_STAGE >>$ran" "shared.files=none"
	push site
	expect site last.status=failed stage.checkout=failed
	did "on_failure  $(live site) checkout"
}
ok_when "after a checkout that failed it runs in the home" early

broken_env() {
	echo "no assignment" >"$home/.env"
	settings "hooks.on_failure=sh: echo \$HOSTKIT_ERROR_CODE \$HOSTKIT_PROJECT \$HOSTKIT_REF >>$ran"
	push site
	expect site last.status=failed
	did "CONFIG_INVALID site refs/heads/main"
	rm "$home/.env"
}
ok_when "also when .env cannot be read" broken_env

fails_itself() {
	settings build.command=false "hooks.on_failure=sh: echo alerting; exit 9"
	push site
	expect site last.status=failed last.error.code=COMMAND_FAILED "last.error.message~build: 'false'"
	contains said "warning: on_failure: 'echo alerting; exit 9'"
	contains said "status 9"
	contains said "error: site: build: 'false' exited"
}
ok_when "its own failure is a warning, and the reason stays the first one" fails_itself

cancelled() {
	count
	settings "hooks.pre_activate=stubborn pids $T/outside/cancel.pids ignore-term fork 1" \
		"hooks.on_failure=touch $T/outside/on_failure"
	push site >/dev/null &
	wait_until 20 test -s outside/cancel.pids
	timeout 20 hostkit deploy cancel site
	wait $!
	expect site last.status=cancelled stage.activate=cancelled
	all_gone outside/cancel.pids
	still_live site
	[ ! -e outside/on_failure ]
}
ok_when "pre_activate can be cancelled; on_failure does not run then" cancelled

# --- Rollbacks

rolled_back() {
	local now before

	settings "${hooks[@]}"
	push site
	before=$(live site)
	push site
	now=$(live site)
	rm "$ran"
	hostkit rollback site
	[ "$(live site)" = "$before" ]
	[ "$now" != "$before" ]
	did "post_activate /$before $before"
	settings "hooks.post_activate=sh: env -0 >$T/outside/env.rollback"
	hostkit rollback site --to "${now##*/}"
	facts_of outside/env.rollback >seen
	contains seen HOSTKIT_TRIGGER=rollback
	contains seen "HOSTKIT_RELEASE=${now##*/}"
	contains seen "HOSTKIT_PREVIOUS_RELEASE=${before##*/}"
	contains seen "HOSTKIT_COMMIT=$(git -C site rev-parse HEAD)"
}
ok_when "a rollback runs post_activate only: pre_activate has migrated already" rolled_back

rollback_fails() {
	local limit=20s status=0

	served
	push site
	push site
	limit=1s
	served health.expect=404 "hooks.on_failure=sh: $told >>$ran"
	hostkit rollback site || status=$?
	[ "$status" -ne 0 ]
	did "on_failure /$(live site) $(live site)"
}
ok_when "on_failure runs for a rollback that fails" rollback_fails

# --- A worker that dies in a hook

has_lines() {
	[ "$(wc -l <"$2")" -eq "$1" ]
}

killed() {
	local pid

	settings
	push site
	count
	settings "hooks.$1=stubborn pids $T/outside/$1.pids ignore-term fork 1 session orphan"
	push site >/dev/null &
	wait_until 20 has_lines 4 "outside/$1.pids"
	pid=$(pgrep -f "hostkit-worker $HOSTKIT_ROOT site " | head -n 1)
	kill -KILL "$pid"
	wait $!
	hostkit recover site
	wait_until 20 all_gone "outside/$1.pids"
	expect site last.status=interrupted last.error.code=INTERRUPTED "last.error.message~'$2'"
	no_staging site
	"${@:3}"
	settings "hooks.$1=true"
	push site
	expect site last.status=succeeded
}
unchanged() {
	still_live site
	expect site last.release=null
	[ "$(find "$home/releases" -mindepth 1 -maxdepth 1 ! -name '.gone-*' | wc -l)" = "$(cat count)" ]
}
is_live() {
	not still_live site
	expect site active.state=good
}
ok_when "killed in pre_activate: recovery ends the hook and removes the release" \
	killed pre_activate activate unchanged
ok_when "killed in post_activate: the release stays live, and is found good" \
	killed post_activate health is_live

done_testing
