#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a roll costs who is served meanwhile, and how fast the old generation is drained, beside a
# plain UPDATE. Called by bench/run --roll only, as the user that owns the state directory, never as
# root:
#
#   roll.sh STATE CARDS[,CARDS...] SECONDS READS WRITES SHARED_BUFFERS
#
# For each number of cards, on an instance of its own:
#
#   1. load; then a copy of the table is re-written by plain UPDATEs of the same columns of the same
#      rows, with the same indexes, in the order of the ids and 500 rows in a transaction: the
#      reference for rows a second, WAL and growth;
#   2. requests at a fixed rate (READS single detokenizes and WRITES single tokenizes of new cards a
#      second, latencies counted from when each was due): before, while a roll happens in the
#      middle, while the drain runs with its default settings beside them, and after the retirement;
#   3. in between, with no requests beside it: the rest of the drain, as fast as it goes.
#
# Everything measured is a line of STATE/out/roll.tsv: what, cards, value.
set -u -o pipefail
export LC_ALL=C
STATE=$1 MARKS=${2//,/ } SECONDS_EACH=$3 READS=$4 WRITES=$5 BUFFERS=$6
TSV=$STATE/out/roll.tsv
. "$STATE/scripts/instance.sh"
. "$STATE/bench/lib.sh"

clean_up() {
    local status=$?
    trap '' INT TERM HUP
    trap - EXIT
    [ -z "${INSTANCE-}" ] || [ ! -d "$INSTANCE/pg" ] || instance_stop
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

note() { # WHAT VALUE
    printf '%s\t%s\t%s\n' "$1" "$MARK" "$2" >>"$TSV"
}

value() { # WHAT [CARDS]
    awk -v what="$1" -v mark="${2-$MARK}" '$1 == what && $2 == mark { v = $3 } END { print v }' \
        "$TSV"
}

start() {
    mkdir -p "$STATE/$MARK"
    cp -r "$STATE/bin" "$STATE/$MARK/bin"
    instance_init "$STATE/$MARK" >/dev/null
    local setting
    for setting in 'full_page_writes = on' "max_wal_size = '2GB'" "shared_buffers = '$BUFFERS'"; do
        instance_sql postgres "ALTER SYSTEM SET $setting" || exit 1
    done
    bench_settings || exit 1
    instance_start
    bench_vault || exit 1
    export JETON_URL
    JETON_URL=http://127.0.0.1:$(cat "$INSTANCE/front/port")
    bench_header "$INSTANCE/operator.key" >"$INSTANCE/operator.header"
}

rest() { # MODE ARGUMENTS...: one line of bench_rest
    local mode=$1
    shift
    "$STATE/bin/bench_rest" --port "$(cat "$INSTANCE/front/port")" --key-file "$INSTANCE/app.key" \
        --mode "$mode" "$@" || instance_fail jetond.log "The load failed"
}

be_quiet() {
    local deadline=$((SECONDS + 900))
    until [ "$(instance_sql postgres "SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'autovacuum worker'")" -eq 0 ]; do
        [ "$SECONDS" -lt "$deadline" ] || break
        sleep 0.5
    done
    instance_sql postgres CHECKPOINT
}

size_of() {
    instance_sql jeton "SELECT pg_total_relation_size('jeton.$1')"
}

# The same columns change as when a card is moved: envelope and fingerprint, and by the first byte
# of the envelope the key id.
reference() {
    local size wal began took
    instance_sql jeton "CREATE TABLE jeton.plain (LIKE jeton.card INCLUDING ALL)" || exit 1
    instance_sql jeton "INSERT INTO jeton.plain (id, field, bucket, fp, envelope)
        SELECT id, field, bucket, fp, envelope FROM jeton.card ORDER BY id" || exit 1
    instance_sql jeton "VACUUM ANALYZE jeton.plain" || exit 1
    be_quiet
    size=$(size_of plain) wal=$(bench_wal) began=${EPOCHREALTIME/./}
    instance_sql jeton "DO \$\$
        DECLARE
            last bigint := 0;
        BEGIN
            LOOP
                WITH rows AS (
                    SELECT id FROM jeton.plain WHERE key_id = 1 AND bucket = 0 AND id > last
                    ORDER BY id LIMIT 500 FOR UPDATE SKIP LOCKED),
                changed AS (
                    UPDATE jeton.plain p SET envelope = set_byte(p.envelope, 0, 2),
                        fp = md5(p.fp::text)::uuid
                    FROM rows WHERE p.key_id = 1 AND p.bucket = 0 AND p.id = rows.id
                    RETURNING p.id)
                SELECT max(id) INTO last FROM changed;
                EXIT WHEN last IS NULL;
                COMMIT;
            END LOOP;
        END \$\$" || exit 1
    took=$((${EPOCHREALTIME/./} - began))
    note plain_rate $((MARK * 1000000 / took))
    note plain_wal $((($(bench_wal) - wal) / MARK))
    note plain_growth $((($(size_of plain) - size) / MARK))
    instance_sql jeton "DROP TABLE jeton.plain" || exit 1
    printf '  plain UPDATE: %d rows per second, WAL %d B and growth %d B a row\n' \
        "$(value plain_rate)" "$(value plain_wal)" "$(value plain_growth)"
}

# What clients see for a while: notes PHASE_read_p50 and so on, in ms.
foreground() { # PHASE
    local phase=$1 kind quantile
    rest detokenize --connections 16 --rate "$READS" --seconds "$SECONDS_EACH" \
        --tokens "$INSTANCE/tokens" >"$INSTANCE/read" &
    rest tokenize --connections 16 --rate "$WRITES" --seconds "$SECONDS_EACH" \
        --seed "$((MARK + SECONDS))" >"$INSTANCE/write" || exit 1
    wait "$!" || exit 1
    for kind in read write; do
        for quantile in p50 p99 max; do
            note "${phase}_${kind}_$quantile" "$(figure "${quantile}_ms" <"$INSTANCE/$kind")"
        done
    done
    printf '  %-8s read p50 %s p99 %s ms, write p50 %s p99 %s ms, longest %s and %s ms\n' "$phase" \
        "$(value "${phase}_read_p50")" "$(value "${phase}_read_p99")" \
        "$(value "${phase}_write_p50")" "$(value "${phase}_write_p99")" \
        "$(value "${phase}_read_max")" "$(value "${phase}_write_max")"
}

retirement() { # NAME: a number of the retirement of generation 1
    curl -fsS --max-time 10 -H @"$INSTANCE/operator.header" \
        "$JETON_URL/v1/generations/1/retirement" |
        tr -d ' \n' | tr ',{}' '\n\n\n' | sed -n "s/^\"$1\"://p" | head -n 1
}

# The rest of the drain, alone. A little is left out at the end, where proofs are made.
drain_alone() {
    local from moved=0 wal size began took told_at=$SECONDS goal=$((MARK - MARK / 50))
    from=$(retirement rows_moved)
    if [ "$from" -ge "$goal" ]; then
        printf '  too few cards: all were moved beside the requests\n'
        return
    fi
    size=$(size_of card) wal=$(bench_wal) began=${EPOCHREALTIME/./}
    while :; do
        moved=$(retirement rows_moved)
        took=$((${EPOCHREALTIME/./} - began))
        [ "${moved:-0}" -lt "$goal" ] || break
        if [ $((SECONDS - told_at)) -ge 10 ]; then
            told_at=$SECONDS
            printf '  drain: %d of %d cards moved, %d per second\n' "$moved" "$MARK" \
                $(((moved - from) * 1000000 / took))
        fi
        [ "$took" -lt 3600000000 ] || instance_fail jetond.log "The drain does not end"
        sleep 0.1
    done
    moved=$((moved - from))
    note drain_rate $((moved * 1000000 / took))
    note drain_wal $((($(bench_wal) - wal) / moved))
    note drain_growth $((($(size_of card) - size) / moved))
    printf '  drain alone: %d rows per second, WAL %d B and growth %d B a row\n' \
        "$(value drain_rate)" "$(value drain_wal)" "$(value drain_growth)"
}

measure() {
    local jeton=$INSTANCE/bin/jeton
    printf 'Loading %d cards.\n' "$MARK"
    rest load --connections 8 --batch 1000 --items "$MARK" --tokens "$INSTANCE/tokens" \
        --keep-every "$(((MARK + 199999) / 200000))" >/dev/null || exit 1
    reference
    be_quiet
    foreground warm
    foreground quiet
    "$jeton" keys create >/dev/null || exit 1
    (sleep $((SECONDS_EACH / 2)) && "$jeton" keys activate 2 --accept-single-holder benchmark) \
        >/dev/null &
    local roll=$!
    foreground roll
    wait "$roll" || instance_fail jetond.log "The roll failed"
    "$jeton" keys retire 1 >/dev/null || exit 1
    foreground drain
    note drain_beside $(($(retirement rows_moved) / SECONDS_EACH))
    be_quiet
    drain_alone
    "$jeton" keys retire 1 --wait >/dev/null || exit 1
    be_quiet
    foreground after
    instance_stop
    rm -rf "$INSTANCE/pg"
}

# verdict TEXT VALUE RELATION GOAL
verdict() {
    awk -v text="$1" -v value="$2" -v relation="$3" -v goal="$4" 'BEGIN {
        good = relation == ">=" ? value >= goal : value <= goal
        printf "roll: %-58s %6s   goal %s %-4s %s\n", text, value, relation, goal,
            (good ? "reached" : "not reached") }'
}

report() {
    local first=${MARKS%% *} phase kind
    printf '\n'
    for MARK in $MARKS; do
        for phase in roll drain after; do
            for kind in read write; do
                verdict "$kind p99 at $MARK, $phase / quiet" \
                    "$(quotient "$(value "${phase}_${kind}_p99")" "$(value "quiet_${kind}_p99")")" \
                    '<=' 1.3
            done
        done
        verdict "drain alone at $MARK / plain UPDATE, rows per second" \
            "$(quotient "$(value drain_rate)" "$(value plain_rate)")" '>=' 0.7
    done
    for MARK in ${MARKS#"$first"}; do
        verdict "time a row at $MARK / at $first" \
            "$(quotient "$(value drain_rate "$first")" "$(value drain_rate)")" '<=' 1.2
        verdict "WAL a row at $MARK / at $first" \
            "$(quotient "$(value drain_wal)" "$(value drain_wal "$first")")" '<=' 1.2
    done
}

printf 'what\tcards\tvalue\n' >"$TSV"
for MARK in $MARKS; do
    start
    measure
done
INSTANCE=
report
