#!/usr/bin/env bats
# SPDK's NVMe/TCP host on files of mc-target, where SPDK's programs are in the PATH: spdk_nvme_identify, spdk_nvme_perf and
# bdevperf of a build of theirs. They take neither hugepages nor devices here.
# shellcheck disable=SC2154 # Variables that bats, its run and the helper set.

load helper

nqn=nqn.2024-01.test:spdk

setup() {
    local program
    for program in spdk_nvme_identify spdk_nvme_perf bdevperf; do
        command -v "$program" >/dev/null || skip "SPDK's $program is not installed"
    done
    cd "$BATS_TEST_TMPDIR" || return
    truncate -s 16MiB f0
    truncate -s 8389120 f1 # Blocks of 512 bytes.
}

# start_target ARGUMENTS...: serves both at $port; SPDK's name for it is in $transport.
start_target() {
    port=$(free_port)
    start target mc-target --file f0 --file f1 --local_server_name="127.0.0.1:$(free_port)" --trsvcid="$port" \
        --nqn="$nqn" --control-socket=control.sock "$@"
    wait_for target.out .
    transport="trtype:TCP adrfam:IPv4 traddr:127.0.0.1 trsvcid:$port subnqn:$nqn"
}

perf() {
    run timeout 60 spdk_nvme_perf --no-huge -s 256 -c 1 -t 1 "$@"
    assert_success
    assert_line --regexp '^Total +: +[1-9]'
}

asked() {
    output=$(mc-target status --control-socket=control.sock --json)
    json "$1"
}

@test "identifies the controller, its namespaces and the discovery log, and leaves in order" {
    start_target
    run timeout 60 spdk_nvme_identify --no-huge -s 256 -r "$transport"
    assert_success
    assert_line --regexp "^Subsystem NQN: +$nqn$"
    assert_line "Namespace ID:2"
    refute_output --partial ERROR
    run timeout 60 spdk_nvme_identify --no-huge -s 256 -r "${transport% subnqn*}"
    assert_success
    assert_line --regexp "^NVM Subsystem Qualified Name: +$nqn$"
    refute_output --partial ERROR
    assert_equal "$(asked 'd["file_service"]["hosts"]')" "[]"
}

@test "reads and writes without a host's name, with digests, in and behind capsules, in several queues" {
    start_target
    start perf spdk_nvme_perf --no-huge -s 256 -c 1 -t 2 -r "$transport" -q 64 -o 4096 -w randrw -M 50 -P 4
    for ((i = 0; i < 600; i++)); do
        [[ $(asked 'len(d["file_service"]["hosts"])') != 1 ]] || break
        sleep 0.05
    done
    run mc-target status --control-socket=control.sock
    assert_line --regexp '^\(without a name\) +127.0.0.1:'
    wait "$pid"
    wait_for perf.out '^Total  *:  *[1-9]'
    perf -r "$transport" -q 4 -o 131072 -w randrw -M 50 -H -I
    perf -r "$transport ns:2" -q 16 -o 512 -w randrw -M 50 -I
    perf -r "$transport ns:2" -q 8 -o 8704 -w write --fua
}

@test "finds again what it has written" {
    start_target
    cat >bdev.json <<EOF
{"subsystems": [{"subsystem": "bdev", "config": [
    {"method": "bdev_nvme_attach_controller", "params": {"name": "mc", "trtype": "TCP", "adrfam": "IPv4",
        "traddr": "127.0.0.1", "trsvcid": "$port", "subnqn": "$nqn", "hdgst": true, "ddgst": true}},
    {"method": "bdev_wait_for_examine"}]}]}
EOF
    for size in 4096 65536; do
        run timeout 60 bdevperf --no-pci --no-huge -s 512 --json bdev.json -m 1 -w verify -q 32 -t 1 -o $size
        assert_success
        assert_line --regexp 'Total +: +[1-9][0-9.]+ +[0-9.]+ +0\.00 '
    done
}

@test "both prove who they are" {
    # Keys of SHA-256, as nvme gen-dhchap-key makes them.
    local key=DHHC-1:01:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+KfiaR: other
    other=DHHC-1:00:ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj/jBqb2:
    (umask 077 && echo "nqn.host0 $key $other" >keys && echo -n $key >key && echo -n $other >other)
    start_target --host-keys keys
    perf -r "$transport hostnqn:nqn.host0" -q 8 -o 4096 -w randread -P 2 --dhchap-key "$PWD/key" \
        --dhchap-ctrlr-key "$PWD/other"
    run timeout 60 spdk_nvme_perf --no-huge -s 256 -c 1 -t 1 -r "$transport hostnqn:nqn.host0" -q 8 -o 4096 -w randread \
        --dhchap-key "$PWD/other"
    assert_line "No valid NVMe controllers found"
    wait_for target.err "nqn.host0 did not prove who it is"
}
