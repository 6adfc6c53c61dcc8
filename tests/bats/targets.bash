# Targets for the tests of this directory. Loaded after helper.bash.
# shellcheck disable=SC2034,SC2154 # Variables that the helper sets, and the tests use.

# start_targets URL NAME...: a target for each name, which its segment has then; their pids are in $targets. Their ports
# are of a range that other tests rarely draw from: who gets the port of a dead one answers for it.
start_targets() {
    local server=$1 name first=$((10000 + RANDOM % 25 * 200))
    targets=()
    shift
    for name in "$@"; do
        rm -f "$BATS_TEST_TMPDIR/target-$name.out"
        start "target-$name" mc-target --memory=64KiB --metadata_server="$server" --local_server_name="$name" \
            --bind-address=127.0.0.1 --json --control-socket=none --min-port="$first" --max-port=$((first + 199))
        targets+=("$pid")
    done
    for name in "$@"; do
        wait_for "target-$name.out" '"name"'
    done
}

# kill_targets PID...: as the kernel or an operator in a hurry does.
kill_targets() {
    local each
    for each in "$@"; do
        kill -KILL "$each"
    done
    for each in "$@"; do
        wait "$each" 2>/dev/null || true
    done
}
