#!/usr/bin/env bash
# shellcheck source=tests/vm/cases/target.bash
source "$(dirname "${BASH_SOURCE[0]}")/target.bash"

# writeKey NAME KEY: into a file that others can't read.
writeKey() {
    (umask 077 && echo "$2" >"$1")
}
