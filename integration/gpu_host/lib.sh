# Shared by the scripts of this directory: where things are, how messages look, which process is ours. Sourced, never run.
#
# A "rig" is a KVM host that runs as a virtual machine on this computer, in pure software emulation (QEMU TCG, no /dev/kvm).
#   cache directory  what `build` makes once: kernel, initrd, root file system image       $CSGPU_RIG_CACHE
#   run directory    what `boot` makes per host: disk overlay, keys, port, sockets, log    $CSGPU_RIG_RUN/NAME
set -euo pipefail

rig_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rig_repository=$(cd "$rig_dir/../.." && pwd)
rig_cache=$(realpath -m "${CSGPU_RIG_CACHE:-$rig_repository/target/gpu-host}")
rig_run=$(realpath -m "${CSGPU_RIG_RUN:-$rig_cache/run}")

say() { printf 'gpu_host: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# Sets the paths of host NAME. The run directory's path becomes part of QEMU options, of a URI and of socket names (107 bytes
# at most): it must be plain and short.
use_host() {
    [[ ${1:-} =~ ^[a-z][a-z0-9]{0,15}$ ]] || die "a host name is one to sixteen letters and digits, for example: a"
    host=$1
    host_run=$rig_run/$host
    [[ $host_run =~ ^[A-Za-z0-9/._+-]{1,90}$ ]] ||
        die "this run directory is too long (90 bytes) or has unusual characters; name another in CSGPU_RIG_RUN: $host_run"
    host_pid_file=$host_run/pid
    host_disk=$host_run/disk.qcow2
    host_serial=$host_run/serial.log
}

# Prints the process id of the running QEMU of the current host, or fails. A pid file alone proves nothing (the number may
# belong to somebody else by now), so the command line must name our own disk.
host_pid() {
    local pid
    pid=$(cat "$host_pid_file" 2>/dev/null) && [[ $pid =~ ^[0-9]+$ ]] || return 1
    tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "file=$host_disk," || return 1
    printf '%s\n' "$pid"
}

# Waits until the given process is gone: await_exit PID SECONDS.
await_exit() {
    local end=$((SECONDS + $2))
    while kill -0 "$1" 2>/dev/null; do
        ((SECONDS < end)) || return 1
        sleep 0.2
    done
}

# A command on the current host, as root: on_host COMMAND... (bounded: an emulated host may be busy, or frozen on purpose).
on_host() { timeout "${on_host_limit:-60}" "$host_run/ssh" host "$@"; }

# virsh on the current host, over ssh, the way the service itself connects.
host_virsh() { timeout "${on_host_limit:-60}" virsh -q -c "$(cat "$host_run/uri")" "$@"; }
