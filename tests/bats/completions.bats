#!/usr/bin/env bats
# The completions of every tool, in the shells that they are for.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper

need() {
    command -v "$1" >/dev/null || skip "$1 is not installed; tools/setup --full installs it"
}

# fish_completes LINE: what fish offers at its end.
fish_completes() {
    HOME=$BATS_TEST_TMPDIR fish --no-config -c "source $root/completions/mc-bench.fish; complete -C '$1'"
}

# zsh_completes LINE: what zsh offers at its end, one a line.
zsh_completes() {
    zsh -f "$root/tests/bats/zsh_completes" "$root/completions" "$BATS_TEST_TMPDIR" "$1"
}

@test "fish and zsh can read the completions of every tool" {
    need fish
    need zsh
    for file in "$root"/completions/*.fish; do
        run fish --no-execute "$file"
        assert_success
        assert_output ""
    done
    for file in "$root"/completions/_*; do
        run zsh -n "$file"
        assert_success
        assert_output ""
    done
}

@test "fish completes options, with what they are for" {
    need fish
    run fish_completes "mc-bench --op"
    assert_success
    assert_line --regexp '^--operation=?'$'\t''what the initiator does$'
    run fish_completes "mc-bench --no-metadata-c"
    assert_output --partial "--no-metadata-cache"
    run fish_completes "mc-bench --nothing-like-it"
    assert_output ""
}

@test "fish completes the words and the files that an option takes" {
    need fish
    run fish_completes "mc-bench --operation "
    assert_success
    for word in read write mixed; do
        assert_line "$word"$'\t''what the initiator does'
    done
    run fish_completes "mc-bench --mode=lo"
    assert_line --partial "loopback"
    : >"$BATS_TEST_TMPDIR/some.toml"
    run fish_completes "mc-bench --config $BATS_TEST_TMPDIR/so"
    assert_output --partial "some.toml"
}

@test "zsh completes options" {
    need zsh
    run zsh_completes "mc-bench --op"
    assert_success
    assert_line --partial "--operation"
    run zsh_completes "mc-bench --no-metadata-c"
    assert_line --partial "--no-metadata-cache"
    run zsh_completes "mc-bench --nothing-like-it"
    assert_output ""
}

@test "zsh completes the words and the files that an option takes" {
    need zsh
    run zsh_completes "mc-bench --operation="
    assert_success
    for word in read write mixed; do
        assert_line --partial "$word"
    done
    run zsh_completes "mc-bench --mode=lo"
    assert_line --partial "loopback"
    : >"$BATS_TEST_TMPDIR/some.toml"
    run zsh_completes "mc-bench --config=$BATS_TEST_TMPDIR/so"
    assert_output --partial "some.toml"
}

@test "zsh offers an option once that counts once" {
    need zsh
    run zsh_completes "mc-bench --threads=4 --thr"
    assert_output ""
}
