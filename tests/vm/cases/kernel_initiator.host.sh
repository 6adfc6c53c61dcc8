#!/usr/bin/env bash
# shellcheck source=tests/vm/cases/target.bash
source "$(dirname "${BASH_SOURCE[0]}")/target.bash"

# addFile NAME MIB: to the target that runs.
addFile() {
    truncate -s "$2M" "$1"
    mc-register add --file "$1" --control-socket control.sock
}
