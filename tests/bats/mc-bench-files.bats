#!/usr/bin/env bats
# mc-bench on files: the command lines of Mooncake's transfer_engine_nvmeof_generic_bench, with only the program's name
# changed, and what is ours.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

# files COUNT SIZE: that many, named one after the other in $files.
make_files() {
    local i
    files=
    for ((i = 0; i < $1; i++)); do
        head -c "$2" /dev/urandom >"$BATS_TEST_TMPDIR/file$i"
        files+="${files:+ }$BATS_TEST_TMPDIR/file$i"
    done
}

verified() {
    assert_equal "$(json 'd["status"], d["protocol"], d["results"][0]["acknowledgement"]')" \
        "('ok', 'nvmeof_generic', 'acknowledged')"
    assert_equal "$(json 'd["results"][0]["verification"]["mismatched_blocks"]')" 0
    assert_equal "$(json 'd["results"][0]["verification"]["blocks_verified"] > 0')" True
}

@test "target and initiator over a metadata server, as in Mooncake's document" {
    start_metadata
    make_files 2 4M
    local port
    port=$(free_port)
    start target mc-bench \
        --local_server_name=127.0.0.1:8081 \
        --metadata_server="$MC_METADATA_SERVER" \
        --mode=target \
        --trtype=tcp \
        --traddr=127.0.0.1 \
        --trsvcid="$port" \
        --files="$files"
    wait_for target.out ready
    grep -q "ready: segment 127.0.0.1:8081, data port $port, 2 files at nqn.2016-06.io.mc:127.0.0.1:8081, pid" \
        "$BATS_TEST_TMPDIR/target.out"
    grep -q -- "--segment_id=127.0.0.1:8081" "$BATS_TEST_TMPDIR/target.err"
    run --separate-stderr mc-bench \
        --local_server_name=127.0.0.1:8082 \
        --metadata_server="$MC_METADATA_SERVER" \
        --mode=initiator \
        --operation=read \
        --segment_id=127.0.0.1:8081 \
        --batch_size=4096 \
        --block_size=65536 \
        --duration=1 \
        --threads=1 \
        --report_unit=GB
    assert_success
    assert_output --partial "initiator over nvmeof_generic, segment 127.0.0.1:8081"
    [[ $stderr =~ Test\ completed:\ duration\ [0-9.]+,\ batch\ count\ [0-9]+,\ throughput\ [0-9.]+\ GB/s ]]
    run --separate-stderr mc-bench --metadata_server="$MC_METADATA_SERVER" --segment_id=127.0.0.1:8081 \
        --operation=mixed --batch_size=32 --duration=300ms --threads=2 --verify --json
    assert_success
    verified
}

@test "loopback, as in Mooncake's document: buffered and direct, on 1, 8 and 256 files" {
    local count direct operation
    for count in 1 8 256; do
        make_files "$count" 1M
        for direct in off on; do
            operation=$([[ $direct == on ]] && echo write || echo mixed)
            MC_NVMEOF_GENERIC_DIRECT_IO=$direct run --separate-stderr mc-bench \
                --local_server_name=127.0.0.1:8081 \
                --mode=loopback \
                --operation="$operation" \
                --segment_id=127.0.0.1:8081 \
                --batch_size=8 \
                --block_size=65536 \
                --duration=0.2 \
                --threads=2 \
                --report_unit=GB \
                --trtype=tcp \
                --traddr=127.0.0.1 \
                --trsvcid="$(free_port)" \
                --files="$files" --verify --json
            assert_success
            verified
        done
    done
}

@test "blocks that are not aligned, over all of the file, with digests" {
    make_files 1 1000001
    run --separate-stderr mc-bench --mode=loopback --files="$files" --trsvcid="$(free_port)" --block_size=1000 \
        --batch_size=16 --threads=4 --operation=mixed --duration=300ms --header-digest --data-digest --verify --json
    assert_success
    verified
    assert_equal "$(json 'd["parameters"]["access"]')" random
}

@test "threads that write parts of the same blocks of the device undo nothing of each other" {
    make_files 1 64K
    run --separate-stderr mc-bench --mode=loopback --files="$files" --trsvcid="$(free_port)" --block_size=700 \
        --batch_size=8 --threads=4 --operation=write --duration=500ms --verify --json
    assert_success
    verified
}

@test "P2PHANDSHAKE: the target itself is asked; killed under load, requests fail and say so" {
    make_files 1 4M
    start target mc-bench --mode=target --files="$files" --trsvcid="$(free_port)" --json
    wait_for target.out segment
    local segment
    segment=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["segment"])' <"$BATS_TEST_TMPDIR/target.out")
    start load mc-bench --segment_id="$segment" --batch_size=16 --threads=2 --duration=60 \
        --nvmeof-loss-timeout=200ms --retry-count=1 --json
    wait_until_busy "${started[0]}"
    local initiator=$pid
    kill -KILL "${started[0]}"
    local status=0
    wait "$initiator" || status=$?
    assert_equal "$status" 69
    output=$(<"$BATS_TEST_TMPDIR/load.out")
    assert_equal "$(json 'd["error"]["code"], d["results"][0]["failure"]["code"]')" "('unavailable', 'unavailable')"
    assert_equal "$(json 'd["status"], d["results"][0]["failure"]["request"]["status"]')" "('failed', 'FAILED')"
    # How it was lost, last seen by whichever thread.
    [[ $(json 'd["error"]["message"]') =~ "FAILED after ".*" bytes: ".*("Connection refused"|"Connection reset"|"Broken pipe"|"closed the connection") ]]
}

@test "what can't be served is told by option" {
    make_files 1 1M
    run mc-bench --mode=loopback --files="$files $BATS_TEST_TMPDIR/none" --trsvcid="$(free_port)"
    assert_equal "$status" 66
    assert_output --partial "$BATS_TEST_TMPDIR/none: No such file or directory"
    run mc-bench --mode=loopback --files="$files:2MiB" --trsvcid="$(free_port)"
    assert_equal "$status" 64
    run mc-bench --mode=loopback --files="$files" --protocol=tcp
    assert_equal "$status" 64
    assert_output --partial "--protocol: \"tcp\" has no files; they need nvmeof_generic"
    run mc-bench --mode=target --protocol=nvmeof_generic
    assert_equal "$status" 64
    assert_output --partial "no --files are given"
    run mc-bench --segment_id=127.0.0.1:1 --files="$files"
    assert_equal "$status" 64
    run mc-bench --mode=loopback --files="$files" --trtype=fc
    assert_equal "$status" 64
    run mc-bench --mode=loopback --files="$files" --trsvcid="$(free_port)" --block_size=1MiB --batch_size=4 --verify
    assert_equal "$status" 64
    assert_output --partial "the segment has room for 1 blocks of 1MiB"
}

# Machines whose kernel has no NVMe host, and users that may not use it, are told so in one line, and how to mend it.
@test "the kernel's initiator, where the kernel has none" {
    [[ ! -e /dev/nvme-fabrics ]] || skip "this kernel has it"
    mc-bench --version | grep -qw libnvme || skip "a build without libnvme"
    make_files 1 1M
    run --separate-stderr mc-bench --mode=loopback --files="$files" --initiator=kernel --duration=100ms
    assert_failure 69
    assert_equal "$output" ""
    assert_equal "${stderr_lines[*]}" "mc-bench: the kernel's NVMe host: /dev/nvme-fabrics is not there, its module is not \
loaded hint: modprobe nvme-tcp, as root; or go without the kernel: --initiator=user"
    # Before anybody is asked, at 127.0.0.1:1; but what the environment says is for files, which that may be none of.
    run --separate-stderr mc-bench --segment_id=127.0.0.1:1 --initiator=kernel
    [[ ${stderr_lines[0]} == *"/dev/nvme-fabrics is not there"* ]]
    MC_NVMEOF_GENERIC_INITIATOR=kernel run --separate-stderr mc-bench --segment_id=127.0.0.1:1
    [[ ${stderr_lines[0]} == *"Connection refused"* ]]
    MC_NVMEOF_GENERIC_INITIATOR=kernel run --separate-stderr mc-bench --mode=loopback --files="$files" --json --quiet
    assert_failure 69
    assert_equal "$(json 'd["error"]["code"]')" unavailable
}

@test "auto reaches a tcp segment without the kernel, and rdma with it" {
    start_metadata
    make_files 1 1M
    echo 'initiator = "auto"' >"$BATS_TEST_TMPDIR/bench.toml"
    run --separate-stderr mc-bench --config "$BATS_TEST_TMPDIR/bench.toml" --mode=loopback --files="$files" --batch_size=4 \
        --threads=1 --operation=write --duration=100ms --verify --json
    assert_success
    verified
    assert_equal "$(json 'd["peer"]["initiator"], d["peer"]["page_cache"]')" "('user', False)"

    echo '{"name":"far","protocol":"nvmeof_generic","nvmeof_generic_trid":{"trtype":"rdma","adrfam":"ipv4",
        "traddr":"127.0.0.1","trsvcid":"4420","subnqn":"nqn.2016-06.io.mc:far"},
        "file_buffers":[{"id":1,"path":"/f","size":1048576,"align":0}]}' >"$BATS_TEST_TMPDIR/far.json"
    mc-meta put --metadata-server "$MC_METADATA_SERVER" mooncake/ram/far @"$BATS_TEST_TMPDIR/far.json"
    run --separate-stderr mc-bench --metadata-server "$MC_METADATA_SERVER" --segment_id=far
    assert_failure 69
    assert_equal "${stderr_lines[1]}" "hint: the kernel may have it: --initiator=kernel"
    [[ ! -e /dev/nvme-fabrics ]] || skip "this kernel has an NVMe host"
    run --separate-stderr mc-bench --metadata-server "$MC_METADATA_SERVER" --segment_id=far --initiator=auto
    assert_failure 69
    assert_equal "${stderr_lines[1]}" "hint: modprobe nvme-rdma, as root"
}

@test "this machine's page cache is for the kernel's initiator only" {
    make_files 1 1M
    run --separate-stderr mc-bench --mode=loopback --files="$files" --initiator-page-cache
    assert_failure 64
    assert_equal "${stderr_lines[1]}" "hint: leave it out"
    run --separate-stderr mc-bench --mode=loopback --files="$files" --initiator=kernl
    assert_failure 64
}
