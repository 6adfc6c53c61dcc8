#!/usr/bin/env bash
# Files that the kernel's target serves over RDMA for mc-target, which nobody needs to tell that only the kernel can: the
# kernel's host uses them, over a software device.
# timeout: 240
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/kernel_backend.sh
source "$VM/kernel_backend.sh"

nqn=nqn.2016-06.io.mc:$kSegment address=10.99.0.1
modprobe nvmet
modprobe nvme-rdma
randomFile first 4
randomFile second 2

refused 69 "finding 6: this machine has no RDMA device" --file first --trtype rdma --traddr 127.0.0.1
rdmaDevice rxe0 $address
before=$(everything)
refused 73 "no RDMA device has this address" --file first --trtype rdma --traddr 10.99.0.2

step "read, written and verified"
serve --file first --trtype rdma --traddr $address
asked '.file_service | .backend == "kernel" and .trid.trtype == "rdma" and .connections == null'
grep "nvme connect --transport=rdma --traddr=$address" target.err
refute grep mc-bench target.err
refute bench --operation=read
nvme discover --transport=rdma --traddr=$address --trsvcid=4420 | grep -F "$nqn"
controller=$(nvme connect --transport=rdma --nqn="$nqn" --traddr=$address --trsvcid=4420 --output-format=json | jq -er .device)
disk=$(device "$nqn" 1)
dd if="$disk" of=read bs=128k iflag=direct status=none
cmp read first
load "$disk"
randomFile written 1
dd if=written of="$disk" bs=128k seek=8 oflag=direct conv=fsync status=none
dd if=first of=back bs=128k skip=8 count=8 status=none
cmp written back

step "a file comes and goes"
mc-register add --control-socket control.sock --file second
disk=$(device "$nqn" 2)
dd if="$disk" of=read bs=128k iflag=direct status=none
cmp read second
mc-register remove --control-socket control.sock --file 2
within 60 gone 2
mc-target save --control-socket control.sock >saved
grep "trid = \"trtype=rdma adrfam=ipv4 traddr=$address trsvcid=4420\"" saved

step "killed while it is used"
kill -KILL "$(<target.pid)"
load "$(device "$nqn" 1)"
serve restore saved
grep "took down what a killed mc-target had left" target.err
within 60 stateIs "$controller" live
load "$(device "$nqn" 1)"
disconnect "$nqn"
endTarget
[[ $(everything) == "$before" ]]
