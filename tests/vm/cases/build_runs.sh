#!/usr/bin/env bash
# The build's programs run on a stock kernel: every one starts, and bytes move.
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"

for each in /opt/mc/bin/mc-*; do
    "$each" --version
done
step "loopback"
mc-bench --mode=loopback --buffer_size=4MiB --block_size=4KiB,64KiB --batch_size=4 --threads=2 --duration=200ms --warmup=20ms \
    --operation=mixed --verify --json --quiet >record.json
jq -Me .schema_version record.json
