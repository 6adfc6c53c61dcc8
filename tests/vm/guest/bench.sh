# shellcheck shell=bash
# For cases in which mc-bench runs in the guest, through the guest's kernel, against a target that is not published: the
# segment "files" of a metadata server in the guest tells where it is.

readonly kMetadata=http://127.0.0.1:8080/metadata

# Transport, address and port of the target.
servedAt=(tcp "$HOST" "$HOST_PORT")

# publish NQN MIB...: a target's files, which are served there.
publish() {
    local nqn=$1 each number=0 files=
    shift
    for each; do
        files+="${files:+,}{\"id\": $((++number)), \"path\": \"/file$number\", \"size\": $((each << 20)), \"align\": 0}"
    done
    cat >segment.json <<JSON
{"name": "files", "protocol": "nvmeof_generic", "tcp_data_port": 0, "timestamp": "2026-01-01 00:00:00.000000",
 "nvmeof_generic_trid": {"trtype": "${servedAt[0]}", "adrfam": "ipv4", "traddr": "${servedAt[1]}",
   "trsvcid": "${servedAt[2]}", "subnqn": "$nqn"},
 "file_buffers": [$files]}
JSON
    [[ -e meta.out ]] || mc-meta serve --listen 127.0.0.1:8080 >meta.out 2>meta.err &
    within 60 mc-meta put --quiet --metadata-server "$kMetadata" mooncake/ram/files @segment.json 2>put.err ||
        fail "can't publish: $(<put.err)"
}

# bench OPTION...: its record is in record.json, what it says besides in said.
bench() {
    local status=0
    mc-bench --metadata-server "$kMetadata" --segment-id files --initiator kernel --batch-size 4 --threads 2 \
        --duration 500ms --warmup 20ms --verify --json "$@" >record.json 2>said || status=$?
    [[ $status -eq 0 ]] || jq -Mc .error record.json
    return "$status"
}

# recorded FILTER: what jq's filter makes of the latest record; fails on false and null.
recorded() {
    jq -Me "$1" record.json >filtered || fail "$1: $(<record.json)"
}

# isLive: the only controller is.
isLive() {
    stateIs "$(ls /sys/class/nvme)" live
}

# interrupt BENCH: ends one that runs in the background, and that has verified what it did.
interrupt() {
    kill -TERM "$(<"/proc/$1/task/$1/children")"
    refute wait "$1"
    recorded '.status == "interrupted" and all(.results[].verification; .blocks_verified > 0 and .mismatched_blocks == 0)'
}
