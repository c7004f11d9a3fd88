# shellcheck shell=bash
#
# A VPS with projects of their own users, for tests that have sourced lib.sh, deploying.sh and machine.sh:
#
#	vps_boot			a machine with sshd and nginx running
#	vps_project NAME [OPTION…]	a project on it; the developer's key may push to it, and has
#				a repository ~/NAME with a remote hostkit
#	vps_app NAME [TEXT]		a Node.js application in that repository, which says TEXT and who it is
#	vps_push NAME [REF]		commits, and pushes over ssh; what the client was told is in $T/said
#	vps_expect NAME FACT…		as expect, asked by root
#	vps_page HOST [PATH]		what nginx answers for a host, on stdout

vps_boot() {
	machine_require
	require_programs node npm curl git
	machine_boot
	machine_run systemctl start ssh.service nginx.service
}

vps_project() {
	local name=$1

	machine_run hostkit project create "$@"
	machine_run hostkit key add "$name" /home/dev/.ssh/id_ed25519.pub
	machine_as dev git init -q "$name"
	machine_as dev git -C "$name" remote add hostkit "ssh://$name@vps/home/$name/repo.git"
}

# Writes its input to a file of the developer's.
vps_write() {
	machine_as dev bash -c 'mkdir -p "$(dirname "$1")" && cat >"$1"' - "$1"
}

vps_app() {
	local name=$1

	vps_write "$name/package.json" <<-JSON
		{ "name": "$name", "version": "1.0.0", "private": true }
	JSON
	vps_write "$name/index.js" <<-JS
		const http = require('http'), fs = require('fs'), os = require('os');
		http.createServer((request, response) => {
			const tried = {};
			if (request.url.startsWith('/try?')) {
				for (const path of decodeURIComponent(request.url.slice(5)).split(',')) {
					try { fs.writeFileSync(path, 'x'); tried[path] = 'written'; }
					catch (e) { tried[path] = e.code; }
				}
			}
			if (request.url.startsWith('/read?')) {
				for (const path of decodeURIComponent(request.url.slice(6)).split(',')) {
					try { tried[path] = fs.readFileSync(path, 'utf8'); }
					catch (e) { tried[path] = e.code; }
				}
			}
			if (request.url === '/exit') process.exit(3);
			response.end(JSON.stringify({ text: '${2:-hello}', user: os.userInfo().username, cwd: process.cwd(),
				pid: process.pid, env: process.env, headers: request.headers, tried }) + '\n');
		}).listen(process.env.PORT, process.env.HOST);
	JS
}

vps_push_ref() {
	machine_as dev git -C "$1" push hostkit "$2" 2>&1 | as_seen | tee "$T/said"
}

vps_push() {
	machine_as dev git -C "$1" add -A
	machine_as dev git -C "$1" commit -q --allow-empty -m "a change"
	vps_push_ref "$1" "${2:-HEAD:refs/heads/main}"
}

vps_expect() {
	local name=$1

	shift
	machine_run hostkit --json deploy status "$name" >"$T/.answer.json" || true
	look_up "$T/.answer.json" "$@"
}

vps_page() {
	machine_run curl -sS -m 10 -H "Host: $1" "http://127.0.0.1${2:-/}"
}

# page_says HOST KEY TEXT [PATH]: a fact of the answer of vps_app.
page_says() {
	vps_page "$1" "${4:-/}" >"$T/page"
	python3 - "$T/page" "$2" "$3" <<-'PY'
		import json, sys
		at = json.load(open(sys.argv[1]))
		for key in sys.argv[2].split("|"):
		    at = at.get(key) if isinstance(at, dict) else None
		if str(at) != sys.argv[3]:
		    sys.exit(f"{sys.argv[2]} is {at!r}, not {sys.argv[3]!r}")
	PY
}
