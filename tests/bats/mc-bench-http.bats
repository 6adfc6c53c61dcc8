#!/usr/bin/env bats
# mc-bench over a metadata server, as Mooncake's documents start it: `mc-meta serve`, and a scripted server of Mooncake's
# kind, which has neither versions nor conditions.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

small=(--block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms)

# The command lines of Mooncake's documents, character by character but for what differs from machine to machine: the
# program, the addresses, and how long it takes. Arguments: of the initiator that has no --duration of its own.
documented_lines() {
    local target initiator devices
    target=127.0.0.2:$(free_port)
    initiator=127.0.0.3:$(free_port)
    export MC_GID_INDEX=n
    for devices in --device_name=erdma_0 --auto_discovery; do
        start target mc-bench --mode=target \
            --metadata_server="$url" \
            --local_server_name="$target" \
            "$devices"
        wait_for target.out "ready: segment $target,"
        run mc-bench --metadata_server="$url" \
            --segment_id="$target" \
            --local_server_name="$initiator" \
            --device_name=erdma_1 "$@"
        assert_success
        assert_output --partial "Test completed: duration"
        set -- --duration=1
        for operation in read write; do
            run mc-bench \
                --local_server_name="$initiator" \
                --metadata_server="$url" \
                --mode=initiator \
                --operation=$operation \
                --segment_id="$target" \
                --batch_size=4096 \
                --block_size=65536 \
                --duration=1 \
                --threads=1 \
                --report_unit=GB
            assert_success
            assert_output --regexp "Test completed: duration [0-9.]+, batch count [0-9]+, throughput [0-9.]+ GB/s"
        done
        kill -TERM "$pid"
        wait "$pid"
    done
}

@test "the documented command lines, over a server of Mooncake's kind" {
    start_stock_metadata
    documented_lines --duration=1
}

@test "the documented command lines, over mc-meta serve, which has no key afterwards" {
    start_metadata
    documented_lines
    run mc-meta list --keys-only
    assert_success
    assert_output ""
}

@test "loopback, and an initiator without a name, have names of their own" {
    start_stock_metadata
    run mc-bench --mode=loopback --metadata_server="$url" --verify "${small[@]}"
    assert_success
    start target mc-bench --mode=target --metadata_server="$url" --buffer_size=4MiB
    wait_for target.out "ready: segment 127.0.0.1,"
    run mc-bench --metadata_server="$url" --segment_id=127.0.0.1 --verify --operation=mixed "${small[@]}"
    assert_success
}

@test "the command that a target prints names the metadata server" {
    start_stock_metadata
    start target mc-bench --mode=target --metadata_server="$url" "${small[@]}"
    wait_for target.out ready
    run grep -o 'mc-bench --mode=initiator.*' "$BATS_TEST_TMPDIR/target.err"
    assert_output --partial "--metadata_server=$url --segment_id=127.0.0.1"
    run bash -c "$output --duration=50ms"
    assert_success
}

@test "keys are those of Mooncake, below the cluster's name" {
    start_stock_metadata
    MC_METADATA_CLUSTER_ID=blue start target mc-bench --mode=target --metadata_server="$url" \
        --local_server_name=127.0.0.1 "${small[@]}"
    wait_for target.out ready
    run --separate-stderr mc-meta get mooncake/blue/rpc_meta/127.0.0.1
    assert_success
    assert_equal "$(json 'd["ip_or_host_name"]')" 127.0.0.1
    run --separate-stderr mc-meta get mooncake/blue/ram/127.0.0.1
    assert_success
    assert_equal "$(json 'd["protocol"], d["name"], d["buffers"][0]["length"]')" "('tcp', '127.0.0.1', 4194304)"
    run mc-bench --metadata_server="$url" --segment_id=127.0.0.1 "${small[@]}"
    assert_equal "$status" 69
    run env MC_METADATA_CLUSTER_ID=blue mc-bench --metadata_server="$url" --segment_id=127.0.0.1 "${small[@]}"
    assert_success
}

@test "the port of a name is bound, with and without MC_LEGACY_RPC_PORT_BINDING" {
    start_stock_metadata
    local port
    for legacy in 0 1; do
        port=$(free_port)
        if [[ $legacy == 1 ]]; then export MC_LEGACY_RPC_PORT_BINDING=1; fi
        start target mc-bench --mode=target --metadata_server="$url" --local_server_name="127.0.0.1:$port" \
            --buffer_size=4MiB
        wait_for target.out ready
        run --separate-stderr mc-meta get "mooncake/rpc_meta/127.0.0.1:$port"
        assert_equal "$(json 'd["rpc_port"]')" "$port"
        kill -TERM "$pid"
        wait "$pid"
    done
}

@test "no metadata server: a clear error, and its hint" {
    local gone
    gone=http://127.0.0.1:$(free_port)/metadata
    for mode in target loopback initiator; do
        run mc-bench --mode=$mode --metadata_server="$gone" --segment_id=127.0.0.1 "${small[@]}"
        assert_equal "$status" 69
        assert_output --partial "metadata server $gone: Connection refused"
        assert_output --partial "hint: is the metadata server running there?"
    done
}

@test "a segment that nobody has published" {
    start_stock_metadata
    run mc-bench --metadata_server="$url" --segment_id=nobody "${small[@]}"
    assert_equal "$status" 69
    assert_output --partial "segment nobody"
}

@test "a URL that can't be right is refused at once, and its password is not repeated" {
    run mc-bench --mode=loopback --metadata_server=http://user:secret@127.0.0.1:8080 "${small[@]}"
    assert_equal "$status" 64
    assert_output --partial "has no path"
    assert_output --partial "/metadata"
    refute_output --partial secret
    run mc-bench --mode=loopback --metadata_server=redis://user:secret@127.0.0.1 "${small[@]}"
    assert_equal "$status" 64
    refute_output --partial secret
}

@test "the record does not repeat a password" {
    start_stock_metadata
    run --separate-stderr mc-bench --mode=loopback --metadata_server="${url/127/user:secret@127}" --json "${small[@]}"
    assert_success
    refute_output --partial secret
    assert_equal "$(json 'd["parameters"]["options"]["metadata_server"]')" "$url"
}

@test "a target ends in order when the metadata server has gone" {
    start_stock_metadata
    start target mc-bench --mode=target --metadata_server="$url" --buffer_size=4MiB
    wait_for target.out ready
    local target=$pid
    kill -KILL "$server"
    wait "$server" || true
    kill -TERM "$target"
    wait "$target"
    grep -q "withdraw mooncake/ram/127.0.0.1: .*Connection refused" "$BATS_TEST_TMPDIR/target.err"
}
