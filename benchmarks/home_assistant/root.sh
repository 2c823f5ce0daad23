#!/bin/sh
# A Debian with Home Assistant Core from PyPI in /opt/ha, and nothing else of this machine but what it trusts. Needs
# root, and: apt install mmdebstrap
#
#     benchmarks/home_assistant/root.sh ROOT [VERSION]
#
# Home Assistant 2026.11 needs Python 3.14.2, which Debian has from forky on.
set -eu
root=$1 version=${2:-2026.11.0}
certificates=/etc/ssl/certs/ca-certificates.crt

# A mirror of a release that is not out yet may be weeks old; its packages are signed all the same. g++: pymicro-vad and
# pyspeex-noise have no wheels for this Python.
mmdebstrap --variant=minbase --include=python3,python3-venv,python3-dev,g++,ca-certificates,libturbojpeg0 \
  --aptopt='Acquire::Check-Valid-Until "false"' forky "$root" "deb http://deb.debian.org/debian forky main"
cp /etc/resolv.conf "$root/etc/resolv.conf"
cp "$certificates" "$root$certificates"

inside() {
  unshare -m sh -c 'mount --bind /proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" /usr/bin/env -i \
    HOME=/root PATH=/usr/bin:/bin LANG=C.UTF-8 "$@"' "$root" "$@"
}
install() { inside /opt/ha/bin/pip install -q --no-compile --cert "$certificates" "$@"; }
inside python3 -m venv /opt/ha
install "homeassistant==$version"
# What Home Assistant would install when these integrations, and its own parts, are first used.
inside /opt/ha/bin/python - <<'END' >"$root/opt/needed.txt"
import json, pathlib
import homeassistant
from homeassistant.auth.mfa_modules import totp
found, left = {}, ["wyoming", "assist_pipeline", "conversation", "onboarding", "auth", "config"]
left += ["frontend", "hassio", "camera", "infrared", "radio_frequency"]  # it starts these by itself
while left:
    name = left.pop()
    if name not in found:
        about = pathlib.Path(homeassistant.__file__).with_name("components") / name / "manifest.json"
        found[name] = json.loads(about.read_text())
        left += found[name].get("dependencies", [])
needed = {one for about in found.values() for one in about.get("requirements", [])}
print(*sorted(needed | {*totp.REQUIREMENTS}), sep="\n")
END
pins=$(echo "$root"/opt/ha/lib/python3.*/site-packages/homeassistant/package_constraints.txt)
install -r /opt/needed.txt -c "${pins#"$root"}"
inside /opt/ha/bin/hass --version
