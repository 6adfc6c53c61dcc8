#!/usr/bin/env bats
# A Redis server as the metadata store: mc-meta and mc-bench as a user runs them.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load redis

small=(--block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms)

@test "a value comes back byte by byte, from us and from redis-cli" {
    start_redis
    head -c 300000 /dev/urandom >"$BATS_TEST_TMPDIR/value"
    mc-meta put --quiet "mooncake/ram/a b:*" "@$BATS_TEST_TMPDIR/value"
    mc-meta get "mooncake/ram/a b:*" | cmp - "$BATS_TEST_TMPDIR/value"
    # redis-cli adds a line feed.
    cli --raw get "mooncake/ram/a b:*" | head -c -1 | cmp - "$BATS_TEST_TMPDIR/value"
    cli -x set by-redis <"$BATS_TEST_TMPDIR/value"
    mc-meta get by-redis | cmp - "$BATS_TEST_TMPDIR/value"
    mc-meta put --quiet empty </dev/null
    assert_equal "$(cli strlen empty)" 0
}

@test "conditions" {
    start_redis
    run --separate-stderr mc-meta put key one --if-absent --json
    assert_success
    local first
    first=$(json 'd["version"]')
    run mc-meta put key two --if-absent
    assert_equal "$status" 73
    assert_output --partial "the key exists"
    run --separate-stderr mc-meta put key two --if-version="$first"
    assert_success
    run mc-meta put key three --if-version="$first"
    assert_equal "$status" 1
    run mc-meta remove key --if-version="$first"
    assert_equal "$status" 1
    assert_equal "$(mc-meta get key)" two
    run mc-meta put key x --if-version=$'1\r\nX: y'
    assert_equal "$status" 64
    mc-meta remove key
    run mc-meta remove key
    assert_equal "$status" 1
    run mc-meta remove key --if-missing=ok
    assert_success
}

@test "list: by prefix, in order, more than a page, without KEYS" {
    start_redis
    for key in b/2 b/1 a 'b*/3'; do
        mc-meta put --quiet "$key" "value of $key"
    done
    cli rpush b/queue x
    run --separate-stderr mc-meta list --keys-only
    assert_output $'a\nb*/3\nb/1\nb/2'
    run --separate-stderr mc-meta list 'b*' --keys-only
    assert_output 'b*/3'
    cli eval "for i = 1, 25000 do redis.call('set', 'many/' .. redis.sha1hex(i), 'x') end" 0
    mc-meta list many/ --keys-only >"$BATS_TEST_TMPDIR/keys"
    LC_ALL=C sort -cu "$BATS_TEST_TMPDIR/keys"
    assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/keys")" 25000
    run cli info commandstats
    refute_output --partial "cmdstat_keys:"
}

@test "watch: a line for each change, SIGTERM ends it in order, a server that goes does not" {
    start_redis
    start watch mc-meta watch p/ --values
    local watch=$pid
    wait_for watch.err "watching p/"
    mc-meta put --quiet p/a hello
    cli set other x
    wait_for watch.out "^put p/a .* hello$"
    cli del p/a
    wait_for watch.out "^remove p/a$"
    kill -TERM "$watch"
    wait "$watch"
    start watch mc-meta watch p/
    watch=$pid
    wait_for watch.err "watching p/"
    kill -KILL "$server"
    local code=0
    wait "$watch" || code=$?
    assert_equal "$code" 69
    grep -q "watch p/: metadata server $url: .*Connection refused" "$BATS_TEST_TMPDIR/watch.err"
}

@test "a password: from the environment or a file, and never told" {
    start_redis --requirepass s3cret
    run mc-meta list
    assert_equal "$status" 77
    assert_output --partial "it wants a password"
    run env MC_REDIS_PASSWORD=wr0ng mc-meta list
    assert_equal "$status" 77
    assert_output --partial "it refuses the password"
    refute_output --partial wr0ng
    MC_REDIS_PASSWORD=s3cret mc-meta put --quiet k v
    (umask 077 && echo s3cret >"$BATS_TEST_TMPDIR/password")
    run --separate-stderr mc-meta get k --metadata_password_file="$BATS_TEST_TMPDIR/password"
    assert_success
    assert_output v
    assert_equal "$stderr" ""
    chmod 644 "$BATS_TEST_TMPDIR/password"
    run --separate-stderr env MC_METADATA_PASSWORD_FILE="$BATS_TEST_TMPDIR/password" mc-meta get k
    assert_success
    assert [ "$(grep -c "others can read this secret" <<<"$stderr")" -eq 1 ]
    run mc-meta get k --metadata_password_file="$BATS_TEST_TMPDIR/none"
    assert_equal "$status" 66
    run mc-meta get k --metadata_server="redis://me:s3cret@127.0.0.1:$port"
    assert_equal "$status" 64
    assert_output --partial "a password does not belong in the URI"
    refute_output --partial s3cret
    run env MC_REDIS_PASSWORD=s3cret mc-meta get k --print-config
    refute_output --partial s3cret
    run env MC_REDIS_PASSWORD=s3cret mc-meta get k --redis-password=x
    assert_equal "$status" 64
}

@test "a user and a database" {
    start_redis
    cli acl setuser me on '>pw' '~*' +@all
    export MC_REDIS_USERNAME=me MC_REDIS_PASSWORD=pw
    MC_REDIS_DB_INDEX=3 mc-meta put --quiet k three
    assert_equal "$(cli -n 3 get k)" three
    assert_equal "$(mc-meta get k --metadata_server="redis://me@127.0.0.1:$port/3")" three
    run mc-meta get k
    assert_equal "$status" 1
    run env MC_REDIS_DB_INDEX=256 mc-meta get k
    assert_equal "$status" 78
    assert_output --partial "environment MC_REDIS_DB_INDEX: \"256\" is out of range"
    run env MC_REDIS_DB_INDEX=99 mc-meta get k
    assert_equal "$status" 78
    run mc-meta get k --metadata_server="redis://other@127.0.0.1:$port"
    assert_equal "$status" 77
    assert_output --partial "refuses user other or the password"
}

@test "two processes: a verified run, keys below the cluster's name, and none afterwards" {
    start_redis
    export MC_METADATA_CLUSTER_ID=blue
    start target mc-bench --mode=target --metadata_server="$url" --local_server_name=127.0.0.1 "${small[@]}"
    local target=$pid
    wait_for target.out ready
    run cli --raw get mooncake/blue/rpc_meta/127.0.0.1
    assert_equal "$(json 'd["ip_or_host_name"]')" 127.0.0.1
    run cli --raw get mooncake/blue/ram/127.0.0.1
    assert_equal "$(json 'd["protocol"], d["buffers"][0]["length"]')" "('tcp', 4194304)"
    run mc-bench --metadata_server="$url" --segment_id=127.0.0.1 --operation=mixed --verify "${small[@]}"
    assert_success
    run env -u MC_METADATA_CLUSTER_ID mc-bench --metadata_server="$url" --segment_id=127.0.0.1 "${small[@]}"
    assert_equal "$status" 69
    assert_output --partial "segment 127.0.0.1"
    kill -TERM "$target"
    wait "$target"
    assert_equal "$(cli dbsize)" 0
}

@test "mc-target comes back under its name after a kill, and a second one does not get it" {
    start_redis
    start target mc-target --memory 4MiB --metadata_server="$url" --local_server_name=127.0.0.1 --control-socket="$BATS_TEST_TMPDIR/one.sock"
    local first=$pid
    wait_for target.err "serv"
    run mc-target --memory 4MiB --metadata_server="$url" --local_server_name=127.0.0.1 --control-socket="$BATS_TEST_TMPDIR/two.sock"
    assert_equal "$status" 73
    assert_output --partial "a live owner"
    kill -KILL "$first"
    wait "$first" || true
    start again mc-target --memory 4MiB --metadata_server="$url" --local_server_name=127.0.0.1 --control-socket="$BATS_TEST_TMPDIR/one.sock"
    wait_for again.err "serv"
    run mc-bench --metadata_server="$url" --segment_id=127.0.0.1 --verify "${small[@]}"
    assert_success
}

@test "a server that is gone: a clear error, and its hint" {
    start_redis
    kill -KILL "$server"
    wait "$server" || true
    for command in "get k" "put k v" "remove k" list watch; do
        # shellcheck disable=SC2086 # Words of a command line.
        run mc-meta $command
        assert_equal "$status" 69
        assert_output --partial "metadata server $url: connect to 127.0.0.1:$port: Connection refused"
        assert_output --partial "hint: is the metadata server running there?"
    done
    run mc-bench --mode=loopback --metadata_server="$url" "${small[@]}"
    assert_equal "$status" 69
}

@test "a server that is started again under a running target: transfers go on, new ones recover" {
    start_redis --appendonly yes
    start target mc-bench --mode=target --metadata_server="$url" --local_server_name=127.0.0.1 --buffer_size=4MiB
    local target=$pid
    wait_for target.out ready
    start monitor redis-cli -p "$port" monitor
    wait_for monitor.out OK
    start long mc-bench --metadata_server="$url" --segment_id=127.0.0.1 --verify --block_size=4KiB --batch_size=4 \
        --threads=1 --buffer_size=4MiB --duration=600
    local long=$pid
    # It has looked up where the target is, and has the answer.
    wait_for monitor.out '"GET" "mooncake/rpc_meta/127.0.0.1"'
    assert_equal "$(cli ping)" PONG
    kill -KILL "$server"
    wait "$server" || true
    run mc-bench --metadata_server="$url" --segment_id=127.0.0.1 "${small[@]}"
    assert_equal "$status" 69
    start_redis --appendonly yes
    kill -INT "$long"
    local status=0
    wait "$long" || status=$?
    assert_equal "$status" 130
    run mc-bench --metadata_server="$url" --segment_id=127.0.0.1 --verify "${small[@]}"
    assert_success
    kill -TERM "$target"
    wait "$target"
    assert_equal "$(cli dbsize)" 0
}

@test "a read-only replica, and a key that holds something else" {
    start_redis
    cli rpush queue x
    run mc-meta get queue
    assert_equal "$status" 65
    assert_output --partial "the key holds no plain value"
    cli replicaof 127.0.0.1 "$(free_port)"
    run mc-meta put k v
    assert_equal "$status" 77
    assert_output --partial "it is a read-only replica"
    assert_output --partial "hint: name its master"
}
