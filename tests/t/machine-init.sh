#!/bin/bash
#
# machine-init.sh FOLDER NAME BIND…: started by machine.sh in new namespaces, with a tmpfs in FOLDER:
# makes the root of the machine there, over that of this one, and becomes its systemd.
set -eu
folder=$1
name=$2
shift 2
root=$folder/root

hostname "$name"
mount --make-rprivate /
mkdir -p "$folder/upper" "$folder/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$root"

mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys"

if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
	mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
	while IFS=: read -r _ controllers _; do
		case $controllers in
		'') continue ;;
		name=*) options=none,$controllers dir=${controllers#name=} ;;
		*) options=$controllers dir=$controllers ;;
		esac
		mkdir "$root/sys/fs/cgroup/$dir"
		mount -t cgroup -o "$options" cgroup "$root/sys/fs/cgroup/$dir"
	done </proc/self/cgroup
	mkdir "$root/sys/fs/cgroup/unified"
	mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified"
fi

mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
	: >"$root/dev/$device"
	mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
ln -s /proc/self/fd/0 "$root/dev/stdin"
ln -s /proc/self/fd/1 "$root/dev/stdout"
ln -s /proc/self/fd/2 "$root/dev/stderr"
: >"$root/dev/console"
mount --bind /dev/null "$root/dev/console"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
for path in "$@"; do
	mkdir -p "$root$path"
	mount --bind "$path" "$root$path"
done
ip link set lo up

echo "$name" >"$root/etc/hostname"

# What needs hardware, a network, or time of its own.
mkdir -p "$root/etc/systemd/system"
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service \
	systemd-timesyncd.service systemd-networkd.service systemd-resolved.service \
	systemd-binfmt.service proc-sys-fs-binfmt_misc.automount getty.target console-getty.service \
	apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer \
	man-db.timer dpkg-db-backup.timer logrotate.timer postgresql.service networking.service \
	rsync.service; do
	ln -sfn /dev/null "$root/etc/systemd/system/$unit"
done

cd "$root"
mkdir -p .old
pivot_root . .old
umount -l /.old
rmdir /.old 2>/dev/null || true
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/lib/systemd/systemd --system
