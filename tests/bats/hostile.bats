#!/usr/bin/env bats
# mc-bench where the machine or the peer lets it down.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper

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
        run ! grep -q "another signal" "$BATS_TEST_TMPDIR/initiator.err"
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
        --tcp-stall-timeout=1s
    wait_for target.out .
    start initiator mc-bench --segment_id="$segment" --block_size=64KiB --batch_size=16 --threads=2 --json --verify \
        --duration=50ms --warmup=0 --repeat=40 --tcp-status-timeout=1s --retry-count=1
    wait_for initiator.err "Test completed"
    kill -STOP "${started[@]}"
    sleep 2
    kill -CONT "${started[1]}"
    kill -CONT "${started[0]}"
    status=0
    wait "${started[1]}" || status=$?
    assert_equal "$status" 0
}

@test "a clock that jumps ends nothing, and keeps nothing from ending" {
    is_sanitized && skip "the sanitizer must be loaded first"
    library=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | head -1)
    [ -n "$library" ] || skip "no libfaketime here"
    clock=$BATS_TEST_TMPDIR/clock
    echo "+0" >"$clock"
    faked=(env "LD_PRELOAD=$library" "FAKETIME_TIMESTAMP_FILE=$clock" FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1
        FAKETIME_DONT_FAKE_MONOTONIC=1)
    run "${faked[@]}" date +%s
    now=$output

    start loopback "${faked[@]}" mc-bench --mode=loopback --json "${small[@]}" --duration=50ms --repeat=20 --verify \
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
    assert_equal "$(json 'd["status"], len(d["results"])')" "('ok', 20)"
    run "${faked[@]}" date +%s
    [ "$output" -lt "$now" ] # It was faked.

    start_hung_peer
    run --separate-stderr "${faked[@]}" mc-bench --segment_id="$hung" "${small[@]}" --handshake-reply-timeout=300ms
    assert_equal "$status" 75
}
