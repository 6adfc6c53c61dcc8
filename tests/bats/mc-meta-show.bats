#!/usr/bin/env bats
# Which segments there are, and whether their owners live: mc-meta show, the same on every kind of store.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores

files='{"buffers":[{"file_path":"/data/f0","length":4096,"local_path_map":{}}],"protocol":"nvmeof","server_name":"s"}'

# start_target URL: its name is in $segment, its pid in $target.
start_target() {
    start target mc-target --memory=4MiB --memory=4KiB --metadata_server="$1" --local_server_name=127.0.0.1 --json \
        --control-socket=none
    target=$pid
    wait_for target.out '"name"'
    segment=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["name"])' \
        "$BATS_TEST_TMPDIR/target.out")
}

# member SEGMENT EXPRESSION: of this segment in the JSON document that is in $output.
member() {
    json "next(s for s in d['segments'] if s['name'] == '$1')$2"
}

@test "a live owner, a killed one, a static segment, what is one-sided, and what can't be read" {
    start_stores
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        start_target "$store"
        mc-meta put --quiet mooncake/nvmeof/data "$files"
        mc-meta put --quiet mooncake/rpc_meta/lonely '{"ip_or_host_name":"127.0.0.1","rpc_port":1}'
        mc-meta put --quiet mooncake/ram/broken 'no JSON'
        mc-meta put --quiet mooncake/checkpoint/model '{}'
        run --separate-stderr mc-meta show --json --probe-timeout=20s
        assert_success
        assert_equal "$(json 'len(d["segments"])')" 4
        assert_equal "$(member "$segment" '["alive"]')" True
        assert_equal "$(member "$segment" '["bytes"]')" $((4 * 1024 * 1024 + 4096))
        assert_equal "$(member "$segment" '["buffers"]')" 2
        assert_equal "$(member "$segment" '["note"]')" ""
        assert_equal "$(member "$segment" '["age_s"] < 3600')" True
        assert_equal "$(member nvmeof/data '["alive"]')" None
        assert_equal "$(member nvmeof/data '["bytes"]')" 4096
        assert_equal "$(member lonely '["alive"]')" False
        assert_regex "$(member lonely '["note"]')" "no descriptor; .*Connection refused"
        assert_regex "$(member broken '["note"]')" "JSON"

        kill -KILL "$target"
        wait "$target" || true
        run --separate-stderr mc-meta show
        assert_success
        assert_line --regexp "^SEGMENT +PROTOCOL +BUFFERS +BYTES +AGE +OWNER +ALIVE +NOTE$"
        assert_line --regexp "^$segment +tcp +2 +4100KiB +[0-9]+[sm] +127.0.0.1:[0-9]+ +no .*Connection refused"
        assert_line --regexp "^nvmeof/data +nvmeof +1 +4KiB +- +- +-$"
        run --separate-stderr mc-meta show "$segment" --no-probe --json
        assert_equal "$(json 'len(d["segments"]), d["segments"][0]["alive"]')" "(1, None)"
    done
}

@test "an owner that says nothing is dead after its time, one that closes without an answer lives" {
    start_metadata
    start silent python3 -c '
import json, socket
silent, closing = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
print(silent.getsockname()[1], closing.getsockname()[1], flush=True)
while True:
    sock, _ = closing.accept()
    sock.recv(100)
    sock.close()'
    wait_for silent.out '[0-9]'
    local silent closing
    read -r silent closing <"$BATS_TEST_TMPDIR/silent.out"
    mc-meta put --quiet mooncake/rpc_meta/silent "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$silent}"
    mc-meta put --quiet mooncake/rpc_meta/closing "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$closing}"
    mc-meta put --quiet mooncake/rpc_meta/nowhere '{"ip_or_host_name":"no.such.host.invalid","rpc_port":1}'
    run --separate-stderr mc-meta show --json --probe-timeout=10s
    assert_success
    assert_equal "$(member silent '["alive"]')" False
    assert_equal "$(member closing '["alive"]')" True
    assert_equal "$(member nowhere '["alive"]')" None
}

@test "a segment that is not there, a cluster of its own, a store that is gone" {
    start_metadata
    run mc-meta show nobody
    assert_equal "$status" 1
    assert_output --partial "segment nobody: nothing is published"
    mc-meta put --quiet mooncake/blue/nvmeof/data "$files"
    run --separate-stderr mc-meta show --cluster-id=blue --json
    assert_equal "$(json '[s["name"] for s in d["segments"]]')" "['nvmeof/data']"
    MC_METADATA_CLUSTER_ID=red run --separate-stderr mc-meta show --json
    assert_equal "$(json 'd["segments"]')" "[]"
    kill -KILL "$server"
    wait "$server" || true
    run mc-meta show
    assert_equal "$status" 69
}
