# SPDX-License-Identifier: Apache-2.0
# A private Jeton for demonstration: a PostgreSQL cluster, a keeper and a front in one directory.
# Sourced (bash) by scripts/main_job; runs as the user that owns the directory, never as root.
#
# Layout of the directory: bin/ (programs), pg/ (cluster), keeper/ (key files), front/ (what jetond
# writes: port), jeton.conf, *.log, *.sock, *.pid.

# instance_init DIR: set-up up to a keeper with a development master key and a database with one
# operator.
instance_init() {
    INSTANCE=$1
    PG_BIN=$(dirname "$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)")
    export JETON_CONFIG=$INSTANCE/jeton.conf JETON_KEY_FILE=$INSTANCE/operator.key
    "$PG_BIN/initdb" -D "$INSTANCE/pg" -U postgres --auth=trust --encoding=UTF8 --locale=C \
        --no-instructions >"$INSTANCE/initdb.log" 2>&1 ||
        instance_fail initdb.log "initdb failed"
    # Reached by the socket only, which lies in a directory that no other user can enter. Durability
    # as PostgreSQL has it by default.
    cat >>"$INSTANCE/pg/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$INSTANCE'
unix_socket_permissions = 0700
fsync = on
synchronous_commit = on
shared_buffers = 256MB
max_wal_size = 2GB
END
    "$PG_BIN/pg_ctl" -s -w -t 60 -D "$INSTANCE/pg" -l "$INSTANCE/postgres.log" start ||
        instance_fail postgres.log "PostgreSQL did not start"
    instance_sql postgres "CREATE ROLE jeton LOGIN"
    instance_sql postgres "CREATE DATABASE jeton OWNER jeton"
    mkdir -m 0700 "$INSTANCE/keeper" "$INSTANCE/front"
    cat >"$JETON_CONFIG" <<END
[jeton]
environment = development
[keeper]
directory = $INSTANCE/keeper
socket = $INSTANCE/keeper.sock
[front]
node = quickstart
port = 0
port_file = $INSTANCE/front/port
[database]
conninfo = host=$INSTANCE dbname=jeton user=jeton
END
    "$INSTANCE/bin/jeton" migrate >"$INSTANCE/init.log" 2>&1 ||
        instance_fail init.log "jeton migrate failed"
    "$INSTANCE/bin/jeton" init --operator-key "$JETON_KEY_FILE" >>"$INSTANCE/init.log" 2>&1 ||
        instance_fail init.log "jeton init failed"
}

# Starts keeper and front and waits until operators are served; cards are, once a generation is
# active (instance_ready).
instance_start() {
    instance_spawn jeton-keeper
    instance_spawn jetond
    instance_await "the REST port" test -s "$INSTANCE/front/port"
    JETON_URL=http://127.0.0.1:$(cat "$INSTANCE/front/port")
    export JETON_URL
    instance_await "jeton status" "$INSTANCE/bin/jeton" status
}

instance_ready() {
    instance_await "$JETON_URL/readyz" curl -fsS -o /dev/null --max-time 2 "$JETON_URL/readyz"
}

# A session of its own keeps the terminal's Ctrl-C for the caller, who stops things in order.
instance_spawn() {
    setsid "$INSTANCE/bin/$1" --config "$JETON_CONFIG" >>"$INSTANCE/$1.log" 2>&1 </dev/null &
    printf '%s\n' "$!" >"$INSTANCE/$1.pid"
    # Not the shell's job: it shall not report its end.
    disown "$!"
}

# instance_await WHAT COMMAND...: polls ten times a second, at most 30 seconds.
instance_await() {
    local what=$1 deadline=$((SECONDS + 30)) name
    shift
    until "$@" >/dev/null 2>&1; do
        for name in jeton-keeper jetond; do
            instance_alive "$name" || instance_fail "$name.log" "$name ended at start"
        done
        [ "$SECONDS" -lt "$deadline" ] ||
            instance_fail jetond.log "no answer from $what within 30 seconds"
        sleep 0.1
    done
}

# A pid file may be old and its number another's by now: what it names counts only if its command
# line names this instance.
instance_owns() {
    local pid
    pid=$(head -n 1 "$1" 2>/dev/null) &&
        tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -e "$INSTANCE/"
}

instance_alive() {
    instance_owns "$INSTANCE/$1.pid"
}

# Stops whatever of the instance runs; safe at any moment, also half-way through its start.
instance_stop() {
    local name deadline
    for name in jetond jeton-keeper; do
        instance_alive "$name" || continue
        kill -TERM "$(cat "$INSTANCE/$name.pid")" 2>/dev/null
        deadline=$((SECONDS + 10))
        while instance_alive "$name"; do
            [ "$SECONDS" -lt "$deadline" ] || { kill -KILL "$(cat "$INSTANCE/$name.pid")"; break; }
            sleep 0.1
        done
    done
    if instance_owns "$INSTANCE/pg/postmaster.pid"; then
        "$PG_BIN/pg_ctl" -s -w -t 60 -D "$INSTANCE/pg" -m fast stop ||
            "$PG_BIN/pg_ctl" -s -w -D "$INSTANCE/pg" -m immediate stop
    fi
}

# instance_sql DATABASE QUERY: unaligned rows, for the cluster's own superuser.
instance_sql() {
    PGOPTIONS='-c search_path=jeton' psql -h "$INSTANCE" -U postgres -d "$1" -XAtq -F ' ' \
        -v ON_ERROR_STOP=1 -c "$2"
}

instance_fail() {
    printf '%s. The end of %s:\n' "$2" "$1" >&2
    tail -n 20 "$INSTANCE/$1" >&2
    exit 1
}
