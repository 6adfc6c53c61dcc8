# Shared by all files of this directory: where the tools are, and what a test started.
bats_require_minimum_version 1.5.0
BATS_LIB_PATH=${BATS_LIB_PATH:+$BATS_LIB_PATH:}/usr/lib/bats:/usr/lib
bats_load_library bats-support
bats_load_library bats-assert

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PATH=${MC_BUILD_DIR:-$root/build/release}/bin:$PATH

# A TCP port of 127.0.0.1 that is free, and stays so: it is none that the kernel hands out, none that a target takes by
# itself (15000 to 17000), and a process's number is not soon another's.
free_port() {
    python3 -c '
import contextlib, os, socket
for i in range(12000):
    port = 20000 + (os.getpid() + i) % 12000
    with contextlib.suppress(OSError), socket.socket() as s:
        s.bind(("127.0.0.1", port))
        print(port)
        break'
}

# start NAME COMMAND...: in the background, with its output in NAME.out and NAME.err, its pid in $pid.
start() {
    local name=$1
    shift
    # Here and not in the background: when this returns, nobody finds in them what an earlier one has written.
    { "$@" 3>&- & } >"$BATS_TEST_TMPDIR/$name.out" 2>"$BATS_TEST_TMPDIR/$name.err"
    pid=$!
    started+=("$pid")
}

# wait_for FILE PATTERN: until the file has a line like it, half a minute at most.
wait_for() {
    local i
    for ((i = 0; i < 600; i++)); do
        grep -q -- "$2" "$BATS_TEST_TMPDIR/$1" 2>/dev/null && return 0
        sleep 0.05
    done
    echo "no \"$2\" in $1:" && cat "$BATS_TEST_TMPDIR/$1"
    [[ $1 != *.out ]] || cat "$BATS_TEST_TMPDIR/${1%.out}.err"
    return 1
}

# wait_until_busy PID: until the process has had another 0.2 s of processor time, half a minute at most.
wait_until_busy() {
    local i now before=
    for ((i = 0; i < 600; i++)); do
        now=$(awk '{ print $14 + $15 }' "/proc/$1/stat")
        before=${before:-$now}
        [[ $now -lt $((before + 20)) ]] || return 0
        sleep 0.05
    done
    echo "process $1 does nothing"
    return 1
}

# json EXPRESSION: of the document in $output, as Python evaluates it with `d`.
json() {
    # shellcheck disable=SC2154 # output is what bats' run has left; it may be longer than an argument can be.
    python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" <<<"$output"
}

# use_unprivileged: sets run_as to what makes root's commands somebody else's, who may look into the test's directory; to
# nothing for a user who is not root.
use_unprivileged() {
    run_as=()
    [[ $(id -u) -eq 0 ]] || return 0
    chmod 755 "$BATS_TEST_TMPDIR" "$BATS_FILE_TMPDIR" "$BATS_SUITE_TMPDIR" "$BATS_RUN_TMPDIR"
    run_as=(setpriv --reuid=65534 --regid=65534 --clear-groups --)
    local build reached=$BATS_TEST_TMPDIR/build
    build=$(dirname "$(dirname "$(command -v mc-target)")")
    "${run_as[@]}" test -x "$build/bin/mc-target" && return 0
    # Others reach nothing of what root builds in its home.
    mkdir -p "$reached/bin"
    cp "$build"/bin/mc-{mount,target,register} "$reached/bin"
    cp -R "$build/lib" "$reached"
    PATH=$reached/bin:$PATH
    export LD_LIBRARY_PATH=$reached/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
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
    export MC_METADATA_TIMEOUT=30s MC_METADATA_CONNECT_TIMEOUT=30s  # Of servers that share the CPUs with much else.
    export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR  # Where control sockets are.
}

teardown() {
    end_started
}

# Whether the tools are built with a sanitizer, which wants to be loaded first and takes much address space.
is_sanitized() {
    grep -qE "^MC_SANITIZE:.*=." "$(dirname "$(command -v mc-bench)")/../CMakeCache.txt"
}
