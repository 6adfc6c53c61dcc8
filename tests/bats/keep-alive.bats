#!/usr/bin/env bats
# Keys that a metadata server has lost are published again by their owners, and never over somebody else's.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores

# The server in memory is killed, and another one starts at its address, without a key.
restart_metadata() {
    kill -KILL "$server"
    wait "$server" || true
    local address=${url#http://}
    start_metadata --listen="${address%/metadata}"
}

# eventually COMMAND...: until it succeeds, twenty seconds at most.
eventually() {
    local i
    for ((i = 0; i < 200; i++)); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.1
    done
    echo "never: $*"
    return 1
}

start_target() {
    start target mc-target --memory 4MiB --metadata_server="$MC_METADATA_SERVER" --local_server_name=127.0.0.1 \
        --control-socket="$BATS_TEST_TMPDIR/control" --keep-alive=100ms "$@"
    wait_for target.out ready
}

bench() {
    mc-bench --metadata_server="$MC_METADATA_SERVER" --segment_id=127.0.0.1 --verify --operation=mixed --quiet --json \
        --block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms
}

@test "a target whose metadata server restarts without its keys is found again" {
    start_metadata
    start_target
    run bench
    assert_success
    restart_metadata
    eventually mc-meta get mooncake/ram/127.0.0.1
    run --separate-stderr bench
    assert_success
    wait_for target.err "mooncake/rpc_meta/127.0.0.1 was missing .* is published again" # The last one told.
    run grep -c "is published again" "$BATS_TEST_TMPDIR/target.err"
    assert_output 2
    run --separate-stderr mc-target status --control-socket="$BATS_TEST_TMPDIR/control" --json
    assert_equal "$(json '[k["state"] for k in d["keys"]]')" "['ours', 'ours']"
    # What it has put back it takes with it.
    kill -TERM "${started[1]}"
    wait "${started[1]}"
    assert_equal "$(mc-meta list --keys-only)" ""
}

@test "the same on Redis, on etcd, and on servers without conditions" {
    for store in start_redis start_etcd "start_stock_metadata --profile=python"; do
        port='' peer_port=''
        $store
        start_target
        local target=$pid
        mc-meta remove --quiet mooncake/ram/127.0.0.1
        mc-meta remove --quiet mooncake/rpc_meta/127.0.0.1
        # Where the target looked between the two removals, it puts back one after the other.
        eventually mc-meta get mooncake/ram/127.0.0.1
        eventually mc-meta get mooncake/rpc_meta/127.0.0.1
        run --separate-stderr bench
        assert_success
        kill -TERM "$target"
        wait "$target"
        kill -KILL "$server"
        wait "$server" || true
    done
}

@test "a name that somebody else has taken meanwhile is left to them, with a warning" {
    start_metadata
    start_target
    mc-meta put --quiet mooncake/rpc_meta/127.0.0.1 '{"ip_or_host_name":"127.0.0.9","rpc_port":9}'
    mc-meta remove --quiet mooncake/ram/127.0.0.1
    wait_for target.err "keep alive: mooncake/rpc_meta/127.0.0.1: another engine has replaced it"
    run mc-meta get mooncake/ram/127.0.0.1
    assert_equal "$status" 1
    run mc-meta get mooncake/rpc_meta/127.0.0.1
    assert_output --partial 127.0.0.9
}

@test "with --keep-alive=0 nothing is published again" {
    start_metadata
    start_target --keep-alive=0
    mc-meta remove --quiet mooncake/ram/127.0.0.1
    run mc-target status --control-socket="$BATS_TEST_TMPDIR/control"
    assert_output --partial "mooncake/ram/127.0.0.1 missing"
}

@test "a static segment is put back with what others have added, until a signal" {
    start_metadata
    truncate -s 1M "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
    start keeper mc-register add cache "$BATS_TEST_TMPDIR/one" --keep-alive=100ms --json -v
    local keeper=$pid
    wait_for keeper.out '"created"'
    mc-register add --quiet cache "$BATS_TEST_TMPDIR/two" --if-exists=merge
    wait_for keeper.err "others have changed it"
    restart_metadata
    eventually mc-register show cache
    run --separate-stderr mc-register show cache --json
    assert_equal "$(json 'len(d["files"])')" 2
    wait_for keeper.err "was missing, and is published again"

    kill -TERM "$keeper"
    wait "$keeper"
    run mc-register show cache
    assert_success
}

@test "what stands in a static segment's place is left there" {
    start_metadata
    truncate -s 1M "$BATS_TEST_TMPDIR/one"
    start keeper mc-register add 127.0.0.1 --memory --keep-alive=100ms
    wait_for keeper.err "looking after mooncake/ram/127.0.0.1 every 100ms"
    start_target
    run --separate-stderr bench
    assert_success
    run mc-register add cache "$BATS_TEST_TMPDIR/one" --keep-alive=1s --dry-run
    assert_equal "$status" 64
    run mc-register add --buffer=4KiB --keep-alive=1s
    assert_equal "$status" 64
}
