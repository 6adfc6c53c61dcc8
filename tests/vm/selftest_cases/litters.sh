#!/usr/bin/env bash
# Must pass: what it leaves behind can be removed.
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
touch /tmp/left_by_another
sleep 12345 &
nqn=nqn.2016-06.io.mc:litter
randomFile namespace 1
kernelTarget "$nqn" namespace
kernelListen "$nqn" 127.0.0.1 4420
connect "$nqn" 127.0.0.1 4420
mkdir mounted
mount -t tmpfs litter mounted
