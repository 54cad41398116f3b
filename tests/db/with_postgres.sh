#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command against a private PostgreSQL cluster and takes the cluster down again, whatever
# happens.
#
#   tests/db/with_postgres.sh COMMAND [ARGUMENT...]
#
# The cluster lives in a fresh directory, listens on a Unix socket only and keeps fsync on, as
# production does. initdb refuses root, so root runs it as another user. The command finds in its
# environment
#   JETON_TEST_CONNINFO   connection string of the role `jeton`, which owns the database `jeton` and
#                         is no superuser, as in production
#   JETON_TEST_ADMIN      the same database as the cluster's superuser, for what only a DBA can do
#   JETON_TEST_PGDATA     the data directory (postmaster.pid, server.log beside it)
# The exit status is the command's; 77 when there is no PostgreSQL to run.
set -u

if [ $# -eq 0 ]; then
    echo "usage: $0 COMMAND [ARGUMENT...]" >&2
    exit 2
fi

bin=
for dir in ${PG_BINDIR:+"$PG_BINDIR"} /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin; do
    if [ -x "$dir/initdb" ] && [ -x "$dir/pg_ctl" ]; then
        bin=$dir
        break
    fi
done
if [ -z "$bin" ]; then
    echo "$0: no PostgreSQL server programs found (install postgresql-15)" >&2
    exit 77
fi

# A socket's path holds 107 bytes at most.
tmp=${TMPDIR:-/tmp}
[ ${#tmp} -le 60 ] || tmp=/tmp
top=$(mktemp -d "$tmp/jeton-pg.XXXXXX") || exit 1

owner=
if [ "$(id -u)" -eq 0 ]; then
    for candidate in postgres nobody; do
        if id "$candidate" >/dev/null 2>&1; then
            owner=$candidate
            break
        fi
    done
    chown "$owner" "$top"
fi

# The cluster's own user, with nothing of the caller's session.
as_owner() {
    if [ -z "$owner" ]; then
        "$@"
    elif command -v setpriv >/dev/null 2>&1; then
        setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups "$@"
    else
        runuser -u "$owner" -- "$@"
    fi
}

# Whether the process that postmaster.pid names is this cluster's: a test may have killed that one,
# and its number may be another's by now. pg_ctl does not ask.
cluster_runs() {
    pid=$(head -n 1 "$top/data/postmaster.pid" 2>/dev/null) &&
        tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -e "-D $top/data "
}

tear_down() {
    status=$?
    trap '' HUP INT TERM
    ! cluster_runs || as_owner "$bin/pg_ctl" -D "$top/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$top"
    exit "$status"
}
trap tear_down EXIT
command=
stop() {
    [ -z "$command" ] || kill -TERM "$command" 2>/dev/null
    exit "$1"
}
trap 'stop 129' HUP
trap 'stop 130' INT
trap 'stop 143' TERM

here=$PWD
mask=$(umask)
cd "$top" || exit 1 # a directory that the cluster's user may enter
umask 077
as_owner "$bin/initdb" -D "$top/data" -U dba -A trust -E UTF8 --locale=C -N \
    >"$top/initdb.log" 2>&1 || {
    cat "$top/initdb.log" >&2
    exit 1
}
as_owner sh -c 'cat >>"$1/data/postgresql.conf"' sh "$top" <<CONF
listen_addresses = ''
unix_socket_directories = '$top'
fsync = on
synchronous_commit = on
shared_buffers = 256MB
max_wal_size = 2GB
max_connections = 100
logging_collector = off
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length_on_error = 0
log_error_verbosity = terse
CONF
as_owner "$bin/pg_ctl" -D "$top/data" -l "$top/server.log" -w -t 60 start >/dev/null || {
    cat "$top/server.log" >&2
    exit 1
}

psql="$bin/psql -X -q -v ON_ERROR_STOP=1 -h $top -U dba"
$psql -d postgres -c 'CREATE ROLE jeton LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE' \
    -c 'CREATE DATABASE jeton OWNER jeton' || exit 1

cd "$here" || exit 1
umask "$mask"
JETON_TEST_CONNINFO="host=$top dbname=jeton user=jeton"
JETON_TEST_ADMIN="host=$top dbname=jeton user=dba"
JETON_TEST_PGDATA="$top/data"
export JETON_TEST_CONNINFO JETON_TEST_ADMIN JETON_TEST_PGDATA

# In the background, so that a signal to this script is acted on at once; with the caller's standard
# input all the same.
"$@" <&0 &
command=$!
wait "$command"
