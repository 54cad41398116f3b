# SPDX-License-Identifier: Apache-2.0
# The part "files" of bench/run: `jeton tokenize` of a file beside bench_rest with the same kind of
# cards, as many connections and as many cards in a request; and what checkpoints cost. Sourced
# (bash) after bench/lib.sh, with an instance that serves.
#
# Cells are measured in $WINDOWS windows a side, in turn, a CHECKPOINT before each; medians count.
# The goal: a file of new cards, or of known ones, at 0.8 of the benchmark's rate. For a file of
# `jeton gen` as it is, whose cards come again after others, there is no such load; its rate is
# told. What checkpoints took is told by the control reports, for two jobs with and without them
# differ by less than two jobs that are the same.

FILES_KNOWN=20000 # cards that the vault has, drawn again and again

# files_new N: prints a CSV of so many cards of 16 digits, each once, that no other window had.
files_new() {
    FILES_SEED=$((FILES_SEED + 1))
    "$INSTANCE/bin/jeton" gen --rows "$(($1 * 3))" --seed "$FILES_SEED" |
        awk -F, -v n="$1" 'NR == 1 || length($2) == 16 && made < n && !seen[$2]++ {
            made += NR > 1
            print
        }'
}

# files_known N: so many draws of the first FILES_KNOWN cards of a file.
files_known() {
    awk -F, -v n="$1" -v known="$FILES_KNOWN" '
        NR == 1 { print; next }
        NR <= known + 1 { card[NR - 2] = $0 }
        END { srand(7); for (i = 0; i < n; i++) print card[int(rand() * known)] }' "$2"
}

# files_job CELL FILE N: tokenizes the file; records a second, and the share of the time that
# checkpoints took, become a line of files.tsv.
files_job() {
    local cell=$1 file=$2 n=$3 began ended
    rm -f "$INSTANCE"/files.out*
    instance_sql postgres CHECKPOINT
    began=$EPOCHREALTIME
    JETON_KEY_FILE=$INSTANCE/app.key "$INSTANCE/bin/jeton" tokenize --field pan --column pan \
        --quiet --out "$INSTANCE/files.out" "$file" || return 1
    ended=$EPOCHREALTIME
    awk -v cell="$cell" -v s="$(awk -v a="$began" -v b="$ended" 'BEGIN { print b - a }')" \
        -v n="$n" '
        /^  time spent on them / { points = $5 }
        END { printf "%s\tjob\t%s\t%s\n", cell, n / s, points / s }' \
        "$INSTANCE/files.out.report" >>"$INSTANCE/files.tsv"
}

# files_bench CELL ARGUMENTS...
files_bench() {
    local cell=$1
    shift
    FILES_SEED=$((FILES_SEED + 1))
    instance_sql postgres CHECKPOINT
    printf '%s\tbench\t%s\n' "$cell" "$("$INSTANCE/bin/bench_rest" \
        --port "$(cat "$INSTANCE/front/port")" --key-file "$INSTANCE/app.key" \
        --seconds "$seconds" --seed "$FILES_SEED" --mode tokenize --connections 8 --batch 1000 \
        "$@" | figure items/s)" >>"$INSTANCE/files.tsv"
}

files_of() { # CELL SIDE COLUMN: the median
    awk -v cell="$1" -v side="$2" -v column="$3" '$1 == cell && $2 == side { print $column }' \
        "$INSTANCE/files.tsv" | median
}

files_report() {
    local cell
    for cell in new known; do
        awk -v cell="$cell" -v job="$(files_of "$cell" job 3)" \
            -v bench="$(files_of "$cell" bench 3)" 'BEGIN {
                printf "files: %-8s %7.0f records/s, benchmark %7.0f/s: ratio %.2f   goal 0.8 %s\n",
                    cell, job, bench, job / bench, (job >= 0.8 * bench ? "reached" : "not reached")
            }'
    done
    printf 'files: as jeton gen makes them, %.0f records/s\n' "$(files_of gen job 3)"
    awk -v share="$(files_of new job 4)" 'BEGIN {
        printf "files: checkpoints took %.1f %% of the time, files of new cards\n", 100 * share }'
}

# Everything: uses `seconds` and `windows` of its caller.
files_measure() {
    local round n
    FILES_SEED=7000
    : >"$INSTANCE/files.tsv"
    n=$((seconds * 60000))
    files_new "$((FILES_KNOWN + 1000))" >"$INSTANCE/files.once"
    files_known "$n" "$INSTANCE/files.once" >"$INSTANCE/files.known"
    files_job first "$INSTANCE/files.once" 1 || return 1
    for ((round = 0; round < windows; round++)); do
        files_new "$n" >"$INSTANCE/files.in"
        files_job new "$INSTANCE/files.in" "$n" || return 1
        files_bench new || return 1
        files_job known "$INSTANCE/files.known" "$n" || return 1
        files_bench known --cards "$FILES_KNOWN" || return 1
        FILES_SEED=$((FILES_SEED + 1))
        "$INSTANCE/bin/jeton" gen --rows "$n" --seed "$FILES_SEED" >"$INSTANCE/files.in"
        files_job gen "$INSTANCE/files.in" "$n" || return 1
    done
    files_report
}
