#!/bin/bash
#
# Installs, builds and the service have the declared environment, and nothing of what started them.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "the environment of commands"
require_programs stubborn
new_project site
home=$(home_of site)
app=$home/app/
echo home >"$T/site/index.html"

# A client that is as untidy as can be: variables, umask, ignored signals, open descriptors.
untidy_push() {
	(
		umask 077
		trap '' HUP PIPE QUIT USR1
		exec 7</etc/passwd 8>"$T/eight"
		export LEAK=leaked NODE_ENV=development PORT=1 HOSTKIT_COMMIT=forged npm_config_x=y
		export LD_LIBRARY_PATH=/nowhere BASH_ENV=/nowhere GIT_TRACE=0 HOSTKIT_TAG=forged
		push site
	)
}

lines_of() {
	tr '\0\n' '\n\t' <"$1" | LC_ALL=C sort
}

# The same, less the mark by which recovery finds installs and builds, and services are not marked.
commands_of() {
	lines_of "$1" | grep "^HOSTKIT_RUN=site#[0-9]*@[0-9a-f]*\.[0-9a-f]*$" >/dev/null
	lines_of "$1" | grep -v "^HOSTKIT_RUN="
}

# What is declared, for a deployment's commands.
declared() {
	cat <<-ENV
		HOME=$home
		HOST=127.0.0.1
		HOSTKIT_COMMIT=$(git -C "$T/site" rev-parse HEAD)
		HOSTKIT_DEPLOYMENT=$1
		HOSTKIT_PROJECT=site
		HOSTKIT_PUSHER=$(id -un)
		HOSTKIT_REF=$2
		HOSTNAME=127.0.0.1
		LANG=C.UTF-8
		LOGNAME=$(id -un)
		NEXT_TELEMETRY_DISABLED=1
		NODE_ENV=production
		PATH=$T/bin:/usr/local/bin:/usr/bin:/bin
		PIP_CACHE_DIR=$T/root/var/lib/hostkit/site/cache/pip
		PORT=$(cat "$T/site.port")
		PYTHONUNBUFFERED=1
		SHELL=/bin/sh
		TMPDIR=$T/root/var/lib/hostkit/site/tmp-$1
		USER=$(id -un)
		XDG_CACHE_HOME=$T/root/var/lib/hostkit/site/cache/xdg
		npm_config_audit=false
		npm_config_cache=$T/root/var/lib/hostkit/site/cache/npm
		npm_config_fund=false
		npm_config_update_notifier=false
	ENV
}

exact() {
	configure site service.driver=none "install.command=cp /proc/self/status status" \
		"build.command=cp /proc/self/environ environ"
	untidy_push
	expect site last.status=succeeded
	declared 1 refs/heads/main >"$T/declared"
	commands_of "$app/environ" | diff "$T/declared" -
}
ok_when "a build sees exactly the declared variables: nothing of git, of the client, of the hook" exact

signals() {
	grep -E '^Sig(Blk|Ign):' "$app/status"
	[ "$(grep -Ec '^Sig(Blk|Ign):[[:space:]]*0{16}$' "$app/status")" -eq 2 ]
}
ok_when "no signal is blocked or ignored, whatever the client ignores" signals

process() {
	configure site service.driver=none "install.command=stubborn fds state exit 0" \
		"build.command=ls -l /proc/self/fd"
	untidy_push
	expect site last.status=succeeded
	# Between the install's two lines: a descriptor's number would come first.
	sed -n '/ install .*stubborn/,/ install .*ok/{/ install /!s/^ *//p}' "$T/said" >seen
	cat >wanted <<-STATE
		leader yes
		umask 022
		cwd $home/releases/.staging-2
	STATE
	diff wanted seen
	sed -n 's|^ .* \([0-9]*\) -> \(.*\)|\1 \2|p' "$T/said" >fds
	[ "$(cut -d' ' -f1 fds | tr '\n' ' ')" = "0 1 2 3 " ]
	grep -qx '0 /dev/null' fds
	grep -qx '1 pipe:.*' fds
	grep -qx '3 /proc/.*' fds
}
ok_when "its session is its own, umask 022, in the staging folder, with descriptors 0, 1 and 2 only" \
	process

modes() {
	[ "$(stat -c %a "$app" "$app/index.html" | tr '\n' ' ')" = "755 644 " ]
	[ "$(stat -c %a "$home")" = 750 ]
}
ok_when "a client's umask does not reach the files of a release" modes

write_dotenv() {
	cat >"$home/.env" <<-'ENV'
		# settings
		PLAIN=one two
		export EXPORTED=yes
		DOLLAR="cost: $5 ${HOME} \$x `id`"
		SINGLE='it is "$HOME" \n'
		ESCAPED="a \"word\" \\ back\\slash\ttab"
		LINES="first
		second\nthird"
		HASH=a#b # a comment
		UTF8=grüße €
		EMPTY=
		NODE_ENV=staging
		HOSTKIT_PROJECT=forged
	ENV
}

dotenv() {
	configure site service.driver=none "build.command=cp /proc/self/environ environ"
	push site
	expect site last.status=succeeded
	commands_of "$app/environ" >seen
	declared 3 refs/heads/main | sed 's/^NODE_ENV=.*/NODE_ENV=staging/' >wanted
	# shellcheck disable=SC2016
	printf '%s\n' 'PLAIN=one two' EXPORTED=yes 'DOLLAR=cost: $5 ${HOME} $x `id`' \
		'SINGLE=it is "$HOME" \n' $'ESCAPED=a "word" \\ back\\slash\ttab' \
		$'LINES=first\tsecond\tthird' 'HASH=a#b' 'UTF8=grüße €' EMPTY= >>wanted
	LC_ALL=C sort wanted | diff - seen
}
write_dotenv
ok_when "the values of .env arrive as they are written: quotes, dollars, newlines; facts are not forged" \
	dotenv

broken_dotenv() {
	remember_live site
	printf 'GOOD=1\nno assignment\n' >"$home/.env"
	push site
	expect site last.status=failed last.error.code=CONFIG_INVALID "last.error.message~.env:2"
	contains "$T/said" "$home/.env:2"
	lacks "$T/said" "no assignment"
	still_live site
	no_staging site
}
ok_when "a broken .env fails the deployment with file and line, and without its contents" broken_dotenv
rm "$home/.env"

tag() {
	configure site service.driver=none "build.command=cp /proc/self/environ environ"
	git -C "$T/site" tag -am "the first" v1.0
	push_ref site v1.0
	expect site last.status=succeeded last.tag=v1.0
	{
		declared 5 refs/tags/v1.0
		echo HOSTKIT_TAG=v1.0
	} | LC_ALL=C sort >wanted
	commands_of "$app/environ" | diff wanted -
}
ok_when "a tag's name is among the facts" tag

service() {
	local pid

	configure site health.enabled=no "service.start=stubborn state fds"
	echo 'TOKEN=$ecret' >"$home/.env"
	untidy_push
	expect site last.status=succeeded stage.restart=succeeded
	pid=$(answers pid -- service status site)
	# shellcheck disable=SC2016
	{
		# Only commands have these.
		declared 6 refs/heads/main | sed '/^XDG_CACHE_HOME=/d; s|^TMPDIR=.*|TMPDIR=/tmp|'
		echo "HOSTKIT_RELEASE=$(basename "$(live site)")"
		echo 'TOKEN=$ecret'
	} | LC_ALL=C sort >wanted
	lines_of "/proc/$pid/environ" | diff wanted -
	printf 'leader yes\numask 022\ncwd %s\n' "$home/$(live site)" >wanted
	wait_until 10 diff wanted "$home/logs/app.log"
	[ "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | tr '\n' ' ')" = \
		"/dev/null $home/logs/app.log $home/logs/error.log " ]
}
ok_when "the service has the same, and its release; its output goes to the logs" \
	service

done_testing
