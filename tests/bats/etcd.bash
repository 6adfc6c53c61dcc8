# etcd for the tests of this directory. Loaded after helper.bash.
# shellcheck disable=SC2034,SC2154 # Variables that the helper sets, and the tests use.

# start_etcd [ARGUMENT...]: on free ports, with a directory of its own; its pid is in $server, its endpoint in $endpoint,
# which mc-meta takes. Once chosen, the ports stay: a second call is the same server that comes back.
start_etcd() {
    port=${port:-$(free_port)}
    peer_port=${peer_port:-$(free_port)}
    endpoint=127.0.0.1:$port
    export MC_METADATA_SERVER=etcd://$endpoint
    export ETCDCTL_API=3 ETCDCTL_ENDPOINTS=${scheme:=http}://$endpoint
    local peer=http://127.0.0.1:$peer_port
    start etcd etcd --data-dir="$BATS_TEST_TMPDIR/etcd" --unsafe-no-fsync \
        --listen-client-urls="$scheme://$endpoint" --advertise-client-urls="$scheme://$endpoint" \
        --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="default=$peer" "$@"
    server=$pid
    local i
    for ((i = 0; i < 300; i++)); do
        etcdctl endpoint health >/dev/null 2>&1 && return 0
        sleep 0.05
    done
    echo "etcd does not start:" && cat "$BATS_TEST_TMPDIR/etcd.err"
    return 1
}

# A server with TLS, of certificates in $certificates; etcdctl gets along with it. Arguments are etcd's.
start_etcd_with_tls() {
    certificates=$BATS_TEST_TMPDIR/certificates
    "$root/tests/make_certificates" "$certificates"
    export ETCDCTL_CACERT=$certificates/ca.pem ETCDCTL_CERT=$certificates/client.pem
    export ETCDCTL_KEY=$certificates/client.key
    scheme=https
    start_etcd --cert-file="$certificates/server.pem" --key-file="$certificates/server.key" "$@"
}
