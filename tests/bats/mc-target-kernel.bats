#!/usr/bin/env bats
# Files that the kernel's NVMe target is to serve, where it can't: what a user is told. Where it can, tests/vm has more.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper

readonly missing="the kernel's NVMe target can't be used: "

setup_file() {
    [[ ! -e /sys/kernel/config/nvmet ]] || skip "this machine has the kernel's target"
}

make_file() {
    truncate -s 4MiB "$BATS_TEST_TMPDIR/f0"
    serve=(mc-target --file "$BATS_TEST_TMPDIR/f0" --control-socket="$BATS_TEST_TMPDIR/control.sock")
}

# has_modules: whether the running kernel's modules, or configfs, are there after all.
has_modules() {
    [[ -e /lib/modules/$(uname -r) ]] || grep -q configfs /proc/filesystems
}

@test "what is missing is one line of numbered findings, and what mends it" {
    make_file
    run --separate-stderr "${serve[@]}" --backend kernel
    assert_output ""
    [[ $status == 69 || $status == 77 || $status == 78 ]]
    # shellcheck disable=SC2154 # Set by run.
    assert_equal "${#stderr_lines[@]}" 2
    [[ ${stderr_lines[0]} =~ ^"mc-target: $missing""finding "[1-5]": "[^$'\n']+$ ]]
    [[ ${stderr_lines[1]} == "hint: "*" (mc-target(1) lists the findings)" ]]
    [[ ! -e $BATS_TEST_TMPDIR/control.sock ]]
    [[ $(id -u) -eq 0 ]] || return 0
    has_modules || {
        local kernel
        kernel="this kernel, $(uname -r), has no"
        assert_equal "$status" 69
        assert_equal "${stderr_lines[0]}" \
            "mc-target: $missing""finding 2: $kernel configfs; finding 4: $kernel module nvmet; finding 5: $kernel module nvmet-tcp"
        [[ ${stderr_lines[1]} == *"apt-get install linux-image-amd64"*"--backend=user"* ]]
    }
}

@test "who may not is told so first" {
    make_file
    use_unprivileged
    local as=("${run_as[@]}")
    chmod 666 "$BATS_TEST_TMPDIR/f0"
    run --separate-stderr "${as[@]}" env XDG_RUNTIME_DIR="$BATS_TEST_TMPDIR/run" mc-target --file "$BATS_TEST_TMPDIR/f0" \
        --control-socket=none --backend kernel
    assert_equal "$status" 77
    [[ ${stderr_lines[0]} =~ ^"mc-target: $missing""finding 1: user "[0-9]+" may not configure the kernel's target" ]]
    [[ ${stderr_lines[1]} == "hint: run it as root (sudo)"* ]]
}

@test "rdma asks for the kernel, and for a device" {
    make_file
    run "${serve[@]}" --trtype rdma
    [[ $status == 69 || $status == 77 || $status == 78 ]]
    assert_output --partial "$missing"
    run "${serve[@]}" --trtype rdma --backend user
    assert_equal "$status" 69
    assert_line "mc-target: trtype rdma: only the kernel's target has it"
    assert_line "hint: use --backend=kernel"
    run "${serve[@]}" --trid "trtype=rdma adrfam=ipv4 traddr=127.0.0.1 trsvcid=4420" --backend auto
    assert_output --partial "$missing"
    run "${serve[@]}" --trid "trtype=fc adrfam=ipv4 traddr=127.0.0.1 trsvcid=4420" --backend kernel
    assert_equal "$status" 69
    assert_output --partial "trtype fc: not tcp or rdma"
}

@test "the same as JSON, and of mc-bench" {
    make_file
    run --separate-stderr "${serve[@]}" --backend kernel --json
    [[ $(json 'd["error"]["message"]') == "$missing""finding "* ]]
    [[ -n $(json 'd["error"]["hint"]') ]]
    run mc-bench --mode=target --files "$BATS_TEST_TMPDIR/f0" --files-backend kernel
    [[ $status == 69 || $status == 77 || $status == 78 ]]
    assert_output --partial "$missing"
    refute_output --partial " --backend"
    has_modules || assert_output --partial "do without: --files-backend=user"
    run mc-bench --mode=target --files "$BATS_TEST_TMPDIR/f0" --trtype rdma --files-backend user
    assert_line "hint: use --files-backend=kernel"
}

@test "what is wrong whoever serves is told before" {
    make_file
    run "${serve[@]}" --backend kernle
    assert_equal "$status" 64
    assert_output --partial '"kernle" is not one of auto, user, kernel'
    run "${serve[@]}" --backend kernel --trid "trtype=tcp adrfam=ipv4 traddr=127.0.0.1 trsvcid=0"
    assert_equal "$status" 64
    assert_output --partial "the kernel's target does not tell which port it drew"
}

@test "without being asked, nothing of the kernel's is used" {
    make_file
    port=$(free_port)
    start target "${serve[@]}" --trsvcid "$port" --local-server-name 127.0.0.1 --json
    wait_for target.out .
    output=$(cat "$BATS_TEST_TMPDIR/target.out")
    assert_equal "$(json 'd["backend"]')" user
    output=$(mc-target status --control-socket="$BATS_TEST_TMPDIR/control.sock" --json)
    assert_equal "$(json 'd["file_service"]["backend"], d["file_service"]["hosts"]')" "('user', [])"
    [[ ! -e $BATS_TEST_TMPDIR/mc-nvmet ]]
}

@test "the example configuration names the kernel" {
    run mc-target --config "$root/configs/target-kernel.toml" --print-config
    assert_success
    assert_line --partial 'backend = "kernel"'
    run mc-target --config "$root/configs/target-kernel.toml" --file="$BATS_TEST_TMPDIR/none" --control-socket=none
    assert_output --partial "$missing"
}

@test "what killed targets have left is named by status and gc, and taken down by nobody who may not" {
    use_unprivileged
    local own=$BATS_TEST_TMPDIR/run records=$BATS_TEST_TMPDIR/run/mc-nvmet
    local as=("${run_as[@]}" env XDG_RUNTIME_DIR="$own")
    [[ ${#run_as[@]} -eq 0 ]] || install -d -o 65534 "$own"
    mkdir -p "$own"
    run --separate-stderr "${as[@]}" mc-target gc --json
    assert_success
    assert_equal "$(json 'd["schema_version"], d["items"]')" "(1, [])"
    [[ ! -e $records ]]
    "${as[@]}" mkdir -m 700 "$records"
    # shellcheck disable=SC2016 # Of the inner shell.
    "${as[@]}" sh -c 'printf "+subsystem nqn.test serial\n+port 27747 tcp ipv4 10.0.0.1 4420\n+namespace 1\n" >"$1"' \
        - "$records/x.record"
    run --separate-stderr "${as[@]}" mc-target gc
    assert_success
    assert_output "left subsystem nqn.test, 1 port, 1 namespace; tcp 10.0.0.1, port 4420"
    assert_equal "$stderr" "mc-target gc --yes takes it down"
    run --separate-stderr "${as[@]}" mc-target gc --dry-run --json
    assert_equal "$(json 'd["items"][0]["subsystem"], d["items"][0]["fate"], d["items"][0]["namespaces"]')" \
        "('nqn.test', 'left', [1])"
    run --separate-stderr "${as[@]}" mc-target status
    assert_equal "$status" 69
    # shellcheck disable=SC2154 # Set by run.
    assert_equal "${stderr_lines[1]}" "hint: the kernel still serves what a killed mc-target has left: \
subsystem nqn.test, 1 port, 1 namespace; mc-target gc --yes takes it down"
    run --separate-stderr "${as[@]}" mc-target gc --yes
    [[ $status == 77 || $status == 78 ]]
    [[ $stderr == *"finding "[13]": "* ]]
    [[ -e $records/x.record ]]
    run "${as[@]}" mc-target gc --yes --dry-run
    assert_equal "$status" 64
}
