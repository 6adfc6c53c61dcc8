#!/usr/bin/env bash
# mc-bench through the kernel's NVMe host over RDMA, which nobody needs to tell that only the kernel can; the target is the
# kernel's.
# timeout: 120
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/bench.sh
source "${VM:?}/bench.sh"

nqn=nqn.2016-06.io.mc:kernel
servedAt=(rdma 10.99.0.1 4420)
modprobe nvmet-rdma
rdmaDevice rxe0 10.99.0.1
randomFile first 4
randomFile second 4
kernelTarget "$nqn" first second
port=$kNvmet/ports/1
mkdir "$port"
echo rdma >"$port/addr_trtype"
echo ipv4 >"$port/addr_adrfam"
echo 10.99.0.1 >"$port/addr_traddr"
echo 4420 >"$port/addr_trsvcid"
ln -s "$kNvmet/subsystems/$nqn" "$port/subsystems/$nqn"
publish "$nqn" 4 4

refute bench --initiator=user
recorded '.error.hint | test("--initiator=kernel")'
for operation in write read mixed; do
    step "$operation"
    bench --initiator=auto --operation=$operation --block-size=4KiB,5001
    recorded '[.results[].verification.mismatched_blocks] == [0, 0] and .peer.initiator == "kernel"'
    noControllers
done
