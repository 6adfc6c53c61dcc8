#!/usr/bin/env bats
# The tools over etcd, as a user runs them.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load etcd

small=(--block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms)

# bench_over SERVER: a target and an initiator, which verifies all bytes.
bench_over() {
    start target mc-bench --mode=target --metadata_server="$1" --local_server_name=127.0.0.1 --buffer_size=4MiB
    wait_for target.out ready
    run mc-bench --metadata_server="$1" --segment_id=127.0.0.1 --verify --operation=mixed "${small[@]}"
    assert_success
    kill -TERM "$pid"
    wait "$pid"
}

@test "etcd: keys are put, got, listed and removed, with and without conditions" {
    start_etcd
    run --separate-stderr mc-meta put mooncake/ram/a one --json
    assert_success
    version=$(json 'd["version"]')
    run --separate-stderr mc-meta get mooncake/ram/a --json
    assert_equal "$(json 'd["value"], d["version"]')" "('one', '$version')"
    run mc-meta put mooncake/ram/a two --if-absent
    assert_equal "$status" 73
    mc-meta put --quiet mooncake/ram/a two --if-version="$version"
    run mc-meta put mooncake/ram/a three --if-version="$version"
    assert_equal "$status" 1
    assert_output --partial "another version"
    run mc-meta remove mooncake/ram/a --if-version="$version"
    assert_equal "$status" 1
    mc-meta put --quiet mooncake/rpc_meta/a x
    mc-meta put --quiet other x
    run --separate-stderr mc-meta list mooncake/ --keys-only
    assert_output "mooncake/ram/a
mooncake/rpc_meta/a"
    run --separate-stderr mc-meta list --keys-only
    assert_line --index 2 other
    mc-meta remove --quiet mooncake/ram/a
    run mc-meta remove mooncake/ram/a
    assert_equal "$status" 1
    run mc-meta get mooncake/ram/a
    assert_equal "$status" 1
    assert_output "mc-meta: get mooncake/ram/a: no such key"
}

@test "etcd: values are those of etcdctl, byte by byte, in both directions" {
    start_etcd
    python3 -c 'import sys
sys.stdout.buffer.write(b"".join(b"{\"a\": [1, \"\xc3\xa9\"]}\n\n" for _ in range(20000)))' >"$BATS_TEST_TMPDIR/value"
    mc-meta put --quiet "mooncake/ram/a b:1" "@$BATS_TEST_TMPDIR/value"
    # etcdctl ends what it prints with a newline of its own.
    etcdctl get "mooncake/ram/a b:1" --print-value-only | head -c -1 | cmp - "$BATS_TEST_TMPDIR/value"
    assert_equal "$(etcdctl get "" --prefix --keys-only | head -1)" "mooncake/ram/a b:1"
    etcdctl put theirs '{"b": "ü"}'
    assert_equal "$(mc-meta get theirs)" '{"b": "ü"}'
    head -c 2000000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/large"
    run mc-meta put large "@$BATS_TEST_TMPDIR/large"
    assert_equal "$status" 64
    assert_output --partial "request is too large"
    assert_output --partial "--max-request-bytes"
}

@test "etcd: 2500 keys are listed in their order" {
    start_etcd
    python3 - "$endpoint" <<'EOF'
import base64, http.client, json, sys
encoded = lambda text: base64.b64encode(text.encode()).decode()
server = http.client.HTTPConnection(sys.argv[1])
for first in range(0, 2500, 100):
    puts = [{"request_put": {"key": encoded(f"k/{i:04}"), "value": encoded("v")}} for i in range(first, first + 100)]
    server.request("POST", "/v3/kv/txn", json.dumps({"success": puts}))
    assert server.getresponse().read()
EOF
    mc-meta list k/ --keys-only >"$BATS_TEST_TMPDIR/listed"
    for ((i = 0; i < 2500; i++)); do printf 'k/%04d\n' "$i"; done | cmp - "$BATS_TEST_TMPDIR/listed"
}

@test "etcd: a watch prints changes, and ends when etcd has gone" {
    start_etcd
    start watch mc-meta watch mooncake/ --values
    watch=$pid
    wait_for watch.err watching
    mc-meta put --quiet mooncake/a one
    mc-meta put --quiet other one
    mc-meta remove --quiet mooncake/a
    wait_for watch.out "remove mooncake/a"
    run grep -c . "$BATS_TEST_TMPDIR/watch.out"
    assert_output 2
    kill -KILL "$server"
    local code=0
    wait "$watch" || code=$?
    assert_equal "$code" 69
    grep -q "mc-meta: watch mooncake/: metadata server http://$endpoint" "$BATS_TEST_TMPDIR/watch.err"
}

@test "etcd: a verified run of two processes, by each of its names" {
    start_etcd
    bench_over "etcd://$endpoint"
    bench_over "$endpoint"
    bench_over "127.0.0.1:$(free_port);$endpoint"
    run mc-meta list --keys-only
    assert_output ""
}

@test "etcd: keys are those of Mooncake, below the cluster's name" {
    start_etcd
    MC_METADATA_CLUSTER_ID=blue start target mc-target --metadata-server="$endpoint" --memory=4MiB \
        --control-socket="$BATS_TEST_TMPDIR/control"
    wait_for target.out ready
    run --separate-stderr etcdctl get mooncake/blue/rpc_meta/127.0.0.1 --print-value-only
    assert_equal "$(json 'd["ip_or_host_name"]')" 127.0.0.1
    run --separate-stderr etcdctl get mooncake/blue/ram/127.0.0.1 --print-value-only
    assert_equal "$(json 'd["protocol"], d["buffers"][0]["length"]')" "('tcp', 4194304)"
    run mc-bench --metadata_server="$endpoint" --segment_id=127.0.0.1 "${small[@]}"
    assert_equal "$status" 69
    run env MC_METADATA_CLUSTER_ID=blue mc-bench --metadata_server="$endpoint" --segment_id=127.0.0.1 "${small[@]}"
    assert_success
    kill -TERM "$pid"
    wait "$pid"
    assert_equal "$(etcdctl get "" --prefix --keys-only)" ""
}

@test "etcd: killed under a run, which goes on; new ones fail clearly until it is back" {
    start_etcd
    start target mc-bench --mode=target --metadata_server="$endpoint" --buffer_size=4MiB
    target=$pid
    wait_for target.out ready
    start run mc-bench --metadata_server="$endpoint" --segment_id=127.0.0.1 --verify --block_size=4KiB --duration=1s \
        --repeat=3 --local_server_name="127.0.0.1:$(free_port)"
    running=$pid
    wait_for run.err "Test completed" # The first of them.
    kill -KILL "$server"
    wait "$server" || true
    run mc-bench --metadata_server="$endpoint" --segment_id=127.0.0.1 "${small[@]}"
    assert_equal "$status" 69
    assert_output --partial "metadata server http://$endpoint: Connection refused"
    start_etcd
    wait "$running"
    run mc-bench --metadata_server="$endpoint" --segment_id=127.0.0.1 --verify "${small[@]}"
    assert_success
    kill -TERM "$target"
    wait "$target"
}

@test "etcd: users and passwords" {
    start_etcd
    etcdctl user add root:rootword
    etcdctl user grant-role root root
    etcdctl user add alice:secret
    etcdctl role add engine
    etcdctl role grant-permission engine --prefix=true readwrite mooncake/
    etcdctl user grant-role alice engine
    etcdctl auth enable
    (umask 077 && echo secret >"$BATS_TEST_TMPDIR/password" && echo wrong-one >"$BATS_TEST_TMPDIR/wrong")
    run mc-meta get mooncake/a
    assert_equal "$status" 77
    assert_output --partial "metadata_user"
    run mc-meta get mooncake/a --metadata-user=alice --metadata-password-file="$BATS_TEST_TMPDIR/wrong"
    assert_equal "$status" 77
    assert_output --partial "authentication failed"
    refute_output --partial wrong-one
    export MC_METADATA_USER=alice MC_METADATA_PASSWORD_FILE=$BATS_TEST_TMPDIR/password
    mc-meta put --quiet mooncake/a one
    assert_equal "$(mc-meta get mooncake/a)" one
    run mc-meta put elsewhere one
    assert_equal "$status" 77
    assert_output --partial "permission denied"
    mc-meta remove --quiet mooncake/a
    bench_over "etcd://$endpoint"
}

@test "etcd: TLS, with certificates of both sides" {
    start_etcd_with_tls --client-cert-auth --trusted-ca-file="$BATS_TEST_TMPDIR/certificates/ca.pem"
    run mc-meta put a one
    assert_equal "$status" 69
    assert_output --partial "TLS"
    run mc-meta put a one --metadata-server="etcd://https://$endpoint"
    assert_equal "$status" 77
    assert_output --partial "metadata_ca_file"
    run mc-meta put a one --metadata-ca-file="$certificates/other-ca.pem"
    assert_equal "$status" 77
    export MC_METADATA_CA_FILE=$certificates/ca.pem
    run mc-meta put a one
    assert_equal "$status" 77
    assert_output --partial "metadata_cert_file"
    for i in 1 2 3 4 5; do
        run mc-meta put a one --metadata-cert-file="$certificates/stranger.pem" \
            --metadata-key-file="$certificates/stranger.key"
        assert_equal "$status" 77
        assert_output --partial "TLS alert"
    done
    run mc-meta put a one --metadata-key-file="$certificates/client.key"
    assert_equal "$status" 78
    export MC_METADATA_CERT_FILE=$certificates/client.pem MC_METADATA_KEY_FILE=$certificates/client.key
    run --separate-stderr mc-meta put a one
    assert_success
    [[ $stderr != *"others may read"* ]]
    assert_equal "$(etcdctl get a --print-value-only)" one
    run mc-meta get a --metadata-server="etcd://http://$endpoint"
    assert_equal "$status" 64
    chmod 0644 "$MC_METADATA_KEY_FILE"
    run --separate-stderr mc-meta get a
    assert_success
    assert_output one
    [[ $stderr == *"client.key: others may read this key"* ]]
    chmod 0600 "$MC_METADATA_KEY_FILE"
    bench_over "$endpoint"
}

@test "etcd: what is no etcd, and nobody, are told apart" {
    local nobody
    nobody=127.0.0.1:$(free_port)
    run mc-meta get k --metadata-server="$nobody"
    assert_equal "$status" 69
    assert_output --partial "metadata server http://$nobody: Connection refused"
    start metadata mc-meta serve --json --listen=127.0.0.1:0
    wait_for metadata.out '"urls\?"'
    other=$(grep -o '127.0.0.1:[0-9]*' "$BATS_TEST_TMPDIR/metadata.out" | head -1)
    run mc-meta get k --metadata-server="etcd://$other"
    assert_equal "$status" 76
    assert_output --partial "is it etcd"
    run mc-meta get k --metadata-server="etcd://user:secret@$other"
    assert_equal "$status" 64
    refute_output --partial secret
}
