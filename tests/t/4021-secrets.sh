#!/bin/bash
#
# The vault: what is put into it, where it may be seen, and how it gets into .env.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "secrets"
require_programs python3
new_project site
configure site service.driver=none
echo page >site/index.html
push site
home=$(home_of site)
vault=$HOSTKIT_ROOT/var/lib/hostkit/site/vault
canary="canary-7f3a91c2d8e5"

set_secret() { # KEY VALUE
	printf '%s' "$2" | hostkit secrets set site "$1" --stdin
}

# The canary is in no file but those that are named (and this test's own output).
nowhere_but() {
	grep -rlF --exclude=.stdout --exclude=.stderr -e "$canary" "$T" | sort >found || true
	: >wanted
	[ "$#" -eq 0 ] || printf '%s\n' "$@" | sort >wanted
	diff wanted found
}

sets() {
	set_secret TOKEN "$canary" >out
	contains out "TOKEN is set"
	[ "$(stat -c %a "$vault")" = 700 ]
	[ "$(stat -c %a "$vault/secrets")" = 600 ]
	[ "$(stat -c %a "$vault"/key-*)" = 600 ]
	hostkit secrets list site >out
	grep -E "^TOKEN +19 bytes  20[0-9-]+ [0-9:]+$" out
	answers 'secrets~"name": "TOKEN"' 'secrets~"length": 19' -- secrets list site
	nowhere_but
}
ok_when "a secret is encrypted: it is in no file, and list shows its name and length" sets

terminal() { # from a prompt, which shows nothing
	python3 - "typed-$canary" <<-'PY' >shown
		import os, pty, sys
		pid, tty = pty.fork()
		if not pid:
		    os.execvp("hostkit", ["hostkit", "secrets", "set", "site", "TYPED"])
		shown = b""
		while b"shown): " not in shown:
		    shown += os.read(tty, 1000)
		os.write(tty, sys.argv[1].encode() + b"\n")
		try:
		    while more := os.read(tty, 1000):
		        shown += more
		except OSError:
		    pass
		sys.stdout.write(shown.decode())
		sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
	PY
	contains shown "value of TYPED (not shown):"
	lacks shown "typed-$canary"
	hostkit secrets list site >out
	grep -E "^TYPED +25 bytes" out
	hostkit secrets unset site TYPED
}
ok_when "or it is asked for on a terminal that does not show it" terminal

argv() {
	hostkit secrets set site "TOKEN2=$canary" >out 2>&1 && return 1
	contains out "a value does not belong on the command line"
	setsid -w hostkit secrets set site TOKEN2 </dev/null >out 2>&1 && return 1
	contains out "there is no terminal to ask for the value of 'TOKEN2'"
}
ok_when "never from the command line" argv
fails_with 2 "an empty value is refused" set_secret EMPTY ""
nul() { printf 'a\0b' | hostkit secrets set site NUL --stdin; }
fails_with 2 "and one with a NUL byte" nul

injected() {
	printf '# mine\nCOLOR=blue\nTOKEN=old\n' >"$home/.env"
	chmod 600 "$home/.env"
	configure site service.driver=none \
		"build.command=sh: test -z \"\$NOT_THERE\"; echo \"build has \$TOKEN\""
	push site
	contains said "build has old"
	lacks said "secrets "
	hostkit deploy site --inject-secrets >said
	contains said " secrets      ok "
	contains said "1 secret into .env"
	expect site last.status=succeeded stage.secrets=succeeded 'last.options=["inject-secrets"]'
	printf '# mine\nCOLOR=blue\nTOKEN=%s\n' "$canary" | diff - "$home/.env"
	[ "$(stat -c %a "$home/.env")" = 600 ]
}
ok_when "--inject-secrets writes it over .env, in place" injected

masked() {
	push site
	contains said "build has ********"
	lacks said "$canary"
	hostkit deploy log site >shown-log
	contains shown-log "build has ********"
	nowhere_but "$home/.env"
}
ok_when "output that has it is masked, in the stream and in the log" masked

by_push() {
	# Until then a build is given the old one, which is a secret still.
	set_secret TOKEN "new-2-of-it"
	git -C site push -o inject-secrets hostkit HEAD:refs/deploy/now >said 2>&1
	contains said "build has ********"
	contains "$home/.env" "TOKEN=new-2-of-it"
	nowhere_but
	set_secret TOKEN "$canary-2"
	git -C site push -o inject-secrets hostkit HEAD:refs/deploy/now
	contains "$home/.env" "TOKEN=$canary-2"
	set_secret TOKEN "$canary-3"
	configure site service.driver=none secrets.inject=yes
	push site
	contains "$home/.env" "TOKEN=$canary-3"
}
ok_when "by a push option, or always by a setting" by_push

undone() {
	set_secret TOKEN "$canary-4"
	configure site service.driver=none secrets.inject=yes hooks.pre_activate=false
	cp "$home/.env" before
	push site
	expect site last.status=failed stage.secrets=succeeded stage.activate=failed
	cmp before "$home/.env"
	rm before
}
ok_when "a deployment that fails afterwards leaves .env as it was" undone

required() {
	configure site service.driver=none secrets.required=TOKEN,DATABASE_URL,COLOR
	push site
	contains said "error: site: preflight: required, but not set: DATABASE_URL"
	contains said "hostkit secrets set site DATABASE_URL"
	set_secret DATABASE_URL postgres:x
	push site
	expect site last.status=failed
	hostkit deploy site --inject-secrets
	push site
	expect site last.status=succeeded
}
ok_when "what is required and missing is refused by name" required

verify() {
	printf 'TOKEN=\nMAIL_HOST=example.org\n' >site/.env.example
	push site
	hostkit secrets verify site >out 2>&1 && return 1
	contains out "neither in the vault nor in .env: MAIL_HOST"
	set_secret MAIL_HOST mail
	hostkit secrets verify site
}
ok_when "verify compares with .env.example, too" verify

import() {
	printf 'A=1\nB="two\nlines $x"\nC='"'"'#'"'"'\n' | hostkit secrets import site - >out
	contains out "3 secrets are set"
	hostkit deploy site --inject-secrets
	hostkit env get site B >b
	printf 'two\nlines $x\n' | diff - b
	hostkit secrets unset site A B C
	hostkit secrets list site >out
	lacks out "A "
	hostkit secrets unset site A >out 2>&1 && return 1
	contains out "there is no secret 'A'"
}
ok_when "a file like .env is imported" import

rotates() {
	ls "$vault" >before
	hostkit secrets rotate site
	ls "$vault" >after
	not cmp -s before after
	[ "$(find "$vault" -name 'key-*' | wc -l)" = 1 ]
	hostkit secrets verify site
}
ok_when "rotate encrypts it under a new key" rotates

rotated_meanwhile() {
	local pid

	HOSTKIT_FAILPOINT=vault_read:stop hostkit secrets list site >listed &
	pid=$!
	wait_until 10 grep "^State:.T" "/proc/$pid/status"
	hostkit secrets rotate site
	kill -CONT "$pid"
	wait "$pid"
	contains listed "$(hostkit secrets list site | sed -n '$s/ .*//p')"
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "a reader in the middle of a rotation reads the new one" rotated_meanwhile
else
	skip "a reader in the middle of a rotation" "built without --enable-failpoints"
fi

tampered() {
	cp -a "$vault" kept
	flip_byte "$vault/secrets" 60
	hostkit secrets list site >out 2>&1 && return 1
	contains out "error: the vault of 'site' cannot be read: it was changed, or is another project's"
	hostkit deploy site --inject-secrets >out 2>&1 && return 1
	contains out "cannot be read"
	# Nor does any other: the snapshot of .env is kept with it.
	push site
	contains said "secrets in the output are not masked"
	contains said "error: site: snapshot: the snapshot of .env: the vault of 'site' cannot be read"
	expect site last.status=failed stage.snapshot=failed
	rm -r "$vault"
	new_project other
	mv kept "$HOSTKIT_ROOT/var/lib/hostkit/other/vault"
	hostkit secrets list other >out 2>&1 && return 1
	contains out "or is another project's"
	mv "$HOSTKIT_ROOT/var/lib/hostkit/other/vault" "$vault"
	hostkit secrets list site
	chmod 640 "$vault/secrets"
	hostkit secrets list site >out 2>&1 && return 1
	contains out "is not only for its owner"
	chmod 600 "$vault/secrets"
}
ok_when "a vault that was changed, is another project's, or that others may read, is refused" tampered

unseen() { # while a deployment with secrets runs
	configure site service.driver=none \
		"build.command=sh: while [ ! -e $T/go ]; do sleep 0.05; done"
	hostkit deploy site --inject-secrets >said 2>&1 &
	wait_until 10 expect site running.status=running
	# The processes of this test have it in no command line.
	for file in /proc/[0-9]*/cmdline; do
		tr '\0' '\n' <"$file" 2>/dev/null | grep -F -e "$canary-4" && return 1
	done
	touch go
	wait
	expect site last.status=succeeded
}
ok_when "no process has it in its command line" unseen

build_runs() {
	grep -lzxF "HOME=$home" /proc/[0-9]*/environ >builds 2>/dev/null || true
	[ -s builds ]
}

no_environ() { # what .env does not have, no build has, nor git, hook and worker
	set_secret ONLY_IN_VAULT "vault-$canary"
	rm -f go
	git -C site push -o inject-secrets hostkit HEAD:refs/deploy/now >said 2>&1 &
	wait_until 10 build_runs
	grep -lzF "vault-$canary" /proc/[0-9]*/environ >found 2>/dev/null || true
	touch go
	wait
	[ ! -s found ]
	expect site last.status=succeeded
	contains "$home/.env" "ONLY_IN_VAULT=vault-$canary"
	nowhere_but "$home/.env"
}
ok_when "nor in its environment, while it is not in .env" no_environ

done_testing
