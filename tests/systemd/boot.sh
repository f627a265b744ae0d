#!/bin/sh
# Boots a systemd of its own in new namespaces, over a copy of this machine that is thrown away: what is written there
# never reaches the real disk. Called by nest.py through unshare(1) with the folder to work in.
set -eu
NEST="$1"
ROOT="$NEST/over/root"
mount --make-rprivate /
mount -t tmpfs tmpfs "$NEST/over"
mkdir "$NEST/over/upper" "$NEST/over/work" "$ROOT"
mount -t overlay overlay -o "lowerdir=/,upperdir=$NEST/over/upper,workdir=$NEST/over/work" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount -t sysfs sysfs "$ROOT/sys"
mount -t tmpfs tmpfs "$ROOT/run"
mount -t tmpfs tmpfs "$ROOT/dev"
for NODE in null zero full random urandom tty; do
    touch "$ROOT/dev/$NODE"
    mount --bind "/dev/$NODE" "$ROOT/dev/$NODE"
done
mkdir "$ROOT/dev/shm" "$ROOT/dev/pts"
mount -t devpts devpts "$ROOT/dev/pts" -o newinstance,ptmxmode=0666
ln -s pts/ptmx "$ROOT/dev/ptmx"
mount -t tmpfs tmpfs "$ROOT/dev/shm"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
else
    mount -t tmpfs tmpfs "$ROOT/sys/fs/cgroup"
    mkdir "$ROOT/sys/fs/cgroup/systemd"
    mount -t cgroup -o none,name=systemd cgroup "$ROOT/sys/fs/cgroup/systemd"
fi
# Nothing of the machine's own services shall start in here.
rm -rf "$ROOT/etc/systemd/system" "$ROOT/var/lib/wagate"
mkdir -p "$ROOT/etc/systemd/system"
cp -r "$NEST/files/." "$ROOT/"
for FROM in "$ROOT"/opt/code/*.from; do
    mount --bind "$(cat "$FROM")" "${FROM%.from}"
done
chroot "$ROOT" systemd-sysusers wagate.conf
chroot "$ROOT" systemd-tmpfiles --create wagate.conf
touch "$NEST/booting"
# Not chroot(1): inside a chroot the kernel makes no user namespace, which PrivateUsers= needs.
cd "$ROOT"
pivot_root . mnt
umount -l /mnt
exec /usr/bin/env -i container=nest PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=nest.target </dev/null
