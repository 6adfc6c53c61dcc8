#!/usr/bin/env bats
# What is wrong with the segments: mc-meta verify, the same on every kind of store.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores
load targets

# finding SEGMENT KIND EXPRESSION: of it in the JSON document that is in $output.
finding() {
    json "next(f for f in d['findings'] if f['segment'] == '$1' and f['kind'] == '$2')$3"
}

# put KEY VALUE
put() {
    mc-meta put --quiet "$1" "$2"
}

# tcp NAME BUFFERS PORT: a descriptor.
tcp() {
    printf '{"buffers":[%s],"name":"%s","protocol":"tcp","tcp_data_port":%s,"timestamp":"2026-11-21 02:50:34.5"}' \
        "$2" "$1" "$3"
}

@test "nothing is found where all is well" {
    start_stores
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        run --separate-stderr mc-meta verify
        assert_success
        assert_line --regexp "^findings +0$"
        start_targets "$store" live
        put mooncake/nvmeof/data \
            '{"buffers":[{"file_path":"/f","length":4096,"local_path_map":{}}],"protocol":"nvmeof","server_name":"s"}'
        put mooncake/ram/reserved '{"buffers":[],"name":"reserved","protocol":"tcp","tcp_data_port":1}'
        put mooncake/checkpoint/model '{}'
        put mooncake/note 'of somebody'
        put mooncake/blue/rpc_meta/x '{}'
        run --separate-stderr mc-meta verify --probe-timeout=20s
        assert_success
        assert_line --regexp "^tool +mc-meta [0-9.]+$"
        assert_line --regexp "^store +$store$"
        assert_line --regexp "^time +2[0-9-]+T[0-9:]+Z$"
        assert_line --regexp "^keys +7: 3 descriptors, 1 rpc_meta, 1 checkpoints, 1 of other clusters, 1 of no known kind$"
        assert_line --regexp "^segments +3, of which static: 1$"
        assert_line --regexp "^owners +1 alive, 0 refused, 0 silent, 0 unknown$"
        assert_line --regexp "^findings +0$"
        run --separate-stderr mc-meta verify --json --probe-timeout=20s
        assert_success
        assert_equal "$(json 'd["schema_version"], d["findings"], d["owners"]["alive"]')" "(1, [], 1)"
        kill_targets "${targets[@]}"
    done
}

@test "kill -9 of a target, values that can't be read, keys without their other side, buffers that lie" {
    start_stores
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        start_targets "$store" killed live
        kill_targets "${targets[0]}"
        put mooncake/ram/broken 'no JSON'
        put mooncake/ram/strange '{"buffers":[],"protocol":"telepathy"}'
        put mooncake/ram/zero "$(tcp zero '{"addr":4096,"length":0,"name":"zero"}' 1)"
        put mooncake/ram/beyond "$(tcp beyond '{"addr":18446744073709551000,"length":4096,"name":"beyond"}' 1)"
        put mooncake/ram/overlap \
            "$(tcp overlap '{"addr":4096,"length":4096,"name":"overlap"},{"addr":8191,"length":1,"name":"overlap"}' 1)"
        put mooncake/ram/typed '{"buffers":{},"protocol":"tcp"}'
        put mooncake/rpc_meta/portless '{"ip_or_host_name":"127.0.0.1"}'
        put mooncake/nvmeof/device \
            '{"buffers":[{"file_path":"/dev/sda","length":0,"local_path_map":{}}],"protocol":"nvmeof"}'
        run --separate-stderr mc-meta verify --json --probe-timeout=20s
        assert_equal "$status" 1
        assert_equal "$(json 'sorted(f["number"] for f in d["findings"]) == list(range(1, len(d["findings"]) + 1))')" True
        assert_equal "$(json '[f for f in d["findings"] if f["segment"] == "live"]')" "[]"
        assert_equal "$(finding killed dead_owner '["keys"]')" "['mooncake/ram/killed', 'mooncake/rpc_meta/killed']"
        assert_equal "$(finding killed dead_owner '["commands"]')" "['mc-meta gc --yes killed']"
        assert_regex "$(finding killed dead_owner '["cause"]')" "127.0.0.1:[0-9]+: Connection refused"
        assert_regex "$(finding broken bad_descriptor '["cause"]')" JSON
        assert_regex "$(finding strange bad_descriptor '["cause"]')" telepathy
        assert_regex "$(finding zero bad_descriptor '["cause"]')" 'buffers\[0\].length'
        assert_regex "$(finding beyond bad_descriptor '["cause"]')" 'beyond 64 bits'
        assert_regex "$(finding typed bad_descriptor '["cause"]')" buffers
        assert_regex "$(finding overlap bad_buffers '["cause"]')" 'buffers\[0\] and buffers\[1\] overlap'
        assert_regex "$(finding overlap no_rpc_meta '["cause"]')" mooncake/rpc_meta/overlap
        assert_regex "$(finding portless bad_rpc_meta '["cause"]')" rpc_port
        assert_regex "$(finding nvmeof/device bad_buffers '["cause"]')" "/dev/sda, has no bytes"

        # A command is one: it mends what it was told for.
        eval "$(finding broken bad_descriptor '["commands"][0]')"
        eval "$(finding portless bad_rpc_meta '["commands"][0]')"
        (cd "$BATS_TEST_TMPDIR" && eval "$(finding killed dead_owner '["commands"][0]')" --probe-interval=0s)
        run --separate-stderr mc-meta verify --json --probe-timeout=20s
        assert_equal "$(json 'sorted({f["segment"] for f in d["findings"]})')" \
            "['beyond', 'nvmeof/device', 'overlap', 'strange', 'typed', 'zero']"

        run --separate-stderr mc-meta verify
        assert_equal "$status" 1
        assert_line --regexp "^[0-9]+\. bad_descriptor: mooncake/ram/strange$"
        assert_line --regexp "^   cause: .*telepathy"
        assert_line --regexp "^   mend:  mc-meta remove --if-version=[0-9a-f]+ mooncake/ram/strange$"
        kill_targets "${targets[1]}"
    done
}

@test "a data port that is not there, an address that two have, one that says nothing, one that can't be asked" {
    start_metadata
    start_targets "$url" live
    local owner
    owner=$(mc-meta get mooncake/rpc_meta/live)
    put mooncake/rpc_meta/double "$owner"
    put mooncake/ram/double "$(tcp double '' 1)"
    start silent python3 -c '
import socket, time
silent = socket.create_server(("127.0.0.1", 0))
print(silent.getsockname()[1], flush=True)
time.sleep(3600)'
    wait_for silent.out '[0-9]'
    put mooncake/rpc_meta/silent "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$(cat "$BATS_TEST_TMPDIR/silent.out")}"
    put mooncake/rpc_meta/nowhere '{"ip_or_host_name":"no.such.host.invalid","rpc_port":1}'
    run --separate-stderr mc-meta verify --json --probe-timeout=10s --metadata-server="$url"
    assert_equal "$status" 1
    assert_regex "$(finding double dead_data_port '["cause"]')" "Connection refused"
    assert_regex "$(finding double shared_address '["cause"]')" "double, live are all at 127.0.0.1"
    assert_equal "$(finding double shared_address '["commands"][0].split()[-1]')" mooncake/ram/double
    assert_equal "$(finding silent silent_owner '["commands"]')" \
        "['mc-meta gc --yes --silent-is-dead --metadata-server=$url silent']"
    assert_equal "$(finding nowhere unreachable_owner '["commands"]')" "[]"
    run --separate-stderr mc-meta verify --json --no-probe
    assert_equal "$(json 'd["owners"], {f["kind"] for f in d["findings"]}')" "(None, {'shared_address'})"
}

@test "a name with every odd character: the command that is told mends it" {
    start_stores
    local odd=$'it\'s a "name", b*[?]\\ größe\ttab\nline'
    for store in "${stores[@]}"; do
        export MC_METADATA_SERVER=$store
        put "mooncake/rpc_meta/$odd" "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$(free_port)}"
        put "mooncake/rpc_meta/-x" "{\"ip_or_host_name\":\"127.0.0.1\",\"rpc_port\":$(free_port)}"
        mc-meta put --quiet -- "mooncake/ram/$odd" 'no JSON'
        run --separate-stderr mc-meta verify
        assert_equal "$status" 1
        grep '^   mend:  ' <<<"$output" | sed 's/^   mend:  //' >"$BATS_TEST_TMPDIR/mend"
        mkdir -p "$BATS_TEST_TMPDIR/here"
        (cd "$BATS_TEST_TMPDIR/here" && MC_METADATA_SERVER=$store bash -e "$BATS_TEST_TMPDIR/mend")
        assert_equal "$(mc-meta list --keys-only)" ""
    done
}

@test "another cluster, a store without lists, a store that is gone" {
    start_metadata
    put mooncake/blue/ram/x 'no JSON'
    run --separate-stderr mc-meta verify
    assert_success
    run --separate-stderr mc-meta verify --cluster-id=blue
    assert_equal "$status" 1
    assert_line "1. bad_descriptor: mooncake/blue/ram/x"
    assert_line --regexp "^   mend:  mc-meta remove --if-version=[0-9]+ mooncake/blue/ram/x$"
    kill -KILL "$server"
    wait "$server" || true
    run --separate-stderr mc-meta verify --json
    assert_equal "$status" 69
    assert_equal "$(json 'd["error"]["code"]')" unavailable
    start_stock_metadata --profile go
    run mc-meta verify
    assert_equal "$status" 69
}
