# shellcheck shell=bash
# What the scripts of this directory share. They start with `here` set to this directory.

# shellcheck disable=SC2034 # For the scripts that source this file.
root=$(cd "${here:?}/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mc-vm
program=tests/vm/$(basename "$0")

# Exit codes of the scripts, as the tools have them.
readonly kUsage=64 kNoInput=66 kUnavailable=69

note() {
    echo "$program: $*" >&2
}

# die STATUS TEXT...
die() {
    local status=$1
    shift
    note "$*"
    exit "$status"
}

# needCommands COMMAND...: ends the script if one is missing.
needCommands() {
    local each missing=()
    for each; do
        command -v "$each" >/dev/null || missing+=("$each")
    done
    [[ ${#missing[@]} -eq 0 ]] || die "$kUnavailable" "not installed: ${missing[*]} (tools/setup --vm installs them)"
}

# Only one of several scripts at once fills the cache.
lockCache() {
    mkdir -p "$cache"
    exec {cacheLock}>"$cache/lock"
    flock "$cacheLock"
}

unlockCache() {
    exec {cacheLock}>&-
}

# canonical FILE: its path without symbolic links among the directories.
canonical() {
    echo "$(realpath "$(dirname "$1")")/$(basename "$1")"
}

# librariesOf PROGRAM...: what they load, as ldd has it.
librariesOf() {
    ldd "$@" | sed -nE 's/^\t(.* => )?(\/[^ ]+) \(0x[0-9a-f]+\)$/\2/p' | sort -u
}

# copyInto TREE FILE...: by canonical paths.
copyInto() {
    local tree=$1 each
    shift
    for each; do
        mkdir -p "$tree$(dirname "$each")"
        cp -L "$each" "$tree$each"
    done
}
