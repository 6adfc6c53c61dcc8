#!/usr/bin/env bash
# Must pass, also after another case has ruined its guest; and sees nothing of it.
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
[[ -z $(ls -A) && -z $(ls -A /sys/class/nvme) && ! -e /tmp/left_by_another ]]
[[ ! -d $kNvmet/subsystems || -z $(ls -A "$kNvmet/subsystems") ]]
refute pgrep -f 'sleep 12345'
