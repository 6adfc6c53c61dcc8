#!/usr/bin/env bash
# Our initiator against the kernel's target: mc-bench on this machine writes to and reads from files in the guest.
# timeout: 240
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

step "authentication"
hostNqn=nqn.2016-06.io.mc:host
key=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)
controllerKey=$(nvme gen-dhchap-key --nqn="$nqn" --hmac=2)
wrongKey=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)
kernelAllow "$nqn" "$hostNqn" "$key" "$controllerKey"
onHost writeKeys "$key" "$controllerKey" "$wrongKey"
as=(--operation=mixed --retry-count=1 --nvmeof-host-nqn="$hostNqn")
onHost bench "${as[@]}" --nvmeof-host-key=key1
onHost bench "${as[@]}" --nvmeof-host-key=key1 --nvmeof-controller-key=key2
step "refused"
onHost refused not.admit "${as[@]}" --nvmeof-host-nqn=nqn.2016-06.io.mc:another
onHost refused wants.to.know "${as[@]}"
# The kernel closes the connection after its verdict, which may be lost then.
onHost refused 'refused.by.the.controller\|our.key.is.another' "${as[@]}" --nvmeof-host-key=key3
onHost refused another.controller.key "${as[@]}" --nvmeof-host-key=key1 --nvmeof-controller-key=key3
[[ $(digestOf first)$(digestOf second) != "$before" ]]
