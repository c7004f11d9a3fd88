#!/bin/bash
#
# Rate limit, cooldown and automatic pause: what they refuse, what counts, and what ends them.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "limits"
not_in_quick_run
new_project site
limits=(service.driver=none ratelimit.enabled=yes)
configure site "${limits[@]}" ratelimit.max=3
echo page >site/index.html

window() {
	push site
	push site
	hostkit deploy site
	expect site ratelimit.enabled=true ratelimit.used=3 ratelimit.max=3 ratelimit.window_s=3600
	push_refused site
	contains said "error: 'site' may be deployed 3 times in 1 h 00 m; the next one is possible in 59 m"
	contains said "hint: to deploy now, on the server: hostkit ratelimit reset site"
	# A refused one leaves nothing behind, and moves nothing.
	expect site last.id=3 ratelimit.used=3
	fact site ratelimit.next_at >first
	not hostkit deploy site
	push_refused site
	expect site last.id=3 "ratelimit.next_at=$(cat first)" ratelimit.refused=RATE_LIMIT_EXCEEDED
	answers error.code=RATE_LIMIT_EXCEEDED -- deploy site
}
ok_when "a deployment over the limit is refused, and says when the next one is possible" window
fails_with 35 "with an exit status of its own" hostkit deploy site

free_of_it() {
	push_ref site HEAD:refs/heads/wip
	contains said "branch 'wip' was received, not deployed"
	contains said "hint: to deploy it: git push hostkit $(git -C site rev-parse --short=7 HEAD):refs/deploy/now"
	hostkit rollback site
	hostkit rollback site
	expect site ratelimit.used=3
}
ok_when "refs that do not deploy and rollbacks are free of it, and do not count" free_of_it

overridden() {
	hostkit deploy site --override-ratelimit
	expect site last.status=succeeded last.options="[\"override-ratelimit\"]" ratelimit.used=4
	git -C site push -o override-ratelimit hostkit HEAD:refs/heads/main >said 2>&1 && return 1
	contains said "the push option 'override-ratelimit' is not allowed here"
	contains said "[push] allow"
	configure site "${limits[@]}" ratelimit.max=3 push.allow=override-ratelimit
	push_refused site
	contains said "hint: to deploy now: git push -o override-ratelimit"
	git -C site push -o override-ratelimit hostkit HEAD:refs/heads/main
	expect site last.status=succeeded last.trigger=push ratelimit.used=5
}
ok_when "an override is recorded, and pushers may only where the administrator allows it" overridden

commands() {
	configure site "${limits[@]}" ratelimit.max=3
	hostkit ratelimit show site >out
	contains out "limit     3 in 1 h 00 m"
	contains out "used      5"
	hostkit ratelimit reset site
	expect site ratelimit.used=0 ratelimit.refused=null
	push site
	hostkit ratelimit set site --max 1 --window 2h
	contains "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini" "max = 1"
	push_refused site
	contains said "may be deployed 1 times in 2 h 00 m"
	hostkit ratelimit disable site
	push site
	answers enabled=false used=2 max=1 -- ratelimit show site
	hostkit ratelimit enable site
	push_refused site
}
ok_when "ratelimit show, set, reset, disable and enable" commands
fails_with 10 "a limit that cannot be is refused" hostkit ratelimit set site --max 0
fails_with 2 "as is setting nothing" hostkit ratelimit set site

again() { # a push that is not refused
	push site && expect site last.status=succeeded
}

slides() {
	configure site "${limits[@]}" ratelimit.max=1 ratelimit.window=10s
	hostkit ratelimit reset site
	push site
	push_refused site
	wait_until 30 again
}
ok_when "the window slides" slides

cooldown() {
	hostkit ratelimit reset site
	configure site "${limits[@]}" build.command=false ratelimit.failure_limit=3
	push site
	push site
	expect site last.status=failed ratelimit.failures=2
	push site
	push_refused site
	contains said "error: the last 3 deployments of 'site' failed; the next one is possible in "
	answers refused=COOLDOWN failures=3 -- ratelimit show site
	hostkit ratelimit reset site
	push site
	expect site last.status=failed ratelimit.failures=1
	# A success begins a new count.
	push site
	configure site "${limits[@]}"
	push site
	expect site last.status=succeeded ratelimit.failures=0
}
ok_when "three failures in a row start the cooldown, and a reset ends it" cooldown
short() {
	hostkit ratelimit reset site
	configure site "${limits[@]}" build.command=false ratelimit.failure_limit=1 \
		ratelimit.cooldown=10s
	push site
	push_refused site
	contains said "the next one is possible in"
	configure site "${limits[@]}" ratelimit.failure_limit=1 ratelimit.cooldown=10s
	wait_until 30 again
}
ok_when "the cooldown ends by itself" short

autopause() {
	configure site service.driver=none build.command=false autopause.enabled=yes \
		autopause.failures=2
	hostkit resume site
	push site
	expect site paused=null
	push site
	contains said "warning: deployments keep failing: site is paused now; to go on: hostkit resume site"
	expect site paused.by=hostkit "paused.reason=2 deployments failed within 10 m 00 s"
	push_refused site
	contains said "are paused by hostkit since "
	hostkit resume site
	push site
	expect site paused=null
}
ok_when "a project that keeps failing pauses itself, and resume begins a new count" autopause

frozen() {
	configure site service.driver=none "deploy.freeze=stocktaking until Monday"
	push_refused site
	contains said "error: deployments of 'site' are frozen: stocktaking until Monday"
	answers error.code=FROZEN -- deploy site
	hostkit rollback site
}
ok_when "a frozen project tells why, and can be rolled back" frozen

exact() { # of pushes that come at once, not one too many is accepted
	hostkit ratelimit reset site
	configure site "${limits[@]}" ratelimit.max=2
	for n in 1 2 3 4 5; do
		git -C site commit -q --allow-empty -m "$n"
		git -C site push -q hostkit "HEAD:refs/deploy/n$n" >/dev/null 2>&1 &
	done
	wait
	answers used=2 -- ratelimit show site
}
ok_when "pushes that come at the same time share the limit" exact

done_testing
