#!/usr/bin/env bash
# The kernel finds our target, connects to it with and without digests, and uses its namespaces.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

nqn=nqn.2016-06.io.mc:vm
onHost makeFiles 8 16
onHost startTarget "$nqn"
step "discovery"
nvme discover --transport=tcp --traddr="$HOST" --trsvcid="$HOST_PORT" --output-format=json >discovered.json
jq -Me --arg nqn "$nqn" --arg port "$HOST_PORT" \
    'any(.records[]; .subnqn == $nqn and .trtype == "tcp" and .trsvcid == $port)' discovered.json

step "two namespaces"
controller=$(connect "$nqn" "$HOST" "$HOST_PORT")
first=$(device "$nqn" 1)
second=$(device "$nqn" 2)
stateIs "$controller" live
# shellcheck disable=SC2016 # A variable of jq's.
identify ctrl "/dev/$controller" '.subnqn == $nqn and .cntrltype == 1 and .kas > 0 and .nn >= 2' --arg nqn "$nqn"
identify ns "$first" '.nsze > 0 and .nsze == .ncap'
[[ $(blockdev --getsize64 "$first") -eq $((8 << 20)) && $(blockdev --getsize64 "$second") -eq $((16 << 20)) ]]
identity=$(identify ns "$first" .nguid)
[[ $identity =~ [1-9a-f] && $(identify ns "$second" .nguid) != "$identity" ]]
nvme smart-log "/dev/$controller" >smart
nvme error-log "/dev/$controller" >errors

step "load on both"
load "$first" &
load "$second" --offset=8m
wait "$!"
nvme flush "$first" --namespace-id=1
[[ $(digestOf "$first") == "$(onHost digestOf file1)" && $(digestOf "$second") == "$(onHost digestOf file2)" ]]

step "a file system"
mkfs.ext4 -q "$second"
mkdir mounted
modprobe ext4
mount -t ext4 "$second" mounted
randomFile mounted/file 4
digest=$(digestOf mounted/file)
umount mounted
disconnect "$nqn"

for options in --hdr-digest --data-digest "--hdr-digest --data-digest --queue-size=16"; do
    step "connect $options"
    # shellcheck disable=SC2086 # Options are words.
    connect "$nqn" "$HOST" "$HOST_PORT" $options
    header=false data=false
    [[ $options != *--hdr-digest* ]] || header=true
    [[ $options != *--data-digest* ]] || data=true
    onHost hosts "(.[0].header_digest==$header)and(.[0].data_digest==$data)"
    first=$(device "$nqn" 1)
    [[ $(identify ns "$first" .nguid) == "$identity" ]]
    load "$first"
    [[ $(digestOf "$first") == "$(onHost digestOf file1)" ]]
    second=$(device "$nqn" 2)
    e2fsck -fn "$second"
    mount -t ext4 -o ro "$second" mounted
    [[ $(digestOf mounted/file) == "$digest" ]]
    umount mounted
    disconnect "$nqn"
done
# Who disconnects while a keep-alive is under way ends it with error 4, BLK_STS_TRANSPORT.
refute grep -iE 'nvme.*error' <(kernelLog | grep -v 'nvme_keep_alive_end_io error=4')
