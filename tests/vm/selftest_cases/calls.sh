#!/usr/bin/env bash
# Must pass: what functions of the other half print and return arrives; what they started is there between them.
# shellcheck source=tests/vm/guest/library.sh
source "${VM:?}/library.sh"
[[ $(onHost say two words) == "two words" ]]
status=0
onHost refuse || status=$?
[[ $status -eq 5 ]]
refute onHost failInTheMiddle
refute onHost noSuchFunction
onHost listen
onHost echoRuns
[[ $(nc "$HOST" "$HOST_PORT" <<<hello) == hello ]]
echo hello | nc -l -p 4420 >/dev/null &
within 10 onHost greeted
onHost stop
refute onHost echoRuns
