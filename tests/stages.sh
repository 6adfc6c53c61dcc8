# shellcheck shell=bash
# How tests/run runs its stages: each is timed and counted, what it printed is in build/logs/STAGE.log.

logs=$PWD/build/logs
mkdir -p "$logs"

passed=0
failed=0

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

# report NAME: false if it failed, with its failures and the end of what it printed.
report() {
    local name=$1 log=$logs/$1.log status seconds tallied
    read -r status seconds <"$logs/$name.result"
    tally "$log" "$status"
    printf '%-18s %5d s   %s\n' "$name" "$seconds" "$tallied"
    [[ $status -ne 0 ]] || return 0
    echo "---- $log"
    failures "$log"
    echo "---- its end"
    tail -n 120 "$log"
    echo "---- $name failed with status $status"
    return 1
}

# stage NAME COMMAND...: false if it failed.
stage() {
    perform "$@"
    report "$1"
}
