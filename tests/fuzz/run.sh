#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fuzzes every target, two at a time, and prints TAP. ./runtests --fuzz SECONDS does all of it.
#
#     tests/fuzz/run.sh OBJ OUT SECONDS
#
# OBJ is a build with --enable-fuzzers after "make fuzzers". Inputs start from those that are kept;
# new ones go to OUT/found/<target>, what a target does not stand goes to OUT/crashes, and what
# libFuzzer says to OUT/logs. Each target gets the same share; the whole takes about SECONDS.
set -u
[ $# -eq 3 ] || { sed -n '3,9s/^# \?//p' "$0" >&2; exit 64; }
FUZZ_OBJ=$1 FUZZ_OUT=$2 FUZZ_CORPUS=$(cd "$(dirname "$0")" && pwd -P)/corpus
JOBS=2
mkdir -p "$FUZZ_OUT/found" "$FUZZ_OUT/crashes" "$FUZZ_OUT/logs"
mapfile -t TARGETS < <(cd "$FUZZ_CORPUS" && printf '%s\n' * | sort)
SHARE=$(($3 * JOBS / ${#TARGETS[@]}))
[ "$SHARE" -ge 1 ] || SHARE=1

# fuzz_one TARGET: one line of TAP, and the reproducer's path where there is one.
fuzz_one() {
    local target=$1 log=$FUZZ_OUT/logs/$1.log n
    mkdir -p "$FUZZ_OUT/found/$target"
    if nice "$FUZZ_OBJ/tests/fuzz/fuzz_$target" -max_total_time="$FUZZ_SHARE" -timeout=25 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$FUZZ_OUT/crashes/$target-" \
        "$FUZZ_OUT/found/$target" "$FUZZ_CORPUS/$target" >"$log" 2>&1; then
        n=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        printf 'ok - fuzz_%s\n# %s inputs\n' "$target" "$n"
    else
        n=$(sed -n 's/^.*Test unit written to //p' "$log")
        printf 'not ok - fuzz_%s: %s\n# %s\n' "$target" "${n:-see $log}" \
            "$(grep -E 'does not hold|SUMMARY|error:' "$log" | head -n 1)"
    fi
}
export -f fuzz_one
export FUZZ_OBJ FUZZ_OUT FUZZ_CORPUS FUZZ_SHARE=$SHARE

printf '1..%s\n' "${#TARGETS[@]}"
printf '%s\n' "${TARGETS[@]}" | xargs -P "$JOBS" -I{} bash -c 'fuzz_one {}' | {
    n=0 failed=0
    while IFS= read -r line; do
        case $line in
            "ok - "*) line="ok $((++n)) - ${line#ok - }" ;;
            "not ok - "*) line="not ok $((++n)) - ${line#not ok - }" failed=1 ;;
        esac
        printf '%s\n' "$line"
    done
    exit "$failed"
}
