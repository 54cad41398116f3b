# SPDX-License-Identifier: Apache-2.0
# The part "plain" of bench/run: Jeton and a plain service that does the same work
# (plain_service.c), driven in turn on one PostgreSQL server. Sourced (bash) after bench/lib.sh,
# with an instance that serves.
#
# Each cell is measured in $WINDOWS windows a side, one after the other, Jeton first; a CHECKPOINT
# before each makes both begin alike. What counts are medians and their ratio. Goals: 2, 1.8 and 1.5
# in batches, 1.1 on one connection.

PLAIN_POPULATION=20000 # cards that are known; as many as detokenize draws from

# name, goal, bench_rest's arguments; @tokens stands for the file of the side
PLAIN_CELLS=(
    "batch-new 2 --mode tokenize --connections 8 --batch 1000"
    "batch-known 1.8 --mode tokenize --connections 8 --batch 1000 --cards $PLAIN_POPULATION"
    "batch-read 1.5 --mode detokenize --connections 8 --batch 1000 --tokens @tokens"
    "64-new - --mode tokenize --connections 64"
    "64-known - --mode tokenize --connections 64 --cards $PLAIN_POPULATION"
    "64-read - --mode detokenize --connections 64 --tokens @tokens"
    "1-new 1.1 --mode tokenize --connections 1"
    "1-known 1.1 --mode tokenize --connections 1 --cards $PLAIN_POPULATION"
    "1-read 1.1 --mode detokenize --connections 1 --tokens @tokens"
)

plain_start() {
    instance_sql postgres 'CREATE DATABASE plain OWNER jeton' || return 1
    setsid "$INSTANCE/bin/plain_service" --conninfo "host=$INSTANCE dbname=plain user=jeton" \
        --key-file "$INSTANCE/app.key" --secret "$INSTANCE/plain.secret" \
        --port-file "$INSTANCE/plain.port" "$@" >>"$INSTANCE/plain_service.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$INSTANCE/plain_service.pid"
    disown "$!"
    instance_await "plain_service" plain_started || return 1
    instance_alive plain_service || instance_fail plain_service.log "plain_service ended at start"
    instance_sql plain "CREATE TABLE public.row_as_wide (token uuid PRIMARY KEY,
        fp uuid NOT NULL UNIQUE, ciphertext bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now());
        ALTER TABLE public.row_as_wide OWNER TO jeton"
    printf '%s\n' "INSERT INTO public.row_as_wide (token, fp, ciphertext)
        VALUES (gen_random_uuid(), gen_random_uuid(), decode(repeat('5a', 25), 'hex'))" |
        tr '\n' ' ' >"$INSTANCE/insert.sql"
}

plain_started() {
    [ -s "$INSTANCE/plain.port" ] || ! instance_alive plain_service
}

plain_stop() {
    ! instance_alive plain_service || kill -TERM "$(cat "$INSTANCE/plain_service.pid")"
}

plain_port() { # SIDE
    if [ "$1" = jeton ]; then cat "$INSTANCE/front/port"; else cat "$INSTANCE/plain.port"; fi
}

# plain_call SIDE VERB BODY: prints status and body.
plain_call() {
    curl -sS --max-time 10 -w ' %{http_code}' -H @"$INSTANCE/app.header" \
        -H 'Content-Type: application/json' -d "$3" \
        "http://127.0.0.1:$(plain_port "$1")/v1/fields/pan/$2"
}

# A comparator that gives wrong answers would prove nothing: a file of cards goes in and comes back
# through the command line, the same cards get the same tokens, in batches and alone, and what is
# bad is refused.
plain_check() { # SIDE
    local side=$1 dir=$INSTANCE/check.$1 jeton=$INSTANCE/bin/jeton pass
    local -x JETON_URL JETON_KEY_FILE=$INSTANCE/app.key
    JETON_URL=http://127.0.0.1:$(plain_port "$side")
    mkdir -p "$dir"
    bench_header "$INSTANCE/app.key" >"$INSTANCE/app.header"
    "$jeton" gen --rows 3000 --bad 0 --seed 7 --out "$dir/cards.csv" >/dev/null || return 1
    for pass in 1 2; do
        "$jeton" tokenize --field pan --column pan --in "$dir/cards.csv" \
            --out "$dir/tokens.$pass.csv" --rejects "$dir/rejects" >/dev/null || return 1
    done
    "$jeton" detokenize --field pan --column pan --in "$dir/tokens.1.csv" --out "$dir/back.csv" \
        --rejects "$dir/rejects" >/dev/null || return 1
    cmp -s "$dir/tokens.1.csv" "$dir/tokens.2.csv" && cmp -s "$dir/cards.csv" "$dir/back.csv" &&
        ! cmp -s "$dir/cards.csv" "$dir/tokens.1.csv" || return 1
    plain_check_singles "$side"
}

# One card alone, and twice in one batch beside a bad one; then back; then what is to be refused.
plain_check_singles() { # SIDE
    local side=$1 card=4111111111111111 bad=4111111111111112 token answer
    token=$(plain_call "$side" tokenize "{\"pan\":\"$card\"}" | grep -o 'jtk_[0-9a-z]*') || return 1
    answer=$(plain_call "$side" tokenize \
        "{\"items\":[{\"pan\":\"$card\"},{\"pan\":\"$bad\"},{\"pan\":\"$card\"}]}")
    answer=$(tr '{' '\n' <<<"$answer" | grep -oE "$token|:422" | tr '\n' ' ')
    [ "$answer" = "$token :422 $token " ] || return 1
    answer=$(plain_call "$side" detokenize "{\"token\":\"$token\"}")
    [[ $answer = "{\"pan\":\"$card\"}"*\ 200 ]] || return 1
    answer=$(plain_call "$side" detokenize '{"token":"jtk_00000000000000000000000000"}')
    [[ $answer = *\ 404 ]] || return 1
    answer=$(plain_call "$side" tokenize "{\"pan\":\"$bad\"}")
    [[ $answer = *\ 422 ]] || return 1
    answer=$(curl -sS -w ' %{http_code}' -H 'Authorization: Bearer none' \
        -H 'Content-Type: application/json' -d "{\"pan\":\"$card\"}" \
        "http://127.0.0.1:$(plain_port "$side")/v1/fields/pan/tokenize")
    [[ $answer = *\ 401 ]]
}

# plain_window SIDE CELL ARGUMENTS...: one window; its figures become a line of plain.tsv.
plain_window() {
    local side=$1 cell=$2 line service_us postgres_us rate items pids=()
    shift 2
    case $side in
        jeton) pids=("$(cat "$INSTANCE/jetond.pid")" "$(cat "$INSTANCE/jeton-keeper.pid")") ;;
        plain) pids=("$(cat "$INSTANCE/plain_service.pid")") ;;
    esac
    PLAIN_SEED=$((PLAIN_SEED + 1))
    instance_sql postgres CHECKPOINT
    service_us=$(bench_cpu "${pids[@]}") postgres_us=$(bench_cpu_postgres)
    line=$("$INSTANCE/bin/bench_rest" --port "$(plain_port "$side")" \
        --key-file "$INSTANCE/app.key" --seconds "$seconds" --seed "$PLAIN_SEED" \
        "${@/@tokens/$INSTANCE/$side.tokens}") || return 1
    service_us=$(($(bench_cpu "${pids[@]}") - service_us))
    postgres_us=$(($(bench_cpu_postgres) - postgres_us))
    rate=$(figure items/s <<<"$line")
    items=$(awk -v rate="$rate" -v s="$(figure seconds <<<"$line")" 'BEGIN { print rate * s }')
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$cell" "$side" "$rate" "$(figure p50_ms <<<"$line")" \
        "$(quotient "$service_us" "$items" 1)" "$(quotient "$postgres_us" "$items" 1)" \
        >>"$INSTANCE/plain.tsv"
}

# A row of the same width, by INSERT with commit, over as many connections: no service, no
# encryption, no audit.
plain_insert() {
    local rate
    instance_sql postgres CHECKPOINT
    rate=$("$PG_BIN/pgbench" -h "$INSTANCE" -U jeton -n -M prepared -c 64 -j "$(nproc)" \
        -T "$seconds" -f "$INSTANCE/insert.sql" plain 2>>"$INSTANCE/pgbench.log" |
        sed -n 's/^tps = \([0-9.]*\) .*/\1/p')
    [ -n "$rate" ] || instance_fail pgbench.log "pgbench failed"
    printf '64-new\tinsert\t%s\t-\t-\t-\n' "$rate" >>"$INSTANCE/plain.tsv"
}

plain_of() { # CELL SIDE COLUMN: the median
    awk -v cell="$1" -v side="$2" -v column="$3" '
        $1 == cell && $2 == side { print $column }' "$INSTANCE/plain.tsv" | median
}

plain_report() {
    local cell goal side rest ratio column
    printf '%-12s %-6s %9s %9s %9s %9s\n' '' '' '' '' 'CPU us' 'per card' \
        cell '' cards/s 'p50 ms' service postgres
    for cell in "${PLAIN_CELLS[@]}"; do
        cell=${cell%% *}
        for side in jeton plain; do
            printf '%-12s %-6s' "$cell" "$side"
            for column in 3 4 5 6; do
                printf " %9.$((column == 3 ? 0 : column == 4 ? 2 : 1))f" \
                    "$(plain_of "$cell" "$side" "$column")"
            done
            printf '\n'
        done
    done
    printf '\n'
    for cell in "${PLAIN_CELLS[@]}"; do
        read -r cell goal rest <<<"$cell"
        ratio=$(quotient "$(plain_of "$cell" jeton 3)" "$(plain_of "$cell" plain 3)")
        printf 'plain: %-12s jeton/plain %5s' "$cell" "$ratio"
        plain_verdict "$ratio" "$goal"
    done
    ratio=$(quotient "$(plain_of 64-new jeton 3)" "$(plain_of 64-new insert 3)")
    printf 'plain: %-12s jeton/INSERT with commit %5s   goal for later 1.5 (%.0f per second)\n' \
        64-new "$ratio" "$(plain_of 64-new insert 3)"
}

plain_verdict() { # RATIO GOAL: the end of the line; no goal: -
    awk -v ratio="$1" -v goal="$2" 'BEGIN {
        if (goal != "-")
            printf "   goal %-4s %s", goal, (ratio + 0 >= goal + 0 ? "reached" : "not reached")
        print "" }'
}

# Everything: uses `seconds` and `windows` of its caller.
plain_measure() {
    local side cell name round
    # Far from the seeds of the other parts, whose cards are in the vault already.
    PLAIN_SEED=1000
    plain_start || return 1
    for side in jeton plain; do
        plain_check "$side" 2>"$INSTANCE/check.log" ||
            instance_fail check.log "The answers of $side are not right"
        "$INSTANCE/bin/bench_rest" --port "$(plain_port "$side")" --key-file "$INSTANCE/app.key" \
            --mode load --cards "$PLAIN_POPULATION" --connections 8 --batch 1000 \
            --tokens "$INSTANCE/$side.tokens" >/dev/null || return 1
    done
    printf 'Both give right answers. %s windows of %s seconds a side and cell, in turn.\n' \
        "$windows" "$seconds"
    : >"$INSTANCE/plain.tsv"
    for cell in "${PLAIN_CELLS[@]}"; do
        read -r name _ cell <<<"$cell"
        for ((round = 0; round < windows; round++)); do
            for side in jeton plain; do
                # shellcheck disable=SC2086
                plain_window "$side" "$name" $cell || return 1
            done
            [ "$name" != 64-new ] || plain_insert
        done
    done
    plain_report
}
