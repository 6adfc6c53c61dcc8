#!/usr/bin/env bats
# Files of a target as mc-mount makes them appear, on real FUSE mounts.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load metadata

setup_file() {
    # For the ordinary user, as udev would leave it; put back at the end.
    if [[ $(id -u) -eq 0 && -c /dev/fuse ]]; then
        fuse_mode=$(stat -c %a /dev/fuse)
        export fuse_mode
        chmod 666 /dev/fuse
    fi
}

teardown_file() {
    [[ -z ${fuse_mode:-} ]] || chmod "$fuse_mode" /dev/fuse
}

# Each test has its own list of mounts.
fuse_setup() {
    [[ -c /dev/fuse ]] || skip "this machine has no /dev/fuse"
    [[ $(id -u) -eq 0 || -u /usr/bin/fusermount3 ]] || skip "no fusermount3 (apt-get install fuse3)"
    mc-mount --version | grep -qw fuse || skip "this build has no FUSE"
    export MC_MOUNT_STATE_FILE=$BATS_TEST_TMPDIR/state/mounts.json
    dir=$BATS_TEST_TMPDIR/m
    mkdir "$dir"
}

# Whatever happened: nothing stays mounted below the test's directory, and nobody goes on serving.
teardown() {
    local mounted
    for loop in "${loops[@]}"; do
        umount "$BATS_TEST_TMPDIR/fs" 2>/dev/null || true
        losetup -d "$loop" 2>/dev/null || true
    done
    while read -r mounted; do
        umount -l "$mounted" 2>/dev/null || fusermount3 -u -z "$mounted" || true
    done < <(mounts_here)
    kill_servers
    end_started
}
loops=()

mounts_here() {
    awk -v dir="$BATS_TEST_TMPDIR/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo
}

# Processes in the background, of this test: they have its state file in their environment.
servers() {
    local each
    for each in $(pgrep -x mc-mount); do
        if tr '\0' '\n' <"/proc/$each/environ" 2>/dev/null | grep -qxF "MC_MOUNT_STATE_FILE=$BATS_TEST_TMPDIR/state/mounts.json"; then
            echo "$each"
        fi
    done
}

kill_servers() {
    local each
    for each in $(servers); do
        kill -KILL "$each" || true
    done
}

# start_target [ARGUMENTS...]: serves files at $port; its segment's name is in $segment.
start_target() {
    port=${port:-$(free_port)}
    segment=${segment:-127.0.0.1:$(free_port)}
    start target mc-target --local_server_name="$segment" --trsvcid="$port" --control-socket="$BATS_TEST_TMPDIR/c.sock" "$@"
    target=$pid
    wait_for target.out "^ready"
}

kill_target() {
    kill -KILL "$target"
    wait "$target" || true
}

# random NAME BYTES
random() {
    head -c "$2" /dev/urandom >"$BATS_TEST_TMPDIR/$1"
}

mount_pid() {
    output=$(mc-mount list --json)
    json 'd["items"][0]["pid"]'
}

# until_ok COMMAND...: half a minute at most.
until_ok() {
    local i
    for ((i = 0; i < 300; i++)); do
        "$@" && return 0
        sleep 0.1
    done
    return 1
}

status_is_unreachable() {
    [[ $(mc-mount status) == *unreachable* ]]
}

is_gone() {
    ! kill -0 "$1" 2>/dev/null
}

@test "files are copied out, written in, and flushed at the target" {
    fuse_setup
    random f0 $((8 << 20))
    random "f 1,x" 3000320
    start_target --file "$BATS_TEST_TMPDIR/f0" --file "$BATS_TEST_TMPDIR/f 1,x"
    run --separate-stderr mc-mount add "$segment" "$dir"
    assert_success
    assert_line --regexp "^ +1 +8MiB +f0 +$BATS_TEST_TMPDIR/f0$"
    [[ $stderr == *"mounted $segment at $dir: 2 files"* ]]
    cp "$dir/f0" "$BATS_TEST_TMPDIR/copy"
    cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    cmp "$BATS_TEST_TMPDIR/copy" "$BATS_TEST_TMPDIR/f0"
    cmp "$dir/f 1,x" "$BATS_TEST_TMPDIR/f 1,x"
    run stat -c '%s %a %n' "$dir/f0" "$dir/f 1,x"
    assert_line --index 0 "$((8 << 20)) 600 $dir/f0"
    assert_line --index 1 "3000320 600 $dir/f 1,x"

    random new $((8 << 20))
    dd if="$BATS_TEST_TMPDIR/new" of="$dir/f0" bs=1M conv=notrunc,fsync status=none
    assert_equal "$(sha256sum <"$BATS_TEST_TMPDIR/f0")" "$(sha256sum <"$BATS_TEST_TMPDIR/new")"
    assert_equal "$(sha256sum <"$dir/f0")" "$(sha256sum <"$BATS_TEST_TMPDIR/new")"
    # Neither begins nor ends with a block.
    printf 'hello, far side' | dd of="$dir/f0" bs=15 seek=333 conv=notrunc status=none
    assert_equal "$(dd if="$BATS_TEST_TMPDIR/f0" bs=15 skip=333 count=1 status=none)" "hello, far side"
    output=$(mc-mount status --json)
    assert_equal "$(json 'd["items"][0]["state"], d["items"][0]["flushes"], d["items"][0]["failed_requests"]')" "('mounted', 1, 0)"
    assert_equal "$(json 'd["items"][0]["bytes_written"]')" $(((8 << 20) + 15))
    run mc-mount status
    assert_line --regexp "^  [0-9]+ bytes read, $(((8 << 20) + 15)) written, 1 flush, 0 requests failed$"
    run --separate-stderr mc-mount remove "$dir" --json
    assert_success
    assert_equal "$(json 'd["items"][0]["removed"]')" True
    assert_equal "$(mounts_here)" ""
    assert_equal "$(servers)" ""
}

@test "sizes stay: ftruncate is refused, O_TRUNC changes nothing, beyond the end there is no room" {
    fuse_setup
    random f0 $((1 << 20))
    start_target --file "$BATS_TEST_TMPDIR/f0"
    for cache in kernel none; do
        mc-mount add -q "$segment" "$dir" --cache $cache
        run python3 - "$dir/f0" <<'EOF'
import errno, os, sys
path = sys.argv[1]
size = os.stat(path).st_size
def refused(code, call):
    try:
        call()
    except OSError as error:
        assert error.errno == code, error
    else:
        raise AssertionError("was not refused")
refused(errno.EPERM, lambda: os.truncate(path, 5))
fd = os.open(path, os.O_RDWR)
refused(errno.EPERM, lambda: os.ftruncate(fd, size + 1))
os.ftruncate(fd, size)
before = os.pread(fd, size, 0)
os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
assert os.fstat(fd).st_size == size
assert os.pread(fd, size, 0) == before
assert os.pwrite(fd, b"z" * 100, size - 10) == 10
refused(errno.ENOSPC, lambda: os.pwrite(fd, b"z", size))
assert os.pread(fd, 100, size - 10) == b"z" * 10
assert os.pread(fd, 100, size) == b""
refused(errno.ENOSPC, lambda: os.posix_fallocate(fd, 0, size + 1))
os.posix_fallocate(fd, 0, size)
folder = os.path.dirname(path)
for call in (lambda: os.open(folder + "/new", os.O_WRONLY | os.O_CREAT), lambda: os.unlink(path),
             lambda: os.rename(path, path + "2"), lambda: os.mkdir(folder + "/d"), lambda: os.chmod(path, 0)):
    try:
        call()
    except PermissionError:
        continue
    raise AssertionError("was not refused")
print(os.listdir(folder), size)
EOF
        assert_success
        assert_output "['f0'] 1048576"
        # To the last byte.
        run dd if=/dev/zero of="$dir/f0" bs=64k conv=notrunc
        assert_failure
        assert_output --partial "No space left on device"
        assert_output --partial "1048576 bytes"
        cmp -n 1048576 "$BATS_TEST_TMPDIR/f0" /dev/zero
        random f1 $((1 << 20))
        cat "$BATS_TEST_TMPDIR/f1" >"$dir/f0"
        cmp "$BATS_TEST_TMPDIR/f0" "$BATS_TEST_TMPDIR/f1"
        mc-mount remove -q "$dir"
    done
}

@test "files are mapped, and fio verifies what it wrote, by several at once" {
    fuse_setup
    random f0 $((16 << 20))
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    run python3 - "$dir/f0" "$BATS_TEST_TMPDIR/f0" <<'EOF'
import mmap, sys
with open(sys.argv[1], "r+b") as file, open(sys.argv[2], "rb") as behind:
    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    assert mapped[:] == behind.read()
    written = mmap.mmap(file.fileno(), 0)
    written[5000:5005] = b"hello"
    written.flush()
    behind.seek(5000)
    assert behind.read(5) == b"hello"
print("same")
EOF
    assert_success
    assert_output same
    command -v fio >/dev/null || skip "no fio"
    for direct in 0 1; do
        run fio --name=v --filename="$dir/f0" --size=16m --rw=randwrite --bsrange=4k-256k --ioengine=libaio --iodepth=8 \
            --direct=$direct --verify=crc32c --verify_state_save=0 --do_verify=1 --verify_fatal=1 --fallocate=none --allow_file_create=0 --end_fsync=1
        assert_success
    done
    run fio --filename="$dir/f0" --allow_file_create=0 --fallocate=none --rw=randrw --bs=16k --ioengine=psync --size=2m \
        --verify=crc32c --verify_state_save=0 --verify_fatal=1 --name=a --offset=0 --name=b --offset=4m --name=c --offset=8m --name=d --offset=12m
    assert_success
    mc-mount remove -q "$dir"
}

@test "who reads sees what others have written here, though who only writes passes the cache by" {
    fuse_setup
    random f0 $((8 << 20))
    start_target --file "$BATS_TEST_TMPDIR/f0"
    # One thread: it answers reads while the kernel waits for them to forget what is written.
    mc-mount add -q "$segment" "$dir" --threads 1
    run timeout 300 python3 - "$dir/f0" "$BATS_TEST_TMPDIR/f0" <<'EOF'
import mmap, os, random, sys, threading
path, behind = sys.argv[1:]
size = os.stat(path).st_size
def is_mapped_as_served():
    with open(behind, "rb") as file:
        return mapped[:] == file.read()
reader = os.open(path, os.O_RDONLY)
mapped = mmap.mmap(reader, 0, prot=mmap.PROT_READ)
assert is_mapped_as_served()  # All of it is in the cache now.
writer = os.open(path, os.O_WRONLY)
for _ in range(200):
    data = os.urandom(random.randrange(1, 300000))
    offset = random.randrange(size - len(data))
    os.pwrite(writer, data, offset)
    assert os.pread(reader, len(data), offset) == data
    assert mapped[offset : offset + len(data)] == data
# Many writes and reads of the same places at once.
stop = threading.Event()
def read():
    fd = os.open(path, os.O_RDONLY)
    while not stop.is_set():
        os.pread(fd, 1 << 20, random.randrange(8) << 20)
    os.close(fd)
def write(number):
    fd = os.open(path, os.O_WRONLY)
    for _ in range(30):
        os.pwrite(fd, bytes([number]) * (1 << 20), random.randrange(8) << 20)
    os.close(fd)
readers = [threading.Thread(target=read) for _ in range(8)]
writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
for each in readers + writers:
    each.start()
for each in writers:
    each.join()
stop.set()
for each in readers:
    each.join()
assert is_mapped_as_served()
os.close(writer)
# Who has changed it by a mapping loses nothing to who only writes, and takes nothing from them.
both = os.open(path, os.O_RDWR)
changed = mmap.mmap(both, 0)
writer = os.open(path, os.O_WRONLY)
changed[0:4] = b"mine"
os.pwrite(writer, b"theirs", 8)
assert changed[8:14] == b"theirs"
changed.flush()
with open(behind, "rb") as file:
    head = file.read(14)
assert head[:4] == b"mine" and head[8:] == b"theirs", head
print("same")
EOF
    assert_output same
    assert_success
    mc-mount remove -q "$dir"
}

@test "O_TRUNC: nobody sees another size, or loses what is mapped" {
    fuse_setup
    random f0 $((1 << 20))
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    run timeout 300 python3 - "$dir/f0" <<'EOF'
import mmap, os, sys, threading
path = sys.argv[1]
size = os.stat(path).st_size
both = os.open(path, os.O_RDWR)
mapped = mmap.mmap(both, 0)
stop = threading.Event()
seen = set()
def look():
    while not stop.is_set():
        seen.add(os.fstat(both).st_size)
        seen.add(len(os.pread(both, size, 0)))
        mapped[size - 1]  # SIGBUS, if it were behind the end.
looker = threading.Thread(target=look)
looker.start()
for number in range(300):
    mapped[5] = number % 256
    os.close(os.open(path, os.O_WRONLY | os.O_TRUNC))
    assert mapped[5] == number % 256
    assert os.fstat(both).st_size == size
stop.set()
looker.join()
assert seen == {size}, seen
mapped.close()
os.close(both)
try:
    os.truncate(path, 0)
except PermissionError:
    print("refused")
EOF
    assert_output refused
    assert_success
    mc-mount remove -q "$dir"
}

@test "a file system in a file of the mount" {
    fuse_setup
    [[ $(id -u) -eq 0 ]] || skip "only root sets up loop devices"
    truncate -s 32M "$BATS_TEST_TMPDIR/f0"
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    loop=$(losetup --find --show "$dir/f0" 2>/dev/null) || skip "this machine lets nobody set up loop devices"
    loops+=("$loop")
    mkfs.ext4 -q "$loop"
    mkdir "$BATS_TEST_TMPDIR/fs"
    mount "$loop" "$BATS_TEST_TMPDIR/fs" || skip "this machine mounts no ext4"
    random data $((4 << 20))
    cp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/fs/data"
    run mc-mount remove "$dir"
    assert_equal "$status" 69
    assert_output --partial "in use"
    umount "$BATS_TEST_TMPDIR/fs"
    losetup -d "$loop"
    until_ok mc-mount remove -q "$dir"
    # What the target has is that file system.
    run debugfs -R "dump data $BATS_TEST_TMPDIR/out" "$BATS_TEST_TMPDIR/f0"
    cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/out"
}

@test "a target that is gone: an error in time, then at once; and it comes back without a new mount" {
    fuse_setup
    truncate -s 1G "$BATS_TEST_TMPDIR/f0"
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir" --timeout 10s
    start writer dd if=/dev/zero of="$dir/f0" bs=4k conv=notrunc oflag=direct
    writer=$pid
    wait_until_busy "$(mount_pid)"
    kill_target
    local begin=$SECONDS
    wait "$writer" || true
    run cat "$BATS_TEST_TMPDIR/writer.err"
    assert_output --regexp "Connection timed out|Input/output error"
    ((SECONDS - begin < 60))
    run dd if="$dir/f0" of=/dev/null bs=4k count=1 skip=100 iflag=direct
    assert_failure
    run mc-mount status
    assert_equal "$status" 1
    assert_output --partial "unreachable"
    # ls and the like go on.
    run ls "$dir"
    assert_output f0
    start_target --file "$BATS_TEST_TMPDIR/f0"
    until_ok dd if=/dev/urandom of="$dir/f0" bs=1M count=1 conv=notrunc oflag=direct status=none
    cmp -n $((1 << 20)) "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    run mc-mount status
    assert_success
    mc-mount remove -q "$dir"
}

@test "a target that comes back in time: nobody notices" {
    fuse_setup
    random f0 $((1 << 20))
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    kill_target
    until_ok status_is_unreachable
    start reader dd if="$dir/f0" of="$BATS_TEST_TMPDIR/copy" bs=64k iflag=direct
    reader=$pid
    start_target --file "$BATS_TEST_TMPDIR/f0"
    wait "$reader"
    cmp "$BATS_TEST_TMPDIR/copy" "$BATS_TEST_TMPDIR/f0"
    mc-mount remove -q "$dir"
}

@test "mounting again changes nothing; another segment is refused; removing twice is no error" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    before=$(mount_pid)
    cd "$BATS_TEST_TMPDIR"
    run --separate-stderr mc-mount add "$segment" m/ --json
    assert_success
    assert_equal "$(json 'd["action"], d["directory"], d["pid"]')" "('unchanged', '$dir', $before)"
    run --separate-stderr mc-mount add "$segment" "$dir" --read-only --json
    assert_equal "$status" 73
    assert_equal "$(json 'd["error"]["code"]')" already_exists
    [[ $(json 'd["error"]["message"]') == *"$segment, with other options, is mounted there" ]]
    mc-mount remove -q "$segment"
    run mc-mount remove "$dir"
    assert_success
    assert_output "there was nothing to remove"
    run --separate-stderr mc-mount list --json
    assert_output '{"schema_version":1,"items":[]}'
    mc-mount add -q "$segment" "$dir" --read-only
    run dd if=/dev/zero of="$dir/f0" count=1 conv=notrunc
    assert_output --partial "Read-only file system"
    mc-mount remove -q --all
}

@test "files that their target serves read-only can't be written, until it serves them otherwise" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0" --read-only
    mc-mount add -q "$segment" "$dir"
    cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    assert_equal "$(stat -c %a "$dir/f0")" 400
    run python3 -c 'import os, sys; os.open(sys.argv[1], os.O_RDWR)' "$dir/f0"
    assert_failure
    assert_output --regexp "Read-only file system|Permission denied"
    sync "$dir/f0"
    kill_target
    start_target --file "$BATS_TEST_TMPDIR/f0"
    may_be_written() { [[ $(stat -c %a "$dir/f0") == 600 ]]; }
    until_ok may_be_written
    exec 7<>"$dir/f0"
    kill_target
    start_target --file "$BATS_TEST_TMPDIR/f0" --read-only 7>&-
    is_read_only() { [[ $(stat -c %a "$dir/f0") == 400 ]]; }
    until_ok is_read_only
    LC_ALL=C run bash -c "echo x >&7"
    assert_failure
    assert_output --partial "Read-only file system"
    exec 7>&-
    mc-mount remove -q "$dir"
}

@test "files are chosen by number, path or name; two of one name are told apart" {
    fuse_setup
    mkdir "$BATS_TEST_TMPDIR/a" "$BATS_TEST_TMPDIR/b"
    random a/f 8192
    random b/f 8192
    random g 8192
    start_target --file "$BATS_TEST_TMPDIR/a/f" --file "$BATS_TEST_TMPDIR/b/f" --file "$BATS_TEST_TMPDIR/g"
    mc-mount add -q "$segment" "$dir"
    run ls "$dir"
    assert_output $'1-f\n2-f\ng'
    cmp "$dir/2-f" "$BATS_TEST_TMPDIR/b/f"
    mc-mount remove -q "$dir"
    mc-mount add -q "$segment" "$dir" --file 3 --file "$BATS_TEST_TMPDIR/b/f"
    run ls "$dir"
    assert_output $'2-f\ng'
    mc-mount remove -q "$dir"
    run --separate-stderr mc-mount add "$segment" "$dir" --file none --json
    assert_equal "$status" 1
    assert_equal "$(json 'd["error"]["hint"]')" "it has 1-f, 2-f, g"
    run --separate-stderr mc-mount add "$segment" "$dir" --dry-run --file g --json
    assert_success
    assert_equal "$(json 'd["action"], [f["name"] for f in d["files"]]')" "('planned', ['g'])"
    assert_equal "$(mounts_here)" ""
}

@test "what can't be mounted is one clear error and leaves nothing" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr mc-mount add "$segment" "$BATS_TEST_TMPDIR/f0"
    assert_equal "$status" 64
    run --separate-stderr mc-mount add "$segment" "$BATS_TEST_TMPDIR/none"
    assert_equal "$status" 66
    [[ $stderr == *"hint: mkdir -p $BATS_TEST_TMPDIR/none"* ]]
    run --separate-stderr mc-mount add "$segment" "$BATS_TEST_TMPDIR/none" --dry-run
    assert_equal "$status" 66
    run --separate-stderr mc-mount add 127.0.0.1:1 "$dir" --timeout 2s
    assert_equal "$status" 69
    kill -STOP "$target"
    run --separate-stderr mc-mount add "$segment" "$dir" --timeout 1s
    assert_equal "$status" 75
    kill -CONT "$target"
    run --separate-stderr mc-mount add "$segment" "$dir" --as me
    assert_equal "$status" 64
    run --separate-stderr mc-mount add "$segment" "$dir" --through=kernel --read-only
    assert_equal "$status" 64
    [[ $stderr == *"links to devices, which can be written"*"hint: --through=fuse, or --fs with it" ]]
    run --separate-stderr mc-mount list --json
    assert_equal "$(json 'd["items"]')" "[]"
    assert_equal "$(mounts_here)$(servers)" ""
}

@test "a key that the target refuses, or a file of it that is none, is told by its name and leaves nothing" {
    fuse_setup
    random f0 8192
    cd "$BATS_TEST_TMPDIR"
    umask 077
    echo "DHHC-1:00:Wwh03/hCEeSXgP0s+IBIkDVjKZnhl8MeAB83oCj+I7hh4UAV:" >key
    echo "DHHC-1:01:faZQWLZSWmSoTHoJ5x9g7djTor0oUFkzdGBjKMNXkPWT6/Bn:" >other
    echo "nqn.host0 $(<key)" >keys
    start_target --file f0 --host-keys keys
    local add=(mc-mount add "$segment" "$dir" --nvmeof-host-nqn=nqn.host0 --timeout 20s)
    run --separate-stderr "${add[@]}" --nvmeof-host-key=other
    assert_equal "$status" 77
    [[ $stderr == *"as nqn.host0: refused by the controller"* ]]
    [[ $stderr == *"hint: compare the line of nqn.host0 in the target's --host-keys with --nvmeof-host-key=other here"* ]]
    run --separate-stderr "${add[@]}"
    assert_equal "$status" 77
    [[ $stderr == *"it has to be told a key for nqn.host0, and this side, too: --nvmeof-host-key"* ]]
    run --separate-stderr "${add[@]}" --nvmeof-host-key=f0
    assert_equal "$status" 78
    [[ $stderr == *"f0: "* ]]
    run --separate-stderr "${add[@]}" --nvmeof-host-key=none
    assert_equal "$status" 66
    [[ $stderr == *"open none: No such file"* ]]
    chmod 644 key
    run --separate-stderr "${add[@]}" --nvmeof-host-key=key
    assert_equal "$status" 78
    [[ $stderr == *"key: others can read this secret"* ]]
    run --separate-stderr mc-mount list --json
    assert_equal "$(json 'd["items"]')" "[]"
    assert_equal "$(mounts_here)$(servers)" ""
    chmod 600 key
    run --separate-stderr "${add[@]}" --nvmeof-host-key=key
    assert_success
    cmp "$dir/f0" f0
    mc-mount remove -q "$dir"
}

@test "what this machine lacks is told with the command that mends it" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    if [[ ! -e /dev/nvme-fabrics ]]; then
        run --separate-stderr mc-mount add "$segment" "$dir" --through kernel --json
        assert_equal "$status" 69
        assert_equal "$(json 'd["error"]["hint"]')" "modprobe nvme-tcp, as root"
        # Before anybody is asked, at 127.0.0.1:1.
        run --separate-stderr mc-mount add 127.0.0.1:1 "$dir" --through kernel --json
        assert_equal "$(json 'd["error"]["hint"]')" "modprobe nvme-tcp, as root"
    fi
    run mc-mount add "$segment" "$dir" --fs ext4
    assert_equal "$status" 64
    [[ $(id -u) -eq 0 ]] || skip "only root hides devices"
    unshare -m true 2>/dev/null || skip "this machine lets nobody hide devices"
    # shellcheck disable=SC2016 # For the inner shell.
    hidden() { unshare -m bash -c "$1"' && shift && exec "$@"' - "$@"; }
    run --separate-stderr hidden 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3' mc-mount add "$segment" "$dir" --json
    assert_equal "$status" 69
    [[ $(json 'd["error"]["hint"]') == "modprobe fuse, as root;"* ]]
    # As an ordinary user: without the right to use it, without fusermount3.
    use_unprivileged
    chown -R 65534 "$dir" "$BATS_TEST_TMPDIR/state"
    touch "$BATS_TEST_TMPDIR/device" "$BATS_TEST_TMPDIR/program"
    chmod 600 "$BATS_TEST_TMPDIR/device"
    run --separate-stderr hidden "mount --bind '$BATS_TEST_TMPDIR/device' /dev/fuse" \
        "${run_as[@]}" mc-mount add "$segment" "$dir" --json
    assert_equal "$status" 77
    [[ $(json 'd["error"]["hint"]') == "chmod 666 /dev/fuse, as root;"* ]]
    run --separate-stderr hidden "mount --bind '$BATS_TEST_TMPDIR/program' /usr/bin/fusermount3" \
        "${run_as[@]}" mc-mount add "$segment" "$dir" --json
    assert_equal "$status" 77
    assert_equal "$(json 'd["error"]["hint"]')" "chmod u+s /usr/bin/fusermount3, as root"
    run --separate-stderr "${run_as[@]}" mc-mount list --json
    assert_equal "$(json 'd["items"]')" "[]"
}

@test "a build without FUSE, or libnvme, says so at once, and does all else" {
    mc-mount --version | grep -qw fuse && skip "this build has FUSE"
    export MC_MOUNT_STATE_FILE=$BATS_TEST_TMPDIR/state/mounts.json
    dir=$BATS_TEST_TMPDIR/m
    mkdir "$dir"
    local how
    for how in "" --foreground --dry-run; do
        # Nobody is asked at 127.0.0.1:1.
        # shellcheck disable=SC2086 # None, or one.
        run --separate-stderr mc-mount add 127.0.0.1:1 "$dir" --json $how
        assert_equal "$status" 69
        assert_equal "$(json 'd["error"]["code"], d["error"]["message"]')" "('unsupported', 'this build has no FUSE')"
        assert_equal "$(json 'd["error"]["hint"]')" "apt-get install libfuse3-dev, then build again with -DMC_FUSE=ON"
    done
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    if ! mc-mount --version | grep -qw libnvme; then
        run --separate-stderr mc-mount add "$segment" "$dir" --through kernel --json
        assert_equal "$status" 69
        assert_equal "$(json 'd["error"]["message"]')" "the kernel's NVMe host: this build has no libnvme"
        [[ $(json 'd["error"]["hint"]') == *libnvme-dev*-DMC_LIBNVME=ON ]]
    fi
    run --separate-stderr mc-mount list --json
    assert_output '{"schema_version":1,"items":[]}'
    run --separate-stderr mc-mount remove "$dir"
    assert_success
    run --separate-stderr mc-mount restore --json
    assert_output '{"schema_version":1,"items":[]}'
}

@test "the command that a target prints mounts its files" {
    fuse_setup
    start_metadata
    random f0 8192
    segment=127.0.0.1
    start_target --file "$BATS_TEST_TMPDIR/f0" --metadata_server="$url" --memory=1MiB
    run grep -o 'mc-mount add.*' "$BATS_TEST_TMPDIR/target.err"
    assert_output "mc-mount add --metadata_server=$url 127.0.0.1-files DIR"
    run bash -c "${output/DIR/$dir}"
    assert_success
    cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    mc-mount remove -q "$dir"
}

@test "a server that hangs does not make status hang" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    server=$(mount_pid)
    kill -STOP "$server"
    run mc-mount status --timeout 1s
    kill -CONT "$server"
    assert_equal "$status" 1
    assert_output --partial "did not end in time"
    until_ok mc-mount status
    mc-mount remove -q "$dir"
}

@test "signals and fusermount3 take the mount off; restore brings it back" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir" --cache none
    local signal server
    for signal in TERM INT; do
        server=$(mount_pid)
        kill -$signal "$server"
        until_ok is_gone "$server"
        assert_equal "$(mounts_here)" ""
        output=$(mc-mount list --json)
        assert_equal "$(json 'd["items"][0]["state"]')" stopped
        run --separate-stderr mc-mount restore --json
        assert_success
        assert_equal "$(json '[i["outcome"] for i in d["items"]]')" "['mounted']"
        cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    done
    server=$(mount_pid)
    fusermount3 -u "$dir"
    until_ok is_gone "$server"
    kill_target
    run --separate-stderr mc-mount restore --json
    assert_equal "$status" 69
    assert_equal "$(json 'd["items"][0]["outcome"]')" failed
    [[ $stderr == "mc-mount: $dir: segment $segment: "*"hint: is mc-target running there, and reached by this machine?" ]]
    start_target --file "$BATS_TEST_TMPDIR/f0"
    run mc-mount restore
    assert_success
    assert_output "mounted $segment at $dir"
    run mc-mount restore
    assert_output "already mounted: $segment at $dir"
    run --separate-stderr mc-mount restore --json
    assert_equal "$(json 'd["items"][0]["outcome"]')" unchanged
    mc-mount remove -q "$dir"
    run mc-mount restore
    assert_output ""
}

@test "what a killed process has left is recognised and taken off" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    local by
    for by in add list status remove; do
        mc-mount add -q "$segment" "$dir"
        server=$(mount_pid)
        kill -KILL "$server"
        until_ok is_gone "$server"
        run ls "$dir"
        assert_output --partial "Transport endpoint is not connected"
        case $by in
            status)
                run mc-mount status
                assert_equal "$status" 1
                assert_output --partial "segment $segment, dead"
                assert_line "  mc-mount restore mounts it again, mc-mount remove $dir forgets it"
                ;;
            add) mc-mount add -q "$segment" "$dir" && cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0" ;;
            list)
                output=$(mc-mount list --json)
                assert_equal "$(json 'd["items"][0]["state"]')" dead
                output=$(mc-mount list --json)
                assert_equal "$(json 'd["items"][0]["state"]')" stopped
                ;;
        esac
        mc-mount remove -q "$dir"
        assert_equal "$(mounts_here)" ""
    done
    # Also where nobody remembers it.
    mc-mount add -q "$segment" "$dir"
    server=$(mount_pid)
    rm "$MC_MOUNT_STATE_FILE"
    kill -KILL "$server"
    until_ok is_gone "$server"
    mc-mount remove -q "$dir"
    assert_equal "$(mounts_here)" ""
}

@test "what another process serves there, or somebody has mounted over it, is not taken off" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    local other=$BATS_TEST_TMPDIR/other.json server
    mc-mount add -q "$segment" "$dir"
    server=$(mount_pid)
    kill -TERM "$server"
    until_ok is_gone "$server"
    mc-mount add -q "$segment" "$dir" --state-file "$other"
    run mc-mount status
    assert_output --partial "segment $segment, stopped"
    run mc-mount remove --all
    assert_success
    assert_output --partial "$dir: what is mounted there now is another process's, and stays"
    cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    output=$(mc-mount list --json)
    assert_equal "$(json 'd["items"]')" "[]"
    output=$(mc-mount list --json --state-file "$other")
    server=$(json 'd["items"][0]["pid"]')
    if [[ $(id -u) -eq 0 ]]; then
        mount -t tmpfs over "$dir"
        touch "$dir/kept"
        kill -TERM "$server"
        until_ok is_gone "$server"
        [[ -e $dir/kept ]]
        umount "$dir"
        run ls "$dir"
        assert_output --partial "Transport endpoint is not connected"
    fi
    mc-mount remove -q "$dir" --state-file "$other"
    assert_equal "$(mounts_here)" ""
}

@test "what stood there before a mount that does not come about is removed with it" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mc-mount add -q "$segment" "$dir"
    local server
    server=$(mount_pid)
    kill -TERM "$server"
    until_ok is_gone "$server"
    kill -STOP "$target"
    start add mc-mount add "$segment" "$dir" --timeout 30s
    is_starting() {
        output=$(mc-mount list --json)
        [[ $(json 'd["items"][0]["state"]') == starting ]]
    }
    until_ok is_starting
    run mc-mount remove "$dir"
    kill -CONT "$target"
    assert_success
    assert_output "removed $segment from $dir"
    wait "$pid" || true
    output=$(mc-mount list --json)
    assert_equal "$(json 'd["items"]')" "[]"
}

@test "in the foreground it stays until a signal, and is not restored" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    start mount mc-mount add "$segment" "$dir" --foreground --json
    wait_for mount.out mounted
    cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    output=$(cat "$BATS_TEST_TMPDIR/mount.out")
    assert_equal "$(json 'd["action"], d["pid"]')" "('mounted', $pid)"
    kill -TERM "$pid"
    wait "$pid"
    assert_equal "$(mounts_here)" ""
    output=$(mc-mount list --json)
    assert_equal "$(json 'd["items"]')" "[]"
}

@test "a segment of mc-register: found at its target, recorded for the engine of --as, and taken out again" {
    fuse_setup
    start_metadata
    random f0 $((1 << 20))
    random f1 $((1 << 20))
    mc-register add -q cache --local-server-name 127.0.0.1 "$BATS_TEST_TMPDIR/f0" "$BATS_TEST_TMPDIR/f1"
    run --separate-stderr mc-mount add nvmeof/cache "$dir" --as 10.0.0.2:12345
    assert_equal "$status" 1
    [[ $stderr == *"no target serves its files"* ]]
    segment=127.0.0.1
    start_target --file "$BATS_TEST_TMPDIR/f1" --file "$BATS_TEST_TMPDIR/f0" --metadata_server="$url"
    run --separate-stderr mc-mount add nvmeof/cache "$dir" --as 10.0.0.2:12345
    assert_success
    [[ $stderr == *"recorded as mounted by 10.0.0.2:12345"* ]]
    cmp "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    cmp "$dir/f1" "$BATS_TEST_TMPDIR/f1"
    recorded() {
        mc-meta get mooncake/nvmeof/cache | python3 -c 'import json, sys
print([b["local_path_map"] for b in json.load(sys.stdin)["buffers"]])'
    }
    assert_equal "$(recorded)" "[{'10.0.0.2:12345': '$dir/f0'}, {'10.0.0.2:12345': '$dir/f1'}]"
    # Another one's stays.
    mkdir "$BATS_TEST_TMPDIR/m2"
    mc-mount add -q nvmeof/cache "$BATS_TEST_TMPDIR/m2" --as other --file 1
    mc-mount remove -q "$dir"
    assert_equal "$(recorded)" "[{'other': '$BATS_TEST_TMPDIR/m2/f0'}, {}]"
    mc-mount remove -q --all
    assert_equal "$(recorded)" "[{}, {}]"
    # Nor does a name stay when something else is mounted where it was.
    mc-mount add -q nvmeof/cache "$dir" --as 10.0.0.2:12345
    local server
    server=$(mount_pid)
    kill -TERM "$server"
    until_ok is_gone "$server"
    [[ $(recorded) == *10.0.0.2:12345* ]]
    mc-mount add -q nvmeof/cache "$dir" --as other
    assert_equal "$(recorded)" "[{'other': '$dir/f0'}, {'other': '$dir/f1'}]"
    mc-mount remove -q "$dir"
    assert_equal "$(recorded)" "[{}, {}]"
    run --separate-stderr mc-mount add nothere "$dir"
    assert_equal "$status" 1
    [[ $stderr == *"hint: mc-meta show lists the segments of a metadata server" ]]
    # A server that is not there is told as such, in one line and its hint.
    run --separate-stderr mc-mount add nothere "$dir" --metadata-server "http://127.0.0.1:$(free_port)/metadata" --metadata-connect-timeout 1s
    assert_equal "$status" 69
    assert_equal "${#stderr_lines[@]}" 2
    [[ $stderr == *"hint: is the metadata server running there?" ]]
    # The tool that looked leaves no key.
    run mc-meta list
    refute_output --partial mc-mount
}

@test "a segment of mc-register that is mounted by other means is reached by its local paths" {
    fuse_setup
    start_metadata
    random f0 $((1 << 20))
    mc-register add -q cache --local-server-name far "/far/none" 2>/dev/null || true
    mc-meta put -q mooncake/nvmeof/cache '{"buffers":[{"file_path":"/far/f0","length":1000000,"local_path_map":{"here":"'"$BATS_TEST_TMPDIR/f0"'"}}],"protocol":"nvmeof","server_name":"far"}'
    mc-mount add -q nvmeof/cache "$dir" --as here
    cmp -n 1000000 "$dir/f0" "$BATS_TEST_TMPDIR/f0"
    echo changed | dd of="$dir/f0" conv=notrunc,fsync status=none
    assert_equal "$(head -c 7 "$BATS_TEST_TMPDIR/f0")" changed
    run stat -c %s "$dir/f0"
    assert_output 1000000
    mc-mount remove -q "$dir"
}

@test "a hundred cycles leave no descriptor, process, mount or entry" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    local i files_before files_after
    mc-mount add -q "$segment" "$dir" && mc-mount remove -q "$dir"
    sleep 0.2
    files_before=$(find "/proc/$target/fd" | wc -l)
    for ((i = 0; i < 100; i++)); do
        mc-mount add -q "$segment" "$dir" >/dev/null
        head -c 4096 "$dir/f0" >/dev/null
        mc-mount remove -q "$dir"
    done
    assert_equal "$(mounts_here)" ""
    assert_equal "$(servers)" ""
    output=$(mc-mount list --json)
    assert_equal "$(json 'd["items"]')" "[]"
    files_are() { files_after=$(find "/proc/$target/fd" | wc -l) && ((files_after <= files_before)); }
    until_ok files_are
}

@test "an ordinary user mounts, reads, writes, flushes and takes it off" {
    fuse_setup
    [[ -u /usr/bin/fusermount3 ]] || skip "no fusermount3 (apt-get install fuse3)"
    use_unprivileged
    random f0 $((4 << 20))
    random new $((4 << 20))
    start_target --file "$BATS_TEST_TMPDIR/f0"
    mkdir -p "$BATS_TEST_TMPDIR/state"
    chmod 644 "$BATS_TEST_TMPDIR/new"
    [[ ${#run_as[@]} -eq 0 ]] || chown 65534 "$dir" "$BATS_TEST_TMPDIR/state"
    run "${run_as[@]}" mc-mount add "$segment" "$dir" -q --json
    assert_success
    "${run_as[@]}" dd if="$BATS_TEST_TMPDIR/new" of="$dir/f0" bs=1M conv=notrunc,fsync status=none
    cmp "$BATS_TEST_TMPDIR/f0" "$BATS_TEST_TMPDIR/new"
    "${run_as[@]}" cmp "$dir/f0" "$BATS_TEST_TMPDIR/new"
    run "${run_as[@]}" mc-mount status
    assert_success
    # A process that dies leaves no mount that this user can't take off.
    server=$(servers)
    kill -KILL "$server"
    until_ok is_gone "$server"
    run "${run_as[@]}" mc-mount list
    assert_output --partial dead
    assert_equal "$(mounts_here)" ""
    "${run_as[@]}" mc-mount restore -q
    "${run_as[@]}" cmp "$dir/f0" "$BATS_TEST_TMPDIR/new"
    "${run_as[@]}" mc-mount remove -q "$dir"
    assert_equal "$(mounts_here)$(servers)" ""
    [[ ${#run_as[@]} -gt 0 ]] || return 0
    if ! grep -qx user_allow_other /etc/fuse.conf; then
        run "${run_as[@]}" mc-mount add "$segment" "$dir" --allow-other
        assert_equal "$status" 77
        assert_output --partial "echo user_allow_other >> /etc/fuse.conf"
    fi
}

@test "the example of a configuration mounts" {
    fuse_setup
    random f0 8192
    start_target --file "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr mc-mount add "$segment" "$dir" --config "$root/configs/mount.toml" --json
    assert_success
    grep -q '"--read-only=true"' "$MC_MOUNT_STATE_FILE"
    run dd if=/dev/zero of="$dir/f0" count=1 conv=notrunc
    assert_output --partial "Read-only file system"
    mc-mount remove -q "$dir"
}
