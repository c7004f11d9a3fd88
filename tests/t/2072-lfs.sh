#!/bin/bash
#
# [checkout] lfs: pointer files are refused without it; with it, git-lfs fetches what they stand for,
# from a server that the commit's .lfsconfig or the administrator names.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"

test_begin "Git LFS"
new_project site
name=site
app=$(home_of $name)/app

pointer() {
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 3\n' "$1"
}

refused() { # CODE MESSAGE HINT
	expect "$name" last.status=failed "last.error.code=$1" "last.error.message~$2" \
		"last.error.hint~$3"
	still_live "$name"
	no_staging "$name"
}

declined() { # MESSAGE HINT: before git has moved a ref
	contains "$T/said" "$1"
	contains "$T/said" "$2"
	contains "$T/said" "(pre-receive hook declined)"
	still_live site
}

# Commits files as they are, whatever filters are configured on this machine.
push_raw() {
	git -C "$T/site" -c filter.lfs.clean=cat -c filter.lfs.process= \
		-c filter.lfs.required=false add -A
	git -C "$T/site" commit -qm "a change"
	git -C "$T/site" push --no-verify hostkit HEAD:refs/heads/main 2>&1 | as_seen |
		tee "$T/said"
}

echo home >"$T/site/index.html"
configure site service.driver=none
push site
remember_live site

# --- Without git-lfs

refuse_pointers() {
	echo '*.bin filter=lfs diff=lfs merge=lfs -text' >"$T/site/.gitattributes"
	mkdir "$T/site/media"
	for i in 1 2 3 4 5; do pointer "$i" >"$T/site/media/$i.bin"; done
	not push_raw
	declined "error: 'media/1.bin', 'media/2.bin', 'media/3.bin' and 2 more are" \
		"set [checkout] lfs = yes in $HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
}
ok_when "pointer files are refused without the option, the first ones by name" refuse_pointers

not_installed() {
	local program

	# A PATH with all that git needs, and no git-lfs.
	mkdir "$T/no-lfs"
	for program in git sh; do ln -s "$(command -v "$program")" "$T/no-lfs/"; done
	printf '[project]\nport = %s\npath = %s\n[service]\ndriver = none\n[checkout]\nlfs = yes\n' \
		"$(cat "$T/site.port")" "$T/no-lfs" >"$HOSTKIT_ROOT/etc/hostkit/projects/site.ini"
	push_ref site HEAD:refs/deploy/now
	refused COMMAND_NOT_FOUND "git-lfs is not installed" "apt-get install git-lfs"
}
ok_when "with the option, but without the program, the package is named" not_installed

exempt() {
	# Rules that apply to it and do not ask for LFS: a sample, a file like others.
	configure site service.driver=none
	git -C "$T/site" rm -rq --cached media
	rm -r "$T/site/media"
	pointer 1 >"$T/site/sample.txt"
	push_raw
	expect site last.status=succeeded
	diff "$T/site/sample.txt" "$app/sample.txt"
	remember_live site
}
ok_when "a file that looks like one, but is under other rules, is a file" exempt

lost_rules() {
	git -C "$T/site" rm -q --cached .gitattributes
	rm "$T/site/.gitattributes"
	not push_raw
	declined "error: 'sample.txt' is a Git LFS pointer" ""
}
ok_when "where there are no rules at all, the content decides" lost_rules

large_or_odd() {
	rm "$T/site/sample.txt"
	{ pointer 1; head -c 1000 /dev/zero | tr '\0' x; } >"$T/site/long.txt"
	printf 'version https://git-lfs.github.com/spec/v1\nno oid\n' >"$T/site/no-oid.txt"
	printf ' %s' "$(pointer 1)" >"$T/site/indented.txt"
	push_raw
	expect site last.status=succeeded
	rm "$T/site"/{long,no-oid,indented}.txt
	remember_live site
}
ok_when "what git-lfs would not take for a pointer is none" large_or_odd

# --- With git-lfs

if ! command -v git-lfs >/dev/null; then
	skip "files are fetched" "git-lfs is not installed"
	done_testing
fi

# A server of the LFS batch API, as docs/api/batch.md of git-lfs has it, over the objects of a folder.
lfs_server=$(
	cat <<-'PYTHON'
		import http.server, json, os, sys
		port, store = int(sys.argv[1]), sys.argv[2]

		class Handler(http.server.BaseHTTPRequestHandler):
		    def answer(self, status, kind, body):
		        self.send_response(status)
		        self.send_header("Content-Type", kind)
		        self.send_header("Content-Length", str(len(body)))
		        self.end_headers()
		        self.wfile.write(body)

		    def file(self, oid):
		        return os.path.join(store, os.path.basename(oid))

		    def do_POST(self):
		        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
		        found = []
		        for o in asked["objects"]:
		            href = f"http://127.0.0.1:{port}/objects/{o['oid']}"
		            what = "upload" if asked["operation"] == "upload" else "download"
		            if what == "download" and not os.path.exists(self.file(o["oid"])):
		                found.append(dict(o, error={"code": 404, "message": "no such object"}))
		            else:
		                found.append(dict(o, authenticated=True, actions={what: {"href": href}}))
		        body = json.dumps({"transfer": "basic", "objects": found}).encode()
		        self.answer(200, "application/vnd.git-lfs+json", body)

		    def do_PUT(self):
		        with open(self.file(self.path), "wb") as f:
		            f.write(self.rfile.read(int(self.headers["Content-Length"])))
		        self.answer(200, "text/plain", b"")

		    def do_GET(self):
		        with open(self.file(self.path), "rb") as f:
		            self.answer(200, "application/octet-stream", f.read())

		http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
	PYTHON
)
port=$(free_port)
mkdir store
python3 -c "$lfs_server" "$port" "$T/store" 3>&- >server.log 2>&1 &
wait_until 10 not port_is_free "$port"
# Another project: git lfs push wants the objects of all pointers in the history.
new_project shop
name=shop
app=$(home_of $name)/app
bare=$(home_of $name)/repo.git
git -C "$T/shop" lfs install --local --skip-repo
echo shop >"$T/shop/index.html"

fetch_files() {
	cd "$T/shop"
	mkdir -p media apps/web
	git lfs track '*.bin'
	head -c 300000 /dev/urandom >media/large.bin
	echo small >apps/web/small.bin
	echo web >apps/web/index.html
	printf '[lfs]\n\turl = http://127.0.0.1:%s/\n' "$port" >.lfsconfig
	git add -A
	git commit -qm "large files"
	git lfs push "http://127.0.0.1:$port/" main
	[ "$(find "$T/store" -type f | wc -l)" -eq 2 ]
	configure shop service.driver=none checkout.lfs=yes
	git push -q --no-verify hostkit HEAD:refs/heads/main 2>&1 | as_seen | tee "$T/said"
	expect shop last.status=succeeded
	cmp media/large.bin "$app/media/large.bin"
	[ "$(cat "$app/apps/web/small.bin")" = small ]
	remember_live shop
}
ok_when "files are fetched from the server that .lfsconfig names" fetch_files

no_hooks() {
	(cd "$bare/hooks" && find . ! -type d ! -name '*.sample') | sort >hooks
	lacks hooks post-checkout
	lacks hooks pre-push
	contains hooks post-receive
}
ok_when "git-lfs leaves none of its hooks in the repository" no_hooks

part_of_it() {
	configure shop service.driver=none checkout.lfs=yes deploy.subdirectory=apps/web
	rm -rf "$bare/lfs"
	push_ref shop HEAD:refs/deploy/now
	expect shop last.status=succeeded
	[ "$(cat "$app/small.bin")" = small ]
	[ "$(find "$app/" -type f | wc -l)" -eq 2 ]
	[ "$(find "$bare/lfs/objects" -type f | wc -l)" -eq 1 ]
	configure shop service.driver=none checkout.lfs=yes
	remember_live shop
}
ok_when "of a subdirectory only its own files are fetched" part_of_it

missing_object() {
	cd "$T/shop"
	echo another >media/lost.bin
	git add -A
	git commit -qm "not uploaded"
	git push -q --no-verify hostkit HEAD:refs/heads/main 2>&1 | as_seen | tee "$T/said"
	refused COMMAND_FAILED "Error downloading object: media/lost.bin" "git lfs push"
}
ok_when "an object that the server does not have is named" missing_object

uploaded_then() {
	cd "$T/shop"
	git lfs push "http://127.0.0.1:$port/" main
	push_ref shop HEAD:refs/deploy/now
	expect shop last.status=succeeded
	[ "$(cat "$app/media/lost.bin")" = another ]
	remember_live shop
}
ok_when "once it is uploaded, the same commit deploys" uploaded_then

left_as_pointer() {
	cd "$T/shop"
	printf '\tfetchexclude = media\n' >>.lfsconfig
	git commit -qam "exclude media"
	rm -rf "$bare/lfs"
	push_ref shop HEAD:refs/heads/main
	refused TREE_REFUSED "'media/large.bin' is still a Git LFS pointer" "lfs.fetchexclude"
}
ok_when "a pointer that git-lfs leaves is an error, not a release" left_as_pointer

no_rule() {
	cd "$T/shop"
	git rm -q .gitattributes
	git commit -qm "no rules"
	push_ref shop HEAD:refs/heads/main
	refused TREE_REFUSED "'apps/web/small.bin' is still a Git LFS pointer" "say filter=lfs for it"
}
ok_when "so is one that no rule names" no_rule

# git-lfs's own transfer by files: what the administrator sets wins over .lfsconfig.
by_file() {
	git init -q --bare "$T/origin.git"
	cd "$T/shop"
	git rm -q --cached .lfsconfig
	rm .lfsconfig
	git lfs track '*.bin'
	echo "by file" >file.bin
	git add -A
	git commit -qm "by file"
	git remote add origin "file://$T/origin.git"
	git lfs push origin main
	rm -rf "$bare/lfs"
	push_ref shop HEAD:refs/heads/main
	refused COMMAND_FAILED "git checkout-index: " "lfs.url"
	git -C "$bare" config remote.origin.url "file://$T/origin.git"
	push_ref shop HEAD:refs/deploy/now
	expect shop last.status=succeeded
	[ "$(cat "$app/file.bin")" = "by file" ]
	remember_live shop
}
ok_when "a repository of this machine serves, where the administrator names it" by_file

in_submodule() {
	git init -q --bare "$T/theme.git"
	git init -q "$T/theme"
	cd "$T/theme"
	git lfs install --local --skip-repo
	git lfs track '*.bin'
	echo theme >theme.bin
	git add -A
	git commit -qm "a theme"
	git remote add origin "file://$T/theme.git"
	git lfs push origin main
	git push -q --no-verify origin main
	cd "$T/shop"
	git config -f .gitmodules submodule.theme.path theme
	git config -f .gitmodules submodule.theme.url "file://$T/theme.git"
	git update-index --add --cacheinfo "160000,$(git -C "$T/theme" rev-parse HEAD),theme"
	git add .gitmodules
	git commit -qm "a submodule"
	git -C "$bare" config protocol.file.allow always
	configure shop service.driver=none checkout.lfs=yes checkout.submodules=recursive
	push_ref shop HEAD:refs/heads/main
	expect shop last.status=succeeded
	[ "$(cat "$app/theme/theme.bin")" = theme ]
}
ok_when "files in a submodule come from the submodule's server" in_submodule

no_answer() {
	cd "$T/shop"
	git rm -q --cached .gitmodules theme
	rm -f .gitmodules
	remember_live shop
	git -C "$bare" config --unset remote.origin.url
	printf '[lfs]\n\turl = http://127.0.0.1:%s/\n' "$(free_port)" >.lfsconfig
	echo "no answer" >none.bin
	git add -A
	git commit -qm "no answer"
	configure shop service.driver=none checkout.lfs=yes checkout.timeout=20s
	git push -q --no-verify hostkit HEAD:refs/heads/main 2>&1 | as_seen | tee "$T/said"
	refused COMMAND_FAILED "none.bin" ""
}
ok_when "a server that is not there is an error" no_answer

done_testing
