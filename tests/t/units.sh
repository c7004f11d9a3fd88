# shellcheck shell=bash
#
# Projects under / in a machine of the test's own, for tests that have sourced lib.sh, deploying.sh and
# machine.sh:
#
#	add_project shop 3001	its user, folders, unit and polkit rule
#	set_up shop service.timeout=2s	all of its settings, but [project] port
#	push_as shop		commits what is in $T/src/shop and pushes it as the project's user; what
#				the client was told is in $T/said
#	inside COMMAND…		in the machine, as root; hk COMMAND… is hostkit, as the project's user
#	expect_of shop last.status=failed …	as expect of deploying.sh

template=

# The template for projects that are made from here on.
use_template() {
	template=$1
}

inside() {
	machine_run "$@"
}

add_project() {
	local name=$1 port=$2

	echo "$port" >"$T/$name.port"
	inside bash -euc '
		name=$1
		useradd --system --no-create-home --home-dir "/home/$name" --shell /bin/sh \
			--comment "hostkit project $name" --user-group "$name"
		usermod --password "*" "$name"
		install -d -m 755 /etc/hostkit
		install -d -m 711 /etc/hostkit/projects /var/lib/hostkit
		# Its repository and ledger as in a private root, put to where they belong.
		install -d -o "$name" -g "$name" "/srv/$name"
		setpriv --reuid "$name" --regid "$name" --clear-groups -- env -i PATH="$PATH" HOME="/srv/$name" \
			hostkit --root "/srv/$name" project create "$name" --port "$2" >/dev/null
		mv "/srv/$name/home/$name" /home/
		mv "/srv/$name/var/lib/hostkit/$name" /var/lib/hostkit/
		chmod 750 "/home/$name" "/var/lib/hostkit/$name"
		rm -r "/srv/$name"' - "$name" "$port"
	add_unit "$name"
	set_up "$name"
	mkdir -p "$T/src"
	git init -q -b main "$T/src/$name"
	inside chown -R "$name:" "$T/src/$name"
}

# The files that only root may write: with the words that the templates have for a project.
add_unit() {
	local name=$1 memory_max=${2:-infinity} cpu_quota=${3:-} tasks_max=${4:-infinity}
	local from=${template:-/usr/local/share/hostkit/templates/hostkit.service} env=

	# The unit does not let a sanitizer look for leaks, which takes ptrace.
	! grep -q __asan_init "$HK_BINDIR/hostkit" || env=Environment=ASAN_OPTIONS=detect_leaks=0

	inside sh -euc '
		# By a rename in the same folder: polkitd reads a file that is only half there.
		for file in "$1" /usr/local/share/hostkit/templates/hostkit.rules; do
			case $file in
			*.rules) to=/etc/polkit-1/rules.d/60-hostkit-$2.rules ;;
			*) to=/etc/systemd/system/hostkit-$2.service ;;
			esac
			sed -e "s/^Type=exec/&\n$6/" -e "s,{{name}},$2,g; s,{{user}},$2,g; s,{{home}},/home/$2,g" \
				-e "s,{{hostkit}},/usr/local/bin/hostkit,g; s,{{stop_timeout}},2s,g" \
				-e "s,{{memory_max}},$3,g; s,{{cpu_quota}},$4,g; s,{{tasks_max}},$5,g" "$file" \
				>"$to.new"
			mv "$to.new" "$to"
		done
		systemctl daemon-reload
		systemctl -q enable "hostkit-$2.service"' - "$from" "$name" "$memory_max" "$cpu_quota" \
		"$tasks_max" "$env"
}

set_up() {
	local name=$1 setting

	shift
	{
		printf '[project]\nport = %s\n' "$(cat "$T/$name.port")"
		printf '[ratelimit]\nenabled = no\n'
		for setting in "$@"; do
			printf '[%s]\n%s\n' "${setting%%.*}" "${setting#*.}"
		done
	} >"$T/$name.ini"
	inside install -o root -g "$name" -m 640 "$T/$name.ini" "/etc/hostkit/projects/$name.ini"
	inside_as "$name" hostkit config check "$name" >/dev/null
}

inside_as() {
	machine_as "$@"
}

# What the client is told ends in $T/said; git's own status is not what tells about a deployment.
push_as() {
	local name=$1

	inside_as "$name" env GIT_CONFIG_GLOBAL=/dev/null bash -euc '
		cd "$1"
		git add -A
		git -c user.name=Ann -c user.email=ann@example.org commit -q --allow-empty -m "a change"
		git push "/home/$2/repo.git" HEAD:refs/heads/main 2>&1' - "$T/src/$name" "$name" |
		as_seen | tee "$T/said"
}

# write_file shop run.sh: from stdin, into what will be pushed
write_file() {
	inside_as "$1" sh -c 'cat >"$1"' - "$T/src/$1/$2"
}

answers_of() {
	local name=$1 checks=()

	shift
	while [ "$1" != -- ]; do
		checks+=("$1")
		shift
	done
	shift
	inside_as "$name" hostkit --json "$@" >"$T/.answer.json" || true
	look_up "$T/.answer.json" "${checks[@]}"
}

expect_of() {
	local name=$1

	shift
	answers_of "$name" "$@" -- deploy status "$name"
}

property() {
	inside systemctl show --value -p "$2" "hostkit-$1.service"
}
