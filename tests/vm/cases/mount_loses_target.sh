#!/usr/bin/env bash
# The target of what is mounted through the kernel goes: requests fail in the time that was asked for, and work again when
# the target is back.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/bench.sh
source "${VM:?}/bench.sh"

export MC_METADATA_SERVER=$kMetadata MC_MOUNT_STATE_FILE=$PWD/mounts.json
nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 4
onHost startTarget "$nqn"
publish "$nqn" 4
mkdir devices

# fails: a read ends with EIO, long before anybody would call it hung.
fails() {
    refute timeout 60 dd if=devices/file1 of=/dev/null bs=4k count=1 iflag=direct 2>said
    grep "Input/output error" said
}

# works: all of the file can be written and read.
works() {
    randomFile data 1
    dd if=data of=devices/file1 bs=64k oflag=direct conv=notrunc,fsync status=none
    dd if=devices/file1 bs=64k count=16 iflag=direct status=none | cmp - data
}

step "mounted"
mc-mount add files "$PWD/devices" --through kernel --timeout 2500ms
controller=$(ls /sys/class/nvme)
[[ $(<"/sys/class/nvme/$controller/fast_io_fail_tmo") == 3 ]]
[[ $(<"/sys/class/nvme/$controller/ctrl_loss_tmo") == off ]]
works
mc-mount status

step "the target is killed"
onHost endTarget KILL
fails
fails # At once by now.
refute mc-mount status >said
grep "unreachable" said
grep "controller $controller is connecting, not live" said
[[ $(ls /sys/class/nvme) == "$controller" ]]

step "and is back"
onHost startTarget "$nqn"
within 60 stateIs "$controller" live
works
mc-mount status

step "the target says nothing any more, and goes on later"
onHost signalTarget STOP
fails
onHost signalTarget CONT
within 60 stateIs "$controller" live
works

step "what waits for ever, and is told by nobody else"
mc-mount remove "$PWD/devices"
within 30 noControllers
mc-mount add files "$PWD/devices" --through kernel --timeout 0
[[ $(cat /sys/class/nvme/*/fast_io_fail_tmo) == off ]]
works

step "taken off while the target is gone"
onHost endTarget KILL
within 60 grep -q connecting /sys/class/nvme/*/state
mc-mount remove "$PWD/devices"
within 30 noControllers
[[ ! -e devices/file1 && -z $(ls /run/mc-nvme) ]]
