#!/bin/bash
#
# The ssh keys of a project: hostkit key add, list, remove, and project create --key.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "ssh keys"
require_programs ssh-keygen python3
new_project site
folder=$(home_of site)/.ssh
file=$folder/authorized_keys

# key_file NAME COMMENT [OPTION…]: a pair of keys.
key_file() {
	local name=$1 comment=$2

	shift 2
	ssh-keygen -q -N '' -C "$comment" -f "$name" "${@:--ted25519}"
}

fingerprint_of() {
	ssh-keygen -l -f "$1" | cut -d' ' -f2
}

key_file ann ann@laptop
key_file ben "Ben  Müller (work)"
key_file cid cid -t ecdsa
key_file dan dan -t rsa -b 2048

adds() {
	local line

	hostkit key add site ann.pub >said
	contains said "key ann@laptop ($(fingerprint_of ann.pub)) may push to site"
	contains said "AuthorizedKeysFile .ssh/authorized_keys $file"
	line="restrict,command=\"$HK_BINDIR/hostkit shell --key ann@laptop --root $HOSTKIT_ROOT"
	line+=" --project site\" $(cut -d' ' -f1,2 ann.pub) ann@laptop"
	[ "$(cat "$file")" = "$line" ]
	[ "$(stat -c '%a %U' "$folder")" = "700 $(id -un)" ]
	[ "$(stat -c '%a %U' "$file")" = "600 $(id -un)" ]
}
ok_when "a key is added, with the forced command and nothing else" adds

labels() { # a comment becomes a label; --label wins; several at once
	hostkit key add site - <ben.pub
	hostkit key add site --label deploy.bot cid.pub
	hostkit key list site >listed
	grep -E "^ann@laptop +ssh-ed25519 +$(fingerprint_of ann.pub | sed 's/[+]/\\+/g')$" listed
	grep "^Ben-M-ller-work " listed
	grep -E "^deploy\.bot +ecdsa-sha2-nistp256 " listed
	{
		echo "# keys of ours"
		echo
		cat dan.pub
	} >some
	hostkit key add site some
	hostkit --json key list site >answer
	python3 - <<-PY
		import json
		keys = json.load(open("answer"))["data"]["keys"]
		assert [k["label"] for k in keys] == \
			["ann@laptop", "Ben-M-ller-work", "deploy.bot", "dan"], keys
		assert keys[3]["type"] == "ssh-rsa" and keys[0]["fingerprint"] == "$(fingerprint_of ann.pub)"
	PY
}
ok_when "comments become labels, and keys are listed with type and fingerprint" labels

remembered() {
	cp "$file" before
}

# refused STATUS FILE TEXT [OPTION…]: and nothing is written.
refused() {
	local wanted=$1 input=$2 text=$3 status=0

	shift 3
	hostkit key add site "$@" "$input" 2>why || status=$?
	[ "$status" = "$wanted" ]
	contains why "$text"
	grep "^hint: ." why
	cmp "$file" before
}

duplicates() {
	remembered
	not hostkit key add site --label other ann.pub 2>why
	contains why "is there already, as 'ann@laptop'"
	key_file ann2 ann@laptop
	refused 2 ann2.pub "there is a key 'ann@laptop' already"
	{
		cat ann2.pub
		sed 's/ann@laptop/twin/' ann2.pub
	} | sed '1s/ann@laptop/one/' >twins
	not hostkit key add site twins 2>why
	contains why "is there already, as 'one'"
	cmp "$file" before
}
ok_when "a label or a key that is there already is refused by its name" duplicates

rejects() {
	remembered
	key_file weak weak -t rsa -b 1024
	key_file host host
	refused 2 ann "ann:1: this is a private key"
	refused 2 weak.pub "weak.pub:1: an RSA key of 1024 bits is not safe: 2048 are needed"
	sed 's/^/no-pty,command="sh" /' host.pub >options
	refused 2 options "options:1: the key has options in front"
	sed 's/$/\r/' host.pub >crlf
	refused 2 crlf "crlf:1: the line ends with CR LF"
	{ echo; echo hello world; } >junk
	refused 2 junk "junk:2: 'hello' does not begin a public key"
	echo "ssh-ed25519 AAAA junk" >short
	refused 2 short "short:1: "
	echo "ssh-ed25519 $(cut -d' ' -f2 cid.pub) junk" >other
	refused 2 other "ssh-keygen does not take it for a public key"
	echo "ssh-dss AAAAB3NzaC1kc3M old" >dsa
	refused 2 dsa "DSA keys are not safe any more"
	ssh-keygen -e -f host.pub >rfc4716
	refused 2 rfc4716 "in the form of RFC 4716"
	cut -d' ' -f1,2 host.pub >nameless
	refused 2 nameless "has no comment to be called by"
	refused 2 host.pub "cannot be the label of a key" --label "a b"
	refused 2 host.pub "cannot be the label of a key" --label "-x"
	refused 2 host.pub "cannot be the label of a key" --label "$(printf 'x%.0s' {1..65})"
	{ cat host.pub; echo "nothing"; } >half
	refused 2 half "half:2: "
	: >empty
	refused 2 empty "there is no key in empty"
}
ok_when "what is no safe public key is refused with file and line, and nothing is written" rejects

certificate() {
	remembered
	key_file ca ca
	key_file user user
	ssh-keygen -q -s ca -I user user.pub
	refused 2 user-cert.pub "this is a certificate"
	{ cat ann2.pub user.pub; } >two
	not hostkit key add site --label x two 2>why
	contains why "two:2: --label names one key, and this is another"
	cmp "$file" before
}
ok_when "so are a certificate, and a label for two keys" certificate

keeps() { # lines that hostkit did not write
	printf '# by hand\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMine own\r\n\n' >"$T/head"
	{ cat "$T/head" "$file"; printf 'no end'; } >new
	cat new >"$file"
	hostkit key add site --label eve ann2.pub
	hostkit key list site >listed 2>warning
	contains warning "2 lines of $file are not hostkit's"
	hostkit key remove site eve
	{ cat new; echo; } | cmp - "$file"
	head -n 1 ann2.pub >>"$file"
	remembered
	refused 2 ann2.pub "is in a line that hostkit has not written" --label eve
}
ok_when "lines that are not ours stay as they are; a key in one of them is refused" keeps

removes() {
	hostkit key remove site ann@laptop >said
	contains said "key ann@laptop is removed"
	lacks "$file" "--key ann@laptop "
	contains "$file" "--key dan "
	contains "$file" "# by hand"
	[ "$(stat -c %a "$file")" = 600 ]
}
ok_when "a key is removed" removes

missing() {
	local status=0

	hostkit key remove site ann@laptop 2>why || status=$?
	[ "$status" = 49 ]
	contains why "there is no key 'ann@laptop'"
	contains why "the keys are: Ben-M-ller-work, deploy.bot, dan"
}
ok_when "one that is not there is named, with those that are" missing

broken_settings() {
	cp "$HOSTKIT_ROOT/etc/hostkit/projects/site.ini" ini
	echo nonsense >>"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	hostkit key remove site dan
	cat ini >"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
}
ok_when "a key is removed also while the settings are broken" broken_settings

fails_with 12 "a project that is not there has no keys" hostkit key list other

linked() { # nothing is written through a link
	mv "$folder" "$folder.kept"
	mkdir elsewhere
	ln -s "$T/elsewhere" "$folder"
	not hostkit key add site ann.pub 2>why
	contains why "it has to be a folder, and no link"
	[ -z "$(ls elsewhere)" ]
	rm "$folder"
	mv "$folder.kept" "$folder"
	mv "$file" elsewhere/
	ln -s "$T/elsewhere/authorized_keys" "$file"
	cp elsewhere/authorized_keys before
	not hostkit key add site ann.pub 2>why
	cmp elsewhere/authorized_keys before
	rm "$file"
	mv elsewhere/authorized_keys "$file"
	chmod 770 "$folder"
	not hostkit key add site ann.pub 2>why
	contains why "may be written by others"
	chmod 700 "$folder"
}
ok_when "a link in the place of folder or file, and a folder of others, are refused" linked

at_once() { # two at a time lose nothing
	local i pids=()

	for i in 1 2 3 4 5 6; do
		key_file "many$i" "many$i"
	done
	for i in 1 2 3 4 5 6; do
		hostkit key add site "many$i.pub" &
		pids+=("$!")
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(grep -c -- "--key many" "$file")" = 6 ]
}
ok_when "keys that are added at once are all there" at_once

created() { # with the project; a wrong one makes no project
	hostkit project create blog --key ann.pub
	hostkit key list blog >listed
	contains listed "ann@laptop"
	not hostkit project create wiki --key ann 2>why
	contains why "this is a private key"
	[ ! -e "$HOSTKIT_ROOT/home/wiki" ]
	hostkit project list >listed
	lacks listed wiki
}
ok_when "project create --key adds them; a wrong key makes no project" created

gone() { # with the project, so that one that is made again is not open to them
	local keys
	keys=$(home_of blog)/.ssh/authorized_keys

	echo "ssh-ed25519 AAAA somebody" >>"$keys"
	hostkit project remove blog 2>goes </dev/null || true
	contains goes "keys $keys"
	hostkit project remove blog --yes
	[ "$(cat "$keys")" = "ssh-ed25519 AAAA somebody" ]
	hostkit project create blog
	hostkit key list blog >listed
	lacks listed "ann@laptop"
}
ok_when "keys go with their project, and other lines stay" gone

quoted() { # a root that needs quotes, for the shell of sshd and for the file
	local root="$T/it's \"a\" \$root \\"

	mkdir "$root"
	HOSTKIT_ROOT=$root hostkit project create site --key ann.pub
	sed 's/^restrict,command="\(.*\)" ssh-ed25519 .*/\1/; s/\\"/"/g' \
		"$root/home/site/.ssh/authorized_keys" >forced
	SSH_ORIGINAL_COMMAND="hostkit project show" sh -c "$(cat forced)" >shown
	contains shown "$root/home/site"
	HOSTKIT_ROOT=$root hostkit key list site >listed
	contains listed "ann@laptop"
}
ok_when "paths are quoted, for authorized_keys and for the shell that sshd starts" quoted

done_testing
