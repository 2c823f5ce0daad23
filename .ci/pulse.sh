#!/bin/sh
# A sound card made of software: a PulseAudio null sink whose monitor is the default ALSA capture device, so that the
# microphone is tested on a real PortAudio stream where there is no card. Runs as any user, root in a container too.
#
#   .ci/pulse.sh start DIR   start it with its state in DIR; prints VARIABLE=value lines for the environment of pytest:
#                              set -a; eval "$(.ci/pulse.sh start DIR)"; set +a
#   .ci/pulse.sh stop DIR    stop it
#   .ci/pulse.sh packages    print the Debian packages it needs
#
# WAKEGATE_SINK_CHANNELS (default 2) is the sink's channel count. `paplay FILE` then plays into the "microphone".
set -eu

if [ "${1:-}" = packages ]; then
    echo libasound2-plugins libportaudio2 pulseaudio pulseaudio-utils
    exit 0
fi

action=${1:?start, stop or packages}
mkdir -p "${2:?a directory}"
dir=$(cd "$2" && pwd)
chmod 700 "$dir"
# HOME too: PulseAudio keeps a cookie there, and a machine's own configuration must not reach the tests.
run() { env HOME="$dir" XDG_RUNTIME_DIR="$dir" PULSE_RUNTIME_PATH="$dir/pulse" PULSE_SERVER="unix:$dir/native" "$@"; }

case $action in
start)
    cat >"$dir/default.pa" <<EOF
load-module module-native-protocol-unix socket=$dir/native auth-anonymous=1
load-module module-null-sink sink_name=wakegate rate=48000 norewinds=1 channels=${WAKEGATE_SINK_CHANNELS:-2}
set-default-sink wakegate
set-default-source wakegate.monitor
EOF
    cat >"$dir/asound.conf" <<EOF
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse server "unix:$dir/native" hint { show on description "Default" } }
ctl.!default { type pulse server "unix:$dir/native" }
EOF
    # A second daemon would take the socket from the first; a pid file left by one that was killed stops a new one.
    if ! run pactl info >/dev/null 2>&1; then
        rm -f "$dir/pulse/pid"
        run pulseaudio -n --daemonize=yes --exit-idle-time=-1 --disable-shm=yes --use-pid-file=yes \
            --log-target="file:$dir/log" -F "$dir/default.pa" >"$dir/start.log" 2>&1 || { cat "$dir/start.log" "$dir/log" >&2; exit 1; }
    fi
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        run pactl info >/dev/null 2>&1 && break
        sleep 0.2
    done
    run pactl list short sources | grep -q wakegate.monitor || { cat "$dir/log" >&2; exit 1; }
    echo "ALSA_CONFIG_PATH='$dir/asound.conf'"
    echo "PULSE_SERVER='unix:$dir/native'"
    echo "PULSE_RUNTIME_PATH='$dir/pulse'"
    ;;
stop)
    run pulseaudio --kill || true
    ;;
*)
    echo "$0: start, stop or packages, not $action" >&2
    exit 2
    ;;
esac
