#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How Jeton does when the table grows; with an older build beside it, in turn. Called by bench/run
# --growth only, as the user that owns the state directory, never as root:
#
#   growth.sh STATE CARDS SECONDS WINDOWS DRAIN_CARDS SHARED_BUFFERS [1]
#
# STATE/bin and STATE/scripts are this tree's, STATE/old/bin and STATE/old/scripts the older one's
# (with the last argument). Each side has its own PostgreSQL, keeper and front, with the same
# settings, made by its own scripts/instance.sh; one load generator drives both through REST, with
# the same cards.
#
# Never both at once: chunks of the load, windows and retirements of the two sides follow each
# other. At a mark the load stops short of it, and the windows, each of the same number of cards,
# lie around it. Each begins with a CHECKPOINT, after which a page is written to the WAL as a whole
# when it is first touched: that is the dearest part of a checkpoint's round, for both sides. What
# the load had on its way, with the checkpoints that came by themselves, is told too. Everything
# measured is a line of STATE/out/results.tsv: what, side, cards in the table, value.
set -u -o pipefail
export LC_ALL=C
STATE=$1 CARDS=$2 SECONDS_EACH=$3 WINDOWS=$4 DRAIN=$5 BUFFERS=$6
SIDES=(new)
[ -z "${7-}" ] || SIDES+=(old)
TSV=$STATE/out/results.tsv
SEED=0

# Marks lie far enough apart for their windows.
if [ "$CARDS" -lt 3000000 ]; then
    MARKS=($((CARDS / 10)) "$CARDS")
elif [ "$CARDS" -lt 20000000 ]; then
    MARKS=(1000000 "$CARDS")
else
    MARKS=(1000000 10000000 "$CARDS")
fi
# All windows together are three quarters of the first mark.
WINDOW=$((MARKS[0] * 3 / 4 / WINDOWS))
CHUNK=$((CARDS / 40 > 500000 ? 500000 : CARDS / 40))
# 200,000 tokens from all over the table are those that are read.
KEEP_EVERY=$(((CARDS + 199999) / 200000))
# Some seconds' worth.
SINGLES=$((SECONDS_EACH * 10000 < WINDOW ? SECONDS_EACH * 10000 : WINDOW))
BATCHES=(--connections 8 --batch 1000)

# on SIDE COMMAND...: with what the side's instance.sh needs, in a subshell.
on() {
    local side=$1
    shift
    (
        if [ "$side" = new ]; then
            . "$STATE/scripts/instance.sh"
        else
            . "$STATE/old/scripts/instance.sh"
        fi
        . "$STATE/bench/lib.sh"
        INSTANCE=$STATE/$side
        PG_BIN=$(dirname "$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
        export JETON_CONFIG=$INSTANCE/jeton.conf JETON_KEY_FILE=$INSTANCE/operator.key
        export JETON_URL
        JETON_URL=http://127.0.0.1:$(cat "$INSTANCE/front/port" 2>/dev/null)
        "$@"
    )
}

clean_up() {
    local status=$? side
    trap '' INT TERM HUP
    trap - EXIT
    for side in "${SIDES[@]}"; do
        [ ! -d "$STATE/$side/pg" ] || on "$side" instance_stop
    done
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

note() { # WHAT SIDE CARDS VALUE
    printf '%s\t%s\t%s\t%s\n' "$@" >>"$TSV"
}

median_of() { # WHAT SIDE [CARDS]
    awk -v what="$1" -v side="$2" -v cards="${3-}" '
        $1 == what && $2 == side && (cards == "" || $3 == cards) { print $4 }' "$TSV" | median
}

check_space() {
    local free_mb need_mb wal_mb=$((CARDS > 500000 ? 4096 : CARDS / 128))
    free_mb=$(df -Pk "$STATE" | awk 'NR == 2 { print int($4 / 1024) }')
    # Rows and indexes, once more while a retirement moves them, audit rows, and WAL up to twice
    # max_wal_size.
    need_mb=$((${#SIDES[@]} * (300 + CARDS / 1024 * 7 / 10 + wal_mb)))
    printf 'Needs about %d MB in %s; %d MB are free.\n' "$need_mb" "$(dirname "$STATE")" "$free_mb"
    [ "$free_mb" -ge "$need_mb" ] ||
        fail "Too little space: set TMPDIR to a larger file system, or give fewer --cards."
}

# Settings that shape the figures are the same whatever a side's instance.sh says.
side_start() {
    instance_init "$INSTANCE" >/dev/null
    # Nothing but the machine limits the retirement; every page is whole in the WAL once after a
    # checkpoint, as by default.
    grep -q '^\[retirement\]' "$JETON_CONFIG" ||
        printf '[retirement]\nrate = 0\n' >>"$JETON_CONFIG"
    local setting
    for setting in 'full_page_writes = on' "max_wal_size = '2GB'" "shared_buffers = '$BUFFERS'"; do
        instance_sql postgres "ALTER SYSTEM SET $setting" || exit 1
    done
    bench_settings || exit 1
    instance_start
    bench_vault
}

rest() { # MODE ARGUMENTS...: one line of bench_rest
    local mode=$1
    shift
    "$STATE/bin/bench_rest" --port "$(cat "$INSTANCE/front/port")" --key-file "$INSTANCE/app.key" \
        --mode "$mode" --seed "$SEED" "$@" ||
        instance_fail jetond.log "The load failed"
}

# load_some SIDE WHAT N AT ARGUMENTS...: N new cards; rate and WAL per card are noted as WHAT_rate
# and WHAT_wal.
load_some() {
    local side=$1 what=$2 n=$3 at=$4 line wal
    shift 4
    wal=$(bench_wal)
    line=$(rest load "${BATCHES[@]}" --items "$n" "$@") || exit 1
    note "${what}_wal" "$side" "$at" $((($(bench_wal) - wal) / n))
    note "${what}_rate" "$side" "$at" "$(figure items/s <<<"$line")"
}

# Both sides up to $1 cards, chunk by chunk.
load_to() {
    local target=$1 n side began=$SECONDS from=$LOADED
    while [ "$LOADED" -lt "$target" ]; do
        n=$((target - LOADED < CHUNK ? target - LOADED : CHUNK))
        SEED=$((SEED + 1)) LOADED=$((LOADED + n))
        for side in "${SIDES[@]}"; do
            on "$side" load_some "$side" load "$n" "$LOADED" --tokens "$STATE/$side/tokens" \
                --keep-every "$KEEP_EVERY" || exit 1
        done
        printf '  %9d of %d cards' "$LOADED" "$CARDS"
        for side in "${SIDES[@]}"; do
            printf ', %s %6.0f per second, WAL %4.0f B' "$side" \
                "$(median_of load_rate "$side" "$LOADED")" "$(median_of load_wal "$side" "$LOADED")"
        done
        printf '; %d s to %d\n' \
            $(((SECONDS - began) * (target - LOADED) / (LOADED - from))) "$target"
    done
}

# Nothing that runs late on either side shall disturb the other's window.
be_quiet() {
    local deadline=$((SECONDS + 900))
    until [ "$(instance_sql postgres "SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'autovacuum worker'")" -eq 0 ]; do
        [ "$SECONDS" -lt "$deadline" ] || break
        sleep 0.5
    done
    instance_sql postgres CHECKPOINT
}

all_quiet() {
    local side
    for side in "${SIDES[@]}"; do
        on "$side" be_quiet || exit 1
    done
}

rows_in_vault() {
    "$INSTANCE/bin/jeton" keys list --json | grep -oE '"rows": *[0-9]+' |
        awk -F: '{ n += $2 } END { print n }'
}

bytes_a_card() {
    quotient "$(instance_sql jeton "SELECT pg_total_relation_size('jeton.card')")" \
        "$(rows_in_vault)" 1
}

# Both kinds, one window of each. New cards come by number and not by time, so that both sides'
# tables stay equal.
single() { # SIDE MARK
    local line
    instance_sql postgres CHECKPOINT
    line=$(rest load --connections 64 --items "$SINGLES") || exit 1
    note single_tokenize "$1" "$2" "$(figure items/s <<<"$line")"
    line=$(rest detokenize --connections 64 --seconds "$SECONDS_EACH" \
        --tokens "$INSTANCE/tokens") || exit 1
    note single_detokenize "$1" "$2" "$(figure items/s <<<"$line")"
}

# That nothing was lost, and nothing met twice: of 30 million drawn cards five are, on the average.
check_rows() {
    local rows
    rows=$(rows_in_vault)
    [ "$rows" -le "$LOADED" ] && [ "$rows" -ge $((LOADED - 100)) ] ||
        fail "$side: $LOADED cards were loaded, the vault counts $rows"
}

measure_mark() {
    local mark=$1 round side
    load_to $((mark - WINDOW * WINDOWS / 2))
    printf 'Measuring at %d cards, sides in turn: %d windows of %d cards, then single cards.\n' \
        "$mark" "$WINDOWS" "$WINDOW"
    for ((round = 0; round < WINDOWS; round++)); do
        SEED=$((SEED + 1))
        for side in "${SIDES[@]}"; do
            all_quiet
            on "$side" load_some "$side" batch "$WINDOW" "$mark" || exit 1
        done
    done
    LOADED=$((LOADED + WINDOW * WINDOWS))
    for side in "${SIDES[@]}"; do
        note bytes "$side" "$mark" "$(on "$side" bytes_a_card)"
    done
    for ((round = 0; round < WINDOWS; round++)); do
        SEED=$((SEED + 1))
        for side in "${SIDES[@]}"; do
            all_quiet
            on "$side" single "$side" "$mark" || exit 1
        done
    done
    LOADED=$((LOADED + SINGLES * WINDOWS))
    for side in "${SIDES[@]}"; do
        on "$side" check_rows || exit 1
    done
}

retirement() { # NAME: a number of the retirement of generation 1
    curl -fsS --max-time 10 -H @"$INSTANCE/operator.header" \
        "$JETON_URL/v1/generations/1/retirement" |
        tr -d ' \n' | tr ',{}' '\n\n\n' | sed -n "s/^\"$1\"://p"
}

# Rolls, retires generation 1 and follows the drain; the certificate's making is not part of the
# figure.
drain() { # SIDE
    local side=$1 jeton=$INSTANCE/bin/jeton total n
    local wal began took moved=0 last=0 last_at told_at=$SECONDS
    bench_header "$INSTANCE/operator.key" >"$INSTANCE/operator.header"
    total=$(rows_in_vault)
    n=$((DRAIN > 0 && DRAIN < total ? DRAIN : total))
    { "$jeton" keys create && "$jeton" keys activate 2 --accept-single-holder "benchmark"; } \
        >/dev/null || exit 1
    be_quiet
    wal=$(bench_wal) began=${EPOCHREALTIME/./} last_at=$SECONDS
    "$jeton" keys retire 1 >/dev/null || exit 1
    while :; do
        moved=$(retirement rows_moved)
        took=$((${EPOCHREALTIME/./} - began))
        [ "${moved:-0}" -lt "$n" ] || break
        [ "${moved:-0}" -le "$last" ] || last=$moved last_at=$SECONDS
        [ $((SECONDS - last_at)) -lt 120 ] ||
            instance_fail jetond.log "The retirement stands still at $last cards"
        if [ $((SECONDS - told_at)) -ge 10 ]; then
            told_at=$SECONDS
            printf '  %s: %d of %d cards moved, %d per second\n' "$side" "$last" "$n" \
                $((last * 1000000 / took))
        fi
        sleep 0.1
    done
    wal=$(($(bench_wal) - wal))
    note drain_rate "$side" "$total" $((moved * 1000000 / took))
    note drain_wal "$side" "$total" $((wal / moved))
    printf '  %s: %d of %d cards moved in %d s, %d per second, %d bytes of WAL per card\n' "$side" \
        "$moved" "$total" $((took / 1000000)) $((moved * 1000000 / took)) $((wal / moved))
    # The other side shall have the machine for itself, and the space.
    instance_stop
    rm -rf "$INSTANCE/pg"
}

# The mean of a figure of the load over the second half of the way to a mark.
on_the_way() { # WHAT SIDE MARK
    awk -v what="$1" -v side="$2" -v mark="$3" '
        $1 == what && $2 == side && $3 > mark / 2 && $3 <= mark { sum += $4; n++ }
        END { print (n ? sum / n : 0) }' "$TSV"
}

figures() { # MARK SIDE
    printf '  %-6s' "$2"
    local what
    for what in batch_rate batch_wal bytes single_tokenize single_detokenize; do
        printf ' %12.0f' "$(median_of "$what" "$2" "$1")"
    done
    printf ' %12.0f %12.0f\n' "$(on_the_way load_rate "$2" "$1")" \
        "$(on_the_way load_wal "$2" "$1")"
}

# verdict TEXT VALUE RELATION GOAL
verdict() {
    awk -v text="$1" -v value="$2" -v relation="$3" -v goal="$4" 'BEGIN {
        good = relation == ">=" ? value >= goal : value <= goal
        printf "growth: %-52s %8s   goal %s %-5s %s\n", text, value, relation, goal,
            (good ? "reached" : "not reached") }'
}

# The median of the ratios new/old of windows that followed each other: the machine may drift.
ratio_of() { # WHAT CARDS; no CARDS: whatever the table had
    awk -v what="$1" -v mark="$2" '
        $1 == what && (mark == "" || $3 == mark) { value[$2, ++n[$2]] = $4 }
        END {
            for (i = 1; i <= n["new"] && i <= n["old"]; i++)
                print value["new", i] / value["old", i]
        }' "$TSV" | sort -g | awk '{ v[NR] = $1 } END { printf "%.2f", v[int((NR + 1) / 2)] }'
}

against_old() { # TEXT WHAT CARDS RELATION GOAL; no CARDS: measured once
    [ "${#SIDES[@]}" -eq 1 ] || verdict "$1, new/old" "$(ratio_of "$2" "$3")" "$4" "$5"
}

report() {
    local mark side
    for mark in "${MARKS[@]}"; do
        printf '\n  At %d cards:\n  %-6s' "$mark" ''
        printf ' %12s' 'batch new/s' 'WAL/card' 'bytes/card' 'single new/s' 'reads/s' \
            'on the way/s' 'its WAL'
        printf '\n'
        for side in "${SIDES[@]}"; do
            figures "$mark" "$side"
        done
    done
    printf '\n  Retirement:\n  %-6s %12s %12s\n' '' 'cards/s' 'WAL/card'
    awk '$1 == "drain_rate" { rate[$2] = $4 }
        $1 == "drain_wal" { printf "  %-6s %12d %12d\n", $2, rate[$2], $4 }' "$TSV"
    printf '\n'
    for mark in "${MARKS[@]:1}"; do
        verdict "batch tokenize, new cards, at $mark / at ${MARKS[0]}" \
            "$(quotient "$(median_of batch_rate new "$mark")" \
                "$(median_of batch_rate new "${MARKS[0]}")")" '>=' 0.8
        verdict "the same on the way, checkpoints as they came" \
            "$(quotient "$(on_the_way load_rate new "$mark")" \
                "$(on_the_way load_rate new "${MARKS[0]}")")" '>=' 0.8
        against_old "WAL per new card at $mark" batch_wal "$mark" '<=' 0.65
        verdict "bytes per card at $mark" "$(median_of bytes new "$mark")" '<=' 180
        against_old "single detokenize at $mark" single_detokenize "$mark" '>=' 0.95
        against_old "single tokenize of new cards at $mark" single_tokenize "$mark" '>=' 1.0
    done
    against_old "retirement, cards per second" drain_rate "" '>=' 1.8
    against_old "retirement, WAL per card" drain_wal "" '<=' 0.3
}

. "$STATE/bench/lib.sh"
check_space
printf 'what\tside\tcards\tvalue\n' >"$TSV"
for SIDE in "${SIDES[@]}"; do
    mkdir -p "$STATE/$SIDE"
    [ "$SIDE" = old ] || cp -r "$STATE/bin" "$STATE/$SIDE/bin"
    on "$SIDE" side_start || exit 1
done
LOADED=0
for MARK in "${MARKS[@]}"; do
    measure_mark "$MARK"
done
printf 'Rolling and retiring, one side after the other.\n'
for SIDE in "${SIDES[@]}"; do
    on "$SIDE" drain "$SIDE" || exit 1
done
report
/usr/bin/python3 "$STATE/bench/plot.py" "$TSV" "$STATE/out/growth.svg"
