#!/usr/bin/env bats
# Which congestion control connections have, on a local road and between two machines: network namespaces of the test's
# own, since no address of this machine counts as another one's.
# shellcheck disable=SC2154 # Variables that bats, its run and the helper set.

load helper

# Two machines with a cable between them, whose default is reno.
network_setup() {
    here=mc-here-$$ there=mc-there-$$
    command -v ss >/dev/null || skip "needs iproute2"
    ip netns add "$here" 2>/dev/null || skip "needs the right to make network namespaces"
    ip netns add "$there"
    ip -n "$here" link add cable type veth peer name cable netns "$there" || skip "this kernel has no veth"
    local name number=1
    for name in "$here" "$there"; do
        ip -n "$name" address add "10.0.0.$((number++))/24" dev cable
        ip -n "$name" link set cable up
        ip -n "$name" link set lo up
        ip netns exec "$name" sysctl -qw net.ipv4.tcp_congestion_control=reno
    done
}

teardown() {
    end_started
    ip netns delete "$here" 2>/dev/null || true
    ip netns delete "$there" 2>/dev/null || true
}

# target ARGUMENT...: on the first machine.
target() {
    start target ip netns exec "$here" mc-bench --mode=target --local_server_name=10.0.0.1 "$@"
    wait_for target.out ready
    segment=$(sed -nE 's/.*segment ([0-9.:]+),.*/\1/p' "$BATS_TEST_TMPDIR/target.out")
    port=$(sed -nE 's/.*data port ([0-9]+).*/\1/p' "$BATS_TEST_TMPDIR/target.out")
}

# algorithms MACHINE FILTER: of its connections that match.
algorithms() {
    ip netns exec "$1" ss -tinH state established "$2" | grep -oE '^\s+(reno|cubic|bbr)' | sort -u | xargs
}

# load_has ALGORITHM MACHINE ADDRESS ARGUMENT...: what the connections from there come to have, at the target and at the load.
load_has() {
    local expected=$1 machine=$2 address=$3 i accepted connected
    shift 3
    start load ip netns exec "$machine" mc-bench --local_server_name="$address" --segment_id="$segment" \
        --batch_size=4 --threads=1 --duration=1m "$@"
    for ((i = 0; i < 600; i++)); do
        accepted=$(algorithms "$here" "sport = :$port and dst $address")
        connected=$(algorithms "$machine" "dport = :$port and src $address")
        [[ "$accepted $connected" != "$expected $expected" ]] || return 0
        sleep 0.05
    done
    echo "$accepted at the target, $connected at the load; expected $expected"
    return 1
}

@test "auto is cubic on a local road and the system's between machines; a name counts everywhere" {
    network_setup
    truncate -s 1M "$BATS_TEST_TMPDIR/file"
    local protocol
    for protocol in "--files=$BATS_TEST_TMPDIR/file" --protocol=tcp; do
        target "$protocol"
        load_has reno "$there" 10.0.0.2
        load_has cubic "$here" 10.0.0.1
        end_started
        target "$protocol" --congestion-control=cubic
        load_has cubic "$there" 10.0.0.2 --congestion-control=cubic
        end_started
        target "$protocol" --congestion-control=system
        load_has reno "$here" 10.0.0.1 --congestion-control=system
        end_started
    done
}
