#!/bin/bash
#
# PostgreSQL as Debian has it, beside projects on a VPS: the project's user is a role of the same name,
# without a password. The service, a hook before activation, checkpoints and full rollbacks use it.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "PostgreSQL on a VPS"
not_in_quick_run
plain_build_only
[ -x /usr/bin/pg_createcluster ] || skip_all "there is no PostgreSQL server as Debian has it"
vps_boot
version=$(find /usr/lib/postgresql -maxdepth 1 -mindepth 1 -printf '%f\n' | sort -V | tail -n 1)

start_server() {
	machine_run systemctl start "postgresql@$version-main.service"
}

# As its installation makes it; the one that is seen here may be running, outside.
machine_run rm -rf "/etc/postgresql/$version" "/var/lib/postgresql/$version"
machine_run pg_createcluster "$version" main >/dev/null
start_server

as_postgres() {
	machine_run runuser -u postgres -- "$@"
}

over_ssh() {
	machine_as dev ssh shop@vps "$@"
}

sql() { # QUERY
	as_postgres psql -XqAt -d shop -c "$1"
}

# The page tells how many orders there are, as the service finds them.
app() { # TEXT
	vps_write shop/app.py <<-PY
		import os, subprocess
		from http.server import BaseHTTPRequestHandler, HTTPServer

		class Handler(BaseHTTPRequestHandler):
		    def do_GET(self):
		        told = subprocess.run(['psql', '-XqAt', os.environ['DATABASE_URL'], '-c',
		                               'SELECT count(*) FROM orders'], text=True,
		                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
		        self.send_response(200 if told.returncode == 0 else 500)
		        self.end_headers()
		        self.wfile.write(('{"text": "$1", "orders": "%s"}\n' % told.stdout.strip()).encode())
		    def log_message(self, *a):
		        pass

		HTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler).serve_forever()
	PY
}

migration() { # SQL: what the hook of the next deployment does
	vps_write shop/migrate.sql <<<"$1"
}

deployed() {
	vps_project shop --domain shop.example --runtime python
	as_postgres createuser --createdb shop
	as_postgres createdb --owner shop shop
	machine_run hostkit config set shop database.kind postgresql
	machine_run hostkit config set shop service.start "python3 app.py"
	machine_run hostkit config set shop install.enabled no
	# shellcheck disable=SC2016 # a variable of the project's
	machine_run hostkit config set shop hooks.pre_activate \
		'sh: psql -Xq -v ON_ERROR_STOP=1 "$DATABASE_URL" -f migrate.sql'
	machine_run hostkit ratelimit disable shop
	over_ssh env set "DATABASE_URL=postgresql:///shop?host=/run/postgresql"
	app one
	migration "CREATE TABLE orders (n integer)"
	vps_push shop
	contains said "success: shop:"
	grep -E "snapshot +ok .*checkpoint 1, " said
	page_says shop.example orders 0
}
ok_when "role, database, hook and service, as the project's user, without a password" deployed

kept() { # what was written before the next deployment, and only for the project
	sql "INSERT INTO orders SELECT generate_series(1, 10)"
	app two
	migration "ALTER TABLE orders ADD COLUMN since date; DELETE FROM orders WHERE n > 3"
	vps_push shop
	contains said "success: shop:"
	page_says shop.example orders 3
	machine_run hostkit project create neighbour >/dev/null
	not machine_as neighbour cat /var/lib/hostkit/shop/checkpoints/2.dump
}
ok_when "a migration that deletes too much is deployed, with a checkpoint before" kept

full() {
	over_ssh rollback --full --dry-run >out
	contains out "no variable has changed since"
	contains out ", into shop at /run/postgresql"
	over_ssh rollback --full --yes >out
	contains out "database and .env, before deployment 2"
	page_says shop.example text one
	page_says shop.example orders 10
	[ "$(sql "SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'")" = 1 ]
	[ "$(as_postgres psql -XqAt -c "SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database")" = \
		postgres,shop,template0,template1 ]
}
ok_when "rollback --full over ssh has it back, while the service is connected" full

by_root() {
	machine_run hostkit checkpoint create shop --label "by root"
	sql "DROP TABLE orders"
	page_says shop.example orders 10 && return 1
	machine_run hostkit checkpoint restore shop "$(machine_run hostkit --json checkpoint list shop |
		python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["checkpoints"][0]["id"])')" --yes
	page_says shop.example orders 10
	[ "$(sql "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'shop'")" = shop ]
	[ "$(machine_run find /var/lib/hostkit/shop ! -user shop)" = "" ]
}
ok_when "root makes and restores checkpoints as the project's user" by_root

doctor() {
	machine_as shop hostkit doctor shop >out || true
	grep -E "^  ok +database +postgresql: 'shop' of a server of version $version, and its programs" out
	machine_run hostkit doctor shop >out || true
	not grep -E "^  (warn|FAIL) +database" out
}
ok_when "doctor is content with it" doctor

power_cut() { # POINT TEXT ORDERS
	app three
	migration "DELETE FROM orders"
	vps_push shop
	contains said "success: shop:"
	machine_run env "HOSTKIT_FAILPOINT=$1:kill" hostkit rollback shop --full --yes >out 2>&1 || true
	machine_reboot
	machine_run systemctl start ssh.service nginx.service
	# The recovery at the start of the machine came before the server, and waits for it.
	machine_run hostkit recover >out 2>&1
	start_server
	machine_run hostkit recover >>out 2>&1
	vps_expect shop last.status=interrupted running=null
	wait_until 20 page_says shop.example text "$2"
	wait_until 20 page_says shop.example orders "$3"
	[ "$(as_postgres psql -XqAt -c "SELECT count(*) FROM pg_database WHERE datname LIKE 'shop%'")" = 1 ]
	sql "DELETE FROM orders"
	sql "INSERT INTO orders SELECT generate_series(1, 10)"
}
if grep -q HOSTKIT_FAILPOINT "$HK_LIBEXECDIR/hostkit-worker"; then
	ok_when "a power cut before the databases change places: nothing has happened" \
		power_cut restore_stopped three 0
	ok_when "one behind that: all of it has" power_cut restore_swapped three 10
else
	skip "a power cut in a full rollback" "built without --enable-failpoints"
fi

done_testing
