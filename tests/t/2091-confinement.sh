#!/bin/bash
#
# What a malicious install, build or hook tries, and what it gets: every attempt fails and is told, the
# deployment ends as the command does, and neither service nor project nor neighbour notices.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "installs and builds are confined"
require_programs python3 flaky-http curl stubborn
not_in_quick_run
new_project other
new_project site
home=$(home_of site)
state=$HOSTKIT_ROOT/var/lib/hostkit/site
echo 'TOKEN=of-the-neighbour' >"$(home_of other)/.env"
# Administrators move homes to other disks so.
mkdir disk
mv "$(home_of other)" disk/
ln -s "$T/disk/other" "$(home_of other)"
echo 'TOKEN=own' >"$home/.env"
chmod 600 "$home/.env" "$(home_of other)/.env"
printf s3cret | hostkit secrets set site API_KEY --stdin
mkdir -p "$home/shared" "$home/.ssh"
mkdir -m 700 "$state/checkpoints"
echo dump >"$state/checkpoints/1.dump"
echo data >"$home/shared/file"
echo key >"$home/.ssh/id"
echo home >site/index.html

settings() {
	configure site health.interval=100ms health.timeout=20s service.stop_timeout=2s \
		build.grace=100ms shared.files=file "service.start=flaky-http 200" "$@"
}
settings
push site
expect site last.status=succeeded
push site
expect site last.status=succeeded

[ -s "$state/vault/text-env-1" ]
hostkit doctor site >findings || true
protects() { # WORDS: whether the kernel here can
	grep -E "^  ok +confinement +$1" findings >/dev/null
}
protects "files:" || skip_all "this kernel can confine no files"

service_pid() {
	answers pid -- service status site
}

untouched() {
	[ "$(service_pid)" = "$(cat service)" ]
	curl -sf -m 5 "$(url_of site)/" >page
	contains page "$(cat service)"
	still_live site
	[ "$(cat "$home/app/index.html")" = home ]
	[ "$(cat "$home/shared/file")" = data ]
	find "$home" "$HOSTKIT_ROOT/etc" "$(home_of other)" "$state/vault" -path "$home/repo.git" -prune \
		-o -path "$home/logs" -prune -o -path "$home/releases/.gone-*" -prune \
		-o -path "$state/vault/text-*" -prune -o -type f -printf '%p %s %T@\n' -o -type l -printf '%p %l\n' |
		LC_ALL=C sort >now
	diff found now
	(cd "$home/repo.git/hooks" && ls -l) | diff hooks -
	no_staging site
	no_tmp
}

no_tmp() {
	[ -z "$(find "$state" -maxdepth 1 -name 'tmp-*')" ]
}

remember() {
	service_pid >service
	remember_live site
	find "$home" "$HOSTKIT_ROOT/etc" "$(home_of other)" "$state/vault" -path "$home/repo.git" -prune \
		-o -path "$home/logs" -prune -o -path "$home/releases/.gone-*" -prune \
		-o -path "$state/vault/text-*" -prune -o -type f -printf '%p %s %T@\n' -o -type l -printf '%p %l\n' |
		LC_ALL=C sort >found
	(cd "$home/repo.git/hooks" && ls -l) >hooks
}

# attack NAME COMMAND: a line of the script, which says whether the command has succeeded.
attacks() {
	cat <<-'SCRIPT'
		attack() {
			name=$1
			shift
			if "$@" >out 2>&1; then
				echo "SUCCEEDED: $name"
			else
				echo "refused: $name"
			fi
		}
		write() { echo x >>"$1"; }
		not_empty() { cat "$1" | grep .; }
		lists() { ls -A "$1" | grep .; }
	SCRIPT
	cat <<-SCRIPT
		root=$HOSTKIT_ROOT home=$home state=$state user=$(getent passwd "$(id -u)" | cut -d: -f6) old=$(find "$home/releases" -mindepth 1 -maxdepth 1 -name "2*" -printf "%f\n" | sort | head -n 1)
		key=$(cd "$state/vault" && ls -d "$PWD"/key-*)
	SCRIPT
}

file_attacks() {
	attacks
	cat <<-'SCRIPT'
		attack "reads the neighbour's .env" not_empty $root/home/other/.env
		attack "reads it by its real path" not_empty $root/../disk/other/.env
		attack "lists the neighbour's home" lists $root/home/other
		attack "finds the neighbour" sh -c 'ls "$1" | grep other' - $root/home
		attack "reads its own .env" not_empty $home/.env
		attack "reads its own keys" not_empty $home/.ssh/id
		attack "reads the vault" not_empty $state/vault/secrets
		attack "reads the vault's key" not_empty $key
		attack "reads a snapshot of .env" not_empty $state/vault/text-env-1
		attack "removes a snapshot of .env" rm $state/vault/text-env-1
		attack "lists the checkpoints" lists $state/checkpoints
		attack "reads a checkpoint" not_empty $state/checkpoints/1.dump
		attack "removes a checkpoint" rm $state/checkpoints/1.dump
		attack "reads the ledger" not_empty $state/ledger.db
		attack "reads a log" not_empty $state/log/1.log
		attack "reads the settings" not_empty $root/etc/hostkit/projects/site.ini
		attack "reads the neighbour's settings" not_empty $root/etc/hostkit/projects/other.ini
		attack "reads the repository" not_empty $home/repo.git/config
		attack "reads in the user's home" sh -c 'cat "$1"/.bash* "$1"/.profile | grep .' - "$user"
		attack "writes the ledger" write $state/ledger.db
		attack "removes the ledger" rm $state/ledger.db
		attack "writes the settings" write $root/etc/hostkit/projects/site.ini
		attack "adds a project" write $root/etc/hostkit/projects/more.ini
		attack "switches app" ln -sfn releases/$old $home/app
		attack "removes app" rm $home/app
		attack "renames app" mv $home/app $home/app.old
		attack "writes what is live" write $home/app/index.html
		attack "adds to what is live" write $home/app/more
		attack "writes another release" write $home/releases/$old/index.html
		attack "removes another release" rm -r $home/releases/$old
		attack "makes a release" mkdir $home/releases/20200101-000000
		attack "renames its own" mv "$PWD" $home/releases/20200101-000000
		attack "writes shared data" write $home/shared/file
		attack "writes shared data by the link" write file
		attack "writes .env" write $home/.env
		attack "writes a hook" write $home/repo.git/hooks/post-receive
		attack "replaces a hook" ln -sf /bin/true $home/repo.git/hooks/post-receive
		attack "adds a key" write $home/.ssh/authorized_keys
		attack "changes a mode of what is live" chmod 777 $home/app/index.html
		attack "changes a mode of the home" chmod 777 $home
		attack "changes a mode of its own .env" chmod 644 $home/.env
		attack "plants a repository in the cache" mkdir $state/cache/submodules
		attack "writes beside the caches" write $state/cache/x
		attack "follows a link of its own" sh -c 'ln -s "$1" l && cat l | grep .' - $key
		attack "links a file hard" ln $home/app/index.html hard
		attack "moves a file here" mv $home/app/index.html here
		attack "writes above" write ../x
		attack "writes to the disk" write /var/tmp/../hostkit-test-x
		attack "plants a cron job" write /var/spool/cron/crontabs/$(id -un)
		attack "plants one for all" write /etc/cron.d/hostkit-test
		attack "asks crontab" sh -c 'echo "* * * * * true" | crontab -'
		attack "makes a device" mknod disk b 8 0
		attack "mounts" mount -t tmpfs none $home
		attack "unmounts" umount $root/home
		attack "unmounts in a namespace" unshare -Urm umount -l $root/home
	SCRIPT
}

# Everything was tried, and nothing has succeeded.
all_refused() {
	lacks said SUCCEEDED
	contains said "refused: "
	shows "all was tried"
}

attacked() { # [STATUS]
	printf 'echo all was tried\nexit %s\n' "${1:-0}" >>site/attack.sh
	remember
	push site
	all_refused
}

fails_at() {
	expect site last.status=failed "stage.$1=failed" "last.error.message~status $2"
	untouched
}

# --- Files

files() {
	file_attacks >site/attack.sh
	settings 'install.command=sh attack.sh'
	attacked 7
	fails_at install 7
}
ok_when "an install reads and changes nothing but its own; it fails, and nothing has happened" files

in_build() {
	settings 'build.command=sh attack.sh'
	attacked 7
	fails_at build 7
}
ok_when "nor does a build" in_build

by_npm() {
	sed -i '/^exit/d' site/attack.sh
	echo '{ "name": "site", "private": true, "scripts": { "postinstall": "sh attack.sh" } }' \
		>site/package.json
	settings 'install.command=npm install --foreground-scripts' project.runtime=static
	remember
	push site
	rm site/package.json
	all_refused
	expect site last.status=succeeded
	[ "$(cat "$home/shared/file")" = data ]
	remember
	untouched
}
if command -v npm >/dev/null; then
	ok_when "nor does a postinstall of npm; a deployment whose commands end well succeeds" by_npm
else
	skip "nor does a postinstall of npm" "npm is not installed"
fi

in_hook() { # what lasts is a hook's to write
	file_attacks | grep -v 'writes shared data\|reads its own .env' >site/attack.sh
	echo "grep -q TOKEN=own $home/.env || exit 8" >>site/attack.sh
	echo "echo hook >>$home/shared/by_hook; echo hook >>$home/logs/by_hook" >>site/attack.sh
	settings 'hooks.pre_activate=sh attack.sh'
	attacked 7
	expect site last.status=failed stage.activate=failed
	[ "$(cat "$home/shared/by_hook" "$home/logs/by_hook" | tr '\n' ' ')" = "hook hook " ]
	rm "$home/shared/by_hook" "$home/logs/by_hook"
	untouched
}
ok_when "a hook may write shared and logs, and no more" in_hook

allowed() {
	cat >site/attack.sh <<-SCRIPT
		set -e
		[ "\$(cat file)" = data ]
		[ "\$(cat $home/app/index.html)" = home ]
		[ "\$TMPDIR" = "$state/tmp-\$HOSTKIT_DEPLOYMENT" ]
		head -c 1000000 /dev/zero >"\$TMPDIR/zeros"
		mktemp >made
		echo x >"\$npm_config_cache/x"
		rm "\$npm_config_cache/x"
		mkdir -p a/b "\$XDG_CACHE_HOME/c"
		echo x >a/b/c
		mv a/b b
		ln -s b l
		ln b/c hard
		mkfifo fifo
		rm -r "\$XDG_CACHE_HOME/c"
		echo x >/dev/null
		echo x >/dev/shm/hostkit-test-\$\$
		rm /dev/shm/hostkit-test-\$\$
		python3 -c 'import multiprocessing as m; m.Queue(); import tempfile; tempfile.TemporaryFile()'
		cat /etc/passwd /proc/self/status /proc/cpuinfo >/dev/null
		ulimit -c
		rm fifo l hard
	SCRIPT
	settings 'build.command=sh attack.sh'
	push site
	expect site last.status=succeeded stage.build=succeeded
	contains "$home/app/made" "$state/tmp-"
	no_tmp
}
ok_when "what builds do otherwise, they can: release, caches, TMPDIR, shared memory, what is shared to read" \
	allowed

# --- Processes

process_attacks() {
	attacks
	cat <<-'SCRIPT'
		supervisor=$(ps -o ppid= -p $$ | tr -d ' ')
		worker=$(ps -o ppid= -p $supervisor | tr -d ' ')
		for victim in worker service; do
			eval pid=\$$victim
			attack "kills the $victim" kill -9 $pid
			attack "stops the $victim" kill -STOP $pid
			attack "reads the environment of the $victim" not_empty /proc/$pid/environ
			attack "reads the memory of the $victim" dd if=/proc/$pid/mem count=1 bs=1 skip=4194304
			attack "writes the memory of the $victim" write /proc/$pid/mem
			attack "sees the root of the $victim" lists /proc/$pid/root/
			attack "takes processor time from the $victim" prlimit --pid $pid --cpu=1
		done
		attack "kills the supervisor" kill -9 $supervisor
	SCRIPT
}

processes() {
	{
		echo "service=$(service_pid)"
		process_attacks
	} >site/attack.sh
	settings 'build.command=sh attack.sh'
	attacked 7
	fails_at build 7
}
if protects "processes:" && command -v prlimit >/dev/null; then
	ok_when "it neither ends nor looks into the worker and the service" processes
else
	skip "it neither ends nor looks into the worker and the service" "not with this kernel"
fi

daemons() {
	cat >site/attack.sh <<-'SCRIPT'
		setsid sleep 98765 &
		nohup sleep 98765 >/dev/null 2>&1 &
		(setsid sh -c 'sleep 98765 & sleep 98765 &' &)
		systemd-run --user sleep 98765
		echo sleep 98765 | at now
		exit 7
	SCRIPT
	settings 'build.command=sh attack.sh'
	remember
	push site
	fails_at build 7
	not pgrep -u "$(id -u)" -fx "sleep 98765"
}
ok_when "no daemon stays" daemons

# --- Sockets and network

listener() {
	cat >listen.py <<-'PY'
		import socket, sys
		sockets = []
		for family, address in ((socket.AF_UNIX, "\0hostkit-test-" + sys.argv[1]),
		                        (socket.AF_INET, ("127.0.0.1", int(sys.argv[1])))):
		    s = socket.socket(family)
		    s.bind(address)
		    s.listen()
		    sockets.append(s)
		open("listening", "w").close()
		sys.stdin.read()
	PY
	cat >site/connect.py <<-'PY'
		import socket, sys
		unix = sys.argv[1] == "unix"
		s = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
		s.connect("\0hostkit-test-" + sys.argv[2] if unix else ("127.0.0.1", int(sys.argv[2])))
	PY
	free_port >port
	mkfifo hold
	python3 listen.py "$(cat port)" <hold &
	exec 9>hold
	wait_until 20 test -e listening
}
listener

abstract() {
	python3 site/connect.py unix "$(cat port)"
	settings "build.command=python3 connect.py unix $(cat port)"
	push site
	expect site last.status=failed stage.build=failed
	contains said PermissionError
}
if grep "abstract ones by Landlock" findings; then
	ok_when "abstract sockets of others do not answer" abstract
else
	skip "abstract sockets of others do not answer" "not with this kernel"
fi

network() {
	settings "build.command=python3 connect.py inet $(cat port)"
	push site
	expect site last.status=succeeded
	settings "build.command=python3 connect.py inet $(cat port)" build.network=no
	push site
	expect site last.status=failed stage.build=failed
	contains said ConnectionRefusedError
	settings build.network=no \
		"build.command=python3 -c 'import socket; s = socket.create_server((\"127.0.0.1\", 9)); socket.create_connection((\"127.0.0.1\", 9))'"
	sed -i 's/, 9/, 9999/g' "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	push site
	expect site last.status=succeeded
	settings "hooks.pre_build=python3 connect.py inet $(cat port)" build.network=no
	push site
	expect site last.status=succeeded
}
if protects "network:.* is possible"; then
	ok_when "network = no: nothing but its own 127.0.0.1; a hook has the network" network
else
	skip "network = no" "not with this kernel"
fi

# --- Limits

memory() {
	settings 'build.command=sh: head -c 400M /dev/zero | tail -c 400M | wc -c; exit ${PIPESTATUS:-7}' \
		build.memory_max=100M
	remember
	push site
	fails_at build 7
	not shows 419430400
}
ok_when "memory_max: what wants more fails" memory

# As a user of its own, which root can become: nobody else's processes are counted, or in danger.
as_nobody() {
	setpriv --reuid 61234 --regid 61234 --clear-groups env HOME="$T/nobody" TMPDIR="$T/nobody" \
		HOSTKIT_ROOT="$T/nobody/root" GIT_CONFIG_GLOBAL=/dev/null "$@"
}

nobody_deploys() { # SETTING…
	local setting ini=$T/nobody/root/etc/hostkit/projects/wild.ini

	printf '[project]\nport = 0\npath = %s:/usr/bin:/bin\n' "$T/bin" >"$ini"
	for setting in service.driver=none build.enabled=yes "$@"; do
		printf '[%s]\n%s\n' "${setting%%.*}" "${setting#*.}" >>"$ini"
	done
	as_nobody hostkit deploy wild >said 2>&1 || true
}

nobody_begins() {
	mkdir -p nobody/root nobody/wild
	echo home >nobody/wild/index.html
	cat >nobody/wild/forks.sh <<-'SCRIPT'
		for i in $(seq 300); do
			sleep 30 &
		done
		exit 0
	SCRIPT
	cat >nobody/wild/kills.sh <<-'SCRIPT'
		trap '' TERM
		kill -9 -1
		kill -TERM -1
		echo "killed all that it could"
	SCRIPT
	chown -R 61234:61234 nobody
	as_nobody hostkit project create wild --driver none
	as_nobody git init -q -b main nobody/wild
	as_nobody git -C nobody/wild add -A
	as_nobody git -C nobody/wild -c user.name=n -c user.email=n@example.org commit -qm wild
	nobody_deploys build.command=true
	as_nobody git -C nobody/wild push -q "$T/nobody/root/home/wild/repo.git" main
	contains said "" # it is there
}

forks() {
	nobody_deploys build.tasks_max=50 'build.command=sh forks.sh'
	contains said "left 49 processes running; ended"
	contains said "build        FAILED"
	not pgrep -u 61234 -x sleep
}

kills() {
	as_nobody sleep 100 &
	echo $! >sleeper
	nobody_deploys 'build.command=sh kills.sh'
	contains said "killed all that it could"
	contains said "success: wild: "
	kill -0 "$(cat sleeper)"
	kill "$(cat sleeper)"
}

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	nobody_begins
	ok_when "tasks_max: a command that forks without end is refused more" forks
	if protects "processes:"; then
		ok_when "kill -9 -1 reaches its own processes only" kills
	else
		skip "kill -9 -1 reaches its own processes only" "not with this kernel"
	fi
	if grep HOSTKIT_KERNEL_LACKS "$HK_LIBEXECDIR/hostkit-worker" >/dev/null; then
		export HOSTKIT_KERNEL_LACKS=landlock-scope
		ok_when "it is refused where Landlock does not know of signals" kills
		unset HOSTKIT_KERNEL_LACKS
	fi
else
	skip "tasks_max and kill -9 -1" "only root can become a user with no other processes"
fi

# --- Settings

turned_off() {
	settings "build.command=touch $T/written"
	push site
	expect site last.status=failed "last.error.hint~[build] writable"
	[ ! -e written ]
	settings "build.command=touch $T/outside/written"
	push site
	expect site last.status=succeeded
	[ -e outside/written ]
	settings "build.command=touch $T/written" build.confine=no
	push site
	expect site last.status=succeeded
	[ -e written ]
	hostkit doctor site >findings
	contains findings "turned off ([build] confine)"
}
ok_when "[build] writable opens a folder, confine = no everything; a refusal says so" turned_off

too_wide() {
	settings build.command=true "build.writable=$T"
	push site
	expect site last.status=failed last.error.code=CONFIG_INVALID "last.error.message~'$T'"
	settings build.command=true build.writable=relative && return 1
	settings
}
ok_when "but no folder that the project itself lies in" too_wide

# --- Kernels that can less

older() { # FEATURES: what is refused all the same
	file_attacks >site/attack.sh
	[ "$1" != namespaces ] || sed -i '/changes a mode/d' site/attack.sh
	attacked_without "$1"
	fails_at build 7
}

attacked_without() {
	settings 'build.command=sh attack.sh' build.confine=yes
	echo "attack truncating truncate -s 0 $home/app/index.html" >>site/attack.sh
	HOSTKIT_KERNEL_LACKS=$1 attacked 7
}

modes_are_told() {
	HOSTKIT_KERNEL_LACKS=namespaces hostkit doctor site >findings
	grep -E "^  warn +confinement +files: by Landlock \(version [0-9]+\) alone, which lets builds change modes" findings
	HOSTKIT_KERNEL_LACKS=namespaces,landlock-truncate hostkit doctor site >findings
	grep -E "^  warn +confinement +files: .* modes and sizes" findings
	grep -E "^  warn +confinement +processes: " findings
	grep -E "^  warn +confinement +sockets: " findings
}

nothing_left() {
	settings build.command=true build.confine=yes
	HOSTKIT_KERNEL_LACKS=landlock,namespaces push site
	expect site last.status=failed last.error.code=NOT_SUPPORTED "last.error.hint~hostkit doctor site"
	HOSTKIT_KERNEL_LACKS=landlock,namespaces hostkit doctor site >findings && return 1
	grep -E "^  FAIL +confinement +files: " findings
	settings build.command=true
	HOSTKIT_KERNEL_LACKS=landlock,namespaces push site
	expect site last.status=succeeded
	HOSTKIT_KERNEL_LACKS=landlock,namespaces hostkit doctor site >findings
	grep -E "^  warn +confinement +files: " findings
	settings build.command=true build.network=no
	HOSTKIT_KERNEL_LACKS=namespaces push site
	expect site last.status=failed last.error.code=NOT_SUPPORTED "last.error.message~network = no"
}

if grep -q HOSTKIT_KERNEL_LACKS "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "without Landlock, a mount namespace refuses the same" older landlock
	ok_when "with the Landlock of Debian 12's kernel, too" older landlock-truncate
	ok_when "without namespaces, Landlock does, but for modes" older namespaces
	ok_when "which doctor says, with all else that is missing" modes_are_told
	ok_when "without either, confine = yes deploys nothing, and network = no neither" nothing_left
else
	skip "kernels that can less" "built without --enable-failpoints"
fi

# --- Folders elsewhere

moved() {
	mv "$home/releases" disk/
	ln -s "$T/disk/releases" "$home/releases"
	mv "$state/cache/npm" disk/npm
	ln -s "$T/disk/npm" "$state/cache/npm"
	cat >site/attack.sh <<-SCRIPT
		set -e
		cat $home/shared/file $home/app/index.html ~/app/index.html
		echo x >>$T/disk/releases/20*/index.html && exit 9
		cat $home/.env && exit 9
		echo x >\$npm_config_cache/x
		echo x >x
		echo "it went well"
	SCRIPT
	settings 'build.command=sh attack.sh' 'hooks.pre_activate=sh: echo x >$HOME/logs/x'
	push site
	expect site last.status=succeeded stage.build=succeeded
	shows "it went well"
	[ -s disk/npm/x ]
	[ -s "$home/logs/x" ]
}
ok_when "releases and a cache that are links to another disk" moved

done_testing
