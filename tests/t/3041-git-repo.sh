#!/bin/bash
#
# hostkit deploy NAME --git-repo URL: branches, tags and commits of another repository, from this
# machine, by ssh from a real sshd, and by https from a real web server.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "deploying from another repository"
not_in_quick_run
sshd_start
require_programs openssl sqlite3 python3

new_project site
home=$(home_of site)
settings() {
	configure site service.driver=none "$@"
}
settings
git init -q --bare other.git
git init -q work
git -C work remote add origin "$T/other.git"

change() { # TEXT [REF]: a commit there, and its id in the file `id`
	echo "$1" >work/index.html
	git -C work add -A
	git -C work commit -q -m "$1"
	git -C work push -q origin "HEAD:${2:-refs/heads/main}"
	git -C work rev-parse HEAD >newest
}
newest() {
	cat newest
}
deploy() { # [OPTION…]
	hostkit deploy site --git-repo "file://$T/other.git" "$@" >out 2>&1
}
serves() {
	contains "$home/app/index.html" "$1"
}
fails() { # STATUS TEXT OPTION…: with everything as it was
	local status=$1 text=$2

	shift 2
	remember_live site
	deploy "$@" || [ $? = "$status" ]
	contains out "$text"
	still_live site
	no_staging site
}

# --- Branch, tag, commit

default() {
	change first
	deploy
	serves first
	contains out "deployment 1 of branch 'main' of 'file://$T/other.git' by $(id -un)"
	contains out "success: site: $(cut -c1-7 newest) is live"
	expect site last.ref=refs/heads/main "last.commit=$(newest)" "last.source=file://$T/other.git" \
		last.trigger=cli stage.fetch=succeeded active.ref=refs/heads/main last.summary=first
}
ok_when "the branch main is fetched and deployed" default

moved() {
	change second
	deploy
	serves second
	# Also back: what the branch is now, not what is newest.
	git -C work push -qf origin HEAD~1:refs/heads/main
	deploy --git-branch main
	serves first
	change third refs/heads/feature/x
	deploy --git-branch feature/x
	serves third
	expect site last.ref=refs/heads/feature/x
}
ok_when "a branch is deployed as it is then, each time" moved

waits() { # one that waited deploys what is there when its turn comes
	settings "build.command=sh: sleep 1"
	deploy -d
	deploy --git-branch feature/x -d
	change fourth refs/heads/feature/x
	wait_until 30 answers last.id=6 last.status=succeeded -- deploy status site
	serves fourth
	settings
}
ok_when "also one that had to wait" waits

tags() {
	git -C work tag v1 HEAD~1
	git -C work tag -a -m release v2
	git -C work push -q origin v1 v2
	deploy --git-tag v1
	serves third
	deploy --git-tag v2
	serves fourth
	expect site last.ref=refs/tags/v2 last.tag=v2 "last.commit=$(newest)"
}
ok_when "a tag is deployed, and an annotated one peeled" tags

commits() {
	deploy --git-commit "$(git -C work rev-parse HEAD~1)"
	serves third
	deploy --git-commit "$(cut -c1-7 newest)"
	serves fourth
	expect site last.ref=commit "last.commit=$(newest)"
	# Also where only a tag leads to it.
	git -C work push -q origin :refs/heads/feature/x
	deploy --git-commit "$(git -C work rev-parse --short=6 HEAD~1 | tr a-f A-F)"
	serves third
	hostkit deploy history site >out
	contains out "  commit $(cut -c1-7 newest) of 'file://$T/other.git' by "
}
ok_when "a commit is deployed by its id or the start of it" commits

ambiguous() { # two commits that begin alike
	local i=0 first

	git -C work checkout -q -b many
	while :; do
		i=$((i + 1))
		git -C work commit -q --allow-empty -m "$i"
		[ "$i" -ge 300 ] || continue
		git -C work rev-list HEAD | cut -c1-4 | sort | uniq -d >twice
		[ ! -s twice ] || break
		[ "$i" -lt 3000 ]
	done
	git -C work push -q origin many
	first=$(head -n 1 twice)
	fails 30 "'$first' is the start of several commits of" --git-commit "$first"
	git -C work rev-list HEAD | grep "^$first" >candidates
	while read -r candidate; do
		contains out "$candidate"
	done <candidates
	git -C work checkout -q master 2>/dev/null || git -C work checkout -q main
}
ok_when "a start that several commits have names them" ambiguous

# --- What is not there

nearest() {
	fails 30 "has no branch 'mian'" --git-branch mian
	contains out "hint: it has the branch 'main', "
	fails 30 "has no tag 'v3'" --git-tag v3
	contains out "it has the tag 'v1', 'v2'"
	fails 30 "has no commit 'abcdabcdabcd' on a branch or tag" --git-commit abcdabcdabcd
	fails 2 "'main' is not the id of a commit" --git-commit main
	fails 2 "'../x y' cannot be" --git-branch '../x y'
	fails 2 "--git-branch and --git-tag exclude each other" --git-branch main --git-tag v1
	git init -q --bare empty.git
	hostkit deploy site --git-repo empty.git >out || [ $? = 30 ]
	contains out "nothing was pushed to it yet"
}
ok_when "a ref that is not there is answered with the nearest names" nearest

foreign() { # a commit that is here, but not there
	echo own >site/index.html
	push site
	fails 30 "has no commit '$(git -C site rev-parse HEAD)'" \
		--git-commit "$(git -C site rev-parse HEAD)"
}
ok_when "a commit of the project's own repository is none of the other's" foreign

unreachable() {
	mv other.git away.git
	fails 46 "cannot fetch from 'file://$T/other.git'"
	contains out "hint: to try it again: hostkit deploy site --git-repo file://$T/other.git --git-branch main"
	mv away.git other.git
	hostkit deploy site --git-repo nowhere.git >out 2>&1 || [ $? = 45 ]
	contains out "there is no repository 'nowhere.git'"
	hostkit deploy site --git-repo work/.git/refs >out 2>&1 || [ $? = 46 ]
	contains out "error: site: fetch: cannot fetch from '$T/work/.git/refs': '$T/work/.git/refs' does not appear"
}
ok_when "without the other repository nothing old is deployed" unreachable

# --- The own repository

own_refs() {
	git -C "$home/repo.git" for-each-ref --format='%(refname)' >refs
	not grep -vE '^refs/(heads/main$|hostkit/(fetch/[0-9a-f]{40}$|releases/))' refs
	[ "$(grep -c '^refs/hostkit/fetch/' refs)" = 1 ]
	git ls-remote "$home/repo.git" >remote
	not grep -v 'refs/heads/main$\|HEAD$' remote
	git -C "$home/repo.git" fsck --connectivity-only
}
ok_when "clients see nothing of it, and one ref is kept per URL" own_refs

forgotten() {
	cp -r other.git third.git
	hostkit deploy site --git-repo third.git >out
	[ "$(git -C "$home/repo.git" for-each-ref refs/hostkit/fetch | wc -l)" = 2 ]
	settings deploy.keep_history=10 deploy.keep_releases=1
	for _ in $(seq 12); do
		deploy --no-build
	done
	[ "$(git -C "$home/repo.git" for-each-ref refs/hostkit/fetch | wc -l)" = 1 ]
	settings
}
ok_when "until no deployment on record comes from there" forgotten

not_mixed() { # branches of one name: a push after such a deployment is no older state of it
	deploy
	push site
	expect site last.status=succeeded last.source=null last.ref=refs/heads/main
	deploy
	git -C site push -q hostkit HEAD:refs/heads/main
	hostkit deploy site >out
	expect site last.status=succeeded last.source=null
	hostkit recover site >out 2>&1
	answers last.source=null -- deploy status site
}
ok_when "it is not mixed up with the branch of the own repository" not_mixed

facts() {
	settings "build.command=sh: env >facts"
	deploy
	grep -x "HOSTKIT_SOURCE=file://$T/other.git" "$home/app/facts"
	grep -x "HOSTKIT_REF=refs/heads/main" "$home/app/facts"
	grep -x "HOSTKIT_COMMIT=$(git -C other.git rev-parse main)" "$home/app/facts"
	not grep SSH_AUTH_SOCK "$home/app/facts"
	settings
}
ok_when "what it builds knows where it comes from" facts

# --- ssh

port=$(sed -n 's/^Port //p' sshd/config)
url=ssh://$(id -un)@127.0.0.1:$port$T/other.git
by_ssh() { # STATUS TEXT
	local status=0

	hostkit deploy site --git-repo "$url" >out 2>&1 || status=$?
	contains out "$2"
	[ "$status" = "$1" ]
}

unknown_host() {
	mkdir -m 700 "$home/.ssh"
	by_ssh 46 "the key of host '127.0.0.1' is not in '$home/.ssh/known_hosts'"
	contains out "ssh-keyscan -p $port 127.0.0.1 >>$home/.ssh/known_hosts"
	ssh-keygen -q -t ed25519 -N '' -f wrong
	echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 wrong.pub)" >"$home/.ssh/known_hosts"
	by_ssh 46 "the key of host '127.0.0.1' is not in"
}
ok_when "a host whose key is not known, or another one, is refused" unknown_host

no_key() {
	cp sshd/known_hosts "$home/.ssh/known_hosts"
	by_ssh 46 "accepts neither a key of an ssh agent nor one of '$home/.ssh'"
	contains out "ssh-keygen -t ed25519"
	cp wrong "$home/.ssh/id_ed25519"
	by_ssh 46 "accepts neither a key"
}
ok_when "without a key that it accepts it says which were tried" no_key

key() {
	cp sshd/user_key "$home/.ssh/id_ed25519"
	change "by ssh"
	by_ssh 0 "success: site: "
	serves "by ssh"
	expect site "last.source=$url"
}
ok_when "the project's key deploys by ssh" key

agent() {
	rm "$home/.ssh/id_ed25519"
	eval "$(ssh-agent -s)" >/dev/null
	ssh-add -q sshd/user_key
	change "by agent"
	by_ssh 0 "success: site: "
	serves "by agent"
	kill "$SSH_AGENT_PID"
	unset SSH_AUTH_SOCK
}
ok_when "and so does a key of an agent" agent

refused_host() {
	local closed

	closed=$(free_port)
	hostkit deploy site --git-repo "ssh://git@127.0.0.1:$closed/x.git" >out 2>&1 || [ $? = 46 ]
	contains out "cannot fetch from 'ssh://git@127.0.0.1:$closed/x.git'"
}
ok_when "a host that does not answer is told as such" refused_host

silent_host() { # accepts the connection and says nothing: libgit2 waits for ever
	local silent

	silent=$(free_port)
	python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $silent)); s.listen(); time.sleep(60)" &
	wait_until 10 not port_is_free "$silent"
	settings source.timeout=1500ms
	hostkit deploy site --git-repo "ssh://git@127.0.0.1:$silent/x.git" >out 2>&1 || [ $? = 44 ]
	contains out "took longer than 1.5 s"
	settings
	hostkit deploy site --git-repo "ssh://git@127.0.0.1:$silent/x.git" -d >out
	wait_until 10 answers running.status=running -- deploy status site
	hostkit deploy cancel site >out
	wait_until 10 answers last.status=cancelled -- deploy status site
	kill %1
}
ok_when "one that says nothing is waited for until the limit, or a cancel" silent_host

killed() { # the worker dies while it fetches: what fetches goes too
	local silent worker

	silent=$(free_port)
	python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $silent)); s.listen(); time.sleep(60)" &
	wait_until 10 not port_is_free "$silent"
	hostkit deploy site --git-repo "ssh://git@127.0.0.1:$silent/x.git" --git-tag v9 -d >out
	wait_until 10 answers running.status=running -- deploy status site
	worker=$(sqlite3 "$HOSTKIT_ROOT/var/lib/hostkit/site/ledger.db" \
		"SELECT worker_pid FROM deployment ORDER BY id DESC LIMIT 1")
	wait_until 10 descends "$worker" "/hostkit-worker	.*	fetch	"
	descendants "$worker" >tree
	: >"$home/repo.git/objects/pack/pack_git2_left"
	kill -9 "$worker"
	wait_until 10 all_gone tree
	hostkit recover site >out 2>&1
	expect site last.status=interrupted \
		"last.error.hint=to try it again: hostkit deploy site --git-repo ssh://git@127.0.0.1:$silent/x.git --git-tag v9"
	[ ! -e "$home/repo.git/objects/pack/pack_git2_left" ]
	kill %1
}
descends() { # PID PATTERN: one of its descendants runs that
	local pid

	for pid in $(descendants "$1"); do
		! tr '\0' '\t' <"/proc/$pid/cmdline" | grep -E "$2" || return 0
	done
	return 1
}
ok_when "a worker that dies takes the fetch with it, and leaves nothing" killed

# --- https

https_server() { # git-http-backend(1) behind TLS, with a certificate of its own
	openssl req -x509 -newkey rsa:2048 -nodes -keyout tls.key -out tls.crt -days 2 \
		-subj /CN=localhost -addext subjectAltName=DNS:localhost
	https_port=$(free_port)
	cat >https.py <<-'PY'
		import http.server, os, ssl, subprocess, sys
		class Handler(http.server.BaseHTTPRequestHandler):
		    protocol_version = "HTTP/1.0"
		    def answer(self):
		        path, _, query = self.path.partition("?")
		        if path.startswith("/private"):
		            self.send_response(401)
		            self.send_header("WWW-Authenticate", 'Basic realm="x"')
		            self.end_headers()
		            return
		        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
		        env = dict(os.environ, GIT_PROJECT_ROOT=sys.argv[2], GIT_HTTP_EXPORT_ALL="1",
		                   PATH_INFO=path, QUERY_STRING=query, REQUEST_METHOD=self.command,
		                   CONTENT_TYPE=self.headers.get("Content-Type") or "",
		                   CONTENT_LENGTH=str(len(body)))
		        out = subprocess.run(["git", "http-backend"], input=body, env=env,
		                             capture_output=True).stdout
		        head, _, rest = out.partition(b"\r\n\r\n")
		        status = b"200 OK"
		        for line in head.split(b"\r\n"):
		            if line.startswith(b"Status: "):
		                status = line[8:]
		        self.wfile.write(b"HTTP/1.0 " + status + b"\r\n" + head + b"\r\n\r\n" + rest)
		    do_GET = do_POST = answer
		server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
		tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		tls.load_cert_chain("tls.crt", "tls.key")
		server.socket = tls.wrap_socket(server.socket, server_side=True)
		server.serve_forever()
	PY
	python3 https.py "$https_port" "$T" >https.log 2>&1 &
	wait_until 10 not port_is_free "$https_port"
}
https_server

untrusted() {
	hostkit deploy site --git-repo "https://localhost:$https_port/other.git" >out 2>&1 || [ $? = 46 ]
	contains out "the certificate of 'localhost' cannot be verified"
	contains out "http.sslCAInfo"
}
ok_when "a certificate that nobody vouches for is refused" untrusted

trusted() {
	git config -f "$home/.gitconfig" http.sslCAInfo "$T/tls.crt"
	change "by https"
	hostkit deploy site --git-repo "https://localhost:$https_port/other.git" >out
	serves "by https"
	hostkit deploy site --git-repo "https://localhost:$https_port/private.git" >out || [ $? = 46 ]
	contains out "asks for a user and a password"
}
ok_when "with its authority in the settings of git it deploys" trusted

# --- URLs that are not fetched from

urls() {
	local i

	for i in http://example.org/x.git git://example.org/x.git ftp://example.org/x.git \
		"ext::sh -c id" ext::id "https://ann:s3cret@example.org/x.git" \
		https://s3cret@example.org/x.git ssh://ann:s3cret@example.org/x.git \
		ssh://-oProxyCommand=id/x -oProxyCommand=id:x https:///x; do
		hostkit deploy site "--git-repo=$i" >out 2>&1 || [ $? = 2 ]
		contains out "the URL of the repository "
		lacks out s3cret
	done
	not grep -r s3cret "$HOSTKIT_ROOT"
}
ok_when "helpers, open protocols and passwords are refused, and not repeated" urls

done_testing
