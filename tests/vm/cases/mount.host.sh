#!/usr/bin/env bash
# shellcheck source=tests/vm/cases/target.bash
source "$(dirname "${BASH_SOURCE[0]}")/target.bash"
