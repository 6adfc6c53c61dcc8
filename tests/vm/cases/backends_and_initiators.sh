#!/usr/bin/env bash
# The commands that Mooncake's documents have for transfer_engine_nvmeof_generic_bench, but for the program's name and with
# little data: files served by us and by the kernel, reached through us and through the kernel, verified. Then the kernel's
# target goes while it is used, and comes back or not: nothing wrong is delivered.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/kernel_backend.sh
source "$VM/kernel_backend.sh"

nqn=nqn.2016-06.io.mc:127.0.0.1:8081
little=(--batch_size=32 --duration=300ms --warmup=20ms --verify --json)
truncate -s 4M file0
truncate -s 4M file1
modprobe nvmet
before=$(everything)
empty=$(digestOf file0)
mc-meta serve --listen 127.0.0.1:8080 >meta.out 2>meta.err 3>&- &
within 60 grep -q . meta.out

# serveFiles OPTION...: in the background, its process in serving.
serveFiles() {
    rm -f serving.out
    mc-bench \
        --local_server_name=127.0.0.1:8081 \
        --metadata_server=http://127.0.0.1:8080/metadata \
        --mode=target \
        --trtype=tcp \
        --traddr=127.0.0.1 \
        --trsvcid=4420 \
        --files="$PWD/file0 $PWD/file1" \
        "$@" >serving.out 2>serving.err 3>&- &
    serving=$!
    within 60 grep -q . serving.out || fail "$(<serving.err)"
}

# initiate OPTION...
initiate() {
    mc-bench \
        --local_server_name=127.0.0.1:8082 \
        --metadata_server=http://127.0.0.1:8080/metadata \
        --mode=initiator \
        --operation=read \
        --segment_id=127.0.0.1:8081 \
        --batch_size=4096 \
        --block_size=65536 \
        --duration=30 \
        --threads=1 \
        --report_unit=GB \
        "${little[@]}" "$@" >record.json 2>said || fail "$(<said) $(<record.json)"
}

# loopBack OPTION...
loopBack() {
    mc-bench \
        --local_server_name=127.0.0.1:8081 \
        --metadata_server=http://127.0.0.1:8080/metadata \
        --mode=loopback \
        --operation=read \
        --segment_id=127.0.0.1:8081 \
        --batch_size=4096 \
        --block_size=65536 \
        --duration=30 \
        --threads=1 \
        --report_unit=GB \
        --trtype=tcp \
        --traddr=127.0.0.1 \
        --trsvcid=4420 \
        --files="$PWD/file0 $PWD/file1" \
        "${little[@]}" "$@" >record.json 2>said || fail "$(<said) $(<record.json)"
}

# right INITIATOR: what the latest record has to say.
right() {
    jq -Me --arg initiator "$1" '.peer.initiator == $initiator and (.results | length > 0) and
        all(.results[].verification; .blocks_verified > 0 and .mismatched_blocks == 0)' record.json ||
        fail "$(<record.json)"
}

for backend in user kernel; do
    truncate -s 0 file0
    truncate -s 4M file0
    serveFiles --files-backend=$backend
    served=user
    [[ ! -d $(space 2) ]] || served=kernel
    [[ $served == "$backend" ]]
    for initiator in user kernel; do
        step "served by $backend, through $initiator"
        initiate --initiator=$initiator
        right $initiator
        noControllers
    done
    kill -TERM "$serving"
    wait "$serving"
    [[ $(digestOf file0) != "$empty" ]]
    for initiator in user kernel; do
        step "loopback, served by $backend, through $initiator"
        loopBack --files-backend=$backend --initiator=$initiator --operation=mixed
        right $initiator
        noControllers
    done
    [[ $(everything) == "$before" ]] || fail "something stays: $(everything)"
done

# under OPTION...: load through $initiator in the background, its process in loading, when it has connected.
under() {
    logged=$(dmesg | wc -l)
    bench --operation=mixed --block-size=64KiB --initiator="$initiator" --timeout=100s "$@" 2>said &
    loading=$!
    within 60 connected || fail "nothing connects"
    [[ $initiator == user ]] || within 60 stateIs "$(ls /sys/class/nvme)" live
    sleep 2
    kill -0 $loading || fail "$(<said)"
}

connected() {
    dmesg | tail -n "+$((logged + 1))" | grep "nvmet: creating nvm controller"
}

connectedAgain() {
    [[ $(connected | wc -l) -ge 2 ]]
}

nqn=nqn.2016-06.io.mc:$kSegment
for initiator in user kernel; do
    step "mc-target is killed, the kernel's target goes, both come back; through $initiator"
    serve --backend kernel --file file0 --file file1
    under --duration=200s --nvmeof-loss-timeout=100s
    kill -KILL "$(<target.pid)"
    rm $kNvmet/ports/*/subsystems/"$nqn"
    sleep 2
    kill -0 $loading || fail "it does not wait: $(<said)"
    serve --backend kernel --file file0 --file file1
    grep "took down what a killed mc-target had left" target.err
    within 100 connectedAgain || fail "it does not connect again: $(<said)"
    sleep 2
    kill -TERM "$(<"/proc/$loading/task/$loading/children")"
    refute wait $loading
    [[ $(jq -r .status record.json) == interrupted ]] || fail "$(<said)"
    right $initiator

    step "it does not come back; through $initiator"
    under --duration=60s --nvmeof-loss-timeout=1s --retry-count=2
    endTarget
    refute wait $loading
    jq -Me '.status == "failed" and .error.message' record.json || fail "$(<record.json)"
    cat said
    within 60 noControllers
    [[ $(everything) == "$before" ]] || fail "something stays: $(everything)"
done
