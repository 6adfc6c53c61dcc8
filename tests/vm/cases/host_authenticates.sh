#!/usr/bin/env bash
# DH-HMAC-CHAP between the kernel and our target: the right keys are accepted, all others refused.
# timeout: 180
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:vm
hostNqn=$(</etc/nvme/hostnqn)
key=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)
controllerKey=$(nvme gen-dhchap-key --nqn="$nqn" --hmac=1)
wrongKey=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)

# The kernel may wait for as long after a wrong key.
echo 5 >/sys/module/nvme_core/parameters/admin_timeout

onHost makeFiles 8
onHost writeKey key "$key"
onHost writeKey controller_key "$controllerKey"
onHost startTarget "$nqn" --allow-host "$hostNqn" --dhchap-key key --dhchap-ctrl-key controller_key

# accepted WHAT [OPTION...]
accepted() {
    step "accepted: $1"
    shift
    connect "$nqn" "$HOST" "$HOST_PORT" "$@"
    load "$(device "$nqn" 1)"
    disconnect "$nqn"
}

# refused WHAT [OPTION...]
refused() {
    step "refused: $1"
    shift
    refute connect "$nqn" "$HOST" "$HOST_PORT" "$@"
    within 20 noControllers || fail "a controller stays"
}

accepted "the host's key" --dhchap-secret="$key"
accepted "both keys" --dhchap-secret="$key" --dhchap-ctrl-secret="$controllerKey"
accepted "both keys and digests" --dhchap-secret="$key" --dhchap-ctrl-secret="$controllerKey" --hdr-digest --data-digest
refused "no key"
refused "a wrong key" --dhchap-secret="$wrongKey"
refused "a wrong controller's key" --dhchap-secret="$key" --dhchap-ctrl-secret="$wrongKey"
refused "another host" --dhchap-secret="$key" --hostnqn=nqn.2016-06.io.mc:another
accepted "the host's key after all that" --dhchap-secret="$key"
