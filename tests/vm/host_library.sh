# shellcheck shell=bash
# What the half of a case that runs on this machine uses: NAME.host.sh is functions, which the half in the guest calls by
# `onHost`. Each call is a process of its own; what must last stays in files of $WORK, the directory in which it runs.
# Also set: HOST_PORT, a free port of 127.0.0.1 (the guest reaches it at 10.0.2.2); GUEST_PORT, the port of 127.0.0.1
# that leads to the guest's port 4420; QEMU_PID; and the build's programs are first in PATH.

# start NAME COMMAND...: in the background until the case ends; what it prints is in $WORK/NAME.out and NAME.err.
start() {
    local name=$1
    shift
    rm -f "$WORK/$name".{out,err} # Or what an earlier one has printed is taken for its own.
    "$@" >"$WORK/$name.out" 2>"$WORK/$name.err" </dev/null &
    echo $! >"$WORK/$name.pid"
}

# isRunning NAME: a process that has ended and that nobody has waited for does not run.
isRunning() {
    local state=Z
    [[ ! -e $WORK/$1.pid ]] || state=$(sed -E 's/.*\) (.).*/\1/' "/proc/$(<"$WORK/$1.pid")/stat" 2>/dev/null) || state=Z
    [[ $state != [ZX] ]]
}

# end NAME [SIGNAL]: and waits until it has gone, ten seconds at most.
end() {
    local i
    isRunning "$1" || return 0
    kill -s "${2-TERM}" "$(<"$WORK/$1.pid")"
    for ((i = 0; i < 100; i++)); do
        isRunning "$1" || return 0
        sleep 0.1
    done
    echo "$1 does not end by SIG${2-TERM}" >&2
    kill -s KILL "$(<"$WORK/$1.pid")"
    return 1
}

# waitFor FILE PATTERN: until a file of $WORK has a line like it, sixty seconds at most.
waitFor() {
    local i
    for ((i = 0; i < 600; i++)); do
        ! grep -qE -- "$2" "$WORK/$1" 2>/dev/null || return 0
        sleep 0.1
    done
    echo "no \"$2\" in $1:" >&2
    cat "$WORK/$1" >&2
    return 1
}
