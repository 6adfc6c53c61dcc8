# shellcheck shell=bash
# mc-target on this machine, as the cases host_* use it. Its files are file1, file2... in $WORK.

# makeFiles MIB...
makeFiles() {
    local each number=0
    for each; do
        truncate -s "${each}M" "file$((++number))"
    done
}

# startTarget NQN [OPTION...]: serves all files there are.
startTarget() {
    local nqn=$1 each options=()
    shift
    for each in file*; do
        options+=(--file "$each")
    done
    start target mc-target "${options[@]}" --traddr 127.0.0.1 --trsvcid "$HOST_PORT" --nqn "$nqn" \
        --control-socket control.sock "$@"
    waitFor target.out .
}

# endTarget [SIGNAL]
endTarget() {
    end target "$@"
}

# digestOf FILE
digestOf() {
    sha256sum <"$1" | cut -d ' ' -f 1
}
