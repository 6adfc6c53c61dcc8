#!/usr/bin/env bash
# shellcheck source=tests/vm/cases/target.bash
source "$(dirname "${BASH_SOURCE[0]}")/target.bash"

# writeKeys HOSTNQN KEY [CONTROLLERKEY]: into host_keys, which others can't read.
writeKeys() {
    (umask 077 && echo "$*" >host_keys)
}
