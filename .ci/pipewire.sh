#!/bin/sh
# A PipeWire of its own, with a microphone made of software: what goes into the sink `wakegate` comes out of the source
# `microphone`, the default input. No D-Bus, and no card of this machine is touched. Runs as any user, root too.
#
#   .ci/pipewire.sh start DIR      start what does not run yet, with its state in DIR; prints VARIABLE=value lines
#   .ci/pipewire.sh kill DIR PART  end `pipewire`, `wireplumber`, `pipewire-pulse` or `microphone` at once
#   .ci/pipewire.sh stop DIR       end all of it
#   .ci/pipewire.sh packages       print the Debian packages it needs
#   .ci/pipewire.sh plugin         as root: put ALSA's plugin where ALSA looks, out of the package pipewire-alsa, which
#                                  Debian does not install beside pulseaudio; nobody's default changes by that
#
# In that environment ALSA's `pipewire` leads there, and through pipewire-pulse `pulse` and `pactl`.
set -eu

case ${1:-} in
packages)
    echo libasound2-plugins libportaudio2 pipewire pipewire-pulse pulseaudio-utils wireplumber
    exit 0
    ;;
plugin)
    ls /usr/lib/*/alsa-lib/libasound_module_pcm_pipewire.so 2>/dev/null && exit 0
    unpacked=$(mktemp -d)
    trap 'rm -rf "$unpacked"' EXIT
    chmod 755 "$unpacked"
    (cd "$unpacked" && apt-get download -q pipewire-alsa >/dev/null && dpkg -x pipewire-alsa_*.deb .)
    cp "$unpacked"/usr/lib/*/alsa-lib/libasound_module_pcm_pipewire.so /usr/lib/*/alsa-lib/
    exit 0
    ;;
esac

action=${1:?start, kill, stop, packages or plugin}
mkdir -p "${2:?a directory}"
dir=$(cd "$2" && pwd)
chmod 700 "$dir"
# HOME too: a machine's own configuration must not reach the tests, nor a PulseAudio of other tests this one. No bus:
# they would only look for cards there.
run() {
    exec env -u PULSE_RUNTIME_PATH \
        HOME="$dir" XDG_RUNTIME_DIR="$dir" XDG_CONFIG_HOME="$dir/config" XDG_STATE_HOME="$dir/state" \
        DBUS_SESSION_BUS_ADDRESS="unix:path=$dir/nobus" PULSE_SERVER="unix:$dir/pulse/native" "$@"
}
# What has ended and whom nobody has asked for (State: Z) does not run.
runs() { [ -f "$dir/$1.pid" ] && grep -qs "^State:.[^Z]" "/proc/$(cat "$dir/$1.pid")/status"; }
end() {
    ! runs "$1" || kill -KILL "$(cat "$dir/$1.pid")"
    while runs "$1"; do sleep 0.05; done
    rm -f "$dir/$1.pid"
}
# part NAME COMMAND...: in the background, unless it runs.
part() {
    name=$1 && shift
    runs "$name" && return
    run "$@" </dev/null >>"$dir/$name.log" 2>&1 &
    echo $! >"$dir/$name.pid"
}
# by COMMAND...: wait until it succeeds.
by() {
    for _ in $(seq 200); do # on a busy machine
        "$@" >/dev/null 2>&1 && return
        sleep 0.1
    done
    tail -n 20 "$dir"/*.log >&2
    exit 1
}
answers() { (run pw-cli info 0); }
default_is_the_microphone() { [ "$(run pactl get-default-source)" = microphone ]; }

case $action in
start)
    mkdir -p "$dir/config/wireplumber/main.lua.d" "$dir/config/wireplumber/bluetooth.lua.d"
    cat >"$dir/config/wireplumber/main.lua.d/51-nothing-real.lua" <<EOF
alsa_monitor.enabled = false
v4l2_monitor.enabled = false
libcamera_monitor.enabled = false
default_access.properties["enable-flatpak-portal"] = false
EOF
    echo "bluez_monitor.enabled = false" >"$dir/config/wireplumber/bluetooth.lua.d/51-nothing-real.lua"
    # Not named `default`, which other packages' configuration, read after this, has for PulseAudio.
    cat >"$dir/asound.conf" <<EOF
</usr/share/alsa/alsa.conf>
pcm.!pipewire { type pipewire playback_node "-1" capture_node "-1" hint { show on description "PipeWire" } }
EOF
    part pipewire pipewire
    by answers
    part wireplumber wireplumber
    part pipewire-pulse pipewire-pulse
    part microphone pw-loopback --capture-props "media.class=Audio/Sink node.name=wakegate" \
        --playback-props "media.class=Audio/Source node.name=microphone"
    by default_is_the_microphone
    echo "ALSA_CONFIG_PATH='$dir/asound.conf'"
    echo "XDG_RUNTIME_DIR='$dir'"
    ;;
kill)
    end "${3:?pipewire, wireplumber, pipewire-pulse or microphone}"
    ;;
stop)
    for one in microphone pipewire-pulse wireplumber pipewire; do end $one; done
    ;;
*)
    echo "$0: start, kill, stop, packages or plugin, not $action" >&2
    exit 2
    ;;
esac
