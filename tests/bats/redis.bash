# Redis for the tests of this directory. Loaded after helper.bash.
# shellcheck disable=SC2034,SC2154 # Variables that the helper sets, and the tests use.

# start_redis ARGUMENT...: its pid is in $server, its port in $port, its URI for mc-meta and in $url.
start_redis() {
    port=${port:-$(free_port)}
    mkdir -p "$BATS_TEST_TMPDIR/redis"
    start redis redis-server --bind 127.0.0.1 --port "$port" --dir "$BATS_TEST_TMPDIR/redis" --save "" "$@"
    server=$pid
    url=redis://127.0.0.1:$port
    export MC_METADATA_SERVER=$url
    wait_for redis.out "eady to accept connections"
}

cli() {
    redis-cli -p "$port" "$@"
}
