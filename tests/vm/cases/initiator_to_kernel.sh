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

step "authentication"
hostNqn=nqn.2016-06.io.mc:host
key=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)
controllerKey=$(nvme gen-dhchap-key --nqn="$nqn" --hmac=2)
wrongKey=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)
kernelAllow "$nqn" "$hostNqn" "$key" "$controllerKey"
onHost writeKeys "$key" "$controllerKey" "$wrongKey"
as=(--operation=mixed --nvmeof-loss-timeout=1s --nvmeof-host-nqn="$hostNqn")
onHost bench "${as[@]}" --nvmeof-host-key=key1
onHost bench "${as[@]}" --nvmeof-host-key=key1 --nvmeof-controller-key=key2
step "refused"
refute onHost bench --operation=read --nvmeof-loss-timeout=1s
for keys in "" --nvmeof-host-key=key3 "--nvmeof-host-key=key1 --nvmeof-controller-key=key3"; do
    # shellcheck disable=SC2086 # Options are words.
    refute onHost bench "${as[@]}" $keys
done
[[ $(digestOf first)$(digestOf second) != "$before" ]]
