#!/usr/bin/env bash
# DH-HMAC-CHAP with the keys that mc-bench hands to the kernel.
# timeout: 180
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/bench.sh
source "${VM:?}/bench.sh"

nqn=nqn.2016-06.io.mc:vm
hostNqn=nqn.2016-06.io.mc:host
umask 077
nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1 >key
nvme gen-dhchap-key --nqn="$nqn" --hmac=1 >controllerKey
nvme gen-dhchap-key --nqn="$hostNqn" --hmac=1 >wrongKey
# The kernel may wait for as long after a wrong key.
echo 5 >/sys/module/nvme_core/parameters/admin_timeout
onHost makeFiles 4
onHost writeKeys "$hostNqn" "$(<key)" "$(<controllerKey)"
onHost startTarget "$nqn" --host-keys host_keys
publish "$nqn" 4

# hidden CONTROLLER: nobody but root reads the keys, which the kernel shows.
hidden() {
    [[ $(stat -c %a "/sys/class/nvme/$1"/dhchap{,_ctrl}_secret | sort -u) == 600 ]]
}

step "the keys are not for everybody to read"
bench --operation=read --block-size=4KiB --nvmeof-host-nqn="$hostNqn" --nvmeof-host-key=key --duration=1000s &
within 30 onHost hosts "length==1"
within 30 hidden "$(ls /sys/class/nvme)"
interrupt "$!"
within 60 noControllers

for keys in "--nvmeof-host-key=key" "--nvmeof-host-key=key --nvmeof-controller-key=controllerKey --header-digest --data-digest"; do
    step "accepted: $keys"
    # shellcheck disable=SC2086 # Options are words.
    bench --operation=mixed --block-size=4KiB --nvmeof-host-nqn="$hostNqn" $keys
    noControllers
done
within 60 onHost hosts "length==0"

# refused OPTION...: in one line, without the key.
refused() {
    step "refused: $*"
    refute bench --block-size=4KiB "$@"
    recorded '.error.code == "unavailable" or .error.code == "not_permitted"'
    recorded '.error.hint | test("dmesg")'
    refute grep DHHC- record.json said
    within 60 noControllers || fail "a controller stays"
}
refused --nvmeof-host-nqn="$hostNqn"
refused --nvmeof-host-nqn="$hostNqn" --nvmeof-host-key=wrongKey
refused --nvmeof-host-nqn="$hostNqn" --nvmeof-host-key=key --nvmeof-controller-key=wrongKey
refused --nvmeof-host-nqn=nqn.2016-06.io.mc:another --nvmeof-host-key=key
[[ -z $(ls /run/mc-nvme) ]]
