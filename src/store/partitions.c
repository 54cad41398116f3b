/* SPDX-License-Identifier: Apache-2.0 */
#include "store/partitions.h"

#include "store/columns.h"
#include "store/locks.h"
#include "store/query.h"

#include <stdio.h>
#include <string.h>

/* SQL is laid out by hand. */
/* clang-format off */
/*
 * CREATE TABLE ... PARTITION OF would take ACCESS EXCLUSIVE on the parent and wait for every
 * insert; ATTACH takes SHARE UPDATE EXCLUSIVE. The new table is empty, so nothing is scanned. The
 * storage of `ids` and the index come from the parent.
 */
static const char make_partitions[] =
    "SET lock_timeout = '3s'; "
    "DO $$ DECLARE month timestamp; name text; BEGIN "
    "FOR i IN 0..2 LOOP "
    "month := date_trunc('month', now() AT TIME ZONE 'UTC') + i * interval '1 month'; "
    "name := 'audit_' || to_char(month, 'YYYY_MM'); "
    "IF to_regclass('jeton.' || name) IS NULL THEN "
    "EXECUTE format('CREATE TABLE %I (LIKE audit INCLUDING STORAGE)', name); "
    "EXECUTE format('ALTER TABLE audit ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, "
    "month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC'); "
    "END IF; END LOOP; END $$; "
    "SET lock_timeout = '0'";

/* A name tells the month; whatever else there is is somebody's own. */
#define MONTH_OF(c) "make_timestamp(substring(" c ".relname::text, 7, 4)::int, substring(" c \
    ".relname::text, 12, 2)::int, 1, 0, 0, 0)"
#define END_OF(c) "((" MONTH_OF(c) " + interval '1 month') AT TIME ZONE 'UTC')"
#define PARTITIONS "pg_class c WHERE c.relnamespace = 'jeton'::regnamespace AND c.relkind = 'r' " \
    "AND c.relname ~ '^audit_[0-9]{4}_(0[1-9]|1[0-2])$'"
static const char find_reach[] =
    "SELECT coalesce(max(" END_OF("c") "), '1970-01-01Z'::timestamptz) FROM " PARTITIONS
    " AND EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = c.oid AND NOT h.inhdetachpending)";
static const char find_oldest[] =
    "SELECT c.relname::text, " END_OF("c") " FROM " PARTITIONS
    " AND " MONTH_OF("c") " + $1::int4 * interval '1 month' + interval '1 month' <= "
    "date_trunc('month', now() AT TIME ZONE 'UTC') ORDER BY c.relname LIMIT 1";
/* $1 its end, $2 at most so many; the name stands in the text: it is one of ours. */
static const char find_ends[] =
    "SELECT DISTINCT ON (a.start, a.connection) a.start, a.connection, a.link, a.head FROM %s a "
    "WHERE a.start > 0 AND a.head IS NOT NULL AND NOT EXISTS (SELECT FROM audit_close k "
    "WHERE k.start = a.start AND k.connection = a.connection AND k.before >= $1::timestamptz) "
    "ORDER BY a.start, a.connection, a.link DESC LIMIT $2::int8";
/* clang-format on */

enum jt_err jt_partitions_begin(struct jt_db *db, bool *ours)
{
    *ours = false;
    enum jt_err err = jt_db_ensure(db);
    return err == JT_OK
               ? jt_db_ask(db, "SELECT pg_try_advisory_lock(" JT_MONTHS_LOCK ")", NULL, ours)
               : err;
}

void jt_partitions_end(struct jt_db *db)
{
    bool freed;
    enum jt_err err = jt_db_ensure(db);
    if (err == JT_OK) {
        err = jt_db_ask(db, "SELECT pg_advisory_unlock(" JT_MONTHS_LOCK ")", NULL, &freed);
    }
    (void)err; /* a session that cannot unlock is lost, and its lock with it */
}

enum jt_err jt_partitions_make(struct jt_db *db)
{
    enum jt_err err = jt_db_ensure(db);
    return err == JT_OK ? jt_db_script(db, make_partitions) : err;
}

static uint64_t time_of(struct jt_row *row, int column)
{
    return jt_row_raw64(row, column, JT_PG_TIMESTAMPTZ) + JT_PG_EPOCH_US;
}

enum jt_err jt_partitions_reach(struct jt_db *db, uint64_t *until_us)
{
    PGresult *res;
    *until_us = 0;
    enum jt_err err = jt_db_query_one(db, find_reach, NULL, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *until_us = time_of(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_partitions_oldest(struct jt_db *db, long months,
                                 char name[static JT_PARTITION_NAME_LEN], uint64_t *before_us)
{
    struct jt_params p;
    name[0] = '\0';
    *before_us = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    jt_params_init(&p);
    jt_params_u31(&p, (uint32_t)months);
    PGresult *res;
    err = jt_db_query_one(db, find_oldest, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        jt_row_text(&row, 0, name, JT_PARTITION_NAME_LEN);
        *before_us = time_of(&row, 1);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_OK : err;
}

enum jt_err jt_partition_ends(struct jt_db *db, const char *name, uint64_t before_us, size_t max,
                              struct jt_audit_close *out, size_t *n)
{
    char sql[sizeof find_ends + JT_PARTITION_NAME_LEN];
    struct jt_params p;
    *n = 0;
    (void)snprintf(sql, sizeof sql, find_ends, name);
    jt_params_init(&p);
    jt_params_time(&p, before_us);
    jt_params_u63(&p, max);
    PGresult *res;
    enum jt_err err = jt_db_query(db, sql, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < max; i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_audit_close *close = &out[(*n)++];
        *close = (struct jt_audit_close){ .start = jt_row_u31(&row, 0),
                                          .connection = jt_row_u15(&row, 1),
                                          .number = jt_row_u63(&row, 2),
                                          .before_us = before_us };
        jt_row_uuid(&row, 3, close->head);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

static enum jt_err put_close(struct jt_db *db, const struct jt_audit_close *close)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, close->start);
    jt_params_i16(&p, (int16_t)close->connection);
    jt_params_u63(&p, close->number);
    jt_params_uuid(&p, close->head);
    jt_params_time(&p, close->before_us);
    jt_params_bytes(&p, close->mac, sizeof close->mac);
    return jt_db_change_one(db,
                            "INSERT INTO audit_close AS k (start, connection, link, head, before, "
                            "mac) VALUES (" JT_SQL_6_PARAMS ") ON CONFLICT (start, connection) DO "
                            "UPDATE SET link = excluded.link, head = excluded.head, before = "
                            "excluded.before, mac = excluded.mac WHERE k.link <= excluded.link",
                            &p);
}

enum jt_err jt_partition_close(struct jt_db *db, const struct jt_audit_close *closes, size_t n)
{
    enum jt_err err = jt_db_begin(db);
    for (size_t i = 0; i < n && err == JT_OK; i++) {
        err = put_close(db, &closes[i]);
    }
    return jt_db_end(db, err);
}

/* DETACH CONCURRENTLY is no part of a transaction; where it was cut off, FINALIZE ends it. */
enum jt_err jt_partition_drop(struct jt_db *db, const char *name)
{
    char sql[120];
    struct jt_params p;
    uint8_t pending = 2; /* not attached */
    jt_params_init(&p);
    jt_params_text(&p, name);
    PGresult *res;
    enum jt_err err = jt_db_query(db,
                                  "SELECT h.inhdetachpending::int4::int2 FROM pg_inherits h WHERE "
                                  "h.inhrelid = to_regclass('jeton.' || $1::text)",
                                  &p, &res);
    if (err == JT_OK && PQntuples(res) > 0) {
        struct jt_row row = jt_row_init(res, 0);
        pending = jt_row_u8(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    if (err == JT_OK && pending < 2) {
        (void)snprintf(sql, sizeof sql, "ALTER TABLE audit DETACH PARTITION %s %s", name,
                       pending == 1 ? "FINALIZE" : "CONCURRENTLY");
        err = jt_db_script(db, sql);
    }
    if (err == JT_OK) {
        (void)snprintf(sql, sizeof sql, "DROP TABLE %s", name);
        err = jt_db_script(db, sql);
    }
    return err;
}

enum jt_err jt_audit_closes(struct jt_db *db, jt_audit_close_fn *each, void *arg)
{
    PGresult *res;
    enum jt_err err = jt_db_query(db,
                                  "SELECT k.start, k.connection, k.link, k.head, k.before, k.mac "
                                  "FROM audit_close k ORDER BY k.start, k.connection",
                                  NULL, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_audit_close close = { .start = jt_row_u31(&row, 0),
                                        .connection = jt_row_u15(&row, 1),
                                        .number = jt_row_u63(&row, 2) };
        jt_row_uuid(&row, 3, close.head);
        close.before_us = time_of(&row, 4);
        jt_row_fixed(&row, 5, close.mac, sizeof close.mac);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &close);
        }
    }
    PQclear(res);
    return err;
}
