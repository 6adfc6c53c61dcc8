#!/usr/bin/env bash
# Files that the kernel's target serves because mc-target has told it to: what is built, changed and taken down, and that
# nothing of others is. Our initiator and the kernel's use them.
# timeout: 300
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
# shellcheck source=tests/vm/guest/kernel_backend.sh
source "$VM/kernel_backend.sh"

nqn=nqn.2016-06.io.mc:$kSegment theirs=nqn.2026-01.test:theirs

# identities: what a host recognises the subsystem and its namespaces by.
identities() {
    local each subsystem
    connect "$nqn" 127.0.0.1 4420 >/dev/null
    device "$nqn" 1 >/dev/null
    device "$nqn" 2 >/dev/null
    subsystem=$(subsystemOf "$nqn")
    cat "$subsystem"/{serial,model}
    for each in "$subsystem"/nvme*n*; do
        [[ ! -e $each/nsid ]] || echo "$(<"$each/nsid") $(<"$each/nguid") $(<"$each/uuid") $(<"$each/wwid")"
    done | sort
    disconnect "$nqn" >/dev/null
}

step "without the module, and without configfs"
for each in nvmet-tcp nvmet-rdma nvmet; do # Other cases may have loaded them.
    modprobe -r $each 2>/dev/null || true
done
[[ ! -e /sys/module/nvmet ]]
truncate -s 8M first
refused 69 "finding 4: module nvmet is not loaded" --file first
grep "hint: modprobe nvmet" refused.err
umount /sys/kernel/config
refused 78 "finding 3: configfs is not mounted" --file first
eval "$(sed -n 's/^hint: \(mount [^;]*\).*/\1/p' refused.err)" # What it says mends it.
modprobe nvmet

step "others have a subsystem and a port, and the numbers that are taken first"
randomFile foreign 1
kernelTarget "$theirs" foreign
kernelListen "$theirs" 127.0.0.1 4421
mkdir $kNvmet/ports/1
before=$(everything)

step "the same identities, whoever serves"
head -c $((4 << 20 | 512)) /dev/urandom >ragged
serve --backend user --file first --file ragged
identities >user
endTarget
serve --backend kernel --file first --file ragged
identities >kernel
cmp user kernel || fail "$(cat user) differs from $(cat kernel)"
grep "its last 512 bytes are less than a block" target.err
asked '.files | map(.size_bytes) == [8388608, 4194304]'
asked '.file_service | .backend == "kernel" and .hosts == null and .bytes_read == null'
[[ $(<"$(space 1)/buffered_io") == 1 ]]

step "our initiator verifies"
tail -c 512 ragged >edge
for operation in write mixed read; do
    bench --operation=$operation
done
tail -c 512 ragged | cmp - edge

step "files come and go"
truncate -s 4M third
asked '.file_service.connections == 0'
disk=$(connectedDevice)
asked '.file_service.connections == 2' # Of the admin queue, and of one for each CPU.
mc-target status --control-socket control.sock | grep "^2 connections, served by the kernel"
mc-register add --control-socket control.sock --file third
device "$nqn" 3
load "$disk"
mc-register remove --control-socket control.sock --file 1
within 60 gone 1
bench --operation=mixed
disconnect "$nqn"
refute mc-register add --control-socket control.sock --file ragged
refute mc-register add --control-socket control.sock --file third:1M
refute mc-register add --control-socket control.sock --file none
[[ $(ls "$kNvmet/subsystems/$nqn/namespaces") == $'2\n3' ]]

step "saved and restored"
mc-target save --control-socket control.sock >saved
grep 'backend = "kernel"' saved
grep 'file_number = \[2, 3\]' saved
endTarget
[[ $(everything) == "$before" ]] || fail "something stays, or is missing: $(everything)"
serve restore saved
mc-target save --control-socket control.sock | cmp - saved
bench --operation=mixed

step "killed, and taken down by a command"
killed=$(<target.pid)
kill -KILL "$killed"
within 10 test ! -e "/proc/$killed"
refute mc-target status --control-socket control.sock 2>said
grep "^hint: .*subsystem $nqn, 1 port, 2 namespaces; mc-target gc --yes takes it down" said
left=$(everything)
mc-target gc | grep "^left subsystem $nqn, 1 port, 2 namespaces; tcp 127.0.0.1, port 4420"
[[ $(everything) == "$left" ]] || fail "it was only asked: $(everything)"
mc-target gc --yes | grep "^removed subsystem $nqn, 1 port, 2 namespaces"
[[ $(everything) == "$before" ]] || fail "something stays, or is missing: $(everything)"
[[ -z $(ls /run/mc-nvmet) ]]
serve restore saved
mc-target gc --yes --json | jq -e '.items == []' # What lives is none of it.
bench --operation=mixed

step "killed, and reclaimed by the next"
port=$(ls -d $kNvmet/ports/*/subsystems/"$nqn")
serve=$(<target.pid)
kill -KILL "$serve"
within 10 test ! -e "/proc/$serve"
[[ -d $(space 2) ]]
disk=$(connectedDevice 2) # The kernel goes on serving.
disconnect "$nqn"
serve restore saved
grep "took down what a killed mc-target had left in the kernel: subsystem $nqn, 1 port, 2 namespaces" target.err
[[ $(ls -d $kNvmet/ports/*/subsystems/"$nqn") == "$port" ]]
bench --operation=mixed
refused 69 "another mc-target serves it" --file first --trsvcid 4422 --control-socket none \
    --local-server-name 127.0.0.1:0 --nqn "$nqn"
endTarget
[[ $(everything) == "$before" ]] || fail "something stays, or is missing: $(everything)"

step "what can't be had"
refused 64 "serves all of a file, 8388608 bytes, not the first 4194304" --file first:4M
refused 64 "no read-only namespaces" --file first --read-only
refused 73 "another server or port listens there" --file first --trsvcid 4421
refused 73 "no interface has this address" --file first --traddr 10.9.9.9
refused 73 "is there already" --file first --nqn "$theirs"
[[ $(everything) == "$before" ]] || fail "something stays, or is missing: $(everything)"

step "a file, past the page cache"
MC_NVMEOF_GENERIC_DIRECT_IO=1 serve --backend kernel --file first
[[ $(<"$(space 1)/buffered_io") == 0 ]]
bench --operation=mixed
endTarget

step "a block device, past the page cache"
truncate -s 4M disk
modprobe loop
losetup /dev/loop0 disk
serve --file /dev/loop0 --backend kernel
[[ $(<"$(space 1)/buffered_io") == 0 ]]
disk=$(connectedDevice)
[[ $(<"/sys/block/${disk##*/}/queue/logical_block_size") == 512 ]]
load "$disk"
disconnect "$nqn"
bench --operation=mixed
endTarget
mkfs.ext4 -q /dev/loop0
refused 73 "holds ext4" --file /dev/loop0
losetup -d /dev/loop0

step "IPv6"
serve --backend kernel --file first --traddr ::1 --local-server-name "[::1]:12345"
asked '.file_service.trid | .adrfam == "ipv6" and .traddr == "::1"'
bench --operation=mixed --segment-id "[::1]:12345" --local-server-name ::1
endTarget

step "mc-bench as the target"
mc-bench --mode=target --local-server-name "$kSegment" --files "$(realpath first)" --files-backend kernel >serving.out 2>&1 3>&- &
serving=$!
within 60 grep -q . serving.out
within 60 test -d "$(space 1)"
within 20 bench --operation=mixed
kill -TERM $serving
wait $serving
[[ $(everything) == "$before" ]] || fail "something stays, or is missing: $(everything)"
rmdir $kNvmet/ports/1
