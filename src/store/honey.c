/* SPDX-License-Identifier: Apache-2.0 */
#include "store/honey.h"

#include "store/audit_params.h"
#include "store/query.h"

#include <string.h>

/* What is longer than any keeper's is nobody's, and is not fetched. */
#define SEALED \
    "CASE WHEN octet_length(sealed) <= " JT_SQL_NUMBER(JT_STORE_HONEY_MAX) " THEN sealed END"
#define JT_STORE_HONEY_MAX 12326
_Static_assert(JT_STORE_HONEY_MAX == JT_HONEY_SEALED_LEN, "as long as a sealed set");

static enum jt_err read_row(struct jt_db *db, const char *sql, struct jt_honey_sealed *out,
                            bool *there)
{
    PGresult *res = NULL;
    *out = (struct jt_honey_sealed){ 0 };
    *there = false;
    enum jt_err err = jt_db_query(db, sql, NULL, &res);
    if (err == JT_OK && PQntuples(res) == 1) {
        struct jt_row row = jt_row_init(res, 0);
        size_t len = 0;
        if (!jt_row_is_null(&row, 0)) {
            len = jt_row_copy(&row, 0, out->bytes, sizeof out->bytes);
            *there = !row.bad && (len == 0 || len == JT_HONEY_SEALED_LEN);
        }
        out->len = *there ? (uint16_t)len : 0;
    }
    PQclear(res);
    return err;
}

enum jt_err jt_honey_read(struct jt_db *db, struct jt_honey_sealed *out, bool *there)
{
    enum jt_err err = jt_db_ensure(db);
    return err == JT_OK ? read_row(db, "SELECT " SEALED " FROM honey", out, there) : err;
}

enum jt_err jt_honey_write(struct jt_db *db, const struct jt_honey_sealed *sealed)
{
    static const char sql[] = "INSERT INTO honey (one, sealed) VALUES (true, $1::bytea) "
                              "ON CONFLICT (one) DO UPDATE SET sealed = excluded.sealed "
                              "RETURNING sealed = $1::bytea";
    struct jt_params p;
    PGresult *res = NULL;
    jt_params_init(&p);
    jt_params_bytes(&p, sealed->bytes, sealed->len);
    enum jt_err err = jt_db_query_one(db, sql, &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        bool same = jt_row_bool(&row, 0);
        err = jt_row_status(&row);
        err = err == JT_OK && !same ? JT_ERR_DB_UNTRUE : err;
    }
    PQclear(res);
    return err;
}

static enum jt_err change(struct jt_db *db, const struct jt_audit_row *audit,
                          jt_honey_next_fn *next, void *arg)
{
    bool there;
    struct jt_honey_sealed now, then;
    enum jt_err err = read_row(db, "SELECT " SEALED " FROM honey FOR UPDATE", &now, &there);
    if (err == JT_OK) {
        err = next(arg, &now, &then);
    }
    if (err == JT_OK) {
        err = jt_honey_write(db, &then);
    }
    if (err == JT_OK) {
        err = jt_audit_write(db, audit, 1);
    }
    return err == JT_OK ? jt_db_remember(db, 1) : err;
}

enum jt_err jt_honey_change_row(struct jt_db *db, const struct jt_audit_row *audit,
                                jt_honey_next_fn *next, void *arg)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, change(db, audit, next, arg)) : err;
}
