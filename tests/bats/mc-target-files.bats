#!/usr/bin/env bats
# Files that mc-target serves over NVMe-oF, as a user sees it.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

small=(--block_size=4KiB --batch_size=8 --threads=2 --duration=200ms --warmup=20ms --json)

# make_file NAME SIZE: its path is in $BATS_TEST_TMPDIR/NAME.
make_file() {
    truncate -s "$2" "$BATS_TEST_TMPDIR/$1"
}

# start_target ARGUMENTS...: serves files at $port; its segment's name is in $segment, its control socket in $socket.
start_target() {
    port=${port:-$(free_port)}
    segment=${segment:-127.0.0.1:$(free_port)}
    socket=$BATS_TEST_TMPDIR/control.sock
    start target mc-target --local_server_name="$segment" --trsvcid="$port" --control-socket="$socket" "$@"
    target=$pid
    wait_for target.out .
}

stop_target() {
    kill -TERM "$target"
    wait "$target"
}

# bench SEGMENT OPERATION [ARGUMENTS...]: verified.
bench() {
    mc-bench --metadata_server="${MC_METADATA_SERVER:-P2PHANDSHAKE}" --segment_id="$1" --operation="$2" --verify \
        "${small[@]}" "${@:3}"
}

asked() {
    output=$(mc-target status --control-socket="$socket" --json)
    json "$1"
}

# wait_until_asked EXPRESSION: until it is true of the status.
wait_until_asked() {
    local i
    for ((i = 0; i < 600; i++)); do
        [[ $(asked "$1") == True ]] && return 0
        sleep 0.05
    done
    return 1
}

# Until a host is connected and has read something.
wait_for_host() {
    wait_until_asked 'len(d["file_service"]["hosts"]) > 0 and d["file_service"]["bytes_read"] > 0'
}

saved() {
    mc-target save --control-socket="$socket"
}

@test "serves files that mc-bench reads, writes and verifies" {
    make_file f0 4MiB
    make_file "f 1,x" 2MiB
    start_target --file "$BATS_TEST_TMPDIR/f0" --file "$BATS_TEST_TMPDIR/f 1,x:1MiB"
    run cat "$BATS_TEST_TMPDIR/target.out"
    assert_line --index 0 "ready: segment $segment, pid $target"
    assert_line "files: segment $segment, trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=$port, nqn.2016-06.io.mc:$segment"
    assert_line --regexp "^ +1  4MiB  read, write  $BATS_TEST_TMPDIR/f0$"
    assert_line --regexp "^ +2  1MiB  read, write  $BATS_TEST_TMPDIR/f 1,x$"
    for operation in write mixed read; do
        run --separate-stderr bench "$segment" $operation
        assert_success
        assert_equal "$(json 'd["status"], d["results"][0]["verification"]["mismatched_blocks"]')" "('ok', 0)"
    done
    # What is behind the size stays as it was; what is before it was written.
    run cmp -n 1048576 "$BATS_TEST_TMPDIR/f 1,x" /dev/zero
    assert_failure
    cmp -i 1048576:0 -n 1048576 "$BATS_TEST_TMPDIR/f 1,x" /dev/zero
    stop_target
    [[ ! -e $socket ]]
}

@test "the ready line is one JSON document with the commands to paste" {
    make_file f0 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0:1MiB" --json
    run cat "$BATS_TEST_TMPDIR/target.out"
    assert_equal "${#lines[@]}" 1
    assert_equal "$(json 'd["event"], d["name"], d["files_segment"], d["buffers"], d["data_port"], d["initiator"]')" \
        "('ready', '$segment', '$segment', [], None, None)"
    assert_equal "$(json 'd["files"]')" \
        "[{'number': 1, 'path': '$BATS_TEST_TMPDIR/f0', 'size_bytes': 1048576, 'read_only': False}]"
    assert_equal "$(json 'd["trid"]["trsvcid"], d["trid"]["subnqn"]')" "('$port', 'nqn.2016-06.io.mc:$segment')"
    assert_equal "$(json 'd["nvme_connect"]')" \
        "nvme connect --transport=tcp --traddr=127.0.0.1 --trsvcid=$port --nqn=nqn.2016-06.io.mc:$segment"
    local command
    command=$(json 'd["files_initiator"]')
    grep -qF "$command" "$BATS_TEST_TMPDIR/target.err"
    grep -q "every host may connect" "$BATS_TEST_TMPDIR/target.err"
    run --separate-stderr bash -c "$command --duration=100ms -q"
    assert_success
}

@test "memory and files side by side: two segments of a metadata server" {
    start_metadata
    export MC_METADATA_SERVER=$url
    make_file f0 4MiB
    segment=127.0.0.1
    start_target --file "$BATS_TEST_TMPDIR/f0" --memory 4MiB --metadata_server="$url"
    for name in 127.0.0.1 127.0.0.1-files; do
        run --separate-stderr bench "$name" mixed
        assert_success
        assert_equal "$(json 'd["results"][0]["verification"]["mismatched_blocks"]')" 0
    done
    assert_equal "$(asked 'd["protocol"], d["files_segment"]')" "('tcp,nvmeof_generic', '127.0.0.1-files')"
    assert_equal "$(asked '[k["state"] for k in d["keys"]]')" "['ours', 'ours', 'ours', 'ours']"
    assert_equal "$(asked 'd["bytes_served"] > 0 and d["file_service"]["bytes_written"] > 0')" True
    stop_target
    run --separate-stderr mc-meta list --json
    assert_equal "$(json 'd["items"]')" "[]"
    # Without a server there is room for one.
    run mc-target --memory 4KiB --file "$BATS_TEST_TMPDIR/f0"
    assert_equal "$status" 64
    assert_output --partial "P2PHANDSHAKE has room for one segment"
}

@test "status tells who is connected, by how many queues, and what was moved" {
    make_file f0 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    assert_equal "$(asked 'd["file_service"]["hosts"], d["file_service"]["commands"], d["data_port"]')" "([], 0, None)"
    start initiator mc-bench --segment_id="$segment" --duration=600 --warmup=0s --block_size=4KiB --batch_size=8 --threads=2
    wait_for_host
    assert_equal "$(asked 'd["file_service"]["hosts"][0]["nqn"][:4], d["file_service"]["hosts"][0]["authenticated"]')" \
        "('nqn.', False)"
    assert_equal "$(asked 'all(h["io_queues"] > 0 for h in d["file_service"]["hosts"])')" True
    # A loop that is busy for too long leaves a host's row out.
    for ((i = 0; i < 200; i++)); do
        run --separate-stderr mc-target status --control-socket="$socket"
        assert_success
        grep -qE '^127\.0\.0\.1:' <<<"$output" && break
        sleep 0.05
    done
    assert_line --regexp "^files: segment $segment, nqn.2016-06.io.mc:$segment at 127.0.0.1, port $port$"
    assert_line --regexp '^[0-9]+ connections \(0 refused, 0 broke the protocol\), [0-9]+ commands \(0 failed\)'
    assert_line --regexp '^nqn\.[^ ]+ +127\.0\.0\.1:[0-9]+ +[1-9]'
    assert_line --regexp '^Address +RTT +Resent +Unacked +Unsent +Commands +On disk +From host +To host$'
    assert_line --regexp '^127\.0\.0\.1:[0-9]+ +([0-9.]+[mu]?s|-) '
    [[ $(printf '%s\n' "${lines[@]}" | grep -A9 '^Address' | wc -L) -le 120 ]]
    kill -TERM "$pid"
    wait "$pid" || true
    for ((i = 0; i < 200; i++)); do
        [[ $(asked 'd["file_service"]["hosts"]') == "[]" ]] && break
        sleep 0.05
    done
    assert_equal "$(asked 'd["file_service"]["hosts"], d["file_service"]["protocol_errors"]')" "([], 0)"
}

@test "status tells of each host what its commands wait for" {
    make_file f0 64MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    # Large writes: at some moment their data are asked for, and still to come.
    start writer mc-bench --segment_id="$segment" --operation=write --duration=600 --warmup=0s --block_size=1MiB \
        --batch_size=16 --threads=1 --nvmeof-host-nqn=nqn.writer
    writer=$pid
    wait_until_asked 'any((h["load"] or {}).get("awaiting_data") for h in d["file_service"]["hosts"])'
    assert_equal "$(asked '{h["nqn"] for h in d["file_service"]["hosts"]}')" "{'nqn.writer'}"
    kill -TERM "$writer"
    wait "$writer" || true
    # A reader that is stopped: its answers wait for it, here and in the kernel, and nothing waits for the disk.
    start reader mc-bench --segment_id="$segment" --operation=read --duration=600 --warmup=0s --block_size=1MiB \
        --batch_size=64 --threads=1 --nvmeof-host-nqn=nqn.reader
    wait_until_asked 'd["file_service"]["bytes_read"] > 0'
    local reader='[h["load"] for h in d["file_service"]["hosts"] if h["nqn"] == "nqn.reader" and h["load"]]' i queued
    local left="[l['queued_bytes'] for l in $reader]"
    local waits="any(l['sending'] > 0 and l['queued_bytes'] > 0 and l['unacknowledged_bytes'] > 0 for l in $reader)"
    for ((i = 0; i < 50; i++)); do # Until it was not just between two batches.
        kill -STOP "$pid"
        queued=
        until [[ $(asked "$left") == "$queued" ]]; do # The kernel's buffers take some more.
            queued=$(asked "$left")
            sleep 0.3
        done
        [[ $(asked "$waits") == True ]] && break
        kill -CONT "$pid"
        sleep 0.02
    done
    wait_until_asked "$waits"
    wait_until_asked "all(l['on_device'] == 0 for l in $reader)"
    assert_equal "$(asked "all(l['unacknowledged_bytes'] >= l['unsent_bytes'] for l in $reader)")" True
    assert_equal "$(asked "all(l['commands'] >= l['on_device'] + l['awaiting_data'] + l['sending'] for l in $reader)")" True
    assert_equal "$(asked "all(type(v) is int and v >= 0 for l in $reader for v in l.values())")" True
    kill -CONT "$pid"
    kill -TERM "$pid"
    wait "$pid" || true
}

@test "files come and go while it serves, by mc-register" {
    make_file f0 4MiB
    make_file f1 2MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    cd "$BATS_TEST_TMPDIR"
    run --separate-stderr mc-register add --control-socket="$socket" --file f1:1MiB
    assert_success
    assert_line --index 1 --regexp "^ +2  1MiB  read, write  $BATS_TEST_TMPDIR/f1$"
    [[ $stderr == *"added 1 file, 1MiB to $segment"*"--file=2 takes it back"* ]]
    run --separate-stderr bench "$segment" mixed
    assert_success
    assert_equal "$(asked '[(f["number"], f["size_bytes"]) for f in d["files"]]')" "[(1, 4194304), (2, 1048576)]"

    run --separate-stderr mc-register remove --control-socket="$socket" --file ./f0 --json
    assert_success
    assert_equal "$(json 'd["removed"], [f["number"] for f in d["files"]], d["files_left"]')" "(True, [1], 1)"
    run --separate-stderr bench "$segment" mixed
    assert_success
    # Numbers are not given out again; the last one may go, too, and another come.
    run --separate-stderr mc-register add --control-socket="$socket" --file f0 --json
    assert_success
    assert_equal "$(json 'd["action"], d["files"][0]["number"], d["files_served"]')" "('added', 3, 2)"
    run mc-register remove --control-socket="$socket" --file 2 --file "$BATS_TEST_TMPDIR/f0"
    assert_success
    assert_output --partial "removed 2 files, 5MiB of $segment, 0 left"
    assert_equal "$(asked 'd["files"], d["files_segment"]')" "([], None)"
    run mc-target status --control-socket="$socket"
    assert_success
    assert_line "files: none, nqn.2016-06.io.mc:$segment at 127.0.0.1, port $port"
    run bench "$segment" read
    assert_failure
    run mc-register add --control-socket="$socket" --file f1 -q
    assert_success
    run --separate-stderr bench "$segment" write
    assert_success
}

@test "a target of memory gets its first files, and its store their segment" {
    start_metadata
    export MC_METADATA_SERVER=$url
    make_file f0 4MiB
    segment=127.0.0.1
    start_target --memory 4MiB --metadata_server="$url"
    assert_equal "$(asked 'd["files"], d["file_service"]')" "([], None)"
    run mc-register add --control-socket="$socket" --file "$BATS_TEST_TMPDIR/f0"
    assert_success
    assert_output --partial "added 1 file, 4MiB to 127.0.0.1-files"
    run --separate-stderr bench 127.0.0.1-files mixed
    assert_success
    mc-register remove --control-socket="$socket" --file 1 -q
    assert_equal "$(mc-meta list --quiet | grep -c files)" 0
    run --separate-stderr bench 127.0.0.1 mixed
    assert_success
    # What a target of files has no room for.
    stop_target
    start_target --file "$BATS_TEST_TMPDIR/f0" --metadata_server="$url"
    run mc-register add --control-socket="$socket" --buffer=4KiB
    assert_equal "$status" 69
    assert_output --partial "this target serves files only"
}

@test "a dry run, and what can't be added or removed" {
    make_file f0 4MiB
    make_file f1 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    ln -s f0 "$BATS_TEST_TMPDIR/link"
    local add=(mc-register add --control-socket="$socket" --file) remove=(mc-register remove --control-socket="$socket" --file)
    run --separate-stderr "${add[@]}" "$BATS_TEST_TMPDIR/f1" --dry-run
    assert_success
    assert_output ""
    [[ $stderr == *"would add to $segment, which has 1 file now"* ]]
    run --separate-stderr "${remove[@]}" 1 --dry-run --json
    assert_success
    assert_equal "$(json 'd["dry_run"], d["files_left"]')" "(True, 0)"
    local before
    before=$(asked 'd["files"]')
    while IFS='|' read -r file code text; do
        for dry in "" --dry-run; do
            run "${add[@]}" "$BATS_TEST_TMPDIR/$file" ${dry:+"$dry"}
            assert_equal "$status" "$code"
            assert_output --partial "$text"
        done
    done <<EOF
none|66|No such file
f0|73|is served already
link|73|are the same file
f1:8MiB|64|less than the 8MiB asked for
.|65|is a directory
EOF
    # All or none.
    run "${add[@]}" "$BATS_TEST_TMPDIR/f1" --file "$BATS_TEST_TMPDIR/none"
    assert_equal "$status" 66
    run "${remove[@]}" 1 --file 9
    assert_equal "$status" 1
    assert_output --partial "mc-register: target: file 9: there is none"
    run "${remove[@]}" "$BATS_TEST_TMPDIR/f1" --if-missing=ok
    assert_success
    assert_output --partial "nothing to remove"
    assert_equal "$(asked 'd["files"]')" "$before"
    while IFS='|' read -r arguments text; do
        # shellcheck disable=SC2086 # Words of a command line.
        run mc-register $arguments
        assert_equal "$status" 64
        assert_output --partial "$text"
    done <<EOF
add x /dev/null --file=/x|can't be combined with --file
add x --memory --file=/x|can't be combined with --file
add x --file=/x --buffer=1MiB|can't be combined with --buffer
add x --file=/x:0|a size of 0
add x /dev/null --force|is of a running target
remove x /dev/null --file=1|can't be combined with --file
remove x --file=1 --buffer=1|can't be combined with --buffer
EOF
}

@test "save, restore, save: the same bytes, and the same numbers and names" {
    for name in f0 f1 f2; do make_file $name 4MiB; done
    cd "$BATS_TEST_TMPDIR"
    start_target --file f0:2MiB --file f1 --nqn=nqn.2026-01.test:files --keep-alive=30 --no-metadata-cache
    mc-register add --control-socket="$socket" --file f2 -q
    mc-register remove --control-socket="$socket" --file 2 -q
    saved >saved.toml
    run cat saved.toml
    assert_line "local_server_name = \"$segment\""
    assert_line "file = [\"$BATS_TEST_TMPDIR/f0:2MiB\", \"$BATS_TEST_TMPDIR/f2\"]"
    assert_line "file_number = [1, 3]"
    assert_line "trid = \"trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=$port\""
    assert_line 'nqn = "nqn.2026-01.test:files"'
    assert_line 'keep_alive = "30s"'
    refute_output --partial "log_level"
    run --separate-stderr mc-target save --control-socket="$socket" --json
    assert_equal "$(json 'd["name"], d["toml"].splitlines()[1]')" "('$segment', 'local_server_name = \"$segment\"')"
    stop_target
    mkdir elsewhere
    cd elsewhere
    start target mc-target restore ../saved.toml
    target=$pid
    wait_for target.out .
    saved >../again.toml
    cmp ../saved.toml ../again.toml
    assert_equal "$(asked '[f["number"] for f in d["files"]]')" "[1, 3]"
    run --separate-stderr bench "$segment" mixed
    assert_success
    # A flag beats the file.
    stop_target
    run mc-target restore ../saved.toml --print-config --nqn=nqn.2026-01.test:other
    assert_success
    assert_line 'nqn = "nqn.2026-01.test:other"  # flag'
    assert_line --partial 'file_number = [1, 3]  # ../saved.toml'
    run mc-target restore
    assert_equal "$status" 64
    run mc-target restore none.toml
    assert_equal "$status" 66
}

@test "what is saved has memory, hosts and the file of their keys, and no password" {
    start_metadata
    make_file f0 4MiB
    cd "$BATS_TEST_TMPDIR"
    echo "nqn.host0 DHHC-1:00:Wwh03/hCEeSXgP0s+IBIkDVjKZnhl8MeAB83oCj+I7hh4UAV:" >keys
    chmod 600 keys
    segment=127.0.0.1
    start_target --file f0 --memory 1MiB,64KiB --metadata_server="${url/:\/\//:\/\/user:geheim@}" --allow-host nqn.host1 \
        --host-keys keys --read-only --huge-pages=never
    saved >saved.toml
    run cat saved.toml
    assert_line --partial 'memory = ["1MiB'
    assert_line "metadata_server = \"$url\""
    assert_line 'allow_host = ["nqn.host1"]'
    assert_line "host_keys = \"$BATS_TEST_TMPDIR/keys\""
    assert_line 'read_only = true'
    assert_line 'huge_pages = "never"'
    refute_output --partial "geheim"
    refute_output --partial "DHHC"
    stop_target
    start target mc-target restore saved.toml
    target=$pid
    wait_for target.out .
    saved | cmp - saved.toml
}

@test "only hosts that are allowed get in" {
    make_file f0 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0" --allow-host nqn.host0,nqn.host1 --json
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    [[ $(json 'd["nvme_connect"]') == *" --hostnqn=nqn.host0" ]]
    run --separate-stderr bash -c "$(json 'd["files_initiator"]') --duration=100ms -q"
    assert_success
    run ! grep -q "every host may connect" "$BATS_TEST_TMPDIR/target.err"
    run --separate-stderr bench "$segment" mixed --nvmeof-host-nqn=nqn.host1
    assert_success
    run --separate-stderr bench "$segment" read --nvmeof-host-nqn=nqn.host2
    assert_equal "$status" 77
    [[ $stderr == *"nqn.2016-06.io.mc:$segment does not admit this host"*"hint: its owner has to allow nqn.host2"* ]]
    assert_equal "$(json 'd["status"], d["error"]["code"], d["results"][0]["failure"]["request"]["status"]')" \
        "('failed', 'not_permitted', 'FAILED')"
    # Hardly tried again: each thread has a connection, and asks for a few blocks before it ends.
    [[ $(asked 'd["file_service"]["failed_commands"] < 10') == True ]]
}

@test "a host with a key proves that it has it, and asks for the target's" {
    make_file f0 4MiB
    cd "$BATS_TEST_TMPDIR"
    local key=DHHC-1:00:Wwh03/hCEeSXgP0s+IBIkDVjKZnhl8MeAB83oCj+I7hh4UAV: other
    other=DHHC-1:01:faZQWLZSWmSoTHoJ5x9g7djTor0oUFkzdGBjKMNXkPWT6/Bn:
    umask 077
    echo "# who may
nqn.host0 $key $other" >keys
    echo $key >key
    echo $other >other
    start_target --file f0 --host-keys keys --allow-host nqn.host0 --json
    output=$(cat target.out)
    [[ $(json 'd["nvme_connect"]') == *" --hostnqn=nqn.host0 --dhchap-secret=\"\$DHCHAP_SECRET\" --dhchap-ctrl-secret="* ]]
    run --separate-stderr env DHCHAP_SECRET_FILE=key bash -c "$(json 'd["files_initiator"]') --duration=100ms -q"
    assert_success
    run ! grep -q "Wwh03\|faZQW" target.out target.err
    for proof in "--nvmeof-host-key=key" "--nvmeof-host-key=key --nvmeof-controller-key=other"; do
        # shellcheck disable=SC2086 # Words of a command line.
        run --separate-stderr bench "$segment" mixed --nvmeof-host-nqn=nqn.host0 $proof
        assert_success
    done
    for proof in "" "--nvmeof-host-key=other" "--nvmeof-host-key=key --nvmeof-controller-key=key"; do
        # shellcheck disable=SC2086
        run --separate-stderr bench "$segment" read --nvmeof-host-nqn=nqn.host0 $proof
        assert_equal "$status: $proof" "77: $proof"
    done
    # Nothing was measured: no table.
    run mc-bench --segment_id="$segment" --nvmeof-host-nqn=nqn.host0 --nvmeof-host-key=other
    assert_output --regexp "authentication with nqn\.2016-06\.io\.mc:.* as nqn\.host0: refused by the controller"
    assert_output --partial "hint: compare the line of nqn.host0 in the target's --host-keys with --nvmeof-host-key=other here"
    refute_output --partial "Throughput"
    run mc-bench --segment_id="$segment" --nvmeof-host-nqn=nqn.host0 --nvmeof-host-key=key --nvmeof-controller-key=key
    assert_output --partial "the target's --host-keys with --nvmeof-controller-key=key here"
    start initiator mc-bench --segment_id="$segment" --duration=600 --warmup=0s --block_size=4KiB --batch_size=8 \
        --threads=1 --nvmeof-host-nqn=nqn.host0 --nvmeof-host-key=key
    wait_for_host
    assert_equal "$(asked 'd["file_service"]["hosts"][0]["nqn"], d["file_service"]["hosts"][0]["authenticated"]')" \
        "('nqn.host0', True)"
}

@test "another file in the place of one that an initiator knows is not touched, and both are named" {
    make_file f0 4MiB
    make_file f1 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    start initiator mc-bench --segment_id="$segment" --operation=write --duration=600 --warmup=0s --block_size=4KiB \
        --batch_size=8 --threads=2 --json
    local initiator=$pid status=0
    wait_until_asked 'd["file_service"]["bytes_written"] > 0'
    stop_target
    start_target --file "$BATS_TEST_TMPDIR/f1"
    wait "$initiator" || status=$?
    assert_equal "$status" 1
    grep -Eq "namespace 1 is another one now, UUID [0-9a-f-]{36}, 4MiB; it was UUID [0-9a-f-]{36}, 4MiB" \
        "$BATS_TEST_TMPDIR/initiator.err"
    output=$(cat "$BATS_TEST_TMPDIR/initiator.out")
    assert_equal "$(json 'd["status"], d["error"]["code"]')" "('failed', 'not_found')"
    cmp -n 4194304 "$BATS_TEST_TMPDIR/f1" /dev/zero
    # The same file again is the same one.
    stop_target
    start_target --file "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr bench "$segment" mixed
    assert_success
}

@test "read-only files are read, and not written" {
    make_file f0 4MiB
    chmod 444 "$BATS_TEST_TMPDIR/f0"
    start_target --file "$BATS_TEST_TMPDIR/f0" --read-only
    run --separate-stderr mc-bench --segment_id="$segment" --operation=read "${small[@]}"
    assert_success
    run --separate-stderr mc-bench --segment_id="$segment" --operation=write "${small[@]}"
    assert_equal "$status" 1
    [[ $stderr == *"refused with status 0x20 (namespace is write protected)"*"hint: the target serves the file read-only"* ]]
    cmp -n 4194304 "$BATS_TEST_TMPDIR/f0" /dev/zero
    make_file f1 4MiB
    run --separate-stderr mc-register add --control-socket="$socket" --file "$BATS_TEST_TMPDIR/f1" --json
    assert_equal "$(json 'd["files"][0]["read_only"]')" True
}

@test "a file that may only be read is refused, with the way to serve it" {
    use_unprivileged
    make_file f0 4MiB
    chmod 444 "$BATS_TEST_TMPDIR/f0"
    mkdir -m 700 "$BATS_TEST_TMPDIR/own"
    [[ ${#run_as[@]} -eq 0 ]] || chown 65534 "$BATS_TEST_TMPDIR/own"
    run --separate-stderr "${run_as[@]}" mc-target --file "$BATS_TEST_TMPDIR/f0" --metadata_server=P2PHANDSHAKE \
        --local_server_name=127.0.0.1 --trsvcid="$(free_port)" --control-socket="$BATS_TEST_TMPDIR/own/c"
    assert_equal "$status" 77
    [[ $stderr == *"hint: it can be read: serve it read-only"* ]]
}

@test "a file that gets shorter while it is served: both sides say so" {
    make_file f0 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    truncate -s 1MiB "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr mc-bench --segment_id="$segment" --operation=read "${small[@]}"
    assert_equal "$status" 1
    [[ $(json 'd["error"]["message"]') == *"file 1 was refused with status 0x281 (unrecovered read error)" ]]
    [[ $stderr == *"hint: is the file shorter at the target than it was? the target's own log may say"* ]]
    grep -Eq "warning nvme target: $BATS_TEST_TMPDIR/f0: a read of 4096 bytes at offset [0-9]+ failed: \
the file is shorter than served, 1048576 bytes of 4194304\$" "$BATS_TEST_TMPDIR/target.err"
    # As large as it was, it is served as before.
    truncate -s 4MiB "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr bench "$segment" mixed
    assert_success
}

@test "it says aloud that whoever reaches the files can read and write them" {
    make_file f0 4MiB
    port=$(free_port)
    start target mc-target --file "$BATS_TEST_TMPDIR/f0" --traddr=0.0.0.0 --trsvcid="$port" --control-socket=none
    wait_for target.out ready
    run cat "$BATS_TEST_TMPDIR/target.err"
    assert_output --partial "warning: 0.0.0.0 is served without authentication: whoever reaches it can read and write the files"
    assert_output --partial "every host may connect"
    assert_output --partial "warning: the files are published at 0.0.0.0, where nobody finds this machine"
}

@test "the end of a file that is less than a block is not served, and it says so" {
    make_file odd 1234567
    start_target --file "$BATS_TEST_TMPDIR/odd"
    grep -q "odd: its last 135 bytes are less than a block of 512, and not served" "$BATS_TEST_TMPDIR/target.err"
    assert_equal "$(asked 'd["files"][0]["size_bytes"]')" 1234432
    stop_target
    start_target --file "$BATS_TEST_TMPDIR/odd" --nvmeof-direct-io
    grep -q "odd: its last [0-9]* bytes are less than a block of [0-9]*, and not served" "$BATS_TEST_TMPDIR/target.err"
    stop_target
}

@test "a file that another target serves for writing is told" {
    make_file f0 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    run ! grep -q "another process" "$BATS_TEST_TMPDIR/target.err"
    run ! flock --nonblock --shared "$BATS_TEST_TMPDIR/f0" true
    run --separate-stderr mc-bench --mode=loopback --files="$BATS_TEST_TMPDIR/f0" --trsvcid="$(free_port)" --duration=0.1
    assert_success
    [[ $stderr == *"f0: another process has locked it, such as a target that serves it, too"* ]]
    stop_target
    start_target --file "$BATS_TEST_TMPDIR/f0" --read-only
    flock --nonblock --shared "$BATS_TEST_TMPDIR/f0" true
    stop_target
}

@test "bound to all addresses it publishes the one that is advertised" {
    make_file f0 4MiB
    segment=0.0.0.0:$(free_port)
    start_target --file "$BATS_TEST_TMPDIR/f0" --advertise=127.0.0.2 --json
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    assert_equal "$(json 'd["trid"]["traddr"], d["trid"]["trsvcid"]')" "('127.0.0.2', '$port')"
    [[ $(json 'd["nvme_connect"]') == *" --traddr=127.0.0.2 "* ]]
    grep -q "warning: 0.0.0.0 is served without authentication" "$BATS_TEST_TMPDIR/target.err"
    run ! grep -q "published at" "$BATS_TEST_TMPDIR/target.err"
    assert_equal "$(asked 'd["file_service"]["trid"]["traddr"]')" 127.0.0.2
    run --separate-stderr bench "127.0.0.2:${segment#*:}" mixed
    assert_success
    saved >"$BATS_TEST_TMPDIR/saved.toml"
    run cat "$BATS_TEST_TMPDIR/saved.toml"
    assert_line "trid = \"trtype=tcp adrfam=ipv4 traddr=0.0.0.0 trsvcid=$port\""
    assert_line 'advertise = "127.0.0.2"'
}

@test "what can't be served is told, and nothing remains" {
    make_file f0 4MiB
    make_file empty 0
    cd "$BATS_TEST_TMPDIR"
    ln f0 hard
    while IFS='|' read -r arguments code text; do
        # shellcheck disable=SC2086 # Words of a command line.
        run --separate-stderr mc-target --control-socket="$BATS_TEST_TMPDIR/c" $arguments
        assert_equal "$status: $arguments" "$code: $arguments"
        assert_output ""
        [[ $stderr == *"$text"* ]] || { echo "$arguments: $stderr" && false; }
        [[ ! -e $BATS_TEST_TMPDIR/c ]]
    done <<EOF
--file=none|66|none: No such file
--file=none:1MiB|66|truncate -s 1G $BATS_TEST_TMPDIR/none
--file=no/f0|66|there is no directory $BATS_TEST_TMPDIR/no
--file=.|65|is a directory
--file=empty|65|the file is empty
--file=f0:8MiB|64|less than the 8MiB asked for
--file=f0:1Gig|64|is "1Gig" to be a size?
--file=f0:0|64|a size of 0
--file=f0 --file=f0|73|is named twice
--file=f0 --file=hard|73|are the same file
--file=f0 --file-number=1,2|64|--file-number
--file=f0 --trid=trtype=tcp|64|adrfam: missing
--file=f0 --traddr=1.2.3.4 --trid=x|64|can't be combined with --trid
--file=f0 --adrfam=ipv6 --traddr=127.0.0.1|64|--adrfam
--file=f0 --traddr=192.0.2.1|73|192.0.2.1
--file=f0 --nqn=iqn.x|64|--nqn
--file=f0 --allow-host=x|64|--allow-host
--file=f0 --host-keys=none|66|none
--file=f0 --host-keys=f0|78|f0
EOF
    # The words of an identifier come as one argument.
    run mc-target --file f0 --trid "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=x"
    assert_equal "$status" 64
    assert_output --partial "--trid: trsvcid x"
    run mc-target --file f0 --trid "trtype=fc adrfam=ipv4 traddr=127.0.0.1 trsvcid=4420"
    assert_equal "$status" 69
    assert_output --partial "trtype fc: not tcp or rdma"
}

@test "a file of keys that others may read, or with a line that is none: refused, with its name and line" {
    make_file f0 4MiB
    cd "$BATS_TEST_TMPDIR"
    echo "nqn.host0 DHHC-1:00:Wwh03/hCEeSXgP0s+IBIkDVjKZnhl8MeAB83oCj+I7hh4UAV:" >keys
    chmod 640 keys
    run mc-target --file f0 --host-keys keys
    assert_equal "$status" 78
    assert_output --partial "keys: others can read this secret"
    assert_output --partial "hint: chmod 600 keys"
    chmod 600 keys
    echo "nqn.host1 DHHC-1:00:Wwh03/hCEeSXgP0s:" >>keys
    run mc-target --file f0 --host-keys keys
    assert_equal "$status" 78
    assert_output --partial "keys:2: the host's"
    refute_output --partial "Wwh03"
}

@test "a port that is taken is an error that names it" {
    make_file f0 4MiB
    make_file f1 4MiB
    start_target --file "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr mc-target --file "$BATS_TEST_TMPDIR/f1" --trsvcid="$port" --control-socket="$BATS_TEST_TMPDIR/c"
    assert_equal "$status" 73
    assert_output ""
    [[ $stderr == *"127.0.0.1:$port"*"give another with --trsvcid"* ]]
    [[ ! -e $BATS_TEST_TMPDIR/c ]]
    run mc-target --file "$BATS_TEST_TMPDIR/f1" --trid="trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=$port"
    assert_equal "$status" 73
    assert_output --partial "give another with --trid"
}

@test "a block device that holds a file system is served only by force" {
    [[ $(id -u) -eq 0 ]] || skip "only root has block devices"
    make_file image 16MiB
    mkfs.ext4 -q "$BATS_TEST_TMPDIR/image" 2>/dev/null || skip "no mkfs.ext4"
    loop=$(losetup --find --show "$BATS_TEST_TMPDIR/image" 2>/dev/null) || skip "no loop devices here"
    port=$(free_port)
    run mc-target --file "$loop" --trsvcid="$port" --control-socket=none
    losetup_done() { losetup -d "$loop"; }
    [[ $status -eq 73 && $output == *"ext4"*"--force"* ]] || { losetup_done && false; }
    start_target --file "$loop" --force
    run saved
    stop_target
    losetup_done
    assert_line "force = true"
}

@test "the example configuration runs" {
    run mc-target --config "$root/configs/target-files.toml" --print-config
    assert_success
    assert_line --partial 'file = ["/tmp/mc-target-file:64MiB"]'
    make_file f0 4MiB
    port=$(free_port)
    start target mc-target --config "$root/configs/target-files.toml" --file="$BATS_TEST_TMPDIR/f0" --trsvcid="$port" \
        --local_server_name="127.0.0.1:$(free_port)" --control-socket=none
    wait_for target.out "files: segment 127.0.0.1:"
}
