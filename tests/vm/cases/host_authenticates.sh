#!/usr/bin/env bash
# DH-HMAC-CHAP between the kernel and our target: the right keys are accepted, all others refused. A host that is only
# allowed by its name needs none.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:vm
hostNqn=$(</etc/nvme/hostnqn)
key=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)
controllerKey=$(nvme gen-dhchap-key --nqn="$nqn" --hmac=1)
allowedNqn=nqn.2016-06.io.mc:allowed
wrongKey=$(nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1)

# The kernel may wait for as long after a wrong key.
echo 5 >/sys/module/nvme_core/parameters/admin_timeout

onHost makeFiles 8
onHost writeKeys "$hostNqn" "$key" "$controllerKey"
onHost startTarget "$nqn" --host-keys host_keys --allow-host "$allowedNqn"

# uuid DIGIT: of another host; the kernel refuses to be two hosts with one.
uuid() {
    echo "6d63746f-6f6c-4b69-8000-00000000000$1"
}

# accepted WHAT AUTHENTICATED [OPTION...]
accepted() {
    local authenticated=$2
    step "accepted: $1"
    shift 2
    connect "$nqn" "$HOST" "$HOST_PORT" "$@"
    within 60 onHost hosts "(length==1)and(.[0].authenticated==$authenticated)"
    load "$(device "$nqn" 1)"
    disconnect "$nqn"
}

# refused WHAT WHY [OPTION...]: WHY is a pattern of what the kernel says.
refused() {
    local why=$2 said
    step "refused: $1"
    shift 2
    said=$(kernelLog | wc -l)
    refute connect "$nqn" "$HOST" "$HOST_PORT" "$@"
    within 60 noControllers || fail "a controller stays"
    kernelLog | tail -n "+$((said + 1))" | grep -E "$why"
    within 60 onHost hosts "length==0"
}

accepted "the host's key" true --dhchap-secret="$key"
accepted "both keys" true --dhchap-secret="$key" --dhchap-ctrl-secret="$controllerKey"
accepted "both keys and digests" true --dhchap-secret="$key" --dhchap-ctrl-secret="$controllerKey" --hdr-digest --data-digest
accepted "an allowed host" false --hostnqn="$allowedNqn" --hostid="$(uuid 2)"
refused "no key" auth
refused "a wrong key" auth --dhchap-secret="$wrongKey"
refused "a wrong controller's key" auth --dhchap-secret="$key" --dhchap-ctrl-secret="$wrongKey"
refused "another host" "not allowed" --dhchap-secret="$key" --hostnqn=nqn.2016-06.io.mc:another --hostid="$(uuid 3)"
accepted "the host's key after all that" true --dhchap-secret="$key"
