#!/bin/sh
# A Debian 12 of a Raspberry Pi's architecture, with this checkout installed as README says, under QEMU; then the proof
# that it wakes there. Needs root, and: apt install mmdebstrap qemu-user qemu-user-static binfmt-support
#
#     benchmarks/pi/root.sh arm64|armhf ROOT [PYTHON]
#
# PYTHON (python3 if not given) fetches what PyPI holds for that architecture; inside, nothing reaches a network.
set -eu
arch=$1 root=$2 python=${3:-python3}
here=$(cd "$(dirname "$0")/../.." && pwd)
fetch() { "$python" -m pip download -q --python-version 311 --only-binary=:all: -d "$root/wheels" "$@"; }

packages=python3,python3-venv,age,libportaudio2
[ "$arch" = arm64 ] || packages=$packages,libsndfile1,python3-dev,python3-numpy,python3-cffi,gcc,g++,cmake,ninja-build,\
libopenblas0-pthread
# The release alone: a mirror of its updates that is in the middle of a sync would end it here.
mmdebstrap --arch="$arch" --variant=minbase --include="$packages" bookworm "$root" \
  "deb http://deb.debian.org/debian bookworm main"

mkdir -p "$root/wheels"
cp "$here/tests/data/six_words.flac" "$root/opt"
"$python" -m pip wheel -q --no-deps -w "$root/wheels" "$here"
if [ "$arch" = arm64 ]; then
  fetch --platform manylinux2014_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
    --platform manylinux_2_35_aarch64 "$root"/wheels/wakegate-*.whl pymicro-wakeword==2.5.0
  own=
else
  fetch --no-deps --platform linux_armv7l joblib cloudpickle rich markdown-it-py mdurl pygments sounddevice soundfile \
    threadpoolctl typing-extensions pathspec packaging scikit-build-core "nanobind<3" setuptools setuptools-scm vcs-versioning wheel
  "$python" -m pip download -q --no-deps --no-binary=:all: -d "$root/wheels" soxr webrtcvad-wheels
  own=--system-site-packages # numpy and cffi are Debian's
fi

# An emulated board shows the host's /sys: without these, onnxruntime trusts what it finds there.
mkdir -p "$root/sys/devices/system/cpu"
: >"$root/sys/devices/system/cpu/possible"
: >"$root/sys/devices/system/cpu/present"

inside() {
  unshare -m sh -c 'mount --bind /proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" /usr/bin/env -i \
    HOME=/root PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"' "$root" "$@"
}
inside python3 -m venv $own /opt/wakegate
inside /opt/wakegate/bin/pip install -q --no-index --find-links /wheels wakegate
for engine in onnxruntime numpy; do
  [ "$arch $engine" = "armhf onnxruntime" ] ||
    inside /opt/wakegate/bin/wakegate detect /opt/six_words.flac --engine $engine
done
inside /opt/wakegate/bin/wakegate demo
inside /opt/wakegate/bin/wakegate doctor
[ "$arch" = armhf ] || inside /opt/wakegate/bin/pip install -q --no-index --find-links /wheels pymicro-wakeword
