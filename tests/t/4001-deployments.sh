#!/bin/bash
#
# deploy status, history, log and cancel: the answers that scripts rely on.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the record of deployments"
new_project site

never() {
	[ "$(hostkit --json deploy status site)" = '{"success":true,"data":{"active":null,"last":null,"running":null,"paused":null,"ratelimit":{"enabled":false,"used":0,"max":10,"window_s":3600,"failures":0,"failure_limit":3,"cooldown_s":300,"refused":null,"next_at":null},"notify":null}}' ]
	[ "$(hostkit --json deploy history site)" = '{"success":true,"data":{"deployments":[]}}' ]
	hostkit deploy status site >out
	contains out "no deployments yet"
}
ok_when "a project that was never deployed says so" never
fails_with 22 "and has no log" hostkit deploy log site
fails_with 25 "and nothing to cancel" hostkit deploy cancel site

configure site service.driver=none
echo hi >site/index.html
push site
git -C site tag v1
push_ref site v1
configure site service.driver=none build.command=false
push site

shape() {
	hostkit --json deploy status site >answer
	hostkit --json deploy history site >history.out
	python3 - <<-'PY'
		import json, re
		d = json.load(open('answer'))['data']
		assert list(d) == ['active', 'last', 'running', 'paused', 'ratelimit', 'notify'], list(d)
		time = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$')
		a = d['active']
		assert {'release', 'commit', 'ref', 'deployed_at'} <= set(a), a
		assert re.match(r'^\d{8}-\d{6}$', a['release']) and re.match(r'^[0-9a-f]{40}$', a['commit'])
		assert a['ref'] == 'refs/tags/v1' and time.match(a['deployed_at']), a
		l = d['last']
		wanted = {'id', 'status', 'ref', 'commit', 'tag', 'pusher', 'release', 'started_at',
		          'finished_at', 'error', 'stages'}
		assert wanted <= set(l), wanted - set(l)
		assert l['id'] == 3 and l['status'] == 'failed' and l['release'] is None and l['tag'] is None
		assert time.match(l['started_at']) and time.match(l['finished_at'])
		assert l['error']['code'] == 'COMMAND_FAILED' and l['error']['message'], l['error']
		assert set(l['error']) == {'code', 'message', 'hint'}
		assert [s['name'] for s in l['stages']] == ['preflight', 'checkout', 'install', 'build', 'cleanup']
		assert [s['status'] for s in l['stages']] == \
		    ['succeeded', 'succeeded', 'skipped', 'failed', 'succeeded'], l['stages']
		assert all(isinstance(s['ms'], int) and s['ms'] >= 0 for s in l['stages'])
		assert d['running'] is None and d['paused'] is None
		limits = {'enabled': False, 'used': 3, 'max': 10, 'window_s': 3600}
		assert limits.items() <= d['ratelimit'].items(), d['ratelimit']
		h = json.load(open('history.out'))['data']['deployments']
		assert [x['id'] for x in h] == [3, 2, 1] and h[0] == l, h[0]
		assert h[1]['tag'] == 'v1' and h[1]['error'] is None and h[2]['tag'] is None
		assert len(h[1]['stages']) == 10
	PY
	hostkit --json deploy history site --last 2 >history.out
	[ "$(grep -o '"trigger"' history.out | wc -l)" = 2 ]
}
ok_when "status and history answer in the documented shape" shape

text() {
	hostkit deploy history site >out
	[ "$(grep -cE '^ +[0-9]+  (succeeded|failed) ' out)" = 3 ]
	contains out "build: 'false' exited with status 1"
	hostkit deploy status site >out
	contains out "live     release "
	grep -E '^  build +failed' out
}
ok_when "and in words" text

logs() {
	hostkit deploy log site >out
	contains out "deployment 3 of"
	hostkit deploy log site 1 >out
	contains out "deployment 1 of"
	hostkit --json deploy log site 1 >answer
	look_up answer success=true id=1 "log~deployment 1 of"
}
ok_when "deploy log shows the newest, or the one that is asked for" logs
fails_with 22 "an id that never was is said so" hostkit deploy log site 99
fails_with 2 "so is one that is no number" hostkit deploy log site x

fails_with 41 "--follow of a deployment that is over ends with its status" \
	hostkit deploy log site 3 --follow
ok_when "which is 0 for a good one" hostkit deploy log site 1 --follow
fails_with 41 "hostkit deploy ends with the deployment's status" hostkit deploy site

# Limits for when the test fails, so that nobody waits for ever.
has_begun() {
	timeout 20 cat begun
}
go_on() {
	timeout 20 sh -c 'echo go >go'
}

# A build that says so when it has begun, and goes on when told.
slow() {
	configure site service.driver=none build.timeout=60s \
		"build.command=sh: echo building; echo >$T/begun; cat $T/go"
	fifos begun go
}
slow

followed() {
	git -C site commit -q --allow-empty -m slow
	git -C site push -q hostkit HEAD:main &
	has_begun
	hostkit --json deploy status site >answer
	look_up answer running.status=running "running.ref=refs/heads/main"
	hostkit deploy log site --follow >followed &
	follower=$!
	wait_until 10 grep -q building followed
	head -n 1 followed | grep "^hostkit: site: deployment"
	go_on
	wait "$follower"
	contains followed "success: site: "
	wait
}
ok_when "--follow attaches to a running deployment, from its beginning, to its end" followed

followed_json() { # one object, when it is over
	git -C site commit -q --allow-empty -m "slow again"
	git -C site push -q hostkit HEAD:main &
	has_begun
	hostkit --json deploy log site --follow >answer &
	follower=$!
	go_on
	wait "$follower"
	look_up answer success=true status=succeeded "log~success: site: "
	wait
}
ok_when "with --json it answers at the end, with the deployment and its log" followed_json

cancelled() {
	remember_live site
	git -C site commit -q --allow-empty -m cancelled
	git -C site push hostkit HEAD:main >"$T/said" 2>&1 &
	has_begun
	timeout 20 hostkit deploy cancel site >out
	contains out "is cancelled"
	wait
	contains "$T/said" "cancelled"
	still_live site
	no_staging site
	expect site last.status=cancelled last.error.code=CANCELLED stage.build=cancelled
}
ok_when "deploy cancel ends a running one; what was live stays" cancelled

waits() {
	hostkit deploy log site "$1" >log.out
	contains log.out "waiting for deployment"
}

cancelled_waiting() {
	git -C site commit -q --allow-empty -m one
	git -C site push -q hostkit HEAD:main &
	has_begun
	git -C site commit -q --allow-empty -m two
	hostkit deploy site --detach --no-restart >out
	id=$(sed -n 's/^deployment \([0-9]*\) .*/\1/p' out)
	wait_until 10 waits "$id"
	timeout 20 hostkit deploy cancel site "$id"
	answers status=cancelled -- deploy log site "$id"
	go_on
	wait
	expect site active.state=good
	hostkit --json deploy history site --last 2 >history.out
	python3 - <<-'PY'
		import json
		one, other = json.load(open('history.out'))['data']['deployments']
		assert one['status'] == 'cancelled' and one['error']['code'] == 'CANCELLED', one
		assert one['started_at'] is None and one['stages'] == [] and one['release'] is None, one
		assert other['status'] == 'succeeded', other
	PY
}
ok_when "and a waiting one, while the other goes on" cancelled_waiting

too_late() { # ID
	local status=0

	timeout 20 hostkit deploy cancel site "$1" >out 2>&1 || status=$?
	[ "$status" = 25 ]
	contains out "too late"
}
ok_when "one that is over cannot be cancelled" too_late 1

# A service that says so when it has begun, and answers its health check when told.
cat >site/serve.py <<'PY'
import http.server, os
open(os.environ['BEGUN'], 'w').close()
open(os.environ['GO']).read()
http.server.test(http.server.SimpleHTTPRequestHandler, port=int(os.environ['PORT']), bind='127.0.0.1')
PY
live_already() {
	configure site health.path=/index.html health.timeout=30s \
		"service.start=/usr/bin/env BEGUN=$T/begun GO=$T/go python3 serve.py"
	git -C site add -A
	git -C site commit -qm "a service"
	remember_live site
	git -C site push hostkit HEAD:main >"$T/said" 2>&1 &
	has_begun
	not still_live site
	too_late "$(answers id -- deploy log site)"
	timeout 20 hostkit deploy cancel site >out 2>&1 || [ $? = 25 ]
	contains out "too late"
	expect site running.status=running
	go_on
	wait
	expect site last.status=succeeded stage.health=succeeded running=null
}
ok_when "nor one that is live already: it goes on to its end" live_already

done_testing
