#!/usr/bin/env bash
# publish NQN MIB...: the kernel's target in the guest as a segment of files, in a metadata server of its own.
publish() {
    local nqn=$1 each number=0 files=
    shift
    for each; do
        files+="${files:+,}{\"id\": $((++number)), \"path\": \"/file$number\", \"size\": $((each << 20)), \"align\": 0}"
    done
    cat >segment.json <<JSON
{"name": "kernel", "protocol": "nvmeof_generic", "tcp_data_port": 0, "timestamp": "2026-01-01 00:00:00.000000",
 "nvmeof_generic_trid": {"trtype": "tcp", "adrfam": "ipv4", "traddr": "127.0.0.1", "trsvcid": "$GUEST_PORT", "subnqn": "$nqn"},
 "file_buffers": [$files]}
JSON
    start meta mc-meta serve --listen "127.0.0.1:$HOST_PORT"
    waitFor meta.out .
    mc-meta put --metadata-server "http://127.0.0.1:$HOST_PORT/metadata" mooncake/ram/kernel @segment.json
}

# writeKeys KEY...: into key1, key2..., which others can't read.
writeKeys() {
    local each number=0
    umask 077
    for each; do
        number=$((number + 1))
        echo "$each" >"key$number"
    done
}

# bench OPTION...
bench() {
    mc-bench --metadata-server "http://127.0.0.1:$HOST_PORT/metadata" --local-server-name 127.0.0.1 \
        --protocol nvmeof_generic --segment-id kernel --block-size 4KiB,64KiB --batch-size 8 --threads 2 --duration 500ms \
        --warmup 20ms --verify --json "$@" >record.json || {
        jq .error record.json >&2
        return 1
    }
}

# refused REASON OPTION...: a pattern of what mc-bench says of it.
refused() {
    local reason=$1
    shift
    ! bench "$@" 2>refusal || return 1
    grep "$reason" refusal && return
    echo "not told as $reason:"
    cat refusal
    return 1
}
