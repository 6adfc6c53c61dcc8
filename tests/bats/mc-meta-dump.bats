#!/usr/bin/env bats
# Keys and values in files and between servers: mc-meta dump, restore, copy, the same on every kind of store.
# shellcheck disable=SC2030,SC2031,SC2154 # Variables that bats, its run and the helper set.

load helper
load stores

odd_keys=('mooncake/ram/a b:*?[x]' 'mooncake/ram/"quoted\back"' 'mooncake/ram/größe' $'mooncake/ram/tab\tnewline\n' 'mooncake/ram/%41&key=b#c+d')

# Puts what is hard to keep: odd keys, a line feed at the end, nothing, much.
put_odd_values() {
    local key
    for key in "${odd_keys[@]}"; do
        mc-meta put --quiet "$key" $'{"name":"\\u00e9 \u00e9"}\n' --metadata_server="$1"
    done
    mc-meta put --quiet mooncake/empty --metadata_server="$1" </dev/null
    python3 -c 'print("\"{}\\\n" * 50000, end="")' >"$BATS_TEST_TMPDIR/long"
    mc-meta put --quiet mooncake/long "@$BATS_TEST_TMPDIR/long" --metadata_server="$1"
    mc-meta put --quiet other/key "of somebody else" --metadata_server="$1"
}

@test "dump, restore and dump again are the same on every store" {
    start_stores
    start_other_store
    put_odd_values "${stores[0]}"
    mc-meta dump --quiet --metadata_server="${stores[0]}" >"$BATS_TEST_TMPDIR/first"
    assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/first")" 9
    run grep -c "of somebody else" "$BATS_TEST_TMPDIR/first"
    assert_output 0
    for store in "$other" "${stores[1]}" "${stores[2]}"; do
        run mc-meta restore "$BATS_TEST_TMPDIR/first" --metadata_server="$store" --yes
        assert_success
        assert_line "done: create 7, replace 0, keep 0; 0 are as in the dump"
        mc-meta dump --quiet --metadata_server="$store" --output="$BATS_TEST_TMPDIR/again"
        cmp "$BATS_TEST_TMPDIR/first" "$BATS_TEST_TMPDIR/again"
        for key in "${odd_keys[@]}"; do
            mc-meta get "$key" --metadata_server="$store" | cmp - <(printf '{"name":"\\u00e9 \u00e9"}\n')
        done
        run --separate-stderr mc-meta restore "$BATS_TEST_TMPDIR/first" --metadata_server="$store" --yes --json
        assert_success
        assert_equal "$(json 'd["applied"], d["create"], d["unchanged"], d["steps"]')" "(True, 0, 7, [])"
    done
}

@test "bytes that are no text, where the store takes them" {
    start_stores
    head -c 100000 /dev/urandom >"$BATS_TEST_TMPDIR/value"
    mc-meta put --quiet mooncake/bytes "@$BATS_TEST_TMPDIR/value" --metadata_server="${stores[1]}"
    mc-meta put --quiet mooncake/a text --metadata_server="${stores[1]}"
    run mc-meta copy "${stores[1]}" "${stores[2]}" --yes
    assert_success
    mc-meta get mooncake/bytes --metadata_server="${stores[2]}" | cmp - "$BATS_TEST_TMPDIR/value"
    # Our own server keeps text only: then nothing is written.
    run mc-meta copy "${stores[1]}" "${stores[0]}" --yes
    assert_failure
    assert_output --partial "mooncake/bytes"
    assert_output --partial "nothing was changed"
    assert_equal "$(mc-meta list --keys-only --metadata_server="${stores[0]}")" ""
}

@test "copy between any two stores" {
    start_stores
    start_other_store
    put_odd_values "$other"
    mc-meta dump --quiet --metadata_server="$other" >"$BATS_TEST_TMPDIR/expected"
    local from=$other
    for to in "${stores[@]}"; do
        run mc-meta copy "$from" "$to" --yes
        assert_success
        mc-meta dump --quiet --metadata_server="$to" | cmp - "$BATS_TEST_TMPDIR/expected"
        from=$to
    done
    run mc-meta copy "$from" "${stores[0]}"
    assert_success
    assert_line "planned: create 0, replace 0, keep 0; 7 are as in the dump; nothing is changed without --yes"
    mc-meta copy "$from" "${stores[0]}" --prefix= --yes --quiet
    run mc-meta copy "$other" "${stores[0]}" --prefix= --yes --quiet
    assert_equal "$(mc-meta get other/key --metadata_server="${stores[0]}")" "of somebody else"
}

@test "without --yes nothing changes, and the plan is told" {
    start_stores
    mc-meta put --quiet mooncake/a 1 --metadata_server="${stores[0]}"
    mc-meta put --quiet mooncake/b 2 --metadata_server="${stores[0]}"
    for store in "${stores[1]}" "${stores[2]}"; do
        mc-meta put --quiet mooncake/b other --metadata_server="$store"
        run --separate-stderr mc-meta copy "${stores[0]}" "$store" --if-exists=replace
        assert_success
        assert_output $'create mooncake/a\nreplace mooncake/b'
        assert_equal "$(mc-meta list --keys-only --metadata_server="$store")" mooncake/b
    done
}

@test "a key that is there with another value: all or nothing, or as it is said" {
    start_stores
    start_other_store
    mc-meta put --quiet mooncake/a 1 --metadata_server="$other"
    mc-meta put --quiet mooncake/b 2 --metadata_server="$other"
    mc-meta dump --quiet --metadata_server="$other" --output="$BATS_TEST_TMPDIR/dump"
    for store in "${stores[@]}"; do
        mc-meta put --quiet mooncake/b other --metadata_server="$store"
        run mc-meta restore "$BATS_TEST_TMPDIR/dump" --metadata_server="$store" --yes
        assert_equal "$status" 73
        assert_line "conflict mooncake/b"
        assert_output --partial "keys that are there with other values: 1; nothing was changed"
        run --separate-stderr mc-meta restore "$BATS_TEST_TMPDIR/dump" --metadata_server="$store" --yes --json
        assert_equal "$status" 73
        assert_equal "$(json 'd["applied"], d["conflict"]')" "(False, 1)"
        assert_equal "$(mc-meta list --keys-only --metadata_server="$store")" mooncake/b
        run --separate-stderr mc-meta restore "$BATS_TEST_TMPDIR/dump" --metadata_server="$store" --yes --if-exists=keep
        assert_success
        assert_output $'create mooncake/a\nkeep mooncake/b'
        assert_equal "$(mc-meta get mooncake/b --metadata_server="$store")" other
        run mc-meta restore "$BATS_TEST_TMPDIR/dump" --metadata_server="$store" --yes --if-exists=replace
        assert_success
        assert_equal "$(mc-meta get mooncake/b --metadata_server="$store")" 2
    done
}

@test "a dump that is not whole, or none, is refused by line, from a file and from standard input" {
    start_metadata
    local dump=$BATS_TEST_TMPDIR/dump
    mc-meta put --quiet mooncake/a 1
    mc-meta put --quiet mooncake/b 2
    mc-meta dump --quiet --output="$dump"
    mc-meta remove --quiet mooncake/a
    mc-meta remove --quiet mooncake/b

    head -n 3 "$dump" >"$BATS_TEST_TMPDIR/cut"
    run mc-meta restore "$BATS_TEST_TMPDIR/cut" --yes
    assert_equal "$status" 65
    assert_output --partial "cut:4: the dump is cut off"
    run mc-meta restore - --yes < <(head -c -1 "$dump")
    assert_equal "$status" 65
    assert_output --partial "standard input:4: the dump is cut off"
    run mc-meta restore /dev/null --yes
    assert_equal "$status" 65
    (head -n 1 "$dump" && sed -n 3p "$dump" && sed -n 2p "$dump" && tail -n 1 "$dump") >"$BATS_TEST_TMPDIR/turned"
    run mc-meta restore "$BATS_TEST_TMPDIR/turned" --yes
    assert_equal "$status" 65
    assert_output --partial "turned:3: mooncake/a: out of order, or there twice"
    run mc-meta restore "$root/README.md" --yes
    assert_equal "$status" 65
    assert_output --partial "README.md:1: this is no dump"
    run mc-meta restore "$BATS_TEST_TMPDIR/missing" --yes
    assert_equal "$status" 66
    assert_equal "$(mc-meta list --keys-only)" ""

    mc-meta restore <(cat "$dump") --yes --quiet
    assert_equal "$(mc-meta list --keys-only)" $'mooncake/a\nmooncake/b'
}

@test "a file that a dump can't fill stays as it was" {
    start_metadata
    mc-meta put --quiet mooncake/a 1
    echo old >"$BATS_TEST_TMPDIR/file"
    kill -STOP "$server"
    run mc-meta dump --output="$BATS_TEST_TMPDIR/file" --metadata_timeout=200ms
    assert_equal "$status" 75
    kill -CONT "$server"
    assert_equal "$(cat "$BATS_TEST_TMPDIR/file")" old
    assert_equal "$(find "$BATS_TEST_TMPDIR" -name 'file*' | wc -l)" 1
    run mc-meta dump --output="$BATS_TEST_TMPDIR/no/such/file"
    assert_equal "$status" 73
    [[ ! -e /dev/full ]] || run bash -c "mc-meta dump >/dev/full"
    assert_equal "$status" 74
}

@test "a server that lacks what it takes: an error, and a warning" {
    start_metadata
    mc-meta put --quiet mooncake/a 1
    mc-meta dump --quiet --output="$BATS_TEST_TMPDIR/dump"
    start_stock_metadata --profile go
    run mc-meta dump
    assert_equal "$status" 69
    run mc-meta restore "$BATS_TEST_TMPDIR/dump" --yes
    assert_success
    assert_output --partial "warning: this server knows no conditions"
    assert_equal "$(mc-meta get mooncake/a)" 1
}
