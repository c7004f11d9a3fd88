#!/bin/bash
#
# hostkit deploy NAME: the head of the branch, by command, and what its flags change.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "deploying by command"
require_programs curl flaky-http

never() {
	new_project empty
	configure empty service.driver=none
	hostkit deploy empty >out 2>&1 || [ $? = 30 ]
	contains out "push it first: git push hostkit main"
	answers 'deployments=[]' -- deploy history empty
}
ok_when "an empty repository has nothing to deploy, and is told what to do" never

new_project site
home=$(home_of site)
settings() {
	configure site "service.start=flaky-http 200" "install.command=sh: echo >was-installed" \
		"build.command=sh: echo >was-built" "$@"
}
settings
echo hi >site/index.html
push site

made() { # [FILE…]: what install and build left in the live release
	[ "$(find "$home/app/" -name 'was-*' -printf '%f\n' | sort | xargs)" = "$*" ]
}
service() {
	answers pid -- service status site
}

by_command() {
	git -C site push -q hostkit HEAD:refs/heads/topic
	hostkit deploy site >out
	contains out "success: site: "
	made was-built was-installed
	expect site last.trigger=cli last.ref=refs/heads/main "last.pusher=$(id -un)" \
		"last.commit=$(git -C site rev-parse HEAD)" last.status=succeeded
}
ok_when "hostkit deploy deploys the head of the branch" by_command

detached() {
	hostkit deploy site --detach >out
	id=$(sed -n 's/^deployment \([0-9]*\) .*/\1/p' out)
	# The command that it named shows how it goes on.
	sh -ec "$(sed -n 's/.*see it: //p' out)" >followed
	contains followed "success: site: "
	expect site "last.id=$id" last.status=succeeded
	hostkit --json deploy site -d >answer
	look_up answer success=true last.id=null
	hostkit deploy log site --follow >out
}
ok_when "with --detach it returns at once, and names the command to watch it" detached

json() {
	hostkit --json deploy site >answer
	look_up answer success=true status=succeeded trigger=cli
}
ok_when "with --json it answers with the finished deployment" json

no_build() {
	hostkit deploy site --no-build >out
	expect site stage.build=skipped last.status=succeeded
	made was-installed
}
ok_when "--no-build builds nothing" no_build

no_install() {
	hostkit deploy site --no-install >out
	expect site stage.install=skipped stage.dependencies=skipped last.status=succeeded
	made was-built
}
ok_when "--no-install installs nothing" no_install

turned_off() {
	settings build.enabled=no install.enabled=no
	hostkit deploy site >out
	expect site stage.install=skipped stage.build=skipped last.status=succeeded
	made
}
ok_when "what the settings turn off is not done" turned_off

turned_on() {
	hostkit deploy site --build --install >out
	expect site stage.install=succeeded stage.build=succeeded last.status=succeeded
	made was-built was-installed
	settings
}
ok_when "unless --build and --install ask for it" turned_on

no_restart() {
	before=$(service)
	hostkit deploy site --no-restart >out
	expect site stage.restart=skipped stage.health=skipped last.status=succeeded
	[ "$(service)" = "$before" ]
	curl -sf "$(url_of site)/api/health" >page
	hostkit deploy site --restart >out
	[ "$(service)" != "$before" ]
	expect site stage.restart=succeeded
}
ok_when "--no-restart leaves the service alone" no_restart

contradiction() {
	remember_live site
	hostkit deploy site --install --no-install >out 2>&1 || [ $? = 2 ]
	contains out "--install and --no-install exclude each other"
	still_live site
}
ok_when "flags that contradict each other deploy nothing" contradiction

patterns_only() {
	settings 'deploy.branches=release/*'
	hostkit deploy site >out 2>&1 || [ $? = 23 ]
	contains out "git push hostkit BRANCH"
	settings
}
ok_when "with patterns only, there is no branch to deploy, and it says what to do" patterns_only

failing() {
	configure site build.command=false service.driver=none
	hostkit deploy site >out || [ $? = 41 ]
	contains out "error: site: build: 'false' exited with status 1"
}
ok_when "a failed deployment is a failed command, with the stage and the reason" failing

done_testing
