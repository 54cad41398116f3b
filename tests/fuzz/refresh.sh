#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Brings tests/fuzz/corpus up to date: the seeds, and of the inputs that are kept and those that
# were found the smallest ones that reach what the seeds do not.
#
#     tests/fuzz/refresh.sh OBJ [FOUND]
#
# OBJ is a build with --enable-fuzzers after "make fuzzers"; FOUND holds a directory of inputs for
# each target. Inputs of more than 2 KiB, or with what could be a card number, are left out. A file
# whose name is neither a seed's nor a hash was put there by hand, for a bug, and stays.
set -eu
[ $# -ge 1 ] || { sed -n '3,10s/^# \?//p' "$0" >&2; exit 64; }
OBJ=$(cd "$1" && pwd -P) FOUND=${2-} CORPUS=$(cd "$(dirname "$0")" && pwd -P)/corpus
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
HASH='.*/[0-9a-f]{40}'
"$OBJ/tests/fuzz/make_seeds" "$WORK/seeds"

# merge COUNTERS: what is to be kept of $target.
merge() {
    rm -rf "$WORK/merged"
    cp -r "$WORK/seeds/$target" "$WORK/merged"
    find "$CORPUS/$target" -regextype posix-extended -type f ! -name 'seed-*' ! -regex "$HASH" \
        -exec cp -t "$WORK/merged" {} +
    "$OBJ/tests/fuzz/fuzz_$target" -merge=1 -use_counters="$1" "$WORK/merged" "$WORK/found" \
        >"$WORK/log" 2>&1 || { tail -n 20 "$WORK/log" >&2; exit 1; }
}

for target in $(cd "$WORK/seeds" && printf '%s\n' *); do
    rm -rf "$WORK/found"
    mkdir -p "$WORK/found" "$CORPUS/$target"
    find "$CORPUS/$target" -regextype posix-extended -type f -regex "$HASH" \
        -exec cp -t "$WORK/found" {} +
    if [ -n "$FOUND" ] && [ -d "$FOUND/$target" ]; then
        find "$FOUND/$target" -type f -size -2049c -exec cp -t "$WORK/found" {} +
    fi
    find "$WORK/found" -type f -exec python3 "${0%/*}/cards.py" {} + | xargs -r rm
    merge 1
    # Too many: an input that only takes a loop more often is not kept for its own sake then.
    [ "$(find "$WORK/merged" -type f | wc -l)" -le 250 ] || merge 0
    rm -rf "${CORPUS:?}/$target"
    cp -r "$WORK/merged" "$CORPUS/$target"
    printf '%s: %s inputs, %s bytes\n' "$target" "$(find "$CORPUS/$target" -type f | wc -l)" \
        "$(cat "$CORPUS/$target"/* | wc -c)"
done
