#!/usr/bin/env bats
# mc-meta's commands as a user runs them, against mc-meta serve.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

@test "help opens with what it does and examples, and names the commands" {
    run --separate-stderr mc-meta --help
    assert_success
    assert_line --index 0 --partial "a metadata server, and what is in one"
    for command in serve get put remove list show dump restore copy watch; do
        assert_line --regexp "^ +$command "
    done
    run --separate-stderr mc-meta put --help
    assert_success
    assert_output --partial "--if-absent"
    run mc-meta remov
    assert_equal "$status" 64
    assert_output --partial "did you mean remove?"
}

@test "a value comes back byte by byte, from the command line, a file and standard input" {
    start_metadata
    run --separate-stderr mc-meta put greeting "hello, wörld"
    assert_success
    assert_output ""
    run --separate-stderr mc-meta get greeting
    assert_success
    assert_output "hello, wörld"
    python3 -c 'print("{\"a\": [1, 2]}\n\n" * 100000, end="")' >"$BATS_TEST_TMPDIR/value"
    mc-meta put --quiet "mooncake/ram/a b:1" "@$BATS_TEST_TMPDIR/value"
    mc-meta get "mooncake/ram/a b:1" | cmp - "$BATS_TEST_TMPDIR/value"
    mc-meta put --quiet "mooncake/ram/a b:1" - <<<"from stdin"
    assert_equal "$(mc-meta get "mooncake/ram/a b:1")" "from stdin"
    mc-meta put --quiet empty </dev/null
    run --separate-stderr mc-meta get empty --json
    assert_equal "$(json 'd["value"]')" ""
}

@test "a value whose writer is interrupted is not stored in part" {
    start_metadata
    mkfifo "$BATS_TEST_TMPDIR/pipe"
    exec 4<>"$BATS_TEST_TMPDIR/pipe"
    start put bash -c "exec mc-meta put half - <'$BATS_TEST_TMPDIR/pipe'"
    local put=$pid
    printf 'half of ' >&4
    # Until it has been read.
    until python3 -c '
import array, fcntl, termios
left = array.array("i", [0])
fcntl.ioctl(4, termios.FIONREAD, left)
raise SystemExit(left[0])'; do
        sleep 0.05
    done
    kill -TERM "$put"
    local status=0
    wait "$put" || status=$?
    assert_equal "$status" 143
    exec 4>&-
    run mc-meta get half
    assert_failure 1
}

@test "a key can't pass for two, nor speak to the terminal" {
    start_metadata
    mc-meta put --quiet $'a\nmooncake/rpc_meta/victim\x1b[31m' x
    for arguments in "list --keys-only" "list"; do
        # shellcheck disable=SC2086 # Two arguments.
        run --separate-stderr mc-meta $arguments
        assert_success
        assert_output --partial 'a\nmooncake/rpc_meta/victim\x1b[31m'
    done
}

@test "a missing key is the answer no" {
    start_metadata
    run --separate-stderr mc-meta get nothing
    assert_equal "$status" 1
    assert_output ""
    assert_equal "$stderr" "mc-meta: get nothing: no such key"
    run --separate-stderr mc-meta get nothing --json
    assert_equal "$status" 1
    assert_equal "$(json 'd["schema_version"], d["error"]["code"]')" "(1, 'not_found')"
    run mc-meta remove nothing
    assert_equal "$status" 1
    assert_output --partial "--if-missing=ok"
    run --separate-stderr mc-meta remove nothing --if-missing=ok --json
    assert_success
    assert_equal "$(json 'd["removed"]')" False
}

@test "conditions" {
    start_metadata
    run --separate-stderr mc-meta put key one --if-absent --json
    assert_success
    local first
    first=$(json 'd["version"]')
    run --separate-stderr mc-meta get key --json
    assert_equal "$(json 'd["value"], d["version"]')" "('one', '$first')"
    run mc-meta put key two --if-absent
    assert_equal "$status" 73
    assert_output --partial "the key exists"
    run --separate-stderr mc-meta put key two --if-version="$first" --json
    assert_success
    local second
    second=$(json 'd["version"]')
    [[ $first != "$second" ]]
    run mc-meta put key three --if-version="$first"
    assert_equal "$status" 1
    run mc-meta remove key --if-version="$first"
    assert_equal "$status" 1
    assert_equal "$(mc-meta get key)" two
    run mc-meta remove key --if-version="$second"
    assert_success
    run mc-meta put key x --if-version="$second"
    assert_equal "$status" 1
    run mc-meta put key x --if-absent --if-version=1
    assert_equal "$status" 64
    run mc-meta put key x --if-version=$'1\r\nX: y'
    assert_equal "$status" 64
}

@test "list: by prefix, in order, with and without values, more than a page" {
    start_metadata
    run --separate-stderr mc-meta list --json
    assert_equal "$output" '{"schema_version":1,"items":[],"complete":true}'
    for key in b/2 b/1 a c; do
        mc-meta put --quiet $key "value of $key"
    done
    run --separate-stderr mc-meta list --keys-only
    assert_success
    assert_output $'a\nb/1\nb/2\nc'
    run --separate-stderr mc-meta list b/ --values
    assert_line --index 0 --regexp '^KEY +VERSION +VALUE$'
    assert_line --index 1 --regexp '^b/1 +[0-9]+ +value of b/1$'
    run --separate-stderr mc-meta list --limit=2 --json
    assert_equal "$(json '[i["key"] for i in d["items"]], d["complete"], d["items"][0]["length_bytes"]')" \
        "(['a', 'b/1'], False, 10)"
    # As one client, which is faster than a process for each.
    python3 - <<'PYTHON'
import http.client, os, urllib.parse
url = urllib.parse.urlsplit(os.environ["MC_METADATA_SERVER"])
connection = http.client.HTTPConnection(url.netloc)
for number in range(2500):
    connection.request("PUT", f"{url.path}?key=many/{number:05}", body=b"x")
    connection.getresponse().read()
PYTHON
    run bash -c 'mc-meta list many/ --keys-only | sort -u | wc -l'
    assert_output 2500
    run mc-meta list --keys-only --values
    assert_equal "$status" 64
}

# A server that has one page, and then no more.
start_breaking_server() {
    cat >"$BATS_TEST_TMPDIR/breaking.py" <<'PYTHON'
import http.server

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        first = "after=" not in self.path
        body = b'{"schema_version":1,"items":[{"key":"a","value":"xy","version":"7"}],"continuation":"a"}'
        self.send_response(200 if first else 500)
        self.send_header("Mc-Metadata", "1")
        self.send_header("Content-Length", str(len(body) if first else 0))
        self.end_headers()
        self.wfile.write(body if first else b"")

    def log_message(self, *words):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
PYTHON
    start breaking python3 "$BATS_TEST_TMPDIR/breaking.py"
    wait_for breaking.out '[0-9]'
    MC_METADATA_SERVER=http://127.0.0.1:$(<"$BATS_TEST_TMPDIR/breaking.out")/metadata
    export MC_METADATA_SERVER
}

@test "list: where the server breaks off, the JSON is whole and says so" {
    start_breaking_server
    run --separate-stderr mc-meta list --json
    assert_equal "$status" 74
    assert_equal "$(json 'd["schema_version"], [i["key"] for i in d["items"]], d["complete"], d["error"]["code"]')" \
        "(1, ['a'], False, 'io')"
    assert_regex "$stderr" 'mc-meta: .*it answers 500'
    run --separate-stderr mc-meta list
    assert_equal "$status" 74
    assert_line --index 1 --regexp '^a +7 +2$'
    run --separate-stderr mc-meta list --limit=1 --json
    assert_success
    assert_equal "$(json 'len(d["items"]), d["complete"]')" "(1, False)"
}

@test "watch: a line for each change, and SIGTERM ends it in order" {
    start_metadata
    start watch mc-meta watch w/ --json
    local watch=$pid
    start text mc-meta watch w/ --values
    local text=$pid
    wait_for watch.out '"watching"'
    wait_for text.err "watching w/"
    mc-meta put --quiet w/key 'a "value"'
    mc-meta put --quiet other x
    mc-meta remove --quiet w/key
    wait_for watch.out '"remove"'
    wait_for text.out "remove w/key"
    run cat "$BATS_TEST_TMPDIR/text.out"
    assert_line --index 0 --regexp '^put w/key [0-9]+ a "value"$'
    assert_line --index 1 "remove w/key"
    run python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1])]
print([(line["schema_version"], line["type"], line.get("key"), line.get("value")) for line in lines])
' "$BATS_TEST_TMPDIR/watch.out"
    assert_output "[(1, 'watching', None, None), (1, 'put', 'w/key', 'a \"value\"'), (1, 'remove', 'w/key', None)]"
    kill -TERM "$watch"
    wait "$watch"
    kill -INT "$text"
    wait "$text"
    run mc-meta watch --timeout=5s
    assert_success
}

@test "watch: fails clearly when the server goes" {
    start_metadata
    start watch mc-meta watch
    local watch=$pid
    wait_for watch.err watching
    kill -KILL "$server"
    wait "$server" || true
    local code=0
    wait "$watch" || code=$?
    assert_equal "$code" 69
    grep -q "mc-meta: watch .*metadata server $url" "$BATS_TEST_TMPDIR/watch.err"
}

@test "what is wrong is said before anything is sent" {
    run mc-meta get
    assert_equal "$status" 64
    assert_output --partial key
    run mc-meta get key --metadata_server=http://127.0.0.1:8080
    assert_equal "$status" 64
    assert_output --partial "/metadata"
    MC_METADATA_SERVER=P2PHANDSHAKE run mc-meta get key
    assert_equal "$status" 78
    assert_output --partial "is no server"
    run mc-meta get key --metadata_server=redis://127.0.0.1
    assert_equal "$status" 69
    run mc-meta put key @/nonexistent/file
    assert_equal "$status" 66
    run mc-meta get ""
    assert_equal "$status" 64
}

@test "keys and values that are not UTF-8 are refused by the server, not stored otherwise" {
    start_metadata
    printf '\xff\xfe' >"$BATS_TEST_TMPDIR/bytes"
    run mc-meta put key "@$BATS_TEST_TMPDIR/bytes"
    assert_equal "$status" 64
    run mc-meta put $'k\xff' value
    assert_equal "$status" 64
    run mc-meta list --keys-only
    assert_output ""
}
