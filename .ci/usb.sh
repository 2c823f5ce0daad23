#!/bin/sh
# The Debian 12 of boot.sh with a kernel of its own, in a virtual machine: the kernel's own USB and sound drivers, cards
# that come and go, and a wall clock that a test may set. Needs root, and: apt install debootstrap qemu-system-x86
#
#   .ci/usb.sh make ROOT [PYTHON]   as boot.sh makes it, and a disk of it, ROOT.ext4 (1.6 GB)
#   .ci/usb.sh boot ROOT SOCKET     boot it, with KVM where it can be; ends with it, and nothing it wrote is kept.
#                                   Commands go through SOCKET, as tests/usb_agent.py in it takes them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
action=${1:?make or boot}
root=${2:?a directory}
shift 2

case $action in
make)
    "$here/boot.sh" make "$root" "$@"
    ls "$root"/boot/vmlinuz-* >/dev/null 2>&1 || {
        # The whole kernel: the one for clouds has neither sound nor USB/IP.
        chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive sh -euc 'apt-get update -q
                apt-get install -q -y --no-install-recommends initramfs-tools linux-image-amd64 kmod
                apt-get clean'
    }
    cp "$here/../tests/usb_agent.py" "$here/../tests/usb_microphone.py" "$root/opt"
    cat >"$root/etc/systemd/system/usb-agent.service" <<EOF
[Service]
ExecStart=/usr/bin/python3 /opt/usb_agent.py /dev/virtio-ports/wakegate
EOF
    # Wanted on the kernel's command line alone: boot.sh boots the same root without it.
    rm -f "$root.ext4"
    truncate -s 4G "$root.ext4"
    mkfs.ext4 -q -E root_owner=0:0 -d "$root" "$root.ext4"
    ;;
boot)
    # Without the processor's help the machine's time is counted in its own instructions, 2 ns each: however slow and
    # busy this machine is, sound comes in time for what runs in it. (A kvm_pvm runs no kernel but those made for it.)
    speed="-accel tcg -cpu Nehalem -icount shift=1,sleep=off -rtc clock=vm"
    [ ! -w /dev/kvm ] || [ -e /sys/module/kvm_pvm ] || speed="-accel kvm -cpu host"
    # shellcheck disable=SC2086  # several words
    exec qemu-system-x86_64 -machine q35 $speed -smp 1 -m 1G -nodefaults -display none \
        -kernel "$(ls "$root"/boot/vmlinuz-* | tail -n 1)" -initrd "$(ls "$root"/boot/initrd.img-* | tail -n 1)" \
        -append "root=/dev/vda rw init=/lib/systemd/systemd console=ttyS0 loglevel=1 systemd.wants=usb-agent.service modules_load=vhci-hcd" \
        -drive "file=$root.ext4,format=raw,if=virtio,snapshot=on" -device virtio-rng-pci -serial stdio \
        -device virtio-serial-pci -chardev "socket,id=agent,path=${1:?a socket},server=on,wait=off" \
        -device virtserialport,chardev=agent,name=wakegate
    ;;
*)
    echo "$0: make or boot, not $action" >&2
    exit 2
    ;;
esac
