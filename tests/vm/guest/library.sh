# shellcheck shell=bash
# What a case in the guest uses. The directory it starts in is its own and is empty.

set -E
trap 'echo "FAILED: ${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND" >&2' ERR

# step TEXT...: a line of the case's log, with the guest's time.
step() {
    local up
    read -r up _ </proc/uptime
    echo "[$up] $*"
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# kernelLog: what the kernel has logged since the case began.
begun=$(dmesg | wc -l)
kernelLog() {
    dmesg | tail -n "+$((begun + 1))"
}

# refute COMMAND...: the case fails if the command succeeds, which `!` alone does not bring about.
refute() {
    if "$@"; then fail "should have failed: $*"; fi
}

# onHost FUNCTION [WORD...]: runs a function of the case's other half, NAME.host.sh. Prints what it prints, returns what
# it returns. Words have no spaces.
onHost() {
    local status printed
    echo "call $* ." >&3
    read -r -u 3 status printed || return 97
    base64 -d <<<"$printed"
    return "$status"
}

# within SECONDS COMMAND...: runs it again and again until it succeeds.
within() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [[ $SECONDS -lt $end ]] || return 1
        sleep 0.2
    done
}

# randomFile NAME MIB
randomFile() {
    dd if=/dev/urandom of="$1" bs=1M count="$2" status=none
}

readonly kNvmet=/sys/kernel/config/nvmet

# kernelTarget NQN FILE...: a subsystem of the kernel's target; its namespaces 1, 2... are these files.
kernelTarget() {
    local subsystem=$kNvmet/subsystems/$1 file number=0
    modprobe nvmet-tcp
    shift
    mkdir "$subsystem"
    echo 1 >"$subsystem/attr_allow_any_host"
    for file; do
        kernelNamespace "$(basename "$subsystem")" $((++number)) "$file"
    done
}

# kernelNamespace NQN NUMBER FILE: through the page cache, since a file in memory knows no direct access.
kernelNamespace() {
    local namespace=$kNvmet/subsystems/$1/namespaces/$2
    mkdir "$namespace"
    printf %s "$(realpath "$3")" >"$namespace/device_path"
    echo 1 >"$namespace/buffered_io"
    echo 1 >"$namespace/enable"
}

# kernelAllow NQN HOSTNQN KEY CONTROLLERKEY: only this host, which must prove who it is, as does the subsystem if asked.
kernelAllow() {
    local entry=$kNvmet/hosts/$2
    mkdir "$entry"
    echo "$3" >"$entry/dhchap_key"
    echo "$4" >"$entry/dhchap_ctrl_key"
    echo 0 >"$kNvmet/subsystems/$1/attr_allow_any_host"
    ln -s "$entry" "$kNvmet/subsystems/$1/allowed_hosts/$2"
}

# kernelListen NQN ADDRESS PORT
kernelListen() {
    local port=$kNvmet/ports/$3
    mkdir "$port"
    echo tcp >"$port/addr_trtype"
    echo ipv4 >"$port/addr_adrfam"
    echo "$2" >"$port/addr_traddr"
    echo "$3" >"$port/addr_trsvcid"
    ln -s "$kNvmet/subsystems/$1" "$port/subsystems/$1"
}

# connect NQN ADDRESS PORT [OPTION...]: connects the kernel, prints the name of the controller.
connect() {
    local nqn=$1 address=$2 port=$3
    shift 3
    nvme connect --transport=tcp --nqn="$nqn" --traddr="$address" --trsvcid="$port" --output-format=json \
        --keep-alive-tmo=60 "$@" |
        jq -er .device
}

# disconnect NQN: all of its controllers.
disconnect() {
    nvme disconnect --nqn="$1"
}

# subsystemOf NQN: its directory below /sys.
subsystemOf() {
    local each
    for each in /sys/class/nvme-subsystem/nvme-subsys*; do
        [[ -e $each/subsysnqn && $(<"$each/subsysnqn") == "$1" ]] || continue
        echo "$each"
        return 0
    done
    return 1
}

# deviceOf NQN NAMESPACE: the block device of a namespace, if the kernel has it now.
deviceOf() {
    local each subsystem
    subsystem=$(subsystemOf "$1") || return 1
    for each in "$subsystem"/nvme*n*; do
        [[ -e $each/nsid && $(<"$each/nsid") == "$2" && $(<"$each/size") -gt 0 ]] || continue
        [[ -b /dev/$(basename "$each") ]] || continue
        echo "/dev/$(basename "$each")"
        return 0
    done
    return 1
}

# device NQN NAMESPACE: the same, waited for.
device() {
    within 60 deviceOf "$1" "$2" || fail "the kernel has no namespace $2 of $1"
}

# identify WHAT DEVICE FILTER [OPTION...]: what jq's filter makes of nvme id-WHAT; fails on false and null.
identify() {
    local what=$1 device=$2 filter=$3
    shift 3
    nvme "id-$what" "$device" --output-format=json >identify.json
    jq -Mer "$@" "$filter" identify.json || fail "$filter of id-$what: $(<identify.json)"
}

# load DEVICE [OPTION...]: writes at random with fio, then reads all of that and compares.
load() {
    local device=$1
    shift
    fio --name=load --filename="$device" --direct=1 --ioengine=libaio --iodepth=8 --rw=randwrite --bsrange=4k-64k \
        --size=2m --thread --verify=crc32c --verify_fatal=1 --eta=never --output="fio.$BASHPID" "$@" || {
        cat "fio.$BASHPID"
        return 1
    }
}

# digestOf FILE
digestOf() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

# stateIs CONTROLLER STATE
stateIs() {
    [[ $(cat "/sys/class/nvme/$1/state" 2>/dev/null) == "$2" ]]
}

# removeKernelTargets: all that kernelTarget and kernelListen have made.
removeKernelTargets() {
    local each
    shopt -s nullglob
    rm -f "$kNvmet"/ports/*/subsystems/* "$kNvmet"/subsystems/*/allowed_hosts/*
    for each in "$kNvmet"/ports/* "$kNvmet"/subsystems/*/namespaces/* "$kNvmet"/subsystems/* "$kNvmet"/hosts/*; do
        rmdir "$each"
    done
    shopt -u nullglob
}

# rdmaDevice NAME ADDRESS: a software RDMA device on a network interface of its own; both ends are in the guest.
rdmaDevice() {
    modprobe dummy numdummies=0
    modprobe rdma_rxe
    ip link add "$1-net" type dummy
    ip link set "$1-net" mtu 4500
    ip addr add "$2/24" dev "$1-net"
    ip link set "$1-net" up
    rdma link add "$1" type rxe netdev "$1-net"
}

removeRdmaDevices() {
    local each
    for each in /sys/class/infiniband/*; do
        [[ ! -e $each ]] || rdma link delete "${each##*/}"
    done
    for each in /sys/class/net/*-net; do
        [[ ! -e $each ]] || ip link delete "${each##*/}"
    done
}

noControllers() {
    [[ -z $(ls /sys/class/nvme) ]]
}

# restore: takes away what a case has made of the kernel, and fails if something resists.
restore() {
    local each
    kill -KILL -1 2>/dev/null || true # All but this process and the guest's first.
    while read -r _ each _; do
        [[ $each != /tmp/* ]] || umount "$each"
    done </proc/mounts
    nvme disconnect-all
    within 60 noControllers || fail "controllers stay: $(ls /sys/class/nvme)"
    echo 60 >/sys/module/nvme_core/parameters/admin_timeout
    [[ ! -d $kNvmet ]] || removeKernelTargets
    removeRdmaDevices
    rm -rf /tmp/*
}
