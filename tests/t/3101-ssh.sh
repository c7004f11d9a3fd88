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
fifos begun go
echo hi >site/index.html

# Limits for when the test fails, so that nobody waits for ever.
hear() {
	timeout 20 cat "$1"
}

tell() {
	timeout 20 sh -c "echo >'$1'"
}

builds() { # COMMAND: what the next push builds with
	configure site service.driver=none build.timeout=60s "build.command=sh: $1"
	git -C site add -A
	git -C site commit -q --allow-empty -m "a change"
}

streams() { # the client reads what a build says while the build still runs
	local client

	builds "echo building; echo >$T/begun; cat $T/go; echo built"
	git -C site push vps HEAD:main >said.raw 2>&1 &
	client=$!
	hear begun
	wait_until 10 grep -q "^remote:       building" said.raw
	grep "^remote: hostkit: site: deployment 1 of branch 'main'" said.raw
	grep "^remote:  1/10 preflight    ok " said.raw
	grep "^remote:  4/10 build " said.raw
	not grep -E "^remote: +built|success" said.raw
	kill -0 "$client"
	tell go
	wait "$client"
	tail -n 4 said.raw | grep "^remote: success: site: .* is live"
	grep -x "remote:       built *" said.raw
	expect site last.status=succeeded
}
ok_when "the output streams while the build runs, to the verdict" streams

much() {
	cat >site/say.py <<-'PY'
		for i in range(6000):
		    print(f"line {i} of a build that says a whole lot of things")
	PY
	builds "python3 say.py"
	git -C site push vps HEAD:main >said.raw 2>&1
	python3 site/say.py >all
	[ "$(wc -c <all)" -gt 300000 ]
	sed -n 's/^remote:       \(line .*[^ ]\) *$/\1/p' said.raw | diff -q all -
	grep "^remote: success: site: .* is live" said.raw
	hostkit deploy log site | sed -n 's/^      \(line \)/\1/p' | diff -q all -
}
ok_when "300 KiB of output arrive line by line, none missing, and are in the log" much

fails() { # an accepted push whose deployment fails; what is live stays
	remember_live site
	builds "echo it will not do; exit 3"
	git -C site push vps HEAD:main >said.raw 2>&1
	grep "^remote: error: site: build: .* exited with status 3" said.raw
	grep "^remote: failed after .*; still live: release" said.raw
	still_live site
}
ok_when "a failed build is told as an error, and what was live stays" fails

background() { # what a build leaves running must not keep the client
	builds "sleep 1000 & echo \$! >$T/outside/left"
	timeout 60 git -C site push vps HEAD:main >said.raw 2>&1
	grep "left 1 process running; ended" said.raw
	all_gone outside/left
}
ok_when "a build's background process neither keeps the client waiting nor stays" background

service() { # nor the service itself
	configure site "service.start=python3 -m http.server --bind 127.0.0.1 $(cat site.port)" \
		health.path=/ health.interval=100ms
	git -C site commit -q --allow-empty -m "a service"
	timeout 60 git -C site push vps HEAD:main >said.raw 2>&1
	grep "^remote: success: site: " said.raw
	sshd_stop
	hostkit health site
	hostkit service stop site
}
ok_when "the service survives the push, and sshd; the push does not wait for it" service

done_testing
