# shellcheck shell=bash
# shellcheck disable=SC2154 # The case sets nqn, the library kNvmet.
# mc-target in the guest with the kernel's target behind it, as the cases target_by_kernel* use it. Its control socket
# is control.sock, what it prints is in target.out and target.err.

readonly kSegment=127.0.0.1:12345

# serve ARGUMENT...: arguments of mc-target, the last --local-server-name counts; returns when it serves.
serve() {
    local name=()
    [[ $1 == restore ]] || name=(--local-server-name "$kSegment")
    rm -f target.out
    mc-target "${name[@]}" "$@" --control-socket control.sock >target.out 2>target.err 3>&- &
    echo $! >target.pid
    within 60 decided
    grep -q ^ready: target.out || fail "$(<target.err)"
}

decided() {
    grep -q ^ready: target.out || [[ ! -e /proc/$(<target.pid) ]]
}

endTarget() {
    kill -TERM "$(<target.pid)"
    within 60 test ! -e "/proc/$(<target.pid)"
    cat target.err
}

# refused STATUS PATTERN OPTION...: with the kernel behind it mc-target ends at once, and says why, in refused.err.
refused() {
    local expected=$1 pattern=$2 status=0
    shift 2
    mc-target --backend kernel --local-server-name "$kSegment" --control-socket none "$@" >refused.out 2>refused.err || status=$?
    if [[ $status != "$expected" ]] || ! grep -e "$pattern" refused.err; then
        fail "status $status: $(<refused.err)"
    fi
}

# asked FILTER: what jq's filter makes of mc-target's status; fails on false and null.
asked() {
    mc-target status --control-socket control.sock --json | jq -Mer "$1" || fail "$1"
}

# bench OPTION...: our initiator, verified.
bench() {
    mc-bench --segment-id "$kSegment" --local-server-name 127.0.0.1 --block-size 4KiB,64KiB --batch-size 8 --threads 2 \
        --duration 300ms --warmup 20ms --verify --json "$@" >record.json || {
        jq .error record.json >&2
        return 1
    }
    jq -e '[.results[].verification.mismatched_blocks] | add == 0' record.json >/dev/null
}

# connectedDevice [NAMESPACE]: of the subsystem $nqn at 127.0.0.1.
connectedDevice() {
    connect "$nqn" 127.0.0.1 4420 >/dev/null
    device "$nqn" "${1-1}"
}

# gone NAMESPACE: the kernel's host does not see it any more.
gone() {
    ! deviceOf "$nqn" "$1"
}

# space NAMESPACE: its directory.
space() {
    echo "$kNvmet/subsystems/$nqn/namespaces/$1"
}

# everything: all objects of the kernel's target, and what they say.
everything() {
    local each
    find "$kNvmet" | sort | while read -r each; do
        if [[ -L $each ]]; then
            echo "$each -> $(readlink "$each")"
        elif [[ -f $each ]]; then
            echo "$each: $(cat "$each" 2>&1 || true)" # Some can only be written.
        else
            echo "$each"
        fi
    done
}
