#!/usr/bin/env bash
# Who may use files that the kernel's target serves for mc-target: a list of hosts, and keys (DH-HMAC-CHAP), with our
# initiator and the kernel's.
# timeout: 240
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/kernel_backend.sh
source "$VM/kernel_backend.sh"

nqn=nqn.2016-06.io.mc:$kSegment host=nqn.2016-06.io.mc:host other=nqn.2016-06.io.mc:other
modprobe nvmet
truncate -s 4M first

# denied REASON OPTION...: a pattern of what mc-bench says of it.
denied() {
    local reason=$1
    shift
    refute bench --operation=read --retry-count=1 "$@" 2>refusal
    grep "$reason" refusal || fail "$(<refusal)"
}

step "a list of hosts"
before=$(everything)
serve --backend kernel --file first --allow-host "$host" --allow-host "$(</etc/nvme/hostnqn)"
bench --operation=mixed --nvmeof-host-nqn="$host"
connect "$nqn" 127.0.0.1 4420
load "$(device "$nqn" 1)"
disconnect "$nqn"
denied not.admit --nvmeof-host-nqn="$other"
endTarget
[[ $(everything) == "$before" ]]

step "keys"
echo 5 >/sys/module/nvme_core/parameters/admin_timeout
key=$(nvme gen-dhchap-key --nqn="$host" --hmac=1)
controllerKey=$(nvme gen-dhchap-key --nqn="$nqn" --hmac=2)
(
    umask 077
    echo "$host $key $controllerKey" >keys
    echo "$key" >key
    echo "$controllerKey" >controller-key
    nvme gen-dhchap-key --nqn="$host" --hmac=1 >wrong
)
serve --backend kernel --file first --host-keys keys
for each in dhchap_key dhchap_ctrl_key; do
    [[ $(stat -c %a "$kNvmet/hosts/$host/$each") == 600 ]]
done
[[ $(<"$kNvmet/hosts/$host/dhchap_dhgroup") == ffdhe2048 ]]
refute grep -rF "${key:10:40}" target.out target.err /run/mc-nvmet
bench --operation=mixed --nvmeof-host-nqn="$host" --nvmeof-host-key=key
bench --operation=mixed --nvmeof-host-nqn="$host" --nvmeof-host-key=key --nvmeof-controller-key=controller-key
denied wants.to.know --nvmeof-host-nqn="$host"
# The kernel ends the connection, too, which may be the first that is seen.
denied 'refused.by.the.controller\|our.key.is.another' --nvmeof-host-nqn="$host" --nvmeof-host-key=wrong
denied 'another.controller.key' --nvmeof-host-nqn="$host" --nvmeof-host-key=key --nvmeof-controller-key=wrong
denied not.admit --nvmeof-host-nqn="$other" --nvmeof-host-key=key

step "the kernel's host proves itself, too"
connect "$nqn" 127.0.0.1 4420 --hostnqn="$host" --hostid=6d63746f-6f6c-4b69-8000-000000000002 --dhchap-secret="$key" \
    --dhchap-ctrl-secret="$controllerKey"
load "$(device "$nqn" 1)"
disconnect "$nqn"
endTarget
[[ $(everything) == "$before" ]]

step "a host that others have given another key"
mkdir "$kNvmet/hosts/$host"
nvme gen-dhchap-key --nqn="$host" --hmac=1 >"$kNvmet/hosts/$host/dhchap_key"
kept=$(<"$kNvmet/hosts/$host/dhchap_key")
refused 73 "with other keys" --file first --host-keys keys
[[ $(<"$kNvmet/hosts/$host/dhchap_key") == "$kept" ]]
