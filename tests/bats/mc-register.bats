#!/usr/bin/env bats
# mc-register as a user runs it: the same expectations on mc-meta serve, a real Redis and a real etcd.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores

# How often each of two processes adds to one segment.
rounds=${MC_REGISTER_ROUNDS:-200}

# on_each_store FUNCTION: with each as the metadata server, one after the other.
on_each_store() {
    local store
    for store in start_metadata start_redis start_etcd; do
        echo "on the store of $store"
        port='' peer_port=''
        $store
        "$1"
        kill -KILL "$server"
        wait "$server" || true
    done
}

# make_file NAME SIZE: its path is in $files.
make_file() {
    files=$BATS_TEST_TMPDIR/files
    mkdir -p "$files"
    truncate -s "$2" "$files/$1"
}

value() {
    mc-meta get "$1"
}

# descriptor KEY EXPRESSION: of the value, as Python evaluates it with `d`.
descriptor() {
    output=$(value "$1")
    json "$2"
}

life_of_a_segment() {
    make_file one 1M
    make_file "two, with spaces" 5000
    run --separate-stderr mc-register add cache "$files/one" --local-server-name=node01
    assert_success
    assert_output ""
    [[ $stderr == *"created mooncake/nvmeof/cache: 1 file, 1MiB"*"engines open it as nvmeof/cache"* ]]
    assert_equal "$(value mooncake/nvmeof/cache)" \
        '{"buffers":[{"file_path":"'"$files"'/one","length":1048576,"local_path_map":{}}],"protocol":"nvmeof","server_name":"node01"}'

    # An existing one is never overwritten without a word.
    run mc-register add nvmeof/cache "$files/two, with spaces" --local-server-name=node01
    assert_equal "$status" 73
    assert_output --partial "segment nvmeof/cache: it exists"
    assert_output --partial "--if-exists=merge"
    run --separate-stderr mc-register add cache "$files/two, with spaces" --if-exists=keep --json
    assert_success
    assert_equal "$(json 'd["action"], d["descriptor"]')" "('kept', None)"
    run --separate-stderr mc-register add mooncake/nvmeof/cache "$files/two, with spaces" "$files/one" --if-exists=merge \
        --local-server-name=node01 --json
    assert_success
    assert_equal "$(json 'd["action"], d["files_added"], d["guarded"], d["key"]')" \
        "('merged', 1, True, 'mooncake/nvmeof/cache')"
    [[ $stderr != *warning* ]]
    run --separate-stderr mc-register add cache "$files/one" --if-exists=merge --local-server-name=node01 --json
    assert_equal "$(json 'd["action"]')" unchanged

    run --separate-stderr mc-register show mooncake/nvmeof/cache --json
    assert_success
    assert_equal "$(json '[(f["path"].rsplit("/")[-1], f["offset_bytes"], f["length_bytes"]) for f in d["files"]]')" \
        "[('one', 0, 1048576), ('two, with spaces', 1048576, 5000)]"
    assert_equal "$(json 'd["server_name"], d["length_bytes"]')" "('node01', 1053576)"
    run --separate-stderr mc-register list
    assert_line --index 1 --regexp '^nvmeof/cache +node01 +nvmeof +2 +1053576 +0$'

    run mc-register remove cache "$files/one" "$files/three"
    assert_equal "$status" 1
    assert_output --partial "has no file $files/three"
    rm "$files/one"
    run mc-register remove cache "$files/one"
    assert_success
    assert_output --partial "files behind them begin at other offsets"
    assert_equal "$(descriptor mooncake/nvmeof/cache '[b["length"] for b in d["buffers"]]')" "[5000]"
    run --separate-stderr mc-register remove cache --json
    assert_success
    assert_equal "$(json 'd["removed"], len(d["files"])')" "(True, 1)"
    run mc-register remove cache
    assert_equal "$status" 1
    assert_output --partial "--if-missing=ok"
    run --separate-stderr mc-register remove cache --if-missing=ok --json
    assert_success
    assert_equal "$(json 'd["removed"]')" False
    run mc-register show cache
    assert_equal "$status" 1
    run --separate-stderr mc-register list --json
    assert_equal "$output" '{"schema_version":1,"items":[]}'
}

@test "add, merge, show, list, remove: the same on every store" {
    on_each_store life_of_a_segment
}

keeps_what_it_does_not_know() {
    make_file one 1M
    make_file two 2M
    mc-meta put --quiet mooncake/nvmeof/cache '{"server_name": "node01", "protocol": "nvmeof", "vendor": {"a": [1, null]},
        "buffers": [{"file_path": "/elsewhere", "length": 7, "local_path_map": {"node02": "/mnt/x"}, "nqn": "q"}]}'
    mc-register add --quiet cache "$files/one" --if-exists=merge --local-server-name=node01
    mc-register add --quiet cache "$files/two" --if-exists=merge --local-server-name=node01
    mc-register remove --quiet cache "$files/one"
    assert_equal "$(descriptor mooncake/nvmeof/cache 'd["vendor"], d["buffers"][0], len(d["buffers"])')" \
        "({'a': [1, None]}, {'file_path': '/elsewhere', 'length': 7, 'local_path_map': {'node02': '/mnt/x'}, 'nqn': 'q'}, 2)"
    run --separate-stderr mc-register show cache
    assert_line --partial "node02: /mnt/x"

    run mc-register add cache "$files/one" --if-exists=merge --local-server-name=node09
    assert_equal "$status" 73
    assert_output --partial "of server node01, not of node09"
    truncate -s 3M "$files/two"
    run mc-register add cache "$files/two" --if-exists=merge --local-server-name=node01
    assert_equal "$status" 73
    assert_output --partial "has 3145728 bytes, but is registered with 2097152"

    run mc-register add cache "$files/one" --if-exists=replace --dry-run
    assert_success
    assert_output --partial "would have replaced mooncake/nvmeof/cache: 1 file, 1MiB; 1 recorded mount lost"
    assert_equal "$(descriptor mooncake/nvmeof/cache 'len(d["buffers"])')" 2
    run mc-register add cache "$files/one" --if-exists=replace
    assert_success
    assert_output --partial "replaced mooncake/nvmeof/cache: 1 file, 1MiB; 1 recorded mount lost"
    mc-meta put --quiet mooncake/nvmeof/cache garbage
    run mc-register add cache "$files/one" --if-exists=merge
    assert_equal "$status" 65
    run mc-register show cache
    assert_equal "$status" 65
    run --separate-stderr mc-register list --json
    assert_success
    assert_equal "$(json '"malformed JSON" in d["items"][0]["problem"]')" True
    mc-register remove --quiet cache
}

@test "a merge loses nothing of others; replace says what it loses: the same on every store" {
    on_each_store keeps_what_it_does_not_know
}

# merge_all NAME: each of its files by a process of its own, at once with whoever does the same.
merge_all() {
    local i
    for ((i = 0; i < rounds; i++)); do
        mc-register add --quiet shared "$files/$1-$i" --if-exists=merge || return
    done
}

two_at_once() {
    if is_sanitized; then rounds=20; fi
    files=$BATS_TEST_TMPDIR/files
    mkdir -p "$files"
    python3 -c 'import sys
for name in ("a", "b"):
    for i in range(int(sys.argv[2])):
        open(f"{sys.argv[1]}/{name}-{i}", "w").write("x" * (i + 1))' "$files" "$rounds"
    merge_all a 3>&- &
    local other=$!
    merge_all b
    wait "$other"
    mc-register show shared --json >"$BATS_TEST_TMPDIR/shown"
    # Too long for an argument.
    run python3 -c 'import json, sys
files = json.load(open(sys.argv[1]))["files"]
found = sorted((f["path"].rsplit("/")[-1], f["length_bytes"]) for f in files)
print(found == sorted((f"{n}-{i}", i + 1) for n in "ab" for i in range(int(sys.argv[2]))))' \
        "$BATS_TEST_TMPDIR/shown" "$rounds"
    assert_output True
    local -a pids=()
    for name in a b; do
        (for ((i = 0; i < rounds; i += 10)); do mc-register remove --quiet shared "$files/$name-$i" || exit; done) 3>&- &
        pids+=("$!")
    done
    for pid in "${pids[@]}"; do wait "$pid"; done
    mc-register show shared --json >"$BATS_TEST_TMPDIR/shown"
    assert_equal "$(grep -o '"path"' "$BATS_TEST_TMPDIR/shown" | wc -l)" $((2 * rounds - 2 * ((rounds + 9) / 10)))
    mc-register remove --quiet shared
}

@test "two processes that add to one segment, and remove from it, at once lose nothing: on mc-meta serve" {
    start_metadata
    two_at_once
}

@test "two processes that add to one segment, and remove from it, at once lose nothing: on Redis" {
    start_redis
    two_at_once
}

@test "two processes that add to one segment, and remove from it, at once lose nothing: on etcd" {
    start_etcd
    two_at_once
}

@test "on a server without conditions it works, with a warning" {
    for profile in go python embedded; do
        start_stock_metadata --profile="$profile"
        make_file one 1M
        make_file two 1M
        run --separate-stderr mc-register add cache "$files/one"
        assert_success
        [[ $stderr == *"warning: this metadata server knows no conditions"*"mooncake/nvmeof/cache"* ]]
        run --separate-stderr mc-register add cache "$files/two" --if-exists=merge --json
        assert_success
        [[ $stderr == *"warning: this metadata server knows no conditions"* ]]
        assert_equal "$(json 'd["guarded"], d["action"], d["version"]')" "(False, 'merged', None)"
        run mc-register add cache "$files/two"
        assert_equal "$status" 73
        run --separate-stderr mc-register remove cache "$files/two" --json --quiet
        [[ $stderr == *"warning: this metadata server knows no conditions"* ]]
        assert_equal "$(json 'd["guarded"], d["files_left"]')" "(False, 1)"
        run mc-register show cache
        assert_success
        run mc-register list
        assert_equal "$status" 69
        kill -TERM "$server"
        wait "$server"
        # Not one condition was sent to a server that would ignore it.
        output=$(tail -1 "$BATS_TEST_TMPDIR/metadata.out")
        assert_equal "$(json 'd["conditions"]')" 0
    done
}

memory_to_come() {
    run --separate-stderr mc-register add 127.0.0.1 --memory --dry-run
    assert_success
    assert_equal "$(json 'd["buffers"], d["protocol"], d["name"], d["server_name"]')" \
        "([], 'tcp', '127.0.0.1', '127.0.0.1')"
    run mc-register show 127.0.0.1 --memory
    assert_equal "$status" 1
    mc-register add --quiet 127.0.0.1 --memory
    run mc-register add ram/127.0.0.1 --memory
    assert_equal "$status" 73
    run --separate-stderr mc-register list --memory --json
    assert_equal "$(json '[(i["segment"], i["buffers"]) for i in d["items"]]')" "[('127.0.0.1', 0)]"

    # Its engine takes the place, and nobody takes it from the engine.
    start target mc-target --memory 4MiB --metadata_server="$MC_METADATA_SERVER" --local_server_name=127.0.0.1 \
        --control-socket="$BATS_TEST_TMPDIR/control"
    local target=$pid
    wait_for target.out ready
    run mc-register add 127.0.0.1 --memory --if-exists=replace
    assert_equal "$status" 69
    assert_output --partial "an engine serves 1 buffers there"
    run mc-register remove ram/127.0.0.1
    assert_equal "$status" 69
    run --separate-stderr mc-register show 127.0.0.1 --memory --json
    assert_equal "$(json 'd["length_bytes"]')" 4194304
    kill -TERM "$target"
    wait "$target"

    gid=fe:80:00:00:00:00:00:00:ec:0d:9a:03:00:78:64:ce
    echo '{"cpu:0": [["mlx5_2"], ["mlx5_3"]], "cuda:0": [["mlx5_3"], []]}' >"$BATS_TEST_TMPDIR/matrix"
    mc-register add --quiet node1 --memory --protocol=rdma --device=mlx5_2:17:$gid --device=mlx5_3:18:$gid \
        --nic-priority-matrix="$BATS_TEST_TMPDIR/matrix"
    assert_equal "$(descriptor mooncake/ram/node1 'd["devices"][1]["name"], d["priority_matrix"]["cuda:0"], d["buffers"]')" \
        "('mlx5_3', [['mlx5_3'], []], [])"
    run mc-register show ram/node1
    assert_line --partial "device mlx5_3, LID 18"
    mc-register remove --quiet ram/node1
    assert_equal "$(mc-meta list --keys-only)" ""
}

@test "memory whose engine is still to come: the same on every store" {
    on_each_store memory_to_come
}

below_the_cluster() {
    make_file one 1M
    export MC_METADATA_CLUSTER_ID=blue
    mc-register add --quiet cache "$files/one"
    run --separate-stderr mc-meta list --keys-only
    assert_output mooncake/blue/nvmeof/cache
    mc-register show mooncake/blue/nvmeof/cache
    run --separate-stderr mc-register list -v
    assert_line --partial nvmeof/cache
    [[ $stderr == *"keys begin with mooncake/blue/"* ]]
    run mc-register show mooncake/nvmeof/cache
    assert_equal "$status" 64
    assert_output --partial "the keys of this cluster begin with mooncake/blue/"
    unset MC_METADATA_CLUSTER_ID
    run mc-register show cache
    assert_equal "$status" 1
    mc-register remove --quiet --cluster_id=blue cache
}

@test "keys are below the cluster's name: the same on every store" {
    on_each_store below_the_cluster
}

@test "what is no file is refused before anything is written" {
    start_metadata
    make_file one 1M
    make_file empty 0
    ln -s one "$files/link"
    mkfifo "$files/pipe"
    for case in "empty:65:the file is empty" "none:66:No such file" ".:65:is a directory" "pipe:65:is a pipe" \
        "one/x:66:Not a directory"; do
        IFS=: read -r name code text <<<"$case"
        run --separate-stderr mc-register add cache "$files/one" "$files/$name" --json
        assert_equal "$status" "$code"
        [[ $stderr == *"$text"* ]]
        assert_equal "$(json '"error" in d')" True
    done
    run mc-register add cache /dev/null
    assert_equal "$status" 65
    assert_output --partial "is a character device"
    run mc-register add cache "$files/one" "$files/../files/link"
    assert_equal "$status" 64
    assert_output --partial "are the same file"
    run mc-register add cache "$files/$(printf '\377')"
    assert_equal "$status" 65
    run mc-register add cache
    assert_equal "$status" 64
    run mc-register add cache ""
    assert_equal "$status" 64
    assert_equal "$(mc-meta list --keys-only)" ""
    # A name that is not absolute becomes so; a link stays one.
    (cd "$files" && mc-register add --quiet cache ./link)
    assert_equal "$(descriptor mooncake/nvmeof/cache 'd["buffers"][0]["file_path"], d["buffers"][0]["length"]')" \
        "('$files/link', 1048576)"
    (cd "$files" && mc-register remove --quiet cache link)
    assert_equal "$(descriptor mooncake/nvmeof/cache 'd["buffers"]')" "[]"
}

@test "names and options that contradict each other are refused" {
    make_file one 1M
    export MC_METADATA_SERVER=http://127.0.0.1:1/metadata
    while IFS='|' read -r arguments text; do
        # shellcheck disable=SC2086 # Words of a command line.
        run mc-register $arguments
        assert_equal "$status" 64
        assert_output --partial "$text"
    done <<EOF
add ram/x $files/one|give --memory
add nvmeof/x --memory|is one of files
add x --memory $files/one|can't be combined with --memory
add x $files/one --protocol=rdma|is of --memory
add x --memory --if-exists=merge|is for files only
add x --memory --protocol=nvmeof|is one of files
add x --memory --protocol=rdma --device=mlx5_0|NAME:LID:GID
add a/b --memory|has no /
add x $files/one --if-exists=overwrite|fail, keep, merge, replace
add rpc_meta/x $files/one|the key of no segment
remove ram/x $files/one|memory has not
show mooncake/x|the key of no segment
show x --metadata_server=P2PHANDSHAKE|is no server
EOF
    run mc-register add x "$files/one"
    assert_equal "$status" 69
    assert_output --partial "Connection refused"
}
