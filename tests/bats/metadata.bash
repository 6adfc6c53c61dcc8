# Metadata servers for the tests of this directory. Loaded after helper.bash.
# shellcheck disable=SC2034,SC2154 # Variables that the helper sets, and the tests use.

# The URL that the ready line of a server names, in $url and for mc-meta.
use_url_of() {
    wait_for "$1" '"urls\?"'
    url=$(python3 -c 'import json, sys
ready = json.loads(open(sys.argv[1]).readline())
print(ready.get("url") or ready["urls"][0])' "$BATS_TEST_TMPDIR/$1")
    export MC_METADATA_SERVER=$url
}

# A server of Mooncake's kind; its pid is in $server. Arguments are those of tests/interop/peer/metadata_server.py.
start_stock_metadata() {
    start metadata env PYTHONPATH="$root/tests/interop" python3 -m peer.metadata_server "$@"
    server=$pid
    use_url_of metadata.out
}

# mc-meta serve; its pid is in $server.
start_metadata() {
    start metadata mc-meta serve --json --listen=127.0.0.1:0 "$@"
    server=$pid
    use_url_of metadata.out
}
