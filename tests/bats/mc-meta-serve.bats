#!/usr/bin/env bats
# mc-meta serve as a user runs it, and as a stock engine's HTTP client sees it.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper

# A server on a free port; its URL is in $url.
start_server() {
    start server mc-meta serve --json --listen=127.0.0.1:0 "$@"
    wait_for server.out urls
    url=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["urls"][0])' "$BATS_TEST_TMPDIR/server.out")
}

# http METHOD KEY [CURL ARGUMENT...]: the body, then the status.
http() {
    local method=$1 key=$2
    shift 2
    curl -sS --max-time 60 -X "$method" -w '\n%{http_code}' "$@" "$url?key=$key"
}

# put KEY VALUE: fails unless the server says 200.
put() {
    run http PUT "$1" --data-binary "$2" -H 'Content-Type: application/json'
    assert_output $'metadata updated\n200'
}

stop_server() {
    kill -TERM "$pid"
    wait "$pid"
}

@test "help has the command's options and examples" {
    run --separate-stderr mc-meta serve --help
    assert_success
    assert_output --partial "run a metadata server"
    assert_output --partial "--listen"
    assert_output --partial "--data"
    assert_equal "$stderr" ""
}

@test "the protocol of the stock servers" {
    start_server
    run http GET mooncake%2Fram%2F10.0.0.1%3A1
    assert_output $'metadata not found\n404'
    put mooncake%2Fram%2F10.0.0.1%3A1 '{"name":"10.0.0.1:1"}'
    run http GET mooncake%2Fram%2F10.0.0.1%3A1
    assert_output $'{"name":"10.0.0.1:1"}\n200'
    put mooncake%2Frpc_meta%2F10.0.0.1%3A1 '{"rpc_port":1}'
    put mooncake%2Frpc_meta%2F10.0.0.1%3A1 '{"rpc_port":2}'
    run http DELETE mooncake%2Fram%2F10.0.0.1%3A1
    assert_output $'metadata deleted\n200'
    run http DELETE mooncake%2Fram%2F10.0.0.1%3A1
    assert_output $'metadata not found\n404'
}

@test "the extensions: versions, conditions, lists" {
    start_server
    put k 1
    run curl -sSI "$url?key=k"
    assert_output --partial "Mc-Metadata: 1"
    local etag
    etag=$(grep -i '^etag:' <<<"$output" | tr -d '\r' | cut -d' ' -f2)
    run http PUT k --data-binary 2 -H 'If-None-Match: *'
    assert_line 412
    run http PUT k --data-binary 2 -H "If-Match: $etag"
    assert_line 200
    run http PUT k --data-binary 3 -H "If-Match: $etag"
    assert_line 412
    put l x
    run curl -sS "$url?prefix=&limit=1"
    assert_equal "$(json 'd["schema_version"], d["items"][0]["key"], d["items"][0]["value"], d["continuation"]')" \
        "(1, 'k', '2', 'k')"
    run curl -sS "$url?prefix=&limit=1&after=k"
    assert_equal "$(json '[item["key"] for item in d["items"]], d["continuation"]')" "(['l'], '')"
}

@test "a watch prints changes as they come, until the server stops" {
    start_server
    local server=$pid
    start watch curl -sSN "$url?watch=a"
    wait_for watch.out '"watching":"a"'
    put a1 one
    put b1 other
    http DELETE a1
    wait_for watch.out '"type":"remove","key":"a1"'
    run cat "$BATS_TEST_TMPDIR/watch.out"
    assert_output --partial '"type":"put","key":"a1","value":"one"'
    refute_output --partial b1
    kill -TERM "$server"
    wait "$server"
    wait "$pid"
}

@test "health and metrics" {
    start_server
    put k value
    run curl -sS "${url%/metadata}/health"
    assert_equal "$(json 'd["status"]')" ok
    run curl -sS "${url%/metadata}/metrics"
    assert_line 'mc_metadata_requests_total{method="PUT",status="200"} 1'
    assert_line 'mc_metadata_keys 1'
}

@test "the readable line has the flag to paste, and nothing else is said on loopback" {
    start server mc-meta serve --listen 127.0.0.1:0
    wait_for server.out ready
    run cat "$BATS_TEST_TMPDIR/server.out"
    assert_output --regexp '^ready: --metadata_server=http://127\.0\.0\.1:[0-9]+/metadata, keys in memory, pid [0-9]+$'
    run cat "$BATS_TEST_TMPDIR/server.err"
    assert_output ""
    stop_server
    run cat "$BATS_TEST_TMPDIR/server.err"
    assert_output "stopping"
}

@test "several addresses, IPv6 too, are all served" {
    start_server --listen=127.0.0.2:0 --listen='[::1]:0'
    run cat "$BATS_TEST_TMPDIR/server.out"
    assert_equal "$(json 'len(d["urls"]), [l["host"] for l in d["listen"]]')" "(3, ['127.0.0.1', '127.0.0.2', '::1'])"
    local each
    put k v
    for each in $(json '" ".join(d["urls"])'); do
        [[ $each != *']'* ]] || each=${each/\[/\\[} each=${each/\]/\\]}
        run curl -sS "$each?key=k"
        assert_output v
    done
}

@test "an address that others reach is warned about once" {
    start server mc-meta serve --listen=0.0.0.0:0
    wait_for server.out ready
    run cat "$BATS_TEST_TMPDIR/server.err"
    assert_line --index 0 --regexp '^warning: 0\.0\.0\.0:[0-9]+ is served without authentication'
    assert_equal "$(grep -c warning <<<"$output")" 1
}

@test "a taken port is an error that names its owner" {
    start_server
    run --separate-stderr mc-meta serve --listen="$(sed 's,http://,,;s,/metadata,,' <<<"$url")"
    assert_equal "$status" 73
    [[ $stderr == *"Address already in use"*"process $pid (mc-meta); give another with --listen"* ]]
    run --separate-stderr mc-meta serve --listen=127.0.0.1:notaport
    assert_equal "$status" 64
    run --separate-stderr mc-meta serve --listen=
    assert_equal "$status" 64
}

@test "keys in a file outlive a kill -9: what was answered is there" {
    local data=$BATS_TEST_TMPDIR/metadata.db i version
    start_server --data="$data"
    for i in {1..20}; do put "k$i" "v$i"; done
    http DELETE k20
    version=$(curl -sSI "$url?key=k19" | grep -i '^etag' | tr -dc 0-9)
    kill -KILL "$pid"
    wait "$pid" || true
    start_server --data="$data"
    for i in {1..19}; do
        run http GET "k$i"
        assert_output "v$i"$'\n200'
    done
    run http GET k20
    assert_line 404
    put new v
    [[ $(curl -sSI "$url?key=new" | grep -i '^etag' | tr -dc 0-9) -gt $version ]]
    stop_server
}

@test "one server at a time has the file, and a file of others is left alone" {
    start_server --data="$BATS_TEST_TMPDIR/metadata.db"
    put k v
    run --separate-stderr mc-meta serve --listen=127.0.0.1:0 --data="$BATS_TEST_TMPDIR/metadata.db"
    assert_equal "$status" 69
    [[ $stderr == *"in use by another process"* ]]
    echo "a letter" >"$BATS_TEST_TMPDIR/letter"
    run --separate-stderr mc-meta serve --json --listen=127.0.0.1:0 --data="$BATS_TEST_TMPDIR/letter"
    assert_equal "$status" 65
    assert_equal "$(json 'd["error"]["code"]')" bad_data
    run cat "$BATS_TEST_TMPDIR/letter"
    assert_output "a letter"
    run --separate-stderr mc-meta serve --listen=127.0.0.1:0 --data=/nonexistent/metadata.db
    assert_equal "$status" 73
    put k still
}

@test "a full disk is an error of whoever writes" {
    start server bash -c "ulimit -f 512; exec mc-meta serve --json --listen=127.0.0.1:0 --data=$BATS_TEST_TMPDIR/full.db"
    wait_for server.out urls
    url=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["urls"][0])' "$BATS_TEST_TMPDIR/server.out")
    put small v
    head -c 1000000 /dev/zero | tr '\0' x >"$BATS_TEST_TMPDIR/large"
    run http PUT large --data-binary @"$BATS_TEST_TMPDIR/large"
    assert_line 507
    run curl -sS -o /dev/null -w '%{http_code}' "${url%/metadata}/health"
    assert_output 503
    put small again
    run curl -sS -o /dev/null -w '%{http_code}' "${url%/metadata}/health"
    assert_output 200
    stop_server
}

@test "a name that SQLite has a use for is a file like any other" {
    cd "$BATS_TEST_TMPDIR"
    start_server "--data=file:keys.db?mode=memory"
    assert [ -s "file:keys.db?mode=memory" ]
    stop_server
}

@test "too few descriptors to start with: an error that names the limit" {
    local limit
    for limit in 12 16 20 24; do
        run --separate-stderr bash -c "ulimit -n $limit && exec timeout 1 mc-meta serve --listen=127.0.0.1:0"
        [[ $status -eq 124 ]] && continue  # It was enough.
        assert_equal "$status" 71
        assert_regex "$stderr" "Too many open files|No file descriptors available"
        run --separate-stderr bash -c "ulimit -n $limit && exec mc-meta get k --metadata_server=http://127.0.0.1:9/metadata"
        assert_regex "$status" "^(71|69)$"
        if [[ $status -eq 71 ]]; then assert_regex "$stderr" "ulimit -n"; fi
    done
}

@test "out of descriptors it goes on, without spinning" {
    start server bash -c "ulimit -n 64; exec mc-meta serve --json --listen=127.0.0.1:0"
    wait_for server.out urls
    url=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["urls"][0])' "$BATS_TEST_TMPDIR/server.out")
    run python3 - "$url" "$pid" <<'PYTHON'
import os, socket, sys, time, urllib.parse, urllib.request
url, pid = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2]
def connect():
    try:
        return socket.create_connection((url.hostname, url.port))
    except ConnectionResetError:  # Turned away before connect returned.
        return None
connections = [connect() for _ in range(200)]
def ticks():
    return sum(map(int, open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[11:13]))
before = ticks()
time.sleep(1)
print("busy" if ticks() - before > 0.5 * os.sysconf("SC_CLK_TCK") else "calm")
for connection in filter(None, connections):
    connection.close()
print(urllib.request.urlopen(f"http://{url.netloc}/health", timeout=60).status)
PYTHON
    assert_output $'calm\n200'
}

@test "a service manager is told" {
    python3 -c '
import socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
manager.settimeout(60)
print("bound", flush=True)
while True:
    state = manager.recv(100).decode()
    print(state, flush=True)
    if state == "STOPPING=1":
        break
' "$BATS_TEST_TMPDIR/notify" >"$BATS_TEST_TMPDIR/manager.out" 3>&- &
    local manager=$!
    started+=("$manager")
    wait_for manager.out bound
    NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify start_server
    wait_for manager.out READY=1
    stop_server
    wait "$manager"
    run cat "$BATS_TEST_TMPDIR/manager.out"
    assert_output $'bound\nREADY=1\nSTOPPING=1'
}
