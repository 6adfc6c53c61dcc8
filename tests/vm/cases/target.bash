# shellcheck shell=bash
# mc-target on this machine, as the cases host_* use it. Its files are file1, file2... in $WORK.

# makeFiles MIB...
makeFiles() {
    local each number=0
    for each; do
        truncate -s "${each}M" "file$((++number))"
    done
}

# startTarget NQN [OPTION...]: serves all files there are; under the name that it has had before, if any.
startTarget() {
    local nqn=$1 each name=127.0.0.1 options=()
    shift
    [[ ! -e target.out ]] || name=$(sed -nE '1s/^ready: segment ([^,]+),.*/\1/p' target.out)
    for each in file*; do
        options+=(--file "$each")
    done
    start target mc-target "${options[@]}" --traddr 127.0.0.1 --trsvcid "$HOST_PORT" --nqn "$nqn" \
        --local-server-name "$name" --control-socket control.sock "$@"
    waitFor target.out ^ready:
}

# endTarget [SIGNAL]
endTarget() {
    end target "$@"
}

# signalTarget SIGNAL
signalTarget() {
    kill -s "$1" "$(<target.pid)"
}

# digestOf FILE
digestOf() {
    sha256sum <"$1" | cut -d ' ' -f 1
}

# hosts FILTER: what jq's filter makes of those that are connected; fails on false and null.
hosts() {
    mc-target status --control-socket control.sock --json | jq -er ".file_service.hosts | $1"
}
