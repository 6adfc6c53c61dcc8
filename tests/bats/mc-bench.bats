#!/usr/bin/env bats
# mc-bench as a user runs it.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper

small=(--block_size=4KiB --batch_size=16 --threads=2 --buffer_size=4MiB --duration=200ms --warmup=20ms)

# into_closed_pipe COMMAND...: its standard output is a pipe whose reader has gone.
into_closed_pipe() {
    python3 -c '
import os, subprocess, sys
ours, theirs = os.pipe()
os.close(ours)
sys.exit(subprocess.run(sys.argv[1:], stdout=theirs).returncode)' "$@"
}

# A target on a free port; its segment's name is in $segment.
start_target() {
    segment=127.0.0.1:$(free_port)
    start target mc-bench --mode=target --local_server_name="$segment" --block_size=4KiB --buffer_size=16MiB "$@"
    wait_for target.out .
}

@test "help opens with what it does and examples, on stdout" {
    run --separate-stderr mc-bench --help
    assert_success
    assert_line --index 0 --partial "measure throughput and latency"
    assert_output --partial "mc-bench --mode=loopback --verify"
    assert_output --partial "--block-size"
    assert_equal "$stderr" ""
}

@test "version names the version" {
    run --separate-stderr mc-bench --version
    assert_success
    assert_line --index 0 --regexp '^mc-bench [0-9]+\.[0-9]+\.[0-9]+$'
}

@test "print-config tells where each value comes from, and can be read back" {
    echo 'duration = "3s"' >"$BATS_TEST_TMPDIR/bench.toml"
    MC_RETRY_CNT=3 run --separate-stderr mc-bench --config "$BATS_TEST_TMPDIR/bench.toml" --threads=1,4 --print-config
    assert_success
    assert_line --regexp '^threads = \[1, 4\] +# flag$'
    assert_line --regexp '^duration = "3s" +# .*bench.toml:1:12$'
    assert_line --regexp '^retry_count = 3 +# environment MC_RETRY_CNT$'
    assert_line --regexp '^block_size = \["64KiB"\] +# default$'
    echo "$output" >"$BATS_TEST_TMPDIR/effective.toml"
    run mc-bench --config "$BATS_TEST_TMPDIR/effective.toml" --print-config
    assert_success
    assert_line --partial 'duration = "3s"'
}

@test "loopback moves and verifies bytes, and ends with a table" {
    run --separate-stderr mc-bench --mode=loopback --verify --operation=mixed "${small[@]}"
    assert_success
    assert_output --regexp 'mixed +4KiB +16 +2 +[0-9.]+ .* blocks right +acknowledged'
    assert_output --partial "p99.9"
    [[ $stderr =~ Test\ completed:\ duration\ [0-9.]+,\ batch\ count\ [0-9]+,\ throughput\ [0-9]+\.[0-9][0-9]\ GB/s ]]
}

@test "the line of the stock benchmark has the unit and the precision that were asked for" {
    run --separate-stderr mc-bench --mode=loopback "${small[@]}" --report_unit=Mb --report_precision=0
    assert_success
    [[ $stderr =~ throughput\ [0-9]+\ Mb/s ]]
}

@test "target and initiator: reads, writes and both, verified across two processes" {
    start_target
    for operation in read write mixed; do
        run --separate-stderr mc-bench --segment_id="$segment" --operation=$operation --verify --json "${small[@]}"
        assert_success
        assert_equal "$(json 'd["status"], d["results"][0]["verification"]["mismatched_blocks"]')" "('ok', 0)"
        assert_equal "$(json 'd["results"][0]["verification"]["blocks_verified"] == d["results"][0]["request_count"] > 0')" True
    done
}

@test "a target prints what the initiator needs, the command too, and stops in order" {
    start_target --json
    run cat "$BATS_TEST_TMPDIR/target.out"
    assert_equal "$(json 'd["schema_version"], d["segment"], d["pid"], d["buffers"][0]["length_bytes"]')" \
        "(1, '$segment', $pid, 16777216)"
    local command
    command=$(grep -o 'mc-bench --mode=initiator.*' "$BATS_TEST_TMPDIR/target.err")
    run --separate-stderr bash -c "$command ${small[*]} -q"
    assert_success
    assert_equal "$stderr" ""
    kill -TERM "$pid"
    wait "$pid"
    run ! grep -q warning "$BATS_TEST_TMPDIR/target.err"
}

@test "the command that a target prints fits into its buffers" {
    start target mc-bench --mode=target --batch_size=8,16 --threads=2 --block_size=4KiB --buffer_size=1KiB \
        --batches-in-flight=2
    wait_for target.out "1 x 256KiB"
    wait_for target.err "raised to 256KiB, which block_size \* batch_size \* batches-in-flight \* threads needs"
    run grep -o 'mc-bench --mode=initiator.*' "$BATS_TEST_TMPDIR/target.err"
    assert_output --regexp '=[0-9.:]+ --block_size=4KiB --batch_size=8,16 --threads=2 --batches-in-flight=2$'
    run bash -c "$output --duration=50ms"
    assert_success
}

@test "a target says aloud that it serves other machines without authentication" {
    start target mc-bench --mode=target --local_server_name=0.0.0.0 --advertise=127.0.0.1 --buffer_size=1MiB \
        --block_size=4KiB
    wait_for target.out ready
    wait_for target.err 'warning: .*without authentication'
}

@test "IPv6: target and initiator on ::1" {
    segment="[::1]:$(free_port)"
    start target mc-bench --mode=target --local_server_name="$segment" --buffer_size=4MiB
    wait_for target.out ready
    wait_for target.err "--segment_id='\[::1\]:"
    run mc-bench --segment_id="$segment" --local_server_name=::1 --operation=write --verify "${small[@]}"
    assert_success
}

# The command lines of Mooncake's documents: the addresses are this machine's, the store needs no server.
@test "the stock benchmark's command lines for target and initiator, only the program's name changed" {
    local port name
    port=$(free_port)
    name=127.0.0.1:$port
    start target mc-bench --mode=target \
        --metadata_server=P2PHANDSHAKE \
        --local_server_name="$name" \
        --device_name=erdma_0 \
        --protocol=tcp
    wait_for target.out ready
    for threads in 4 12; do
        run mc-bench --metadata_server=P2PHANDSHAKE \
            --segment_id="$name" \
            --local_server_name=127.0.0.1:"$(free_port)" \
            --device_name=erdma_1 \
            --protocol=tcp --threads=$threads --duration=1
        assert_success
        assert_output --partial "Test completed: duration"
    done
    # Every other flag, in gflags' spellings.
    run mc-bench -segment_id "$name" -backend=classic -gpu_id=0 -noinit_mem -operation=write -batch_size 16 -block_size=65536 -buffer_size=1073741824 -noauto_discovery \
        --nouse_vram --nic_priority_matrix=nic.json --duration=1 --threads 2 --report_unit=GiB --report_precision=3
    assert_success
    assert_output --regexp 'throughput [0-9]+\.[0-9]{3} GiB/s'
}

@test "auto discovery needs no device's name" {
    run mc-bench --mode=loopback --metadata_server=P2PHANDSHAKE --auto_discovery "${small[@]}"
    assert_success
}

@test "stdout is one JSON document at every verbosity" {
    for verbosity in "" -q -v; do
        # shellcheck disable=SC2086
        run --separate-stderr mc-bench --mode=loopback --json $verbosity "${small[@]}"
        assert_success
        assert_equal "$(json 'd["schema_version"], len(d["results"])')" "(1, 1)"
        assert_equal "$(json 'd["results"][0]["throughput_gb_per_s"] > 0')" True
        assert_equal "$(json 'd["peer"]["congestion_control"] != ""')" True
    done
}

@test "stdout is one JSON document on failure, too" {
    for arguments in "--segment_id=127.0.0.1:1" "--no-such-option" "--mode=initiator" "--protocol=rdma"; do
        for verbosity in "" -q -v; do
            # shellcheck disable=SC2086
            run --separate-stderr mc-bench --json $verbosity $arguments
            assert_failure
            assert_equal "$(json 'd["schema_version"], sorted(d["error"])')" "(1, ['code', 'hint', 'message'])"
        done
    done
}

@test "quiet: only the table, nothing on stderr, whatever else asks for more" {
    for verbosity in "" -v --log-level=trace; do
        # shellcheck disable=SC2086
        MC_VERBOSE=1 run --separate-stderr mc-bench --mode=loopback -q $verbosity "${small[@]}"
        assert_success
        assert_output --partial "GB/s"
        assert_equal "$stderr" ""
    done
}

@test "closed standard streams are not taken for connections" {
    start_target
    run --separate-stderr bash -c "mc-bench --segment_id=$segment ${small[*]} --json --verify 2>&-"
    assert_success
    assert_equal "$(json 'd["status"]')" ok
    run --separate-stderr bash -c "mc-bench --segment_id=$segment ${small[*]} -q >&-"
    assert_equal "$status" 74
    [[ $stderr == *"standard output: Bad file descriptor"* ]]
}

@test "an initiator finds a target that is ready or none at all" {
    local port
    port=$(free_port)
    start target mc-bench --mode=target --local_server_name="127.0.0.1:$port" --buffer_size=1GiB
    until mc-bench --segment_id="127.0.0.1:$port" -q "${small[@]}" 2>"$BATS_TEST_TMPDIR/early.err"; do
        grep -qE 'Connection refused|serves nothing|no buffer is registered|nothing is registered' "$BATS_TEST_TMPDIR/early.err"
    done
    # What is no target's name is no defect of the target.
    run --separate-stderr mc-bench --segment_id="127.0.0.1:$(grep -o 'data port [0-9]*' "$BATS_TEST_TMPDIR/target.out" |
        grep -o '[0-9]*')"
    assert_equal "$status" 76
    [[ $stderr == *"and not another port?"* ]]
}

@test "very low throughput is not rounded to nothing" {
    run --separate-stderr mc-bench --mode=loopback --block_size=1 --batch_size=1 --threads=1 --buffer_size=4KiB \
        --duration=50ms --warmup=0
    assert_success
    assert_line --regexp '^read +1 +1 +1 +0\.0*[1-9]'
}

@test "a sweep measures every combination, repeats included, and CSV has a row for each" {
    run --separate-stderr mc-bench --mode=loopback --block_size=4KiB,16KiB --batch_size=4,8 --threads=1,2 --repeat=2 \
        --buffer_size=1MiB --duration=20ms --warmup=0 --csv
    assert_success
    assert_equal "${#lines[@]}" 17
    assert_line --index 0 --partial "operation,block_size_bytes,batch_size,threads,repeat,"
    assert_line --index 1 --partial "read,4096,4,1,1,"
    assert_line --index 16 --partial "read,16384,8,2,2,"
    assert_equal "$(tr -dc ',\n' <<<"$output" | sort -u | wc -l)" 1
}

@test "repeats are summed up in the table" {
    run --separate-stderr mc-bench --mode=loopback "${small[@]}" --repeat=3 --duration=20ms
    assert_success
    assert_output --partial "median of 3"
    assert_output --partial "min - max"
}

@test "interrupted: what was measured is printed, and the exit status says so" {
    for signal in INT:130 TERM:143; do
        start "$signal" mc-bench --mode=loopback --json "${small[@]}" --duration=20ms --repeat=1000000
        wait_for "$signal.err" "Test completed"
        kill -"${signal%:*}" "$pid"
        status=0
        wait "$pid" || status=$?
        assert_equal "$status" "${signal#*:}"
        output=$(cat "$BATS_TEST_TMPDIR/$signal.out")
        assert_equal "$(json 'd["status"], len(d["results"]) > 0')" "('interrupted', True)"
    done
}

@test "nobody at the other end: 69, and what to do" {
    run --separate-stderr mc-bench --segment_id=127.0.0.1:"$(free_port)"
    assert_equal "$status" 69
    assert_output ""
    [[ $stderr == *"Connection refused"*"hint: is mc-target, or mc-bench --mode=target, running there?"* ]]
}

@test "the target's buffer is too small: an error with the sizes, before anything runs" {
    start_target
    run --separate-stderr mc-bench --segment_id="$segment" --block_size=4KiB,1MiB --batch_size=16 --threads=2
    assert_equal "$status" 64
    assert_output ""
    output=$stderr
    assert_output --partial "remote buffer 0 has 16MiB"
    assert_output --partial "needs 32MiB"
    assert_output --partial "--buffer_size=32MiB"
    run --separate-stderr mc-bench --segment_id="$segment" --block_size=1MiB --batch_size=4 --threads=1 --batches-in-flight=8
    assert_equal "$status" 64
    [[ $stderr == *"block_size 1MiB * batch_size 4 * batches-in-flight 8 * threads 1 needs 32MiB"* ]]
}

@test "the target dies during the run: requests fail, and the exit status is not 0" {
    start_target
    start initiator mc-bench --segment_id="$segment" "${small[@]}" --duration=600 --json --retry-count=1
    wait_until_busy "${started[0]}"
    kill -KILL "${started[0]}"
    status=0
    wait "${started[1]}" || status=$?
    assert_regex "$status" '^(1|69|75)$'
    output=$(cat "$BATS_TEST_TMPDIR/initiator.out")
    assert_equal "$(json 'd["status"], d["results"][0]["failed_requests"] > 0')" "('failed', True)"
    run ! grep -q "Test completed" "$BATS_TEST_TMPDIR/initiator.err"
}

@test "a target that hangs: the first signal says what it waits for, the batch's time is told" {
    start_target
    start initiator mc-bench --segment_id="$segment" "${small[@]}" --duration=60 --timeout=20s
    wait_until_busy "${started[0]}"
    kill -STOP "${started[0]}"
    sleep 0.5 # All of its threads have stopped, and a batch is under way.
    kill -INT "${started[1]}"
    wait_for initiator.err "another signal ends it at once"
    status=0
    wait "${started[1]}" || status=$?
    assert_equal "$status" 75
    wait_for initiator.err "a batch of 16 requests .* has not ended within 20s"
    wait_for initiator.out "FAILED"
}

@test "a port that is taken is an error that names it" {
    start_target
    run mc-bench --mode=target --local_server_name="$segment" --buffer_size=1MiB --block_size=4KiB
    assert_equal "$status" 73
    assert_output --partial "$segment"
    assert_output --partial "mc-bench"
}

@test "more memory than there is: an error with the sizes" {
    run mc-bench --mode=target --buffer_size=1000000GiB
    assert_equal "$status" 71
    assert_output --partial "only"
    assert_output --partial "--buffer_size"
}

@test "wrong options are told by name, with exit status 64" {
    run mc-bench --mode=loopback --block_sise=4KiB
    assert_equal "$status" 64
    assert_output --partial "--block-size?"
    run mc-bench --mode=loopback --block_size=0
    assert_equal "$status" 64
    run mc-bench --mode=loopback --operation=erase
    assert_equal "$status" 64
    assert_output --partial "read"
    run mc-bench --mode=loopback --json --csv
    assert_equal "$status" 64
    run mc-bench --mode=loopback --use_vram
    assert_equal "$status" 64
    assert_output --partial "GPU"
    run mc-bench --protocol=rdma --segment_id=x
    assert_equal "$status" 64
    assert_output --partial "this build, which has tcp"
    for store in rediss://127.0.0.1 ftp://127.0.0.1 p2phandshake memory:; do
        run mc-bench --metadata_server=$store --mode=loopback "${small[@]}"
        assert_equal "$status" 64
        assert_output --partial "--metadata-server: \"$store\" is not in this build, which has P2PHANDSHAKE"
    done
    run mc-bench
    assert_equal "$status" 64
    assert_output --partial "--segment_id"
}

@test "a wrong configuration file is told by file, line and column" {
    local file=$BATS_TEST_TMPDIR/bench.toml
    printf 'mode = "loopback"\nblok_size = "4KiB"\n' >"$file"
    run mc-bench --config "$file"
    assert_equal "$status" 78
    assert_output --partial "$file:2:1"
    assert_output --partial "block_size"
    printf 'mode = "loopback"\nduration = "soon"\n' >"$file"
    run mc-bench --config "$file"
    assert_equal "$status" 78
    assert_output --partial "$file:2:12"
    run mc-bench --config "$BATS_TEST_TMPDIR/none.toml"
    assert_equal "$status" 66
}

@test "the example configurations are read, and the loopback one runs" {
    for file in "$root"/configs/bench-*.toml; do
        run mc-bench --config "$file" --print-config
        assert_success
    done
    run mc-bench --config "$root/configs/bench-loopback.toml" --duration=200ms
    assert_success
    assert_output --partial "blocks right"
}

@test "no colour and no progress where stderr is no terminal" {
    run --separate-stderr mc-bench --mode=loopback "${small[@]}" --duration=1
    assert_success
    refute [ "${stderr/$'\e'/}" != "$stderr" ]
    refute [ "${stderr/$'\r'/}" != "$stderr" ]
}

@test "progress is shown on a terminal, and not with -q" {
    run script -qec "mc-bench --mode=loopback ${small[*]} --batch_size=16,8 --duration=6s --warmup=3s" /dev/null
    assert_success
    assert_output --partial "case 1 of 2, read 4KiB x 16, threads 2, run 1 of 1: warming up"
    assert_output --regexp "case 2 of 2, read 4KiB x 8, threads 2, run 1 of 1: [0-9.]+ GB/s"
    run script -qec "mc-bench --mode=loopback ${small[*]} --duration=1200ms -q" /dev/null
    assert_success
    refute_output --partial "run 1 of 1:"
}

@test "colours of a mistake in the command line are as asked for" {
    run mc-bench --no-such-option --color=always
    assert_output --partial $'\e[1;31mmc-bench:'
    unset NO_COLOR
    run script -qec "mc-bench --no-such-option" /dev/null
    assert_output --partial $'\e[1;31mmc-bench:'
    run script -qec "mc-bench --no-such-option --color never" /dev/null
    refute_output --partial $'\e'
}

@test "of an option given twice the last counts, lists too" {
    run --separate-stderr mc-bench --print-config --json --device_name=a --device_name=b --threads=1,2 --threads=4
    assert_success
    assert_equal "$(json 'd["options"]["device_name"]["value"], d["options"]["threads"]["value"]')" "('b', [4])"
}

@test "print-config with json is a document with each value's origin" {
    MC_RETRY_CNT=3 run --separate-stderr mc-bench --print-config --json --duration=1500ms
    assert_success
    assert_equal "$(json 'd["schema_version"], d["options"]["duration"], d["options"]["retry_count"]')" \
        "(1, {'value': 1.5, 'origin': 'flag'}, {'value': 3, 'origin': 'environment MC_RETRY_CNT'})"
}

@test "an empty item of a list is told by the option's name" {
    run mc-bench --mode=loopback --threads=4,
    assert_equal "$status" 64
    assert_line --index 0 'mc-bench: --threads: "4," has an empty item'
}

@test "a configuration file that is none: a directory, no name, wrong content with JSON asked for" {
    run mc-bench --mode=loopback --config "$BATS_TEST_TMPDIR"
    assert_equal "$status" 66
    assert_output --partial "a directory, not a configuration file"
    run mc-bench --mode=loopback --config=
    assert_equal "$status" 64
    assert_output --partial "--config: names no file"
    printf 'json = true\nthreads = "many"\n' >"$BATS_TEST_TMPDIR/wrong.toml"
    run --separate-stderr mc-bench --config "$BATS_TEST_TMPDIR/wrong.toml"
    assert_equal "$status" 78
    assert_equal "$(json 'd["error"]["code"]')" config
}

@test "IPv6 asked for: ::1 by default, an IPv4 name is an error" {
    MC_USE_IPV6=1 run --separate-stderr mc-bench --mode=loopback --json "${small[@]}"
    assert_success
    assert_regex "$(json 'd["segment"]')" '^\[::1\]:[0-9]+$'
    run mc-bench --mode=loopback --ipv6 --local_server_name=127.0.0.1
    assert_equal "$status" 64
    assert_output --partial '--local-server-name: "127.0.0.1" is an IPv4 address'
}

@test "an IPv6 address with a port but no brackets: the right spelling is told" {
    run mc-bench --segment_id=::1:12345
    assert_equal "$status" 64
    assert_output --partial 'did you mean "[::1]:12345"?'
    run mc-bench --segment_id=::1:1 # An address, too.
    assert_equal "$status" 69
    assert_output --partial 'did you mean "[::1]:1"?'
}

@test "a congestion control that the kernel does not have is an error before anything starts" {
    run mc-bench --mode=target --congestion-control=nosuch
    assert_equal "$status" 64
    assert_output --partial "--congestion-control: \"nosuch\" is not known to the kernel, which has"
    assert_output --partial "reno"
    echo 'congestion_control = "nosuch"' >"$BATS_TEST_TMPDIR/bench.toml"
    run mc-bench --mode=target --config "$BATS_TEST_TMPDIR/bench.toml"
    assert_equal "$status" 78
}

@test "a congestion control that only root may use: what is allowed is told" {
    local name="" available
    read -ra available </proc/sys/net/ipv4/tcp_available_congestion_control
    for each in "${available[@]}"; do
        grep -qw "$each" /proc/sys/net/ipv4/tcp_allowed_congestion_control || name=$each
    done
    [[ -n $name ]] || skip "every user may use every algorithm of this kernel"
    local unprivileged=()
    [[ $EUID -ne 0 ]] || unprivileged=(setpriv --bounding-set=-net_admin --inh-caps=-net_admin --)
    run "${unprivileged[@]}" mc-bench --mode=target --congestion-control="$name"
    assert_equal "$status" 64
    assert_output --partial "is for privileged users only; the kernel allows"
    assert_output --partial "net.ipv4.tcp_allowed_congestion_control"
}

@test "help into a pipe that its reader closes ends quietly, data does not" {
    for text in --help --version --print-config; do
        run into_closed_pipe mc-bench "$text"
        assert_success
        assert_output ""
    done
    for data in --version --print-config --mode=loopback; do
        run into_closed_pipe mc-bench "$data" --json -q "${small[@]}"
        assert_equal "$status" 74
        assert_output --partial "Broken pipe"
    done
}

@test "ports that are all taken: the flags and the variables are told" {
    local port
    port=$(free_port)
    start holder python3 -c "
import socket, time
s = socket.socket(); s.bind(('127.0.0.1', $port)); s.listen(); print('held', flush=True); time.sleep(600)"
    wait_for holder.out held
    run mc-bench --mode=target --buffer_size=1MiB --block_size=4KiB --min-port="$port" --max-port="$port"
    assert_equal "$status" 73
    assert_output --partial "--min-port and --max-port, or MC_MIN_RPC_PORT and MC_MAX_RPC_PORT"
}

@test "a name that no resolver knows is told without saying it again and again" {
    run mc-bench --segment_id=nosuch.invalid:1
    assert_equal "$status" 69
    assert_line --index 0 --regexp '^mc-bench: segment nosuch.invalid:1: handshake: resolve nosuch.invalid: [^:]+$'
}

@test "two swapped letters are one mistake" {
    run mc-bench --bacth_size=3
    assert_equal "$status" 64
    assert_output --partial "did you mean --batch-size?"
}

@test "a full disk is an error" {
    run bash -c "mc-bench --mode=loopback ${small[*]} -q >/dev/full"
    assert_equal "$status" 74
}

@test "manual page and completions are as the option table has them" {
    run mc-docgen check "$root"
    assert_success
}
