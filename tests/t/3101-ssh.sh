#!/bin/bash
#
# Pushing over ssh, to a real sshd.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "pushing over ssh"
sshd_start
new_project site
home=$(home_of site)
git -C site remote add vps "vps:$home/repo.git"
mkfifo begun go
echo hi >site/index.html

streams() { # the client reads what a build says while the build still runs
	configure site service.driver=none "build.command=sh: echo building; echo >$T/begun; cat $T/go"
	git -C site add -A
	git -C site commit -qm one
	git -C site push vps HEAD:main >said.raw 2>&1 &
	client=$!
	read -r <begun
	wait_until 10 grep -q "remote:       building" said.raw
	grep -q "remote:  1/10 preflight " said.raw
	not grep -q success said.raw
	echo go >go
	wait "$client"
	grep -q "^remote: success: site: " said.raw
	expect site last.status=succeeded
}
ok_when "the output streams while the build runs, to the verdict" streams

much() {
	configure site service.driver=none \
		"build.command=sh: i=0; while [ \$i -lt 6000 ]; do i=\$((i+1)); echo line \$i of a build that says a lot of things; done"
	git -C site commit -q --allow-empty -m two
	git -C site push vps HEAD:main >said.raw 2>&1
	[ "$(grep -c "^remote:       line " said.raw)" = 6000 ]
	grep -q "^remote: success: site: " said.raw
	hostkit deploy log site >log.out
	[ "$(grep -c "^      line " log.out)" = 6000 ]
}
ok_when "300 KiB of output arrive line by line, and are in the log" much

background() { # what a build leaves running must not keep the client
	configure site service.driver=none "build.command=sh: sleep 1000 & echo left"
	git -C site commit -q --allow-empty -m three
	git -C site push vps HEAD:main >said.raw 2>&1
	grep -q "left 1 process running; ended" said.raw
	not pgrep -f "sleep 1000" >/dev/null || not grep -l "$T" /proc/[0-9]*/environ
}
ok_when "a build's background process neither keeps the client waiting nor stays" background

service() { # nor the service itself
	configure site "service.start=python3 -m http.server --bind 127.0.0.1 $(cat site.port)" \
		health.path=/ health.interval=100ms
	git -C site commit -q --allow-empty -m four
	git -C site push vps HEAD:main >said.raw 2>&1
	grep -q "^remote: success: site: " said.raw
	hostkit health site
	hostkit service stop site
}
ok_when "the service survives the push, and the push does not wait for it" service

done_testing
