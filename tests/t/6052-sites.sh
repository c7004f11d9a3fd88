#!/bin/bash
#
# The sites of projects under nginx: what is served, what is not, and whose a name is.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "sites under nginx"
not_in_quick_run
plain_build_only
vps_boot
site=/etc/nginx/sites-available/hostkit-chat.conf
ini=/etc/hostkit/projects/chat.ini

status_of() { # of a command that may fail; what it said is in the file said
	"$@" >said 2>&1 && echo 0 >status || echo "$?" >status
}

# Names that a project leaves, and accounts; backups of the user database aside.
snapshot() {
	machine_run find /etc /home /var/lib/hostkit ! -name 'passwd*' ! -name 'group*' ! -name 'shadow*' \
		! -name 'gshadow*' ! -name 'sub[ug]id*' ! -name .pwd.lock | sort
	machine_run getent passwd
}

# --- Upgrades

chat_app() {
	vps_project chat --domain chat.example >/dev/null
	vps_write chat/package.json <<<'{ "name": "chat", "version": "1.0.0", "private": true }'
	vps_write chat/index.js <<-'JS'
		const http = require('http');
		const server = http.createServer((request, response) =>
			response.end(JSON.stringify({ text: 'chat', headers: request.headers }) + '\n'));
		server.on('upgrade', (request, socket) => {
			socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: ' + request.headers.upgrade +
				'\r\nConnection: Upgrade\r\n\r\n');
			socket.on('data', (data) => socket.write('echo of ' + data));
			socket.on('error', () => {});
		});
		server.listen(process.env.PORT, process.env.HOST);
	JS
	vps_push chat
	contains said "success: chat:"
	page_says chat.example text chat
}
ok_when "an application that upgrades connections is deployed" chat_app

upgraded() {
	vps_write client.js <<-'JS'
		const request = require('http').request({ host: '127.0.0.1', port: 80, headers: {
			Host: 'chat.example', Connection: 'Upgrade', Upgrade: 'websocket' } });
		request.on('upgrade', (response, socket) => {
			console.log(response.statusCode, response.headers.upgrade);
			socket.on('data', (data) => { console.log(String(data)); socket.destroy(); });
			socket.write('a frame');
		});
		request.on('response', (response) => { console.log(response.statusCode); process.exit(1); });
		request.setTimeout(10000, () => process.exit(2));
		request.end();
	JS
	machine_as dev node client.js >told
	contains told "101 websocket"
	contains told "echo of a frame"
}
ok_when "an upgrade goes through nginx, in both directions" upgraded

plain() { # a request that upgrades nothing keeps its connection to the application
	page_says chat.example "headers|upgrade" None
	page_says chat.example "headers|connection" None
	vps_page chat.example >/dev/null
	machine_run curl -sS -m 10 -H "Host: chat.example" -H "X-Forwarded-For: 6.6.6.6" \
		-H "X-Forwarded-Proto: https" http://127.0.0.1/ >page
	contains page '"x-forwarded-for":"127.0.0.1"'
	contains page '"x-forwarded-proto":"http"'
}
ok_when "other requests are not upgraded, and nobody makes up who they are" plain

# --- Names

refused_create() { # STATUS TEXT OPTION…: and nothing of it stays
	local wanted=$1 text=$2

	shift 2
	snapshot >before
	status_of machine_run hostkit project create other "$@"
	[ "$(cat status)" = "$wanted" ]
	contains said "$text"
	lacks said "could not be undone"
	snapshot | diff before -
	not machine_run systemctl cat hostkit-other.service
	machine_run nginx -t
	page_says chat.example text chat
}
ok_when "a name that another project has is refused" \
	refused_create 15 "'chat.example' is another site's" --domain chat.example

foreign_name() {
	echo 'server { listen 80; server_name shop.example; return 204; }' |
		machine_run tee /etc/nginx/conf.d/shop.conf >/dev/null
	machine_run nginx -s reload
	refused_create 15 "grep -rlw shop.example /etc/nginx" --domain shop.example
	machine_run rm /etc/nginx/conf.d/shop.conf
	machine_run nginx -s reload
}
ok_when "so is one of a site that is not hostkit's" foreign_name

long=$(printf 'a%.0s' {1..60}).$(printf 'b%.0s' {1..60}).example
ok_when "a name that nginx refuses undoes the project" \
	refused_create 10 "server_names_hash" --domain "$long"
ok_when "also one of a static site" \
	refused_create 10 "server_names_hash" --domain "$long" --runtime static

refused_set() {
	machine_run cat "$ini" "$site" >before
	machine_run stat -c '%a %U:%G' "$ini" >mode
	status_of machine_run hostkit config set chat project.domain "$long"
	[ "$(cat status)" = 10 ]
	contains said "nothing is changed: the site: nginx refuses it"
	machine_run cat "$ini" "$site" | diff before -
	machine_run stat -c '%a %U:%G' "$ini" | diff mode -
	machine_run hostkit project create other --domain other.example >/dev/null
	status_of machine_run hostkit config set other project.domain chat.example
	[ "$(cat status)" = 15 ]
	contains said "nothing is changed: the site: 'chat.example' is another site's"
	[ "$(machine_run sed -n 's/^domain = //p' /etc/hostkit/projects/other.ini)" = other.example ]
	machine_run hostkit project remove other --purge --yes
	page_says chat.example text chat
	machine_run nginx -t
}
ok_when "what nginx refuses is not set either" refused_set

is_not_served() { # HOST
	vps_page "$1" >page
	lacks page '"text":"chat"'
}

moved() {
	machine_run hostkit config set chat project.domain talk.example
	wait_until 10 page_says talk.example text chat
	machine_run hostkit config unset chat project.domain
	not machine_run test -e "$site"
	not machine_run test -L /etc/nginx/sites-enabled/hostkit-chat.conf
	wait_until 10 is_not_served talk.example
	machine_run hostkit config set chat project.domain chat.example
	wait_until 10 page_says chat.example text chat
}
ok_when "a name that is set makes the site, and one that is unset takes it away" moved

port() {
	machine_run hostkit config set chat project.port 3999
	machine_run grep -F 127.0.0.1:3999 "$site"
	machine_run hostkit service restart chat
	wait_until 10 page_says chat.example text chat
}
ok_when "the site follows the port" port

other_port() {
	refused_create 14 "port 3999 is that of the project 'chat'" --port 3999
	machine_run hostkit project create other >/dev/null
	machine_run cat /etc/hostkit/projects/other.ini >before
	status_of machine_run hostkit config set other project.port 3999
	[ "$(cat status)" = 14 ]
	contains said "nothing is changed: port 3999 is that of the project 'chat'"
	machine_run cat /etc/hostkit/projects/other.ini | diff before -
	machine_run hostkit config set chat project.port 3999
	machine_run hostkit project remove other --purge --yes
}
ok_when "a port that another project has is refused" other_port

by_hand() { # as certbot does
	machine_run sed -i 's/client_max_body_size 20m/client_max_body_size 33m/' "$site"
	machine_run hostkit config set chat project.port 3998 >said 2>&1
	contains said "'$site' was changed by hand and is left as it is"
	machine_run grep -F "client_max_body_size 33m" "$site"
	machine_run hostkit config set chat project.port 3999
	status_of machine_run hostkit project apply chat
	[ "$(cat status)" = 0 ]
	machine_run grep -F "client_max_body_size 33m" "$site"
	machine_run hostkit doctor chat >told
	grep -E "^  ok +site +$site, which was changed by hand" told
	machine_run rm "$site"
	status_of machine_run hostkit doctor chat
	grep -E "^  FAIL +site +there is no site '$site'" said
	contains said "hostkit project apply chat"
	machine_run hostkit project apply chat
	machine_run hostkit doctor chat >told
	grep -E "^  ok +site +$site$" told
	machine_run grep -F "client_max_body_size 20m" "$site"
	wait_until 10 page_says chat.example text chat
}
ok_when "a site that was changed by hand stays, until it is removed" by_hand

# --- Static sites

answers_with() { # TEXT HOST
	[ "$(vps_page "$2")" = "$1" ]
}

static_links() {
	vps_project pages --domain pages.example --runtime static >/dev/null
	machine_as dev bash -euc 'cd pages
		echo "<p>home</p>" >index.html
		mkdir -p sub .hidden .well-known
		echo sub >sub/page.html; echo hidden >.hidden/file; echo hidden >sub/.htpasswd
		echo proof >.well-known/proof; echo hidden >.well-known/.env
		ln -s sub/page.html inside.html'
	vps_push pages
	contains said "success: pages:"
	# As a build of theirs could, and what a link out of the tree leads to.
	machine_run sh -euc 'echo secret-text >/srv/secret; chmod 644 /srv/secret
		echo TOKEN=secret-text >/home/pages/.env; chown pages: /home/pages/.env; chmod 644 /home/pages/.env'
	machine_as pages bash -euc 'cd app
		ln -s /srv/secret out.html; ln -s ../../.env env.html; ln -s /etc outside; ln -s ../../ up'
	wait_until 10 answers_with "<p>home</p>" pages.example
	[ "$(vps_page pages.example /sub/page.html)" = sub ]
	[ "$(vps_page pages.example /inside.html)" = sub ]
	[ "$(vps_page pages.example /.well-known/proof)" = proof ]
}
ok_when "a static site is served, with links within it" static_links

not_served() {
	local path status

	for path in /out.html /outside/hostname /outside/passwd /.hidden/file /sub/.htpasswd /.env /.hostkit/ \
		/.git/HEAD /..%2f..%2f.env /up/.env /.well-known/.env; do
		status=$(machine_run curl -s -m 10 -o "$T/page" -w '%{http_code}' --path-as-is \
			-H "Host: pages.example" "http://127.0.0.1$path")
		echo "$path: $status"
		lacks page secret-text
		lacks page hidden
		case $status in
		400 | 403 | 404) ;;
		*) return 1 ;;
		esac
	done
}
ok_when "links to what is not the project's, and dot files, are not" not_served

changed_kind() {
	[ "$(machine_run stat -c '%U:%G %a' /home/pages)" = "pages:www-data 750" ]
	machine_run hostkit config set pages project.runtime node
	[ "$(machine_run stat -c '%U:%G %a' /home/pages)" = "pages:pages 750" ]
	machine_run grep -F proxy_pass /etc/nginx/sites-available/hostkit-pages.conf
	machine_run hostkit config set pages project.runtime static
	[ "$(machine_run stat -c '%U:%G %a' /home/pages)" = "pages:www-data 750" ]
	wait_until 10 answers_with "<p>home</p>" pages.example
}
ok_when "the web server's group comes and goes with the runtime" changed_kind

turns_out() {
	vps_project auto --domain auto.example >/dev/null
	vps_write auto/index.html <<<"<p>static</p>"
	vps_push auto
	contains said "success: auto:"
	contains said "hint: the site of auto.example asks a service, and there is none"
	contains said "hint: as root: hostkit config set auto project.runtime static"
	lacks said "it answers at"
	machine_run hostkit config set auto project.runtime static
	wait_until 10 answers_with "<p>static</p>" auto.example
	vps_push auto
	contains said "hint: it answers at http://auto.example/"
}
ok_when "files under a site that asks a service: the pusher is told what to set" turns_out

machine_stop
done_testing
