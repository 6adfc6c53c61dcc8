#!/usr/bin/env bats
# mc-target as a user runs it.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper

small=(--block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms)

# A target on a free port; its segment's name is in $segment, its control socket in $socket.
start_target() {
    segment=127.0.0.1:$(free_port)
    socket=$BATS_TEST_TMPDIR/control.sock
    start target mc-target --memory 4MiB --local_server_name="$segment" --control-socket="$socket" "$@"
    wait_for target.out .
}

# The exit status of the process that was started last.
exit_status() {
    status=0
    wait "$pid" || status=$?
}

teardown() {
    end_started
    [[ -z ${huge_pages_before-} ]] || echo "$huge_pages_before" >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages || true
}

@test "help has both commands and the options of serving" {
    run --separate-stderr mc-target --help
    assert_success
    assert_line --index 0 "mc-target: serve memory and files to other machines"
    assert_output --partial "mc-target --memory 1GiB"
    assert_output --partial "Usage: mc-target [COMMAND] [OPTIONS]"
    assert_line --regexp '^  status +print what a running target serves'
    assert_output --partial "--huge-pages"
    run mc-target status --help
    assert_success
    assert_output --partial "Usage: mc-target status [OPTIONS] [NAME]"
    refute_output --partial "--huge-pages"
}

@test "serves memory that mc-bench reads, writes and verifies" {
    start_target
    for operation in read write mixed; do
        run --separate-stderr mc-bench --segment_id="$segment" --operation=$operation --verify --json "${small[@]}"
        assert_success
        assert_equal "$(json 'd["status"], d["results"][0]["verification"]["mismatched_blocks"]')" "('ok', 0)"
    done
}

@test "serve may be said, and several buffers be served" {
    socket=$BATS_TEST_TMPDIR/control.sock
    start target mc-target serve --memory 1MiB,2MiB@cpu:0 --memory=4096 --huge-pages=never --control-socket="$socket"
    wait_for target.out "^ready: segment 127.0.0.1:"
    wait_for target.out "1  *2MiB  cpu:0  *4KiB"
    wait_for target.out "2  *4KiB"
}

@test "the ready line is one JSON document that has what an initiator needs" {
    start_target --json
    run cat "$BATS_TEST_TMPDIR/target.out"
    assert_equal "${#lines[@]}" 1
    assert_equal "$(json 'd["schema_version"], d["event"], d["name"], d["pid"], d["host"]')" \
        "(1, 'ready', '$segment', $pid, '127.0.0.1')"
    assert_equal "$(json 'd["control_socket"], d["buffers"][0]["length_bytes"], d["rpc_port"]')" \
        "('$socket', 4194304, ${segment#*:})"
    local command
    command=$(json 'd["initiator"]')
    assert_equal "$(grep -o 'mc-bench --mode=initiator.*' "$BATS_TEST_TMPDIR/target.err")" "$command"
    run --separate-stderr bash -c "$command --duration=100ms -q"
    assert_success
}

@test "status tells what is served, to how many, as a table and as JSON" {
    start_target
    run --separate-stderr mc-target status --control-socket="$socket"
    assert_success
    assert_line --index 0 --partial "segment $segment, tcp, pid $pid, up "
    assert_output --partial "0 requests served, 0 rejected, 0 bytes"
    mc-bench --segment_id="$segment" -q "${small[@]}"
    # A request outside of the buffers is told apart.
    data_port=$(grep -o 'data port [0-9]*' "$BATS_TEST_TMPDIR/target.out" | grep -o '[0-9]*')
    python3 - "$data_port" <<'EOF'
import socket, struct, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(struct.pack("<QQB7x", 16, 8, 0x80))
assert s.recv(8) == bytes.fromhex("010000005654434d")
EOF
    run --separate-stderr mc-target status --control-socket="$socket" --json
    assert_success
    assert_equal "$(json 'd["schema_version"], d["name"], d["pid"], d["metadata_server"], d["keys"]')" \
        "(1, '$segment', $pid, 'P2PHANDSHAKE', [])"
    assert_equal "$(json 'd["bytes_served"] > 0 and d["requests_served"] > 0, d["requests_rejected"]')" "(True, 1)"
    assert_equal "$(json 'd["buffers"][0]["length_bytes"], d["buffers"][0]["locked"]')" "(4194304, False)"
    assert_equal "$stderr" ""
}

@test "status finds the only target of the user, and asks which of several" {
    export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run
    use_unprivileged
    mkdir -m 700 "$XDG_RUNTIME_DIR"
    [[ $(id -u) -ne 0 ]] || chown 65534 "$XDG_RUNTIME_DIR"
    run "${run_as[@]}" mc-target status
    assert_equal "$status" 69
    assert_output --partial "no target is running"
    assert_output --partial "hint: start one with mc-target --memory SIZE or --file PATH"
    start one "${run_as[@]}" mc-target --memory 4KiB --local_server_name=127.0.0.1 --json
    wait_for one.out ready
    run --separate-stderr "${run_as[@]}" mc-target status --json
    assert_success
    first=$(json 'd["name"]')
    assert_equal "$(json 'd["control_socket"]')" "$XDG_RUNTIME_DIR/mc-target/$first.sock"
    start two "${run_as[@]}" mc-target --memory 4KiB --local_server_name=127.0.0.1 --json
    wait_for two.out ready
    run "${run_as[@]}" mc-target status
    assert_equal "$status" 64
    assert_output --partial "2 targets are running: 127.0.0.1:"
    run "${run_as[@]}" mc-target status other
    assert_equal "$status" 69
    assert_output --partial "target other is not running: "
    assert_output --regexp "hint: these are running: (.*, )?$first"
    run --separate-stderr "${run_as[@]}" mc-target status "$first" --json
    assert_success
    assert_equal "$(json 'd["pid"]')" "${started[0]}"
    # One that was killed leaves its socket, and is passed over.
    kill -KILL "${started[1]}"
    wait "${started[1]}" || true
    run --separate-stderr "${run_as[@]}" mc-target status --json
    assert_success
    assert_equal "$(json 'd["name"]')" "$first"
}

@test "the control socket speaks JSON-RPC 2.0 to anybody of the same user" {
    start_target
    run python3 - "$socket" <<'EOF'
import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile("rw")
f.write('{"jsonrpc":"2.0","id":1,"method":"version"}\n{"jsonrpc":"2.0","method":"status"}\nnonsense\n')
f.write('[{"jsonrpc":"2.0","id":2,"method":"methods"},{"jsonrpc":"2.0","id":3,"method":"x"}]\n')
f.flush()
assert json.loads(f.readline())["result"]["name"] == "mc-target"
assert json.loads(f.readline())["error"]["code"] == -32700
batch = json.loads(f.readline())
assert [m["name"] for m in batch[0]["result"]["items"]] == [
    "add_files", "add_memory", "methods", "remove_files", "remove_memory", "save", "status", "version"], batch
assert batch[1]["error"]["code"] == -32601
EOF
    assert_success
}

@test "another user's process is refused, by the file's mode and by its credentials" {
    [[ $(id -u) -eq 0 ]] || skip "needs root, to become somebody else"
    use_unprivileged
    start_target
    assert_equal "$(stat -c %a "$socket")" 600
    run "${run_as[@]}" mc-target status --control-socket="$socket"
    assert_equal "$status" 77
    assert_output --partial "Permission denied"
    chmod 666 "$socket"
    run "${run_as[@]}" mc-target status --control-socket="$socket"
    assert_equal "$status" 77
    assert_output --partial "Not permitted"
    assert_output --partial "only root and the user that runs the target"
    run mc-target status --control-socket="$socket"
    assert_success
}

@test "slow and malformed clients of the control socket harm nobody" {
    start_target
    python3 - "$socket" <<'EOF' 3>&- &
import os, socket, sys, time
clients = []
for i in range(40):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.send([b"{", os.urandom(5000), b"[" * 3000, b"\0"][i % 4])
    clients.append(s)
time.sleep(60)
EOF
    started+=($!)
    for _ in 1 2 3; do
        run mc-target status --control-socket="$socket"
        assert_success
    done
    run mc-bench --segment_id="$segment" -q --verify "${small[@]}"
    assert_success
}

@test "SIGTERM and SIGINT end it in order: exit status 0, the socket is gone" {
    for signal in TERM INT; do
        start_target
        [[ -S $socket ]]
        kill -"$signal" "$pid"
        exit_status
        assert_equal "$status" 0
        [[ ! -e $socket ]]
        wait_for target.err stopping
    done
}

@test "it ends in order under load" {
    start_target
    start initiator mc-bench --segment_id="$segment" "${small[@]}" --duration=600 --retry-count=1
    wait_until_busy "$pid"
    kill -TERM "${started[0]}"
    status=0
    wait "${started[0]}" || status=$?
    assert_equal "$status" 0
    status=0
    wait "${started[1]}" || status=$?
    assert_regex "$status" '^(1|69)$'
}

@test "the socket of a killed target is replaced, that of a live one refused" {
    start_target
    run mc-target --memory 4KiB --control-socket="$socket"
    assert_equal "$status" 73
    assert_output --partial "control socket $socket: process $pid listens there"
    kill -KILL "$pid"
    wait "$pid" || true
    [[ -S $socket ]]
    run mc-target status --control-socket="$socket"
    assert_equal "$status" 69
    assert_output --partial "was killed"
    start_target
    run mc-target status --control-socket="$socket"
    assert_success
    echo precious >"$BATS_TEST_TMPDIR/file"
    run mc-target --memory 4KiB --control-socket="$BATS_TEST_TMPDIR/file"
    assert_equal "$status" 73
    assert_output --partial "is no socket"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/file")" precious
}

@test "without a control socket there is none" {
    start target mc-target --memory 4KiB --control-socket=none --json
    wait_for target.out ready
    run cat "$BATS_TEST_TMPDIR/target.out"
    assert_equal "$(json 'd["control_socket"]')" None
}

@test "a port that is taken is an error that names it, and nothing remains" {
    start_target
    run --separate-stderr mc-target --memory 4KiB --local_server_name="$segment" --control-socket="$BATS_TEST_TMPDIR/other"
    assert_equal "$status" 73
    assert_output ""
    [[ $stderr == *"$segment"*"mc-target"*"--local-server-name"* ]]
    local port
    port=$(grep -o 'data port [0-9]*' "$BATS_TEST_TMPDIR/target.out" | grep -o '[0-9]*')
    run mc-target --memory 4KiB --tcp-data-port="$port" --control-socket="$BATS_TEST_TMPDIR/other"
    assert_equal "$status" 73
    assert_output --partial "tcp data port: listen on 127.0.0.1:$port"
    assert_output --partial "give another with --tcp-data-port"
    [[ ! -e $BATS_TEST_TMPDIR/other ]]
}

@test "wrong memory is told by option and value" {
    for memory in 0 x 1GiB@ 1GiB@gpu:0 1GiB@cpu:x -5; do
        run mc-target --memory="$memory"
        assert_equal "$status" 64
        assert_output --partial "--memory"
    done
    run mc-target --memory 4KiB@cpu:4000
    assert_equal "$status" 64
    assert_output --partial "this machine has no such NUMA node"
    run mc-target
    assert_equal "$status" 64
    assert_output --partial "neither --memory nor --file is given"
    run mc-target --memory 4KiB --huge-pages=2MiB
    assert_equal "$status" 64
    assert_output --partial "no multiple of the page size"
    assert_output --partial "hint: ask for 2MiB"
    run mc-target --memory 4KiB --huge-pages=3MiB
    assert_equal "$status" 64
}

@test "more memory than there is: an error with the sizes, before anything is taken" {
    for memory in 1000000GiB 9000000TiB,9000000TiB; do
        run --separate-stderr mc-target --memory=$memory
        assert_equal "$status" 71
        assert_output ""
        [[ $stderr == *"MiB of memory are available"*"ask for less"* ]]
    done
}

@test "huge pages that are not there: an error with the sysctl" {
    local free
    free=$(cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages) || skip "a kernel without huge pages"
    [[ $(cat /proc/sys/vm/nr_overcommit_hugepages) -eq 0 ]] || skip "huge pages are overcommitted"
    run mc-target --memory "$((free * 2 + 2))MiB" --huge-pages=2MiB
    assert_equal "$status" 71
    assert_output --partial "$((free + 1)) pages are needed, $free are free"
    assert_output --partial "sysctl vm.nr_hugepages=$((free + 1))"
}

@test "huge pages that are there: the buffers are made of them, asked for or not" {
    local pool=/sys/kernel/mm/hugepages/hugepages-2048kB choice
    [[ -w $pool/nr_hugepages ]] || skip "only root may set huge pages aside, if the kernel has any"
    huge_pages_before=$(cat $pool/nr_hugepages)
    { echo $((huge_pages_before + 8)) >$pool/nr_hugepages; } 2>/dev/null || skip "huge pages can't be set aside here"
    [[ $(cat $pool/free_hugepages) -ge 3 ]] || skip "the kernel finds no room for huge pages"
    for choice in 2MiB auto; do
        start "huge-$choice" mc-target --memory 2MiB,4MiB --huge-pages=$choice --control-socket=none --json
        wait_for "huge-$choice.out" ready
        output=$(cat "$BATS_TEST_TMPDIR/huge-$choice.out")
        assert_equal "$(json '[b["page_size_bytes"] for b in d["buffers"]]')" "[2097152, 2097152]"
        assert_equal "$(awk '/_Hugetlb:/ { kb += $2 } END { print kb }' "/proc/$pid/smaps_rollup")" 6144
        run mc-bench --segment_id="$(json 'd["name"]')" --verify --operation=mixed "${small[@]}" --threads=1
        assert_success
        kill -TERM "$pid"
        exit_status
        assert_equal "$status" 0
    done
}

@test "memory is locked" {
    [[ $(id -u) -eq 0 ]] || skip "without root the limit decides"
    start locked mc-target --memory 1MiB --lock --control-socket="$BATS_TEST_TMPDIR/locked.sock"
    wait_for locked.out ready
    run --separate-stderr mc-target status --control-socket="$BATS_TEST_TMPDIR/locked.sock" --json
    assert_equal "$(json 'd["buffers"][0]["locked"]')" True
}

@test "memory that the limit lets nobody lock: the limit and the command that mends it are told" {
    is_sanitized && skip "mlock does nothing under a sanitizer"
    use_unprivileged
    run timeout 60 prlimit --memlock=65536:65536 "${run_as[@]}" mc-target --memory 1MiB --lock
    assert_equal "$status" 77
    assert_output --partial "lock 1MiB of memory"
    assert_output --partial "RLIMIT_MEMLOCK: 64KiB"
    assert_output --partial "ulimit -l unlimited"
}

@test "it says aloud that it serves other machines without authentication" {
    start target mc-target --memory 4KiB --local_server_name=0.0.0.0 --advertise=127.0.0.1 --control-socket=none
    wait_for target.out ready
    wait_for target.err 'warning: .*without authentication'
    start_target
    run ! grep -q warning "$BATS_TEST_TMPDIR/target.err"
}

@test "IPv6: served on ::1" {
    segment="[::1]:$(free_port)"
    start target mc-target --memory 4MiB --local_server_name="$segment" --control-socket="$BATS_TEST_TMPDIR/six.sock"
    wait_for target.out ready
    wait_for target.err "--segment_id='\[::1\]:"
    run mc-bench --segment_id="$segment" --local_server_name=::1 --operation=write --verify "${small[@]}"
    assert_success
}

@test "the service manager is told about start and stop" {
    python3 - "$BATS_TEST_TMPDIR/notify" <<'EOF' 3>&- >"$BATS_TEST_TMPDIR/told.out" &
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(30)
while True:
    print(s.recv(4096).decode(), flush=True)
EOF
    started+=($!)
    until [[ -S $BATS_TEST_TMPDIR/notify ]]; do sleep 0.05; done
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify start_target
    wait_for told.out READY=1
    wait_for told.out "STATUS=Serving $segment"
    kill -TERM "$pid"
    exit_status
    assert_equal "$status" 0
    wait_for told.out STOPPING=1
}

@test "stdout is one JSON document on failure, too" {
    for arguments in "" "--memory=x" "--no-such-option" "--memory=4KiB --metadata_server=memory:" "status nobody"; do
        # shellcheck disable=SC2086
        run --separate-stderr mc-target --json $arguments
        assert_failure
        assert_equal "$(json 'd["schema_version"], sorted(d["error"])')" "(1, ['code', 'hint', 'message'])"
    done
}

@test "a metadata server that can't be used is an error before anything is served" {
    run --separate-stderr mc-target --memory 4KiB --metadata_server=gopher://x --control-socket="$BATS_TEST_TMPDIR/c"
    assert_failure
    assert_output ""
    [[ $stderr == *"metadata store"* ]]
    [[ ! -e $BATS_TEST_TMPDIR/c ]]
}

@test "the example configuration runs" {
    local port
    port=$(free_port)
    run mc-target --config "$root/configs/target-memory.toml" --print-config
    assert_success
    assert_output --partial 'memory = ["512MiB", "512MiB"]'
    start target mc-target --config "$root/configs/target-memory.toml" --memory=1MiB --local_server_name="127.0.0.1:$port" \
        --control-socket=none
    wait_for target.out "segment 127.0.0.1:$port"
}
