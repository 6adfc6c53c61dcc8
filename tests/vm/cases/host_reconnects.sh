#!/usr/bin/env bash
# The target is killed and started again under load: the kernel reconnects, and all that it was told is written is there.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 8
onHost startTarget "$nqn"
controller=$(connect "$nqn" "$HOST" "$HOST_PORT" --reconnect-delay=1 --ctrl-loss-tmo=120 --keep-alive-tmo=5)
disk=$(device "$nqn" 1)
identity=$(identify ns "$disk" .nguid)

# With so much delay on the way there is something under way at any time, at each kill, too. Small writes have their data
# with them, for others the target asks; every fourth write is followed by a flush.
modprobe sch_netem
tc qdisc add dev eth0 root netem delay 50ms
load "$disk" --rw=write --bsrange=4k-16k --size=4m --fsync=4 &
for ((round = 1; round <= 3; round++)); do
    sleep 1
    onHost endTarget KILL
    within 60 stateIs "$controller" connecting
    step "killed, round $round"
    onHost startTarget "$nqn"
    within 60 stateIs "$controller" live
    step "connected again"
    kill -0 "$!" # The load is still under way, or this has tested nothing.
done
wait "$!"
tc qdisc del dev eth0 root
step "verified"
[[ $(digestOf "$disk") == "$(onHost digestOf file1)" ]]
[[ $(identify ns "$disk" .nguid) == "$identity" ]]
