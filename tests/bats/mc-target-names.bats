#!/usr/bin/env bats
# mc-target's name in a metadata server: scripted ones of Mooncake's kind, which have neither versions nor conditions, and
# mc-meta serve, which has both.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

# A target by the name node1 in the metadata server; arguments: NAME of its files, options.
start_named() {
    local name=$1
    shift
    start "$name" mc-target --memory 4MiB --metadata_server="$url" --local_server_name=127.0.0.1:"$(free_port)" \
        --control-socket="$BATS_TEST_TMPDIR/$name.sock" --json "$@"
}

keys() {
    python3 - "$url" "$1" <<'EOF'
import sys, urllib.parse, urllib.request, urllib.error
for kind in ("rpc_meta", "ram"):
    key = urllib.parse.quote(f"mooncake/{kind}/{sys.argv[2]}", safe="")
    try:
        print(kind, urllib.request.urlopen(f"{sys.argv[1]}?key={key}").read().decode().strip())
    except urllib.error.HTTPError as error:
        print(kind, error.code)
EOF
}

assert_withdrawn() {
    run keys "$1"
    assert_line --index 0 "rpc_meta 404"
    assert_line --index 1 "ram 404"
}

@test "published under its name, measured by it, and withdrawn at the end" {
    start_stock_metadata
    start_named target
    wait_for target.out ready
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    name=$(json 'd["name"]')
    run bash -c "$(json 'd["initiator"]') --verify --operation=write --duration=200ms"
    assert_success
    run --separate-stderr mc-target status --control-socket="$BATS_TEST_TMPDIR/target.sock" --json
    assert_success
    assert_equal "$(json 'd["metadata_server"]')" "$url"
    assert_equal "$(json '[k["state"] for k in d["keys"]]')" "['ours', 'ours']"
    kill -TERM "$pid"
    wait "$pid"
    assert_withdrawn "$name"
}

@test "a terminal that goes withdraws the name, too, but not where that is ignored" {
    start_stock_metadata
    start_named target
    wait_for target.out ready
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    name=$(json 'd["name"]')
    kill -HUP "$pid"
    wait "$pid"
    assert_withdrawn "$name"

    trap '' HUP
    start_named stays
    trap - HUP
    wait_for stays.out ready
    output=$(cat "$BATS_TEST_TMPDIR/stays.out")
    kill -HUP "$pid"
    run bash -c "$(json 'd["initiator"]') --duration=100ms"
    assert_success
    kill -TERM "$pid"
    wait "$pid"
}

@test "status tells of keys that the server has lost, and of a server that is gone" {
    start_stock_metadata
    start_named target
    wait_for target.out ready
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    local key
    key=$(json '"mooncake%2Fram%2F" + d["name"].replace(":", "%3A")')
    python3 -c 'import sys, urllib.request as r; r.urlopen(r.Request(sys.argv[1], method="DELETE"))' "$url?key=$key"
    run mc-target status --control-socket="$BATS_TEST_TMPDIR/target.sock"
    assert_success
    assert_line --regexp '^  mooncake/ram/.* missing$'
    assert_line --regexp '^  mooncake/rpc_meta/.* ours$'
    kill -KILL "$server"
    wait "$server" || true
    run mc-target status --control-socket="$BATS_TEST_TMPDIR/target.sock"
    assert_success
    assert_line --regexp '^  mooncake/rpc_meta/.* unknown: .*Connection refused'
    # And it still ends in order.
    kill -TERM "${started[1]}"
    wait "${started[1]}"
}

@test "the name of a live owner is refused, that of a killed one taken over" {
    for profile in go python mc-meta; do
        if [[ $profile == mc-meta ]]; then start_metadata; else start_stock_metadata --profile=$profile; fi
        local port
        port=$(free_port)
        start owner mc-target --memory 4MiB --metadata_server="$url" --local_server_name="127.0.0.1:$port" --json \
            --control-socket=none
        wait_for owner.out ready
        local owner=$pid
        # Its own port is taken; at another address of this machine it is the name that is.
        run --separate-stderr mc-target --memory 4KiB --metadata_server="$url" --local_server_name="127.0.0.1:$port" \
            --bind-address=127.0.0.2 --control-socket=none
        assert_equal "$status" 73
        assert_output ""
        [[ $stderr == *"server name 127.0.0.1:$port: taken by a live owner at 127.0.0.1:$port"* ]]
        run keys "127.0.0.1:$port"
        assert_line --index 0 --partial "\"rpc_port\":$port"
        assert_line --index 1 --partial "tcp_data_port"
        kill -KILL "$owner"
        wait "$owner" || true
        # From another address: the dead one is asked in vain.
        start heir mc-target --memory 4MiB --metadata_server="$url" --local_server_name="127.0.0.1:$port" --json \
            --bind-address=127.0.0.2 --control-socket=none
        wait_for heir.out ready
        wait_for heir.err "is gone"
        run keys "127.0.0.1:$port"
        assert_line --index 0 --partial 127.0.0.2
        # From the same one: nobody needs to be asked.
        kill -KILL "$pid"
        wait "$pid" || true
        start again mc-target --memory 4MiB --metadata_server="$url" --local_server_name="127.0.0.1:$port" --json \
            --control-socket=none
        wait_for again.out ready
        run mc-bench --metadata_server="$url" --segment_id="127.0.0.1:$port" --verify --block_size=4KiB --batch_size=16 \
            --threads=2 --duration=100ms
        assert_success
        end_started
        started=()
    done
}

@test "an owner that closes without an answer lives; --take-over decides otherwise" {
    start_stock_metadata
    python3 - <<'EOF' >"$BATS_TEST_TMPDIR/old.out" 3>&- &
import socket
s = socket.create_server(("127.0.0.1", 0))
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    c.recv(100)
    c.close()
EOF
    started+=($!)
    wait_for old.out .
    local port
    port=$(cat "$BATS_TEST_TMPDIR/old.out")
    python3 - "$url" "$port" <<'EOF'
import sys, urllib.request as r
body = '{"ip_or_host_name":"127.0.0.1","rpc_port":%s}' % sys.argv[2]
r.urlopen(r.Request(sys.argv[1] + "?key=mooncake%2Frpc_meta%2Flocalhost", data=body.encode(), method="PUT"))
EOF
    run mc-target --memory 4KiB --metadata_server="$url" --local_server_name=localhost --control-socket=none
    assert_equal "$status" 73
    assert_output --partial "taken by a live owner at 127.0.0.1:$port"
    run mc-target --memory 4KiB --metadata_server="$url" --local_server_name=localhost --control-socket=none \
        --take-over=never
    assert_equal "$status" 73
    start taker mc-target --memory 4KiB --metadata_server="$url" --local_server_name=localhost --control-socket=none \
        --take-over=always
    wait_for taker.out ready
    # mc-bench's targets ask, too.
    run mc-bench --mode=target --metadata_server="$url" --local_server_name=localhost --buffer_size=1MiB --block_size=1
    assert_equal "$status" 73
    assert_output --partial "server name localhost: taken by a live owner"
}

@test "a metadata server that is not there is an error before anything is served" {
    run --separate-stderr mc-target --memory 4KiB --metadata_server="http://127.0.0.1:$(free_port)/metadata" \
        --control-socket="$BATS_TEST_TMPDIR/none.sock"
    assert_equal "$status" 69
    assert_output ""
    [[ $stderr == *"Connection refused"* || $stderr == *"connect"* ]]
    [[ $stderr != *withdraw* ]]  # What was never there.
    [[ ! -e $BATS_TEST_TMPDIR/none.sock ]]
}
