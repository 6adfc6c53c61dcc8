#!/usr/bin/env bash
# The kernel's own NVMe/TCP target and host, both in the guest: whatever fails here is no fault of ours.
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:kernel
randomFile namespace 4
kernelTarget "$nqn" namespace
kernelListen "$nqn" 127.0.0.1 4420
step "the target listens"
nvme discover --transport=tcp --traddr=127.0.0.1 --trsvcid=4420 | grep -F "$nqn"

for digests in "" --hdr-digest --data-digest "--hdr-digest --data-digest"; do
    # shellcheck disable=SC2086 # Options are words.
    controller=$(connect "$nqn" 127.0.0.1 4420 $digests)
    step "$controller is connected ${digests:-without digests}"
    stateIs "$controller" live
    disk=$(device "$nqn" 1)
    dd if="$disk" of=read bs=128k iflag=direct status=none
    cmp read namespace

    randomFile written 2
    dd if=written of="$disk" bs=128k seek=16 oflag=direct conv=fsync status=none
    dd if=namespace of=back bs=128k skip=16 status=none
    cmp written back
    disconnect "$nqn"
    refute deviceOf "$nqn" 1
done
