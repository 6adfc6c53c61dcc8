#!/usr/bin/env bats
# What dead engines have left is removed, and nothing else: mc-meta gc, the same on every kind of store.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores
load targets

# put KEY VALUE
put() {
    mc-meta put --quiet "$1" "$2"
}

# What nobody listens at.
dead() {
    printf '{"ip_or_host_name":"127.0.0.1","rpc_port":%s}' "$(free_port)"
}

# gc ARGUMENT...: in a directory of its own, without a long pause.
gc() {
    mkdir -p "$BATS_TEST_TMPDIR/here"
    (cd "$BATS_TEST_TMPDIR/here" && mc-meta gc --probe-interval=10ms --probe-timeout=20s "$@")
}

@test "kill -9 of twenty targets: verify names them, gc removes them and nothing else, undo brings them back" {
    start_stores
    local files='{"buffers":[{"file_path":"/f","length":4096,"local_path_map":{}}],"protocol":"nvmeof","server_name":"s"}'
    local names=() i
    for i in {1..20}; do names+=("node$i"); done
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        start_targets "$store" live "${names[@]}"
        put mooncake/nvmeof/data "$files"
        put mooncake/ram/reserved '{"buffers":[],"name":"reserved","protocol":"tcp","tcp_data_port":1}'
        put mooncake/checkpoint/model '{}'
        put other/key "of somebody else"
        mc-meta dump --quiet --output="$BATS_TEST_TMPDIR/before"
        kill_targets "${targets[@]:1}"

        run --separate-stderr mc-meta verify --json
        assert_equal "$status" 1
        assert_equal "$(json 'sorted(f["segment"] for f in d["findings"] if f["kind"] == "dead_owner") == sorted(f"node{i}" for i in range(1, 21)) and len(d["findings"])')" 20

        run --separate-stderr gc --dry-run
        assert_success
        assert_equal "$(grep -c "^remove mooncake/" <<<"$output")" 40
        assert_line --regexp "^remove mooncake/ram/node1 \(owner 127.0.0.1:[0-9]+: probe 1: .*refused; probe 2: .*refused\)$"
        assert_line "spare live: its owner answers"
        assert_equal "$(mc-meta dump --quiet | cmp - "$BATS_TEST_TMPDIR/before" && echo same)" same

        run --separate-stderr gc --yes --json --undo="$BATS_TEST_TMPDIR/undo"
        assert_success
        assert_equal "$(json 'd["applied"], d["removed"], d["spared"], d["failed"], d["planned"]')" "(True, 20, 3, 0, 0)"
        assert_equal "$(json 'sum(k["removed"] for s in d["segments"] for k in s["keys"])')" 40
        assert_equal "$(mc-meta list --keys-only)" \
            $'mooncake/checkpoint/model\nmooncake/nvmeof/data\nmooncake/ram/live\nmooncake/ram/reserved\nmooncake/rpc_meta/live\nother/key'
        run --separate-stderr mc-meta verify
        assert_success

        run mc-meta restore "$BATS_TEST_TMPDIR/undo" --yes
        assert_success
        assert_line "done: create 40, replace 0, keep 0; 0 are as in the dump"
        mc-meta dump --quiet | cmp - "$BATS_TEST_TMPDIR/before"
        rm "$BATS_TEST_TMPDIR/undo"
        kill_targets "${targets[0]}"
    done
}

@test "without --yes nothing is removed, and the undo file has its name and its command" {
    start_stores
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        rm -rf "$BATS_TEST_TMPDIR/here"
        put mooncake/rpc_meta/a "$(dead)"
        run gc
        assert_success
        assert_line --regexp "^remove mooncake/rpc_meta/a "
        assert_line "planned: remove 1, spare 0; nothing is removed without --yes"
        assert_equal "$(mc-meta list --keys-only)" mooncake/rpc_meta/a
        assert_equal "$(ls "$BATS_TEST_TMPDIR/here")" ""

        run gc --yes
        assert_success
        assert_line --regexp "^removed mooncake/rpc_meta/a "
        assert_line "done: remove 1, spare 0"
        assert_line --regexp "^undo: mc-meta restore --yes mc-meta-gc-[0-9T]+Z.jsonl$"
        assert_equal "$(mc-meta list --keys-only)" ""
        (cd "$BATS_TEST_TMPDIR/here" && eval "$(sed -n 's/^undo: //p' <<<"$output")")
        assert_equal "$(mc-meta list --keys-only)" mooncake/rpc_meta/a
        mc-meta remove --quiet mooncake/rpc_meta/a

        run --separate-stderr gc --yes --json
        assert_success
        assert_equal "$(json 'd["applied"], d["removed"], d["undo_file"]')" "(False, 0, None)"
    done
}

@test "only the segments that are named, or begin with a prefix, or are old enough" {
    start_stores
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        for name in a1 a2 b1; do
            put "mooncake/rpc_meta/$name" "$(dead)"
        done
        put mooncake/ram/a2 '{"buffers":[],"name":"a2","protocol":"tcp","timestamp":"2020-01-01 00:00:00.5"}'
        put mooncake/ram/b1 "{\"buffers\":[],\"name\":\"b1\",\"protocol\":\"tcp\",\"timestamp\":\"$(date '+%F %T').5\"}"
        run --separate-stderr gc --dry-run --prefix=a --json
        assert_equal "$(json '[s["name"] for s in d["segments"] if s["fate"] == "planned"]')" "['a1', 'a2']"
        run --separate-stderr gc --dry-run a1 b1 --json
        assert_equal "$(json '[s["name"] for s in d["segments"]]')" "['a1', 'b1']"
        run --separate-stderr gc --dry-run --older-than=1h --json
        assert_equal "$(json '[(s["name"], s["fate"], s["why"]) for s in d["segments"]]')" \
            "[('a1', 'spared', 'no timestamp'), ('a2', 'planned', ''), ('b1', 'spared', 'not old enough')]"
        gc --yes --quiet a1
        assert_equal "$(mc-meta list mooncake/rpc_meta/ --keys-only)" $'mooncake/rpc_meta/a2\nmooncake/rpc_meta/b1'
        run gc nobody
        assert_equal "$status" 1
        assert_output --partial "segment nobody: nothing is published"
        rm -rf "$BATS_TEST_TMPDIR/here"
    done
}

@test "silence and a name that does not resolve are not death; silence is if the operator says so" {
    start_metadata
    start silent python3 -c '
import socket, time
silent, closing = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
print(silent.getsockname()[1], closing.getsockname()[1], flush=True)
while True:
    sock, _ = closing.accept()
    sock.recv(100)
    sock.close()'
    wait_for silent.out '[0-9]'
    local silent closing
    read -r silent closing <"$BATS_TEST_TMPDIR/silent.out"
    put mooncake/rpc_meta/silent "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$silent}"
    put mooncake/rpc_meta/closing "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$closing}"
    put mooncake/rpc_meta/nowhere '{"ip_or_host_name":"no.such.host.invalid","rpc_port":1}'
    run --separate-stderr gc --yes --probe-timeout=10s
    assert_success
    assert_line --regexp "^spare silent: .*no reply within 10s"
    assert_line "spare closing: its owner: closes without an answer"
    assert_line --regexp "^spare nowhere: .*no.such.host.invalid"
    run --separate-stderr gc --yes --probe-timeout=10s --silent-is-dead
    assert_success
    assert_equal "$(mc-meta list --keys-only)" $'mooncake/rpc_meta/closing\nmooncake/rpc_meta/nowhere'
}

# An owner that comes back after the probes: gc is held between the second one and the removal by a store that is slow.
@test "a target that comes back between probe and removal keeps its keys" {
    local name
    start_stores
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        name=127.0.0.1:$(free_port)
        start_targets "$store" "$name"
        kill_targets "${targets[0]}"
        rm -f "$BATS_TEST_TMPDIR/gc.out"
        mkfifo "$BATS_TEST_TMPDIR/go"
        # gc asks on a terminal, after both probes; the answer comes when the target is back.
        start gc python3 -c '
import os, pty, sys
go = sys.argv[1]
pid, fd = pty.fork()
if pid == 0:
    os.execvp("mc-meta", ["mc-meta", "gc", "--probe-interval=10ms", "--undo=" + sys.argv[2]])
text = b""
while b"[y/N]" not in text:
    text += os.read(fd, 1000)
print("asked", flush=True)
open(go).read()
os.write(fd, b"yes\n")
try:
    while block := os.read(fd, 1000):
        text += block
except OSError:
    pass
print(text.decode(), flush=True)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$BATS_TEST_TMPDIR/go" "$BATS_TEST_TMPDIR/undo"
        local gc=$pid
        wait_for gc.out asked
        start_targets "$store" "$name"
        mc-meta dump --quiet --output="$BATS_TEST_TMPDIR/back"
        echo >"$BATS_TEST_TMPDIR/go"
        wait "$gc"
        grep -q "spare $name: its owner answers" "$BATS_TEST_TMPDIR/gc.out"
        grep -q "done: remove 0, spare 1" "$BATS_TEST_TMPDIR/gc.out"
        mc-meta dump --quiet | cmp - "$BATS_TEST_TMPDIR/back"
        kill_targets "${targets[0]}"
        rm "$BATS_TEST_TMPDIR/go" "$BATS_TEST_TMPDIR/undo"
        mc-meta remove --quiet "mooncake/ram/$name"
        mc-meta remove --quiet "mooncake/rpc_meta/$name"
    done
}

@test "an undo file that can't be written, or is there already, is an error before anything is removed" {
    start_metadata
    put mooncake/rpc_meta/a "$(dead)"
    run gc --yes --undo=-
    assert_equal "$status" 64
    assert_output --partial "undo"
    run gc --yes --undo="$BATS_TEST_TMPDIR/no/such/file"
    assert_equal "$status" 73
    echo mine >"$BATS_TEST_TMPDIR/there"
    run gc --yes --undo="$BATS_TEST_TMPDIR/there"
    assert_equal "$status" 73
    assert_equal "$(cat "$BATS_TEST_TMPDIR/there")" mine
    run gc --yes --dry-run
    assert_equal "$status" 64
    run gc --prefix=a a
    assert_equal "$status" 64
    assert_equal "$(mc-meta list --keys-only)" mooncake/rpc_meta/a
}

@test "a server without conditions is refused, unless it is said" {
    start_stock_metadata --profile go
    put mooncake/rpc_meta/a "$(dead)"
    run gc
    assert_equal "$status" 69
    run gc a --dry-run
    assert_success
    assert_output --partial "warning: this server knows no conditions"
    run gc a --yes
    assert_equal "$status" 69
    assert_output --partial "knows no conditions"
    assert_equal "$(mc-meta get mooncake/rpc_meta/a | head -c 2)" '{"'
    run gc a --yes --without-conditions
    assert_success
    run mc-meta get mooncake/rpc_meta/a
    assert_equal "$status" 1
}

@test "an owner at a loopback address is not asked where the store may be another machine's" {
    start_metadata
    # The kernel takes that for this machine; a reader of the URL can't know.
    export MC_METADATA_SERVER=${url/127.0.0.1/0.0.0.0}
    put mooncake/rpc_meta/a "$(dead)"
    run gc --dry-run
    assert_success
    assert_output --partial "spare a: 127.0.0.1 means its own machine"
    run --separate-stderr mc-meta verify --json
    assert_equal "$(json '[f["kind"] for f in d["findings"]]')" "['unreachable_owner']"
    run gc --dry-run --loopback-is-here
    assert_output --partial "remove mooncake/rpc_meta/a"
}
