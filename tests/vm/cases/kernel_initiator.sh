#!/usr/bin/env bash
# mc-bench through the kernel's NVMe host to our target: verified, aligned or not; what was connected is disconnected,
# and nothing else.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/bench.sh
source "${VM:?}/bench.sh"

nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 8 8
onHost startTarget "$nqn"
publish "$nqn" 8 8

for operation in write read mixed; do
    step "$operation, whole blocks"
    bench --operation=$operation --block-size=4KiB,64KiB
    recorded '.peer.initiator == "kernel" and .peer.page_cache == false'
    [[ $operation == read ]] || recorded '.results[0].acknowledgement == "acknowledged"'
    noControllers || fail "a controller stays"
    step "$operation, parts of blocks"
    bench --operation=$operation --block-size=1000,5001
done

step "both ends in the guest, over IPv4 and IPv6"
randomFile here 4
for address in "ipv4 127.0.0.1" "ipv6 ::1"; do
    mc-bench --mode=loopback --files=here --adrfam="${address% *}" --traddr="${address#* }" --trsvcid=4421 --initiator=kernel \
        --operation=mixed --block-size=4KiB,777 --batch-size=4 --threads=2 --duration=300ms --warmup=20ms --verify --json \
        >record.json 2>said || fail "$(<said)"
    recorded '[.results[].verification.mismatched_blocks] == [0, 0] and .peer.initiator == "kernel"'
    noControllers
done

step "at the target"
controller=$(connect "$nqn" "$HOST" "$HOST_PORT")
identity=$(stat -L -c %i "/sys/class/nvme/$controller")
first=$(device "$nqn" 1)
second=$(device "$nqn" 2)
[[ $(digestOf "$first") == "$(onHost digestOf file1)" && $(digestOf "$second") == "$(onHost digestOf file2)" ]]

step "somebody else's controller is used and left alone"
bench --operation=mixed --block-size=4KiB
onHost hosts "length==1"
stateIs "$controller" live
[[ $(stat -L -c %i "/sys/class/nvme/$controller") == "$identity" ]]

step "cached, if asked for"
bench --operation=write --block-size=4KiB --initiator-page-cache
recorded '.peer.page_cache == true and .results[0].acknowledgement == "unacknowledged"'
disconnect "$nqn"
noControllers

step "two share one"
within 60 onHost hosts "length==0"
mc-bench --metadata-server "$kMetadata" --segment-id files --initiator kernel --batch-size 4 --threads 2 \
    --duration 1h --quiet >first.out 2>first.err &
within 30 onHost hosts "length==1"
(
    mkdir second
    cd second || exit
    bench --operation=read --block-size=4KiB
)
onHost hosts "length==1"
kill -TERM "$!"
status=0
wait "$!" || status=$?
[[ $status -eq 143 ]] || fail "status $status: $(<first.err)"
noControllers

# noted: a controller is, as connected for somebody.
noted() {
    [[ $(ls /run/mc-nvme) == nvme+([0-9]) ]]
}

step "killed, and reclaimed"
mc-bench --metadata-server "$kMetadata" --segment-id files --initiator kernel --quiet >killed 2>&1 &
within 30 noted
kill -KILL "$!"
wait "$!" || true
left=$(ls /sys/class/nvme)
bench --operation=read --block-size=4KiB
[[ $(<said) == *"$left"*disconnected* ]] || fail "$(<said)"
noControllers

step "a file that is added later, one that is not there"
onHost addFile file3 4
publish "$nqn" 8 8 4
bench --operation=mixed --block-size=4KiB
publish "$nqn" 8 8 4 4
refute bench --operation=read --block-size=4KiB
grep "namespace 4 of $nqn" said
noControllers
[[ -z $(ls /run/mc-nvme) ]]
