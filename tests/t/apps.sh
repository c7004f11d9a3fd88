# shellcheck shell=bash
#
# Small applications to push, for tests that have sourced lib.sh and deploying.sh.

# Skips the test where npm cannot get packages; else lets project NAME use a cache that is kept
# between tests.
use_registry() {
	local name=$1 shared=${HK_TOP_BUILDDIR:?}/../npm-cache

	timeout 60 npm view is-number version >/dev/null || skip_all "the npm registry is not reachable"
	mkdir -p "$shared"
	rm -rf "$HOSTKIT_ROOT/var/lib/hostkit/$name/cache/npm"
	ln -s "$(realpath "$shared")" "$HOSTKIT_ROOT/var/lib/hostkit/$name/cache/npm"
}

node_server() { # FILE: answers with the file "version", and with ok to health checks
	cat >"$1" <<-'JS'
		const fs = require('fs');
		require('http').createServer((req, res) => {
		  if (req.url === '/api/health') return res.end('ok\n');
		  res.end(fs.readFileSync(__dirname + '/version', 'utf8'));
		}).listen(process.env.PORT, process.env.HOST);
	JS
}

next_app() { # FOLDER: a Next.js app with a page, a health route and a public file
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
