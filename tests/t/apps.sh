# shellcheck shell=bash
#
# Small applications to push, for tests that have sourced lib.sh and deploying.sh. The functions
# that write one take a folder that exists, and may be called again to change it:
#
#	node_app FOLDER VERSION FILE	FILE is a server without dependencies
#	express_app FOLDER		a server with dependencies from the registry, no lockfile
#	next_app FOLDER			Next.js, standalone
#	python_app FOLDER FILE		FILE is a server of the standard library
#	static_site FOLDER TEXT
#
# All but the last answer health checks at /api/health, and "/" with something to tell them by:
#
#	serves NAME TEXT [PATH]		project NAME answers PATH (/) with exactly TEXT

npm_cache=

# Skips the test where npm cannot get packages. Test runs of builds below build/ share their cache.
require_registry() {
	local top=${HK_TOP_SRCDIR:-}

	case ${HK_TOP_BUILDDIR:-} in
	"${top:-none}"/build/*) npm_cache=$top/build/npm-cache ;;
	*) npm_cache=$T/npm-cache ;;
	esac
	mkdir -p "$npm_cache"
	timeout 60 npm view --cache "$npm_cache" is-number version >/dev/null ||
		skip_all "the npm registry is not reachable"
}

# Lets the installs of project NAME use the cache too.
share_npm_cache() {
	local cache=$HOSTKIT_ROOT/var/lib/hostkit/$1/cache/npm

	[ ! -L "$cache" ] || return 0
	mkdir -p "${cache%/*}"
	rm -rf "$cache"
	ln -s "$npm_cache" "$cache"
}

write_lockfile() {
	(cd "$1" && npm install --package-lock-only --no-audit --no-fund --cache "$npm_cache")
}

serves() {
	local body

	body=$(curl -fsS "$(url_of "$1")${3:-/}")
	[ "$body" = "$2" ] && return 0
	echo "'$1' answers '$body', not '$2'" >&2
	return 1
}

node_app() {
	echo "$2" >"$1/version"
	cat >"$1/$3" <<-'JS'
		const fs = require('fs');
		require('http').createServer((req, res) => {
		  if (req.url === '/api/health') return res.end('ok\n');
		  res.end(fs.readFileSync(__dirname + '/version', 'utf8'));
		}).listen(process.env.PORT, process.env.HOST);
	JS
}

express_app() {
	cat >"$1/package.json" <<-'JSON'
		{ "name": "web", "private": true,
		  "scripts": { "start": "node server.js" },
		  "dependencies": { "express": "4.21.2" },
		  "devDependencies": { "is-number": "7.0.0" } }
	JSON
	cat >"$1/server.js" <<-'JS'
		const app = require('express')();
		app.get('/api/health', (req, res) => res.send('ok'));
		app.get('/', (req, res) => res.send('Hello from Express'));
		app.listen(process.env.PORT, process.env.HOST);
	JS
	echo node_modules >"$1/.gitignore"
}

next_app() { # a page, a health route, a public file
	mkdir -p "$1"/{app/api/health,public}
	cat >"$1/package.json" <<-'JSON'
		{ "name": "web", "private": true,
		  "scripts": { "build": "next build", "start": "next start" },
		  "dependencies": { "next": "15.5.4", "react": "19.1.1", "react-dom": "19.1.1" } }
	JSON
	echo "module.exports = { output: 'standalone' };" >"$1/next.config.js"
	cat >"$1/app/layout.js" <<-'JS'
		export default function Layout({ children }) {
		  return <html lang="en"><body>{children}</body></html>;
		}
	JS
	cat >"$1/app/page.js" <<-'JS'
		export default function Page() {
		  return <main>Hello from Next</main>;
		}
	JS
	cat >"$1/app/api/health/route.js" <<-'JS'
		export async function GET() {
		  return Response.json({ status: 'ok' });
		}
	JS
	echo "public file" >"$1/public/hello.txt"
	printf 'node_modules\n.next\n' >"$1/.gitignore"
}

python_app() { # "/" tells the environment that runs it
	cat >"$1/$2" <<-'PY'
		import http.server, os, sys

		class Handler(http.server.BaseHTTPRequestHandler):
		    def do_GET(self):
		        self.send_response(200)
		        self.end_headers()
		        self.wfile.write(sys.prefix.encode())

		address = os.environ["HOST"], int(os.environ["PORT"])
		http.server.HTTPServer(address, Handler).serve_forever()
	PY
}

static_site() {
	mkdir -p "$1/css"
	echo "<h1>$2</h1>" >"$1/index.html"
	echo 'h1 { color: green }' >"$1/css/site.css"
}
