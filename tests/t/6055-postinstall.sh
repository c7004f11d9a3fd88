#!/bin/bash
#
# A malicious postinstall, pushed over ssh to a project beside another one: whatever it tries fails,
# and the deployment ends properly.

# shellcheck source=lib.sh
. "$(cd "$(dirname "$0")" && pwd)/lib.sh"
# shellcheck source=deploying.sh
. "$(cd "$(dirname "$0")" && pwd)/deploying.sh"
# shellcheck source=machine.sh
. "$(cd "$(dirname "$0")" && pwd)/machine.sh"
# shellcheck source=vps.sh
. "$(cd "$(dirname "$0")" && pwd)/vps.sh"

test_begin "a malicious postinstall"
not_in_quick_run
plain_build_only
vps_boot

# With something of each kind to be had.
victims() {
	vps_project shop --domain shop.example >/dev/null
	vps_project blog --domain blog.example >/dev/null
	machine_run hostkit config set shop ratelimit.enabled no
	machine_run hostkit config set shop build.memory_max 900M
	machine_run hostkit config set shop build.tasks_max 120
	for name in shop blog; do
		machine_as dev ssh "$name@vps" env set "TOKEN=secret-text-of-$name"
		echo "vault-text-of-$name" | machine_as dev ssh "$name@vps" secrets set KEY --stdin
		vps_app "$name" "of $name"
		vps_push "$name"
		contains said "success: $name:"
	done
	machine_run bash -c 'ls /var/lib/hostkit/shop/vault/* && cat /var/lib/hostkit/*/vault/*' >vault
	[ -s vault ]
}
ok_when "two projects have settings, secrets and a service" victims

# What must be as it was; snapshots of .env are the deployment's own.
state() {
	machine_run bash -c 'for name in shop blog; do
			find "/home/$name/repo.git/hooks" "/home/$name/.ssh" /etc/hostkit /etc/systemd /etc/cron* \
				/etc/polkit-1 "/var/lib/hostkit/$name/vault" \
				! -name "text-env-*" -printf "%p %M %u:%g %l\n" -type f -exec md5sum {} +
		done
		ls -A /home/shop /home/blog
		md5sum /home/shop/.env /home/blog/.env'
	machine_run readlink /home/blog/app
}

attack() {
	vps_write shop/attack.sh <<-'SCRIPT'
		took() { echo "TAKEN: $*"; }
		for file in /home/blog/.env /home/shop/.env /home/blog/app/index.js /var/lib/hostkit/*/vault/* \
			/var/lib/hostkit/shop/vault/key /var/lib/hostkit/shop/vault/secrets \
			/var/lib/hostkit/shop/ledger.db /var/lib/hostkit/blog/ledger.db \
			/etc/hostkit/projects/shop.ini /etc/hostkit/projects/blog.ini /etc/shadow; do
			cat "$file" 2>/dev/null | grep -a . && took read "$file"
		done
		for file in /home/shop/.env /home/shop/repo.git/hooks/post-receive /home/shop/repo.git/hooks/new \
			/home/shop/repo.git/config /etc/hostkit/projects/shop.ini /var/lib/hostkit/shop/ledger.db \
			/home/shop/.ssh/authorized_keys /home/shop/.ssh/rc /home/shop/.profile /home/shop/.gitconfig \
			/home/shop/.npmrc /home/shop/shared/new /home/shop/logs/app.log /home/shop/app/index.js \
			/home/blog/new /etc/cron.d/new /var/spool/cron/crontabs/shop; do
			{ echo x >>"$file"; } 2>/dev/null && took wrote "$file"
		done
		ln -sfn /tmp /home/shop/app 2>/dev/null && took switched app
		mv /home/shop/releases /home/shop/r 2>/dev/null && took moved releases
		mkdir -p /home/shop/.config/systemd/user 2>/dev/null && took made a user unit
		systemctl --no-ask-password stop hostkit-shop.service 2>/dev/null && took stopped
		systemd-run --no-ask-password sleep 4321 2>/dev/null && took ran a unit
		systemd-run --user sleep 4321 2>/dev/null && took ran a user unit
		kill -9 $(pgrep -u shop -f 'node index.js') 2>/dev/null && took killed the service
		sudo -n id 2>/dev/null && took root
		setsid sh -c 'trap "" TERM HUP; sleep 4321' >/dev/null 2>&1 &
		(setsid nohup sleep 4322 >/dev/null 2>&1 &)
		head -c 3G /dev/zero 2>/dev/null | tail -c 3G 2>/dev/null | wc -c | grep 3221225472 && took memory
		(for i in $(seq 400); do sleep 4323 & done) 2>/dev/null && took processes
		echo "the attack is over"
		exit 0
	SCRIPT
	vps_write shop/package.json <<-'JSON'
		{ "name": "shop", "version": "2.0.0", "private": true,
		  "scripts": { "postinstall": "sh attack.sh", "start": "node index.js" } }
	JSON
	machine_as dev bash -c 'echo "foreground-scripts=true" >shop/.npmrc'
	state >before
	vps_push shop
	contains said "the attack is over"
	lacks said TAKEN
	lacks said secret-text
	lacks said vault-text
}
ok_when "reading, planting, stopping and filling up all fail" attack

ended() {
	vps_expect shop running=null
	page_says blog.example text "of blog"
	page_says shop.example text "of shop"
	wait_until 10 nothing_planted
	state >after
	diff before after
}
nothing_planted() {
	not machine_run pgrep -f 'sleep 432[123]'
}
ok_when "nothing of it is left, and both services are up" ended

goes_on() { # the fork bomb may have failed the install; without it the push is an ordinary one
	machine_as dev bash -c 'cd shop && grep -v -e "seq 400" -e "head -c 3G" attack.sh >a && mv a attack.sh'
	vps_push shop
	contains said "the attack is over"
	lacks said TAKEN
	contains said "success: shop:"
	wait_until 10 nothing_planted
	page_says shop.example text "of shop"
	page_says blog.example text "of blog"
}
ok_when "and what ends well deploys" goes_on

machine_stop
done_testing
