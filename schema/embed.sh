#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes the C file that holds the migrations: schema/embed.sh FILE... , in order, each named
# NNNN_what.sql.
set -eu

cat <<'C'
/* Made by schema/embed.sh from schema/NNNN_*.sql. */
#include "store/migrations.h"

const struct jt_migration jt_migrations[] = {
C
for file in "$@"; do
    base=$(basename "$file" .sql)
    number=$(expr "$base" : '0*\([1-9][0-9]*\)_[a-z0-9_]*$') || {
        echo "$0: $file is not named NNNN_what.sql" >&2
        exit 1
    }
    printf '    { %s, "%s",\n' "$number" "$base"
    # Backslashes and quotes escaped, one string literal a line; the whole text counts, comments
    # too.
    awk '{ gsub(/\\/, "\\\\"); gsub(/"/, "\\\""); printf "      \"%s\\n\"\n", $0 }' "$file"
    printf '    },\n'
done
cat <<'C'
};

const int jt_n_migrations = sizeof jt_migrations / sizeof jt_migrations[0];
C
