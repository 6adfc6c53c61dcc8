# Shared by all files of this directory: where the tools are, and what a test started.
bats_require_minimum_version 1.5.0
BATS_LIB_PATH=${BATS_LIB_PATH:+$BATS_LIB_PATH:}/usr/lib/bats:/usr/lib
bats_load_library bats-support
bats_load_library bats-assert

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=${MC_BUILD_DIR:-$root/build/release}/bin:$PATH

# A TCP port of 127.0.0.1 that is free now.
free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# start NAME COMMAND...: in the background, with its output in NAME.out and NAME.err, its pid in $pid.
start() {
    local name=$1
    shift
    "$@" >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err" 3>&- &
    pid=$!
    started+=("$pid")
}

# wait_for FILE PATTERN: until the file has a line like it, ten seconds at most.
wait_for() {
    local i
    for ((i = 0; i < 200; i++)); do
        grep -q -- "$2" "$BATS_TEST_TMPDIR/$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "no \"$2\" in $1:" && cat "$BATS_TEST_TMPDIR/$1"
    return 1
}

# json EXPRESSION: of the document in $output, as Python evaluates it with `d`.
json() {
    # shellcheck disable=SC2154 # output is what bats' run has left.
    python3 -c 'import json, sys; d = json.loads(sys.argv[1]); print(eval(sys.argv[2]))' "$output" "$1"
}

# Ends what `start` has started and is still there.
end_started() {
    local each
    for each in "${started[@]}"; do
        kill -KILL "$each" 2>/dev/null || true
        wait "$each" 2>/dev/null || true
    done
}

setup() {
    started=()
    unset "${!MC_@}"
    export NO_COLOR=1
    export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR  # Where control sockets are.
}

teardown() {
    end_started
}

# Whether the tools are built with a sanitizer, which wants to be loaded first and takes much address space.
is_sanitized() {
    grep -qE "^MC_SANITIZE:.*=." "$(dirname "$(command -v mc-bench)")/../CMakeCache.txt"
}
