#!/usr/bin/env bash
# A file that is added while the kernel is connected: the target tells of it by an event, and the kernel takes it in.
# timeout: 120
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 8
onHost startTarget "$nqn"
controller=$(connect "$nqn" "$HOST" "$HOST_PORT")
load "$(device "$nqn" 1)"
refute deviceOf "$nqn" 2

onHost addFile added 4
step "added"
added=$(device "$nqn" 2) # Nothing here makes the kernel look: it was told.
[[ $(blockdev --getsize64 "$added") -eq $((4 << 20)) ]]
load "$added"
[[ $(digestOf "$added") == "$(onHost digestOf added)" ]]
step "used"
stateIs "$controller" live
refute grep -E 'nvme.*(reconnect|reset|lost)' <(kernelLog)
