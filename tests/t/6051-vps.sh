#!/bin/bash
#
# A VPS from nothing to a site that is pushed to: two projects, their users, sshd, systemd, nginx.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "a VPS with two projects"
not_in_quick_run
plain_build_only
vps_boot
machine_run bash -c 'find /etc /home /var/lib /usr/local -xdev | sort' >before
machine_run bash -c 'cat /etc/passwd /etc/group /etc/shadow' >accounts

created() {
	vps_project shop --domain shop.example >created.shop
	vps_project blog --domain blog.example >created.blog
	contains created.shop "ssh://shop@vps/home/shop/repo.git"
	[ "$(machine_run stat -c '%U:%a' /home/shop)" = shop:750 ]
}
ok_when "two projects are created, and the developer's key is added to both" created

first_push() {
	vps_app shop "the shop"
	vps_push shop
	contains said "success: shop:"
	vps_expect shop last.status=succeeded last.pusher=ann@laptop
	page_says shop.example text "the shop"
	page_says shop.example user shop
}
ok_when "a push over ssh deploys, and nginx serves it, by the project's user" first_push

says_who() {
	local print

	print=$(machine_as dev ssh-keygen -lf .ssh/id_ed25519.pub | cut -d' ' -f2)
	contains said "ann@laptop"
	vps_expect shop "last.key=$print"
	machine_run hostkit deploy history shop >told
	contains told ann@laptop
}
ok_when "who pushed is told and on record, with the key" says_who

headers() {
	page_says shop.example "headers|x-forwarded-proto" http
	page_says shop.example "headers|x-forwarded-host" shop.example
	page_says shop.example "headers|host" shop.example
	page_says shop.example "headers|x-forwarded-for" 127.0.0.1
}
ok_when "the application is told whom nginx asks for" headers

second_project() {
	vps_app blog "the blog"
	vps_push blog
	page_says blog.example text "the blog"
	page_says blog.example user blog
	page_says shop.example text "the shop"
}
ok_when "the second project is served beside the first" second_project

over_ssh() {
	machine_as dev ssh shop@vps deploy status >told
	contains told "live"
	machine_as dev ssh shop@vps env set COLOR=green
	machine_as dev ssh shop@vps service restart
	wait_until 10 page_says shop.example "env|COLOR" green
	not machine_as dev ssh shop@vps deploy status blog
	not machine_as dev ssh shop@vps id
	not machine_as dev ssh shop@vps
}
ok_when "the developer's commands go over ssh, to the own project only" over_ssh

other_repository() {
	not machine_as dev git ls-remote ssh://shop@vps/home/blog/repo.git
	machine_as dev git ls-remote ssh://shop@vps/home/shop/repo.git
}
ok_when "one project's key and user do not reach the other's repository" other_repository

isolated() { # FROM TO: what the application of one may do to the other
	local path

	machine_run bash -c "echo TOKEN=of-$2 >/home/$2/.env && chown $2: /home/$2/.env && chmod 600 /home/$2/.env"
	for path in "/home/$2/.env" "/home/$2/app/index.js" "/home/$2/repo.git/HEAD" \
		"/var/lib/hostkit/$2/ledger.db" "/etc/hostkit/projects/$2.ini" \
		"/var/lib/hostkit/$1/ledger.db"; do
		vps_page "$1.example" "/read?$path" >page
		not grep -E '"tried":\{"[^"]*":"[^"]{8,}"\}' page
	done
	for path in "/home/$2/x" "/home/$2/app/index.js" "/home/$1/x" "/home/$1/app/x" "/home/$1/repo.git/hooks/x" \
		"/home/$1/releases/x" "/etc/hostkit/projects/$1.ini" "/var/lib/hostkit/$1/x" /etc/x; do
		vps_page "$1.example" "/try?$path" >page
		lacks page '"written"'
	done
	not machine_as "$1" cat "/home/$2/.env"
	not machine_as "$1" cat "/etc/hostkit/projects/$2.ini"
	not machine_as "$1" ls "/home/$2" "/var/lib/hostkit/$2"
	not machine_as "$1" systemctl --no-ask-password restart "hostkit-$2.service"
	not machine_as "$1" systemctl --no-ask-password daemon-reload
	not machine_as "$1" systemctl --no-ask-password set-property "hostkit-$1.service" MemoryMax=1G
	machine_as "$1" systemctl --no-ask-password restart "hostkit-$1.service"
	not machine_as "$1" hostkit deploy status "$2"
}
ok_when "the one project cannot touch the other" isolated shop blog
ok_when "nor the other way round" isolated blog shop

may_write() {
	machine_run bash -c 'install -d -o shop -g shop /home/shop/shared/up'
	wait_until 10 page_says shop.example text "the shop"
	vps_page shop.example "/try?/home/shop/shared/up/a,/home/shop/logs/b,/tmp/c" >page
	contains page '"/home/shop/shared/up/a":"written"'
	contains page '"/home/shop/logs/b":"written"'
	contains page '"/tmp/c":"written"'
	not machine_run ls /tmp/c
}
ok_when "an application writes to shared, logs and a tmp of its own" may_write

linked_env() {
	# What root would read for the service must not be what the project's user points it to.
	machine_as blog bash -c 'mv .env .env.old && ln -s /home/shop/.env .env'
	not machine_as blog systemctl --no-ask-password restart hostkit-blog.service || true
	wait_until 10 machine_run bash -c '! systemctl show -p Environment hostkit-blog | grep of-shop'
	vps_page blog.example >page || true
	lacks page of-shop
	machine_as blog bash -c 'rm .env && mv .env.old .env'
	machine_as blog systemctl --no-ask-password restart hostkit-blog.service
	wait_until 10 page_says blog.example "env|TOKEN" of-blog
}
ok_when "a link in the place of .env does not give the service another's secrets" linked_env

failed_start() {
	vps_write shop/index.js <<-'JS'
		console.error('no such thing as a database'); process.exit(7);
	JS
	vps_push shop
	contains said "error: shop: restart:"
	contains said "no such thing as a database"
	vps_expect shop last.status=failed
}
ok_when "a start that fails is told, with what the application said" failed_start

crash_loop() {
	vps_write shop/index.js <<-'JS'
		setTimeout(() => { console.error('giving up'); process.exit(9); }, 400);
	JS
	vps_push shop
	contains said "error: shop:"
	vps_expect shop last.status=failed
}
ok_when "so is one that ends and is started again and again" crash_loop

rolled_back() {
	machine_as dev ssh shop@vps rollback >said
	contains said "success: shop:"
	page_says shop.example text "the shop"
}
ok_when "a rollback brings back what was well" rolled_back

changed_start() {
	vps_app shop "another start"
	machine_as dev bash -c 'cd shop && git mv -f index.js other.js'
	vps_write shop/package.json <<-'JSON'
		{ "name": "shop", "version": "2.0.0", "private": true, "scripts": { "start": "node other.js" } }
	JSON
	vps_push shop
	contains said "success: shop:"
	page_says shop.example text "another start"
}
ok_when "a changed start command reaches the unit without root" changed_start

reboots() {
	machine_reboot
	machine_run systemctl start ssh.service nginx.service
	wait_until 20 page_says shop.example text "another start"
	wait_until 20 page_says blog.example text "the blog"
}
ok_when "after a power cut both are served again" reboots

interrupted() {
	vps_write shop/package.json <<-'JSON'
		{ "name": "shop", "version": "3.0.0", "private": true,
		  "scripts": { "build": "sleep 1000", "start": "node other.js" } }
	JSON
	machine_as dev git -C shop commit -qam "a long build"
	machine_as dev git -C shop push hostkit HEAD:refs/heads/main >push.log 2>&1 &
	wait_until 30 grep -F 'npm run build' push.log
	machine_reboot
	machine_run systemctl start ssh.service nginx.service
	machine_run hostkit recover
	vps_expect shop last.status=interrupted running=null
	wait_until 20 page_says shop.example text "another start"
	[ "$(machine_run find /home/shop /var/lib/hostkit/shop -user root ! -path '*/.ssh*')" = "" ]
}
ok_when "a deployment that a power cut interrupts is ended on record, and the old release serves" interrupted

static_site() {
	vps_project pages --domain pages.example --runtime static >/dev/null
	vps_write pages/index.html <<<"<p>static</p>"
	vps_write pages/.secret <<<"hidden"
	vps_push pages
	contains said "success: pages:"
	[ "$(vps_page pages.example)" = "<p>static</p>" ]
	not machine_run curl -sSf -H "Host: pages.example" http://127.0.0.1/.secret
	[ "$(machine_run stat -c '%a' /home/pages)" = 750 ]
	not machine_as shop ls /home/pages
}
ok_when "a static project is served by nginx itself" static_site

refused_nginx() {
	machine_run bash -c 'mkdir -p /etc/hostkit/templates && echo "server { nonsense on; }" >/etc/hostkit/templates/nginx-proxy.conf'
	machine_run bash -c 'cat /etc/nginx/sites-available/hostkit-blog.conf' >site.before
	not machine_run hostkit project apply blog
	machine_run bash -c 'cat /etc/nginx/sites-available/hostkit-blog.conf' >site.after
	cmp site.before site.after
	machine_run nginx -t
	page_says blog.example text "the blog"
	machine_run rm /etc/hostkit/templates/nginx-proxy.conf
	machine_run hostkit project apply blog
}
ok_when "a site that nginx refuses leaves the old one in place" refused_nginx

removed() {
	machine_run hostkit project remove shop --purge --yes
	machine_run hostkit project remove blog --purge --yes
	machine_run hostkit project remove pages --purge --yes
	machine_run bash -c 'find /etc /home /var/lib /usr/local -xdev | sort' >after
	machine_run bash -c 'cat /etc/passwd /etc/group /etc/shadow' >accounts.after
	diff accounts accounts.after
	# What a running machine writes for itself, and the folders of hostkit.
	diff before after | grep '^[<>]' | grep -vE '/home/dev/|/var/lib/(systemd|private|dbus|nginx|polkit)|/etc/hostkit$|/etc/hostkit/(projects|templates|lock)$|/var/lib/hostkit$|/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$' >left || true
	[ ! -s left ] || { cat left >&2; return 1; }
	not machine_run systemctl cat hostkit-shop.service
}
ok_when "removing them leaves nothing" removed

machine_stop
done_testing
