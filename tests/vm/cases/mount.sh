#!/usr/bin/env bash
# mc-mount in the guest: through its kernel's NVMe host, as block devices and as a file system, and through FUSE.
# timeout: 180
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/bench.sh
source "${VM:?}/bench.sh"

export MC_METADATA_SERVER=$kMetadata MC_MOUNT_STATE_FILE=$PWD/mounts.json
nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 16 4
onHost startTarget "$nqn"
publish "$nqn" 16 4
mkdir devices fs fuse

# state DIRECTORY: what status says of it.
state() {
    mc-mount list --json | jq -er ".items[] | select(.directory | endswith(\"/$1\")) | .state"
}

step "block devices"
mc-mount add files "$PWD/devices" --through kernel
[[ $(state devices) == mounted && -b devices/file1 && $(blockdev --getsize64 devices/file2) -eq $((4 << 20)) ]]
randomFile data 4
dd if=data of=devices/file2 bs=1M conv=fsync status=none
[[ $(onHost digestOf file2) == "$(digestOf data)" ]]
mc-mount add files "$PWD/devices" --through kernel 2>said
grep already said
mkfs.ext4 -q devices/file1

step "devices that are in use are not disconnected"
modprobe ext4
mount -t ext4 devices/file1 fs
refute mc-mount remove "$PWD/devices" 2>said
grep "nvme.* is in use" said
[[ $(state devices) == mounted ]]

step "nor is a file system of others taken off"
refute mc-mount add files "$PWD/fs" --through kernel --fs ext4 --file 1 2>said
grep "is mounted there" said
[[ $(state devices) == mounted ]]
umount fs

step "a file system, beside the devices, through the same controller"
refute mc-mount add files "$PWD/fs" --through kernel --fs ext4 2>said
grep -- --file said
refute mc-mount add files "$PWD/fs" --through kernel --fs ext4 --file 2 2>said
grep "no file system ext4" said
[[ $(mc-mount list --json | jq ".items | length") -eq 1 ]]
mc-mount add files "$PWD/fs" --through kernel --fs ext4 --file 1
cp data fs/data
exec 5<fs/data
refute mc-mount remove "$PWD/fs" 2>said
grep "in use" said
exec 5<&-
mc-mount remove "$PWD/devices"
[[ ! -e devices/file1 && $(state fs) == mounted ]]
onHost hosts "length==1"
mc-mount remove "$PWD/fs"
within 30 noControllers
[[ -z $(ls /run/mc-nvme) ]]

step "restored as after a reboot"
mc-mount add files "$PWD/fs" --through kernel --fs ext4 --file 1 --read-only
cmp data fs/data
refute touch fs/new 2>said
umount fs
[[ $(state fs) == stopped ]]
mc-mount restore
cmp data fs/data
mc-mount remove --all
within 30 noControllers

step "FUSE"
if modprobe fuse 2>said && [[ -c /dev/fuse ]]; then
    mc-mount add files "$PWD/fuse"
    cmp data fuse/file2
    randomFile data 4
    dd if=data of=fuse/file2 bs=1M conv=notrunc,fsync status=none
    [[ $(onHost digestOf file2) == "$(digestOf data)" ]]
    mc-mount status
    mc-mount remove "$PWD/fuse"
    [[ $(mc-mount list --json | jq ".items | length") -eq 0 ]]
    refute grep fuse.mc-mount /proc/mounts
else
    echo "skipped: the guest has no FUSE"
fi
