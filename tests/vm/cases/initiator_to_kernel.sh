#!/usr/bin/env bash
# Our initiator against the kernel's target: mc-bench on this machine writes to and reads from files in the guest.
# timeout: 120
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:kernel
randomFile first 8
randomFile second 8
before=$(digestOf first)$(digestOf second)
kernelTarget "$nqn" first second
kernelListen "$nqn" 0.0.0.0 4420
onHost publish "$nqn" 8 8
for options in "" --header-digest "--header-digest --data-digest"; do
    for operation in write read mixed; do
        step "$operation $options"
        # shellcheck disable=SC2086 # Options are words.
        onHost bench --operation=$operation $options
    done
done
[[ $(digestOf first)$(digestOf second) != "$before" ]]
