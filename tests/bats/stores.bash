# Every kind of metadata store at once. Loaded after helper.bash.
# shellcheck disable=SC2034,SC2154 # Variables that the helper sets, and the tests use.

load metadata
load redis
load etcd

# One server of each kind; their URLs are in $stores.
start_stores() {
    stores=()
    start_metadata
    stores+=("$url")
    local port=
    start_redis
    stores+=("$MC_METADATA_SERVER")
    port=
    start_etcd
    stores+=("$MC_METADATA_SERVER")
    unset MC_METADATA_SERVER
}

# An empty one of its own for tests that need a second.
start_other_store() {
    start other mc-meta serve --json --listen=127.0.0.1:0
    wait_for other.out '"urls"'
    other=$(python3 -c 'import json, sys; print(json.loads(open(sys.argv[1]).readline())["urls"][0])' \
        "$BATS_TEST_TMPDIR/other.out")
}
