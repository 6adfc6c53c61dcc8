#!/usr/bin/env bash
# Must fail with 99: the guest stands still, and is ended from outside.
# timeout: 20
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
onHost stopGuest
sleep 1000
