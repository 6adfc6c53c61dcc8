# shellcheck shell=bash
# How tests/run runs its stages: each is timed and counted, what it printed is in build/logs/STAGE.log.

logs=$PWD/build/logs
mkdir -p "$logs"

passed=0
failed=0
unsteady=()

# tally LOG STATUS: adds what a suite counted itself; a stage without a count of its own is one test.
tally() {
    local log=$1 status=$2 good=0 bad=0 all skipped=
    if grep -qE 'tests passed, [0-9]+ tests? failed out of' "$log"; then
        read -r bad all < <(sed -nE 's/.*tests passed, ([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/p' "$log" | tail -1)
        good=$((all - bad))
    elif grep -qE '^[0-9]+ passed, [0-9]+ failed' "$log"; then
        read -r good bad skipped < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed(.*)/\1 \2 \3/p' "$log" | tail -1)
    elif grep -qE '^1\.\.[0-9]+$' "$log"; then
        good=$(grep -E '^ok ' "$log" | grep -cvE '# skip' || true)
        bad=$(grep -cE '^not ok ' "$log" || true)
    elif [[ $status -eq 0 ]]; then
        good=1
    fi
    [[ $status -eq 0 || $bad -gt 0 ]] || bad=1
    passed=$((passed + good))
    failed=$((failed + bad))
    tallied="$good passed, $bad failed$skipped"
}

# perform NAME COMMAND...: what it printed, its status and its seconds go to files.
perform() {
    local name=$1 start=$SECONDS status=0
    shift
    [[ ! -t 1 ]] || printf '%-18s ...\r' "$name"
    "$@" >"$logs/$name.log" 2>&1 || status=$?
    echo "$status $((SECONDS - start))" >"$logs/$name.result"
}

# failures LOG: the tests that failed, each with what belongs to it: of TAP its comments, of interop what is indented, of
# ctest all up to the next test.
failures() {
    awk '/^ *[0-9]+\/[0-9]+ +Test +#/ || /^ +Start +[0-9]+: / { more = "" }
        /^ *[0-9]+\/[0-9]+ +Test +#.*\*\*\*[^S]/ { more = "^" }
        /^not ok / { more = "^(not ok |#)" }
        /^FAILED / { more = "^(FAILED |        )" }
        more != "" && $0 ~ more { print; next }
        { more = "" }' "$1" | head -n 400
}

# failedNames LOG: a name a line, as TAP, interop and ctest tell them.
failedNames() {
    sed -nE -e 's/^not ok ([0-9]+ )?(.*)/\2/p' -e 's/^FAILED +([^ ]+).*/\1/p' \
        -e 's/^[[:space:]]*[0-9]+ - ([^ ]+) \((Failed|Timeout)\)$/\1/p' "$1" | sed -E 's/ # [0-9]+ s, status.*//' | sort -u
}

# passAgain NAME STATUS FAILED COMMAND...: whether the tests of NAME that failed, a few at most, all pass when COMMAND runs them
# once more with less beside them. They are named at the end of the run. A crash, and what a sanitizer found, stands.
passAgain() {
    local name=$1 status=$2 bad=$3 log=$logs/$1.log again=$1-again before=$passed names seconds tallied
    shift 3
    [[ $status -ne 124 && $status -ne 137 ]] || return 1
    ! grep -qE 'Sanitizer|runtime error:|SEGFAULT|Subprocess|SIGSEGV|SIGABRT|core dumped' "$log" || return 1
    mapfile -t names < <(failedNames "$log")
    [[ ${#names[@]} -gt 0 && ${#names[@]} -le 5 ]] || return 1
    perform "$again" "$@" "${names[@]}"
    read -r status seconds <"$logs/$again.result"
    tally "$logs/$again.log" "$status"
    printf '%-18s %5d s   %s\n' "$again" "$seconds" "$tallied"
    [[ $status -eq 0 && $((passed - before)) -ge ${#names[@]} ]] || return 1
    failed=$((failed - bad))
    unsteady+=("${names[@]/#/$name: }")
}

# report NAME [COMMAND...]: false if it failed, with its failures and the end of what it printed. COMMAND runs those again
# whose names are its further arguments.
report() {
    local name=$1 log=$logs/$1.log before=$failed status seconds tallied
    shift
    read -r status seconds <"$logs/$name.result"
    tally "$log" "$status"
    printf '%-18s %5d s   %s\n' "$name" "$seconds" "$tallied"
    [[ $status -ne 0 ]] || return 0
    echo "---- $log"
    failures "$log"
    echo "---- its end"
    tail -n 120 "$log"
    echo "---- $name failed with status $status"
    [[ $# -gt 0 ]] && passAgain "$name" "$status" $((failed - before)) "$@"
}

# stage NAME COMMAND...: false if it failed.
stage() {
    perform "$@"
    report "$1"
}
