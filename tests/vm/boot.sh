# shellcheck shell=bash
# One guest, from its boot to its end: sourced by tests/vm/run, whose options and `verdict` it uses.

# How long the guest may be silent, in seconds: while it boots; at least beyond a case's own time; after the last case.
readonly kBootSeconds=180 kSlackSeconds=30 kEndSeconds=30
# What QEMU exits with when the guest has said that it is done (guest/init).
readonly kDone=33

# Devices that the guest has no use for, and self-tests of algorithms: a fifth of its time to boot. The rate of the TSC is
# measured wrongly on a busy machine, after which a second in the guest may be half of one.
kernelArguments=(console=ttyS0 quiet panic=-1 oops=panic mitigations=off no_timer_check clocksource=hpet
    random.trust_cpu=on audit=0 selinux=0 apparmor=0 noreplace-smp cryptomgr.notests=1
    initcall_blacklist=crypto_kdf108_init,jent_mod_init,load_system_certificate_list,oom_init)

# freePorts N: of 127.0.0.1, which neither connections take theirs from nor engines, nor other tests.
freePorts() {
    python3 - "$1" <<'PYTHON'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    candidate = socket.socket()
    try:
        candidate.bind(("127.0.0.1", random.randrange(17001, 20000)))
        held.append(candidate)
    except OSError:
        pass
print(*(each.getsockname()[1] for each in held))
PYTHON
}

# secondsOf CASE: what its line `# timeout: S` grants it.
secondsOf() {
    local own
    own=$(sed -nE 's/^# timeout: ([0-9]+)$/\1/p' "$cases/$1.sh")
    echo "${timeout:-${own:-60}}"
}

# packGuest NAME...: what changes from run to run, as a second archive behind the first.
packGuest() {
    local tree=$guest/tree each
    mkdir -p "$tree/vm/cases" "$tree/opt/mc/"{bin,lib}
    cp "$here/guest/init" "$tree/init"
    chmod 755 "$tree/init"
    cp "$here"/guest/*.sh "$tree/vm/"
    printf 'HOST=10.0.2.2\nHOST_PORT=%s\nGUEST_PORT=4420\n' "$hostPort" >"$tree/vm/environment"
    for each; do
        cp "$cases/$each.sh" "$tree/vm/cases/"
        echo "$each $(secondsOf "$each")" >>"$tree/vm/list"
    done
    packBuild "$tree"
    cp "$base" "$guest/initramfs"
    (cd "$tree" && find . -mindepth 1 -print0 | cpio --null --quiet -o -H newc -R 0:0) >>"$guest/initramfs"
    rm -rf "$tree"
}

# packBuild TREE: the build's programs and its library, wherever they were linked for, and what they load.
packBuild() {
    local tree=$1 programs=() libraries=() each
    for each in "$build"/bin/mc-*; do
        [[ ! -x $each ]] || programs+=("$each")
    done
    [[ ${#programs[@]} -gt 0 ]] || return 0
    for each in "${programs[@]}"; do
        strip -o "$tree/opt/mc/bin/$(basename "$each")" "$each"
    done
    while read -r each; do
        case $each in
            "$build"/*) strip -o "$tree/opt/mc/lib/$(basename "$each")" "$(realpath "$each")" ;;
            *) libraries+=("$(canonical "$each")") ;;
        esac
    done < <(librariesOf "${programs[@]}")
    copyInto "$tree" "${libraries[@]}"
}

# startGuest: QEMU in the background. Its end becomes a line among the guest's, so that one place waits for both.
startGuest() {
    local command=(qemu-system-x86_64 -accel "tcg,thread=multi,tb-size=256" -cpu max -M q35 -m 1024 -smp "$smp"
        -nodefaults -no-user-config -no-reboot -display none
        -serial "file:$guest/console" -serial "file:$guest/output" -serial "pipe:$guest/channel"
        -netdev "user,id=net,ipv6=off,hostfwd=tcp:127.0.0.1:$guestPort-:4420" -device virtio-net-pci,netdev=net,romfile=
        -device "isa-debug-exit,iobase=0xf4,iosize=4"
        -kernel "$kernel/vmlinux" -initrd "$guest/initramfs" -append "${kernelArguments[*]}")
    printf '%s\n' '#!/bin/sh' "mkfifo '$guest'/channel.in '$guest'/channel.out" "${command[*]@Q}" >"$guest/qemu.sh"
    (
        trap - EXIT
        result=0
        "${command[@]}" >"$guest/qemu.log" 2>&1 {toGuest}>&- &
        echo "$!" >&"$fromGuest"
        wait "$!" || result=$?
        printf '\nexited %s\n' "$result" >&"$fromGuest"
    ) 2>/dev/null &
    read -r qemu <&"$fromGuest"
}

# endGuest: whatever is left of it, and of what its cases have started here.
endGuest() {
    [[ -z ${qemu-} ]] || kill -KILL "$qemu" 2>/dev/null || true
    [[ -z ${current-} ]] || endStarted
}

# endStarted: what the current case's half on this machine has started.
endStarted() {
    local each
    for each in "$logs/$current"/host/*.pid; do
        [[ ! -e $each ]] || kill -KILL "$(<"$each")" 2>/dev/null || true
    done
}

# What a case has printed and the kernel has logged meanwhile is cut out of the guest's whole output.
sizeOf() {
    stat -c %s "$guest/$1"
}

begin() {
    current=$1
    started=$SECONDS
    deadline=$((SECONDS + $(secondsOf "$current") * 3 / 2 + kSlackSeconds))
    rm -rf "${logs:?}/$current"
    mkdir -p "$logs/$current/host"
    outputStart=$(sizeOf output)
    consoleStart=$(sizeOf console)
}

# finish STATUS [WHY]
finish() {
    endStarted
    tail -c "+$((outputStart + 1))" "$guest/output" >"$logs/$current/log"
    tail -c "+$((consoleStart + 1))" "$guest/console" >"$logs/$current/console"
    verdict "$current" "$1" "$((SECONDS - started))" "${2-}"
    current=
    ran=$((ran + 1))
    deadline=$((SECONDS + kEndSeconds))
}

# call FUNCTION WORD...: for the guest, which waits for the answer.
call() {
    local result=0 left=$((deadline - SECONDS))
    echo "call $*" >>"$logs/$current/host.log"
    MC_BUILD_DIR=$build PATH=$build/bin:$PATH WORK=$logs/$current/host HOST_PORT=$hostPort GUEST_PORT=$guestPort \
        QEMU_PID=$qemu timeout -k 5 "$((left > 1 ? left : 1))" "$here/call" "$cases/$current.host.sh" "$@" \
        >"$guest/answer" 2>>"$logs/$current/host.log" || result=$?
    echo "$result $(base64 -w 0 "$guest/answer")" >&"$toGuest"
}

# heed: what the guest says, until it ends. Its last word and QEMU's exit status are in `last`; a guest that keeps
# silent for too long is ended, for the reason in `why`.
heed() {
    local verb rest words
    last= why=
    deadline=$((SECONDS + kBootSeconds))
    while [[ $last != *exited* ]]; do
        if ! read -r -t "$((deadline > SECONDS ? deadline - SECONDS : 1))" -u "$fromGuest" verb rest; then
            why="the guest hangs"
            kill -KILL "$qemu" 2>/dev/null || true
            deadline=$((SECONDS + kEndSeconds))
            continue
        fi
        case "$verb $rest" in
            "begin "*) begin "$rest" ;;
            "call "*" .") read -ra words <<<"${rest% .}" && call "${words[@]}" ;;
            "end $current "*" .") rest=${rest% .} && finish "${rest#* }" ;;
            "done ." | "exited "*) last+=" $verb $rest" ;;
        esac
    done
}

# boot NAME...: runs cases in one guest; how many of them have a verdict is added to `ran`.
boot() {
    local hostPort guestPort toGuest fromGuest last why each
    guest=$logs/boot-$boots
    current=
    rm -rf "$guest"
    mkdir -p "$guest"
    mkfifo "$guest"/channel.{in,out}
    exec {toGuest}<>"$guest/channel.in" {fromGuest}<>"$guest/channel.out"
    read -r hostPort guestPort < <(freePorts 2)
    packGuest "$@"
    startGuest
    heed
    qemu=
    exec {toGuest}>&- {fromGuest}>&-
    rm -f "$guest"/channel.*
    [[ $keep == yes ]] || rm -f "$guest/initramfs" "$guest/qemu.sh"

    [[ -n $why ]] || why="the guest died, QEMU exited with ${last##* }"
    if [[ -n $current ]]; then
        finish 99 "$why"
    elif [[ $ran -eq 0 ]]; then
        for each; do
            verdict "$each" 99 0 "no case began: $why (see $guest)"
        done
        ran=$#
    elif [[ $last != " done . exited $kDone" ]]; then
        verdict guest 99 0 "after its last case: $why (see $guest)"
    fi
}
