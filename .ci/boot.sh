#!/bin/sh
# A Debian 12 with this checkout installed as a device would have it, and a real systemd that boots it in namespaces of
# its own: nothing of it is left when its process 1 is killed. Needs root, and: apt install debootstrap util-linux
#
#   .ci/boot.sh make ROOT [PYTHON]  make it (minutes, 0.9 GB), or put this checkout into it anew; PYTHON (python3)
#                                   fetches the wheels
#   .ci/boot.sh install ROOT WORDS  `wakegate install-service --system WORDS` in it, and what that says to do next
#   .ci/boot.sh boot ROOT           boot it; ends with it
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
action=${1:?make, install or boot}
root=${2:?a directory}
shift 2

inside() { chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"; }

case $action in
make)
    # The sound server stands for a card: a device without one is given it later.
    packages=systemd,dbus,python3-venv,libportaudio2,libasound2-plugins,pulseaudio,pulseaudio-utils
    [ -d "$root/wheels" ] || {
        debootstrap --variant=minbase --include=$packages bookworm "$root"
        inside apt-get clean
        inside python3 -m venv /opt/wakegate
        inside useradd --system --home-dir /var/lib/wakegate --no-create-home --shell /usr/sbin/nologin \
            --groups audio wakegate
    }
    "${1:-python3}" -m pip wheel -q -w "$root/wheels" "$here[wyoming]"
    inside /opt/wakegate/bin/pip install -q --no-index --find-links /wheels "wakegate[wyoming]"
    inside /opt/wakegate/bin/pip install -q --no-index --find-links /wheels --no-deps --force-reinstall wakegate
    cp "$here/tests/data/six_words.flac" "$root/opt"
    rm -rf "$root"/etc/systemd/system/wakegate* "$root/etc/wakegate" "$root/var/log/journal"
    ;;
install)
    inside /opt/wakegate/bin/wakegate install-service --system "$@" | tee "$root/opt/steps"
    # At the next boot: nothing runs yet.
    inside systemctl enable "$(sed -n 's/.*systemctl enable --now //p' "$root/opt/steps")"
    ;;
boot)
    # Its own branch of the tree of control groups; without it, it would take the machine's own tree for its.
    group=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)/wakegate-boot-$$
    mkdir "$group"
    echo $$ >"$group/cgroup.procs"
    exec unshare --pid --fork --kill-child --mount --uts --ipc --net --cgroup sh -eu -c '
        mount --make-rprivate /
        mount --bind "$0" "$0"
        cd "$0"
        mount -t proc proc proc
        mount --bind proc/sys proc/sys
        mount -o remount,bind,ro proc/sys # settings of the kernel are the machine'"'"'s
        mount -t sysfs -o ro sysfs sys
        mount -t cgroup2 cgroup2 sys/fs/cgroup
        for each in run tmp dev; do mount -t tmpfs tmpfs "$each"; done
        for each in null zero full random urandom tty; do touch "dev/$each"; mount --bind "/dev/$each" "dev/$each"; done
        mkdir -p dev/pts dev/shm old var/lib/wakegate
        mount -t devpts devpts dev/pts -o newinstance,ptmxmode=0666
        ln -s pts/ptmx dev/ptmx
        mount -t tmpfs tmpfs dev/shm
        mount -t tmpfs -o size=256k tmpfs var/lib/wakegate # a disk that a test can fill
        pivot_root . old
        umount -l /old
        exec env -i container=wakegate PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=0
    ' "$root"
    ;;
*)
    echo "$0: make, install or boot, not $action" >&2
    exit 2
    ;;
esac
