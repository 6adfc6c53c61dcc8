#!/usr/bin/env bash
# Our target is killed and started again while mc-bench uses it through the kernel: while the kernel tries to reconnect,
# and after it has given up. Nothing wrong is delivered, and nothing stays.
# timeout: 240
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/bench.sh
source "${VM:?}/bench.sh"

nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 4 4
onHost startTarget "$nqn"
publish "$nqn" 4 4
modprobe sch_netem
tc qdisc add dev eth0 root netem delay 20ms # Something is under way at each kill.

for block in 4KiB 3000; do
    step "the kernel reconnects, blocks of $block"
    bench --operation=mixed --block-size=$block --duration=200s --timeout=100s &
    within 60 isLive
    controller=$(ls /sys/class/nvme)
    sleep 1
    onHost endTarget KILL
    within 60 stateIs "$controller" connecting
    onHost startTarget "$nqn"
    within 60 stateIs "$controller" live
    step "connected again"
    sleep 1
    interrupt "$!"
    noControllers
done

step "the kernel gives up, and is asked to connect anew"
bench --operation=mixed --block-size=4KiB --duration=200s --timeout=100s --nvmeof-loss-timeout=1s --retry-count=100 &
within 60 isLive
sleep 1
onHost endTarget KILL
within 60 noControllers || fail "the kernel does not give up"
onHost startTarget "$nqn"
within 60 isLive || fail "$(tail -n 5 said)"
sleep 1
interrupt "$!"
noControllers

step "it does not come back"
bench --operation=write --block-size=4KiB --duration=60s --timeout=100s --nvmeof-loss-timeout=1s --retry-count=2 &
within 60 isLive
sleep 1
onHost endTarget KILL
refute wait "$!"
grep -E "Connection refused" said
recorded '.error.message | test("FAILED after .*: connect to .*: Connection refused")'
noControllers

step "it says nothing any more"
onHost startTarget "$nqn"
bench --operation=write --block-size=4KiB --duration=60s --timeout=100s --nvmeof-loss-timeout=2s --retry-count=1 &
within 60 isLive
[[ $(cat /sys/class/nvme/*/fast_io_fail_tmo) == 2 ]]
sleep 1
onHost signalTarget STOP
refute wait "$!"
recorded '.error.message | test("FAILED after .*: (controller nvme.*|connect the kernel to .*: Connection timed out)")'
onHost signalTarget CONT
onHost endTarget KILL
within 60 noControllers

step "nor does it answer"
refute bench
recorded '.error.code == "unavailable"'
