# SPDX-License-Identifier: Apache-2.0
# The part "guards" of bench/run: what authentication, permissions, budgets and the audit trail cost
# together. jetond and jetond_bare (bare_front.c), which has none of them, serve in turn on one
# PostgreSQL server and keeper, with the same load. Sourced (bash) after bench/lib.sh, with an
# instance that serves.
#
# The goal: jetond tokenizes at least 0.75 as fast. $WINDOWS windows a side and cell, in turn; a
# CHECKPOINT before each; medians count.

# name, whether the goal is for it, bench_rest's arguments
GUARDS_CELLS=(
    "64-new goal --connections 64"
    "batch-new goal --connections 8 --batch 1000"
    "1-new - --connections 1"
)

# guards_serve PROGRAM: it serves instead of whichever does.
guards_serve() {
    local deadline=$((SECONDS + 20)) program
    for program in jetond jetond_bare; do
        instance_alive "$program" || continue
        kill -TERM "$(cat "$INSTANCE/$program.pid")"
        while instance_alive "$program"; do
            [ "$SECONDS" -lt "$deadline" ] || instance_fail "$program.log" "$program does not end"
            sleep 0.1
        done
    done
    rm -f "$INSTANCE/front/port"
    instance_spawn "$1"
    until [ -s "$INSTANCE/front/port" ] &&
        JETON_URL=http://127.0.0.1:$(cat "$INSTANCE/front/port") &&
        curl -fsS -o /dev/null --max-time 2 "$JETON_URL/readyz"; do
        instance_alive "$1" || instance_fail "$1.log" "$1 ended at start"
        [ "$SECONDS" -lt "$deadline" ] || instance_fail "$1.log" "$1 does not get ready"
        sleep 0.1
    done 2>/dev/null
}

# guards_status HEADER...: of a tokenize with these headers.
guards_status() {
    curl -sS -o /dev/null --max-time 10 -w '%{http_code}' -H 'Content-Type: application/json' \
        -d '{"pan":"4111111111111111"}' "$@" "$JETON_URL/v1/fields/pan/tokenize"
}

guards_rows() {
    instance_sql jeton 'SELECT count(*) FROM audit WHERE action = 1'
}

# guards_check PROGRAM: a comparator that did the work after all would prove nothing, nor would one
# that stores no cards.
guards_check() {
    local rows cards status want_rows=0 want_status=200
    [ "$1" = jetond_bare ] || want_rows=1 want_status=401
    rows=$(guards_rows) cards=$(instance_sql jeton 'SELECT count(*) FROM card')
    "$INSTANCE/bin/bench_rest" --port "$(cat "$INSTANCE/front/port")" \
        --key-file "$INSTANCE/guarded.key" --mode load --items 100 --connections 1 \
        --batch 100 --seed 900"$want_rows" >/dev/null ||
        return 1
    rows=$(($(guards_rows) - rows))
    cards=$(($(instance_sql jeton 'SELECT count(*) FROM card') - cards))
    status=$(guards_status -H 'Authorization: Bearer none')
    [ "$rows" -eq "$want_rows" ] && [ "$cards" -eq 100 ] && [ "$status" = "$want_status" ] || {
        printf '%s: %s audit rows, %s cards, status %s\n' "$1" "$rows" "$cards" "$status" >&2
        return 1
    }
}

# guards_window PROGRAM CELL ARGUMENTS...
guards_window() {
    local program=$1 cell=$2 line
    shift 2
    GUARDS_SEED=$((GUARDS_SEED + 1))
    instance_sql postgres CHECKPOINT
    line=$("$INSTANCE/bin/bench_rest" --port "$(cat "$INSTANCE/front/port")" \
        --key-file "$INSTANCE/guarded.key" --mode tokenize --seconds "$seconds" \
        --seed "$GUARDS_SEED" "$@") || return 1
    printf '%s\t%s\t%s\n' "$cell" "$program" "$(figure items/s <<<"$line")" \
        >>"$INSTANCE/guards.tsv"
}

guards_of() { # CELL PROGRAM: the median
    awk -v cell="$1" -v program="$2" '$1 == cell && $2 == program { print $3 }' \
        "$INSTANCE/guards.tsv" | median
}

guards_report() {
    local cell goal rest with without
    for cell in "${GUARDS_CELLS[@]}"; do
        read -r cell goal rest <<<"$cell"
        with=$(guards_of "$cell" jetond) without=$(guards_of "$cell" jetond_bare)
        printf 'guards: %-10s with %7.0f/s, without %7.0f/s: ratio %s' "$cell" "$with" "$without" \
            "$(quotient "$with" "$without")"
        awk -v with="$with" -v without="$without" -v goal="$goal" 'BEGIN {
            if (goal == "goal")
                printf "   goal 0.75 %s", (with >= 0.75 * without ? "reached" : "not reached")
            print "" }'
    done
}

# Everything: uses `seconds` and `windows` of its caller.
guards_measure() {
    local program cell name rest round
    GUARDS_SEED=5000
    "$INSTANCE/bin/jeton" client add guarded --may tokenize:pan \
        --budget tokenize=1000000000/s,4000000000/day --key-file-out "$INSTANCE/guarded.key" \
        >/dev/null || return 1
    : >"$INSTANCE/guards.tsv"
    for ((round = 0; round < windows; round++)); do
        for program in jetond jetond_bare; do
            guards_serve "$program"
            [ "$round" -gt 0 ] || guards_check "$program" || return 1
            for cell in "${GUARDS_CELLS[@]}"; do
                read -r name _ rest <<<"$cell"
                # shellcheck disable=SC2086
                guards_window "$program" "$name" $rest || return 1
            done
        done
    done
    guards_serve jetond
    guards_report
}
