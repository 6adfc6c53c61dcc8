# Targets for the tests of this directory. Loaded after helper.bash.
# shellcheck disable=SC2034,SC2154 # Variables that the helper sets, and the tests use.

# start_targets URL NAME...: a target for each name, which its segment has then; their pids are in $targets.
start_targets() {
    local server=$1 name
    targets=()
    shift
    for name in "$@"; do
        rm -f "$BATS_TEST_TMPDIR/target-$name.out"
        start "target-$name" mc-target --memory=64KiB --metadata_server="$server" --local_server_name="$name" \
            --bind-address=127.0.0.1 --json --control-socket=none
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
