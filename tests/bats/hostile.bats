#!/usr/bin/env bats
# mc-bench where the machine or the peer lets it down.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

small=(--block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms)

# A peer that takes connections and says nothing; its address is in $hung.
start_hung_peer() {
    start hung python3 -c '
import socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
held = []
while True:
    held.append(listener.accept()[0])
    print("a caller", flush=True)
'
    wait_for hung.out .
    hung=127.0.0.1:$(head -1 "$BATS_TEST_TMPDIR/hung.out")
}

@test "the first signal ends an initiator that waits for a handshake, with its document" {
    for signal in INT:130 TERM:143; do
        start_hung_peer
        start initiator mc-bench --segment_id="$hung" "${small[@]}" --json
        wait_for hung.out "a caller"
        kill -"${signal%:*}" "$pid"
        status=0
        wait "$pid" || status=$?
        assert_equal "$status" "${signal#*:}"
        output=$(cat "$BATS_TEST_TMPDIR/initiator.out")
        assert_equal "$(json 'd["status"], d["results"]')" "('interrupted', [])"
    done
}

@test "a peer that says nothing ends the handshake as timed out" {
    start_hung_peer
    run --separate-stderr mc-bench --segment_id="$hung" "${small[@]}" --handshake-reply-timeout=300ms
    assert_equal "$status" 75
    assert_regex "$stderr" "$hung: no reply within 300ms"
}

@test "out of descriptors: an error with the limit's name" {
    for limit in 10 16 24; do
        run --separate-stderr bash -c "ulimit -n $limit && exec mc-bench --mode=loopback --block_size=4KiB --buffer_size=4MiB"
        assert_equal "$status" 71
        assert_regex "$stderr" "Too many open files"
        assert_regex "$stderr" "ulimit -n"
    done
}

@test "memory that can't be had: an error, no crash" {
    is_sanitized && skip "the sanitizer needs an address space without bounds"
    for limit in 150000 300000 600000; do
        run --separate-stderr bash -c "ulimit -v $limit && exec mc-bench --mode=target --buffer_size=2GiB"
        assert_equal "$status" 71
        assert_regex "$stderr" "^mc-bench: .*(Cannot allocate memory|only|Resource temporarily unavailable)"
    done
}

@test "both sides stopped for longer than their limits go on as if nothing had been" {
    segment=127.0.0.1:$(free_port)
    start target mc-bench --mode=target --local_server_name="$segment" --block_size=64KiB --buffer_size=16MiB \
        --tcp-stall-timeout=5s
    wait_for target.out .
    start initiator mc-bench --segment_id="$segment" --block_size=64KiB --batch_size=16 --threads=2 --json --verify \
        --duration=50ms --warmup=0 --repeat=40 --tcp-status-timeout=5s --retry-count=1
    wait_for initiator.err "Test completed"
    kill -STOP "${started[@]}"
    sleep 7
    kill -CONT "${started[@]}"
    status=0
    wait "${started[1]}" || status=$?
    assert_equal "$status" 0
}

# flood PID ADDRESS HALF WHOLE: ten thousand connections to HOST:PORT or a UNIX socket's path are opened and dropped: one in
# three says nothing, one half a request, one a whole one whose answer it does not read. Tells what the process has
# afterwards that it did not have before.
flood() {
    local spare=8
    # It keeps freed memory aside, to find who uses it.
    if is_sanitized; then spare=512; fi
    python3 - "$spare" "$@" <<'EOF'
import contextlib, os, socket, struct, sys, time

spare, pid, address = int(sys.argv[1]) << 20, sys.argv[2], sys.argv[3]
half, whole = (bytes.fromhex(text) for text in sys.argv[4:])


def connect():
    if address.startswith("/"):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(address)  # With a time limit it would fail where the queue is full.
        return sock
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), 60)
    # Dropped with a reset: no port is left behind in TIME_WAIT.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return sock


def drop(count):
    for _ in range(0, count, 100):
        with contextlib.ExitStack() as stack:
            for number in range(100):
                sock = stack.enter_context(connect())
                with contextlib.suppress(ConnectionError):
                    sock.sendall((b"", half, whole)[number % 3])


def usage():
    with open(f"/proc/{pid}/status") as status:
        fields = dict(line.split(":", 1) for line in status)
    return len(os.listdir(f"/proc/{pid}/fd")), int(fields["Threads"]), int(fields["VmRSS"].split()[0]) << 10


def settled(limits):
    """What it has, once that is within the limits, or after a minute."""
    for _ in range(600):
        now = usage()
        if all(value <= limit for value, limit in zip(now, limits)):
            break
        time.sleep(0.1)
    return now


quiet = usage()
drop(1000)  # What is taken once and kept.
before = settled((*quiet[:2], 1 << 62))
drop(10_000)
after = settled((*before[:2], before[2] + spare))
grown = [what for what, now, then in zip(("descriptors", "threads"), after, before) if now > then]
if after[2] > before[2] + spare:
    grown.append("memory")
print(grown, *([before, after] if grown else []))
EOF
}

@test "10,000 connections opened and dropped leave nothing behind, whatever the socket" {
    local handshake data socket request
    socket=$BATS_TEST_TMPDIR/control.sock
    start target mc-target --memory 4MiB --control-socket="$socket" --json
    wait_for target.out ready
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    handshake=$(json 'd["name"]')
    data=127.0.0.1:$(json 'd["data_port"]')
    # The address of the buffer, before `run` has its say.
    request=$(json '__import__("struct").pack("<QQB7x", 4096, d["buffers"][0]["addr"], 0x80).hex()')
    run flood "$pid" "$data" "${request:0:20}" "$request"
    assert_output "[]"
    # A question for the descriptor, and one for the status.
    run flood "$pid" "$handshake" 0300000000000000 0300000000000000017b7d
    assert_output "[]"
    request=$(printf '{"jsonrpc":"2.0","id":1,"method":"status"}\n' | od -An -v -tx1 | tr -d ' \n')
    run flood "$pid" "$socket" "${request:0:20}" "$request"
    assert_output "[]"
    # It still serves.
    run mc-bench --segment_id="$handshake" --verify "${small[@]}"
    assert_success
    run mc-target status --control-socket="$socket"
    assert_success
    kill -TERM "$pid"
    wait "$pid"
}

@test "10,000 connections to mc-meta serve opened and dropped leave nothing behind" {
    start_metadata --idle-timeout=2s
    local request
    request=$(printf 'GET /health HTTP/1.1\r\nHost: x\r\n\r\n' | od -An -v -tx1 | tr -d ' \n')
    run flood "$server" "$(sed 's,http://,,;s,/metadata,,' <<<"$url")" "${request:0:20}" "$request"
    assert_output "[]"
    run mc-meta put k v
    assert_success
    kill -TERM "$server"
    wait "$server"
}

# The command before which processes see the time of a file, $clock, which starts with the real time; it is in $faked.
start_clock() {
    is_sanitized && skip "the sanitizer must be loaded first"
    library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -1)
    [ -n "$library" ] || skip "no libfaketime here"
    clock=$BATS_TEST_TMPDIR/clock
    echo "+0" >"$clock"
    faked=(env "LD_PRELOAD=$library" "FAKETIME_TIMESTAMP_FILE=$clock" FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1
        FAKETIME_DONT_FAKE_MONOTONIC=1)
    run "${faked[@]}" date +%s
    now=$output
}

@test "a clock that jumps ends nothing, and keeps nothing from ending" {
    start_clock
    start loopback "${faked[@]}" mc-bench --mode=loopback --json "${small[@]}" --duration=50ms --repeat=400 --verify \
        --slice-timeout=20s
    for jump in +400d -400d +0 -4000d; do
        wait_for loopback.err "Test completed"
        echo "$jump" >"$clock"
        : >"$BATS_TEST_TMPDIR/loopback.err"
    done
    status=0
    wait "$pid" || status=$?
    assert_equal "$status" 0
    output=$(cat "$BATS_TEST_TMPDIR/loopback.out")
    assert_equal "$(json 'd["status"], len(d["results"])')" "('ok', 400)"
    run "${faked[@]}" date +%s
    [ "$output" -lt "$now" ] # It was faked.

    start_hung_peer
    run --separate-stderr "${faked[@]}" mc-bench --segment_id="$hung" "${small[@]}" --handshake-reply-timeout=300ms
    assert_equal "$status" 75
}

@test "a clock that jumps under a metadata server, a target, a watch and who uses them" {
    start_clock
    local jump i=0 version last=0 watch target bench
    serve=("${faked[@]}" mc-meta serve --json --listen=127.0.0.1:0 --data="$BATS_TEST_TMPDIR/metadata.db")
    start metadata "${serve[@]}"
    server=$pid
    use_url_of metadata.out
    start watch "${faked[@]}" mc-meta watch jump
    watch=$pid
    start target "${faked[@]}" mc-target --memory 4MiB --metadata_server="$url" --json \
        --control-socket="$BATS_TEST_TMPDIR/control.sock"
    target=$pid
    wait_for target.out ready
    start bench "${faked[@]}" mc-bench --metadata_server="$url" --segment_id=127.0.0.1 --local_server_name=localhost \
        "${small[@]}" --verify --json --duration=50ms --repeat=1000000
    bench=$pid
    for jump in +400d -400d +0 -4000d +400d; do
        echo "$jump" >"$clock"
        : >"$BATS_TEST_TMPDIR/bench.err"
        wait_for bench.err "Test completed"
        # What is written is told to the watch, and has a version of its own.
        run "${faked[@]}" mc-meta put "jump$((++i))" "at $jump"
        assert_success
        wait_for watch.out "jump$i"
        version=$(curl -sSI "$url?key=jump$i" | grep -i '^etag' | tr -dc 0-9)
        [ "$version" -gt "$last" ]
        last=$version
        run --separate-stderr "${faked[@]}" mc-target status --control-socket="$BATS_TEST_TMPDIR/control.sock" --json
        assert_success
        assert_equal "$(json '[key["state"] for key in d["keys"]], d["uptime_s"] < 4000')" "(['ours', 'ours'], True)"
    done
    kill -INT "$bench"
    status=0
    wait "$bench" || status=$?
    assert_equal "$status" 130
    output=$(cat "$BATS_TEST_TMPDIR/bench.out")
    assert_equal "$(json 'd["status"], sum(r["verification"]["mismatched_blocks"] for r in d["results"])')" "('interrupted', 0)"
    kill -TERM "$target"
    wait "$target"
    kill -TERM "$server"
    wait "$server"
    wait "$watch" || true
    # One that is started in the past has what was written in the future, and goes on counting.
    echo "-4000d" >"$clock"
    start again "${serve[@]}"
    use_url_of again.out
    run mc-meta get jump1
    assert_output "at +400d"
    run mc-meta put jump0 x
    assert_success
    [ "$(curl -sSI "$url?key=jump0" | grep -i '^etag' | tr -dc 0-9)" -gt "$last" ]
}
