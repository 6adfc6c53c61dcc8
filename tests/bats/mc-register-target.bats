#!/usr/bin/env bats
# Memory of a running mc-target, by mc-register over its control socket.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores

small=(--block_size=4KiB --batch_size=16 --buffer_size=4MiB --duration=200ms --warmup=20ms --verify --operation=mixed)

# A target that publishes in $MC_METADATA_SERVER, or without one answers itself; its control socket is in $socket.
start_target() {
    socket=$BATS_TEST_TMPDIR/control.sock
    start target mc-target --memory 4MiB --metadata_server="${MC_METADATA_SERVER:-P2PHANDSHAKE}" \
        --local_server_name="${segment:=127.0.0.1:$(free_port)}" --control-socket="$socket"
    target=$pid
    wait_for target.out ready
}

add() {
    mc-register add --control-socket="$socket" "$@"
}

remove() {
    mc-register remove --control-socket="$socket" "$@"
}

# bench THREADS: thread N uses buffer N modulo their number.
bench() {
    mc-bench --metadata_server="${MC_METADATA_SERVER:-P2PHANDSHAKE}" --segment_id="$segment" --threads="$1" --json \
        "${small[@]}"
}

published_buffers() {
    output=$(mc-register show "ram/$segment" --json)
    json 'sorted(b["address"] for b in d["buffers"])'
}

served_buffers() {
    output=$(mc-target status --control-socket="$socket" --json)
    json 'sorted(b["addr"] for b in d["buffers"])'
}

memory_comes_and_goes() {
    segment=127.0.0.1
    start_target
    run --separate-stderr add --buffer=4MiB@cpu:0
    assert_success
    assert_line --index 1 --regexp '^ +1 +0x[0-9a-f]+ +4MiB +cpu:0$'
    [[ $stderr == *"added 1 buffer, 4MiB to $segment"*"--buffer=1 takes it back"* ]]
    assert_equal "$(published_buffers)" "$(served_buffers)"
    run --separate-stderr bench 2
    assert_success
    assert_equal "$(json 'd["status"], d["results"][0]["verification"]["mismatched_blocks"]')" "('ok', 0)"

    # What was there first goes; what came later is served alone.
    run --separate-stderr remove --buffer=0 --json
    assert_success
    assert_equal "$(json 'd["segment"], d["removed"], d["buffers"][0]["number"], d["buffers_left"]')" \
        "('$segment', True, 0, 1)"
    assert_equal "$(published_buffers)" "$(served_buffers)"
    run --separate-stderr bench 2
    assert_success
    run mc-target status --control-socket="$socket"
    assert_line --regexp '^ +1  0x[0-9a-f]+  +4MiB  cpu:0'
    refute_line --regexp '^ +0  0x'

    # Somebody else's descriptor in its place is not overwritten, and then nothing is added.
    before=$(served_buffers)
    mc-meta put --quiet "mooncake/ram/$segment" '{}'
    run add --buffer=4KiB
    assert_equal "$status" 73
    assert_output --partial "another engine has replaced it"
    assert_equal "$(mc-meta get "mooncake/ram/$segment")" "{}"
    assert_equal "$(served_buffers)" "$before"
    # The owner's key was lost: it is there again with the next change.
    mc-meta remove --quiet "mooncake/ram/$segment"
    add --quiet --buffer=4KiB >/dev/null
    assert_equal "$(published_buffers)" "$(served_buffers)"

    # Without the store nothing changes.
    before=$(served_buffers)
    kill -KILL "$server"
    wait "$server" || true
    run add --buffer=4KiB
    assert_failure
    assert_output --partial "publish $segment"
    run remove --buffer=1
    assert_failure
    assert_equal "$(served_buffers)" "$before"
    kill -TERM "$target"
    wait "$target"
}

@test "memory comes and goes while it is served, on mc-meta serve" {
    start_metadata
    memory_comes_and_goes
}

@test "memory comes and goes while it is served, on Redis" {
    start_redis
    memory_comes_and_goes
}

@test "memory comes and goes while it is served, on etcd" {
    start_etcd
    memory_comes_and_goes
}

@test "without a metadata server, and by the segment's name or without any" {
    # Root's sockets are all in one place, with whatever else runs there.
    export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
    use_unprivileged
    mkdir -m 700 "$XDG_RUNTIME_DIR"
    [[ $(id -u) -ne 0 ]] || chown 65534 "$XDG_RUNTIME_DIR"
    segment=127.0.0.1:$(free_port)
    start target "${run_as[@]}" mc-target --memory 4MiB --local_server_name="$segment"
    wait_for target.out ready
    run --separate-stderr "${run_as[@]}" mc-register add --buffer=4MiB --json
    assert_success
    assert_equal "$(json 'd["segment"], d["action"], d["buffers_served"]')" "('$segment', 'added', 2)"
    run bench 2
    assert_success
    run "${run_as[@]}" mc-register remove "ram/$segment" --buffer=0 --quiet
    assert_success
    assert_output ""
    run bench 1
    assert_success
    run "${run_as[@]}" mc-register remove 127.0.0.1:1 --buffer=1
    assert_equal "$status" 69
}

@test "a peer that is using a removed buffer is told, and the target goes on" {
    start_target
    add --quiet --buffer=4MiB >/dev/null
    start initiator mc-bench --segment_id="$segment" --threads=2 --block_size=4KiB --batch_size=16 --duration=600 \
        --warmup=0s --retry-count=1
    for ((i = 0; i < 200; i++)); do
        output=$(mc-target status --control-socket="$socket" --json)
        [[ $(json 'd["requests_served"] > 1000') == True ]] && break
        sleep 0.05
    done
    remove --quiet --buffer=1
    status=0
    wait "$pid" || status=$?
    assert_equal "$status" 1
    run cat "$BATS_TEST_TMPDIR/initiator.err"
    assert_output --partial "FAILED"
    run bench 2
    assert_success
}

@test "several buffers: all or none" {
    start_target
    run --separate-stderr add --buffer=1MiB,2MiB@cpu:0 --buffer=4096 --json
    assert_success
    assert_equal "$(json '[(b["number"], b["length_bytes"]) for b in d["buffers"]]')" \
        "[(1, 1048576), (2, 2097152), (3, 4096)]"
    address=$(json 'hex(d["buffers"][2]["addr"])')
    before=$(served_buffers)
    run add --buffer=4KiB,4KiB@cpu:4000
    assert_equal "$status" 64
    assert_output --partial "no such NUMA node"
    run add --buffer=4KiB,1000000GiB
    assert_equal "$status" 71
    assert_output --partial "MiB of memory are available"
    run remove --buffer=1,9
    assert_equal "$status" 1
    assert_output --partial "buffer 9: there is none"
    run remove --buffer=0,1,2,3
    assert_equal "$status" 69
    assert_output --partial "there are no others"
    assert_equal "$(served_buffers)" "$before"
    run remove --buffer=1,9,"$address" --if-missing=ok
    assert_success
    assert_output --partial "removed 2 buffers"
    run remove --buffer=1 --if-missing=ok
    assert_success
    assert_output --partial "nothing to remove"
    remove --quiet --buffer=0
    run remove --buffer=2
    assert_equal "$status" 69
    assert_output --partial "buffer 2: it is the last one"
}

@test "a dry run says what would be done, and does nothing" {
    start_target
    run --separate-stderr add --buffer=4KiB --dry-run
    assert_success
    assert_output ""
    [[ $stderr == *"would add to $segment, which has 1 buffer now"* ]]
    add --quiet --buffer=4KiB >/dev/null
    before=$(served_buffers)
    run remove --buffer=1 --dry-run
    assert_success
    assert_output --partial "would remove 1 buffer, 4KiB of $segment, 1 left"
    run --separate-stderr remove --buffer=1 --dry-run --json
    assert_equal "$(json 'd["dry_run"], d["buffers_left"]')" "(True, 1)"
    assert_equal "$(served_buffers)" "$before"
}

@test "what does not go together is refused, and nobody is asked" {
    while IFS='|' read -r arguments text; do
        # shellcheck disable=SC2086 # Words of a command line.
        run mc-register $arguments
        assert_equal "$status" 64
        assert_output --partial "$text"
    done <<EOF
add x /dev/null --buffer=1MiB|can't be combined with --buffer
add x --memory --buffer=1MiB|can't be combined with --buffer
add x --if-exists=keep --buffer=1MiB|can't be combined with --buffer
add x --metadata_server=redis://h --buffer=1MiB|the target knows its own
add nvmeof/x --buffer=1MiB|one of files
add x --buffer=0|--buffer
add x --buffer=1MiB@gpu:0|no location
add x --buffer=1MiB --control-socket=/x|can't be combined with a name
add x /dev/null --control-socket=/x|is of a running target
add --memory|no segment is named
remove x --buffer=one|neither a buffer's number nor its address
remove x /dev/null --buffer=1|can't be combined with --buffer
remove|no segment is named
EOF
    run mc-register add --buffer=1MiB --control-socket="$BATS_TEST_TMPDIR/none"
    assert_equal "$status" 69
    run mc-register add 127.0.0.1:1 --buffer=1MiB --json
    assert_equal "$status" 69
}
