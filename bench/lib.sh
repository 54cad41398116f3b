# SPDX-License-Identifier: Apache-2.0
# What the parts of bench/run share: windows of load, medians, processor time. Sourced (bash) after
# scripts/instance.sh, by the user that owns the instance.

# Sets what instance_init leaves as it is: room for the comparator's connections. The instance is
# not started yet.
bench_settings() {
    instance_sql postgres "ALTER SYSTEM SET max_connections = 400" || return 1
    "$PG_BIN/pg_ctl" -s -w -t 60 -D "$INSTANCE/pg" -l "$INSTANCE/postgres.log" -m fast restart
}

# The first generation, field pan and the client app of a started instance.
bench_vault() {
    local jeton=$INSTANCE/bin/jeton
    {
        "$jeton" keys create && "$jeton" keys activate 1 --accept-single-holder "benchmark" &&
            "$jeton" field add pan &&
            "$jeton" client add app --may tokenize,detokenize --key-file-out "$INSTANCE/app.key"
    } >/dev/null && instance_ready
}

# bench_header KEY_FILE: the line that curl reads with -H @FILE; a key on a command line could be
# seen by others. The directory is its owner's alone.
bench_header() {
    printf 'Authorization: Bearer %s\n' "$(cat "$1")"
}

# figure NAME: the value of NAME=value in the line of bench_rest on standard input.
figure() {
    tr ' ' '\n' | sed -n "s|^$1=||p"
}

# median: of the numbers on standard input, one on each line; the mean of the middle two when they
# are even in number.
median() {
    sort -g | awk '{ v[NR] = $1 }
        END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# bench_cpu PID...: microseconds of processor time that these processes have used.
bench_cpu() {
    local files=("${@/#//proc/}")
    cat "${files[@]/%//stat}" 2>/dev/null | awk -v hz="$(getconf CLK_TCK)" '
        { sub(/^.*\) /, ""); t += $12 + $13 }
        END { printf "%.0f\n", t * 1e6 / hz }'
}

# The same of the instance's PostgreSQL: all its processes, those that have ended too.
bench_cpu_postgres() {
    cat /proc/[0-9]*/stat 2>/dev/null |
        awk -v hz="$(getconf CLK_TCK)" -v postmaster="$(head -n 1 "$INSTANCE/pg/postmaster.pid")" '
            { pid = $1; sub(/^.*\) /, "") }
            pid == postmaster { t += $12 + $13 + $14 + $15 }
            $2 == postmaster { t += $12 + $13 }
            END { printf "%.0f\n", t * 1e6 / hz }'
}

bench_wal() { # bytes of WAL written so far
    instance_sql postgres "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
}

# quotient A B [DIGITS]
quotient() {
    awk -v a="$1" -v b="$2" -v digits="${3:-2}" '
        BEGIN { printf "%.*f\n", digits, (b > 0 ? a / b : 0) }'
}
