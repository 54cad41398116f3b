/* SPDX-License-Identifier: Apache-2.0 */
#include "store/parcels.h"

#include "store/columns.h"
#include "store/query.h"

#include <string.h>

#define IS_FRESH       "at > now() - interval '1 minute'"
#define HAS_LENGTH(of) "octet_length(" of ") BETWEEN 1 AND " JT_SQL_NUMBER(JT_PARCEL_BYTES_MAX)

#define REQUEST(FIRST, NEXT, t) \
    FIRST(TEXT, t "node", node) \
    NEXT(U63, t "generation", generation) NEXT(BYTES, t "request", bytes)
#define ANSWER(FIRST, NEXT, t) \
    FIRST(TEXT, t "node", node) NEXT(U63, t "generation", generation) NEXT(BYTES, t "answer", bytes)

static JT_COLUMNS_READER(read_row, REQUEST, struct jt_parcel_row); /* an answer's is the same */
static JT_COLUMNS_PUTTER(put_row, REQUEST, 3, struct jt_parcel_row);

static enum jt_err read_rows(struct jt_db *db, const char *sql, struct jt_params *p,
                             struct jt_parcel_row *out, size_t *n)
{
    PGresult *res;
    *n = 0;
    enum jt_err err = jt_db_query(db, sql, p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res) && *n < JT_PARCELS_MAX; i++) {
        struct jt_row row = jt_row_init(res, i);
        read_row(&row, 0, &out[(*n)++]);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_parcel_post(struct jt_db *db, const struct jt_parcel_row *request, bool *fresh)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, request);
    *fresh = false;
    uint64_t n = 0;
    enum jt_err err =
        jt_db_change(db,
                     "INSERT INTO parcel (node, generation, request) VALUES ($1, $2, $3) "
                     "ON CONFLICT (node, generation) DO UPDATE SET "
                     "request = excluded.request, at = excluded.at, answer = CASE "
                     "WHEN parcel.request = excluded.request THEN parcel.answer END "
                     "WHERE parcel.request <> excluded.request "
                     "OR parcel.at < excluded.at - interval '10 seconds'",
                     &p, &n);
    *fresh = err == JT_OK && n > 0;
    return err;
}

enum jt_err jt_parcels_answered(struct jt_db *db, const char *node, struct jt_parcel_row *out,
                                size_t *n)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    return read_rows(
        db,
        "SELECT " JT_COLUMNS(ANSWER, "") " FROM parcel WHERE node = $1 AND " HAS_LENGTH(
            "answer") " ORDER BY generation LIMIT " JT_SQL_NUMBER(JT_PARCELS_MAX),
        &p, out, n);
}

enum jt_err jt_parcel_delete(struct jt_db *db, const char *node, uint64_t generation)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    jt_params_u63(&p, generation);
    return jt_db_change(db, "DELETE FROM parcel WHERE node = $1 AND generation = $2", &p, NULL);
}

enum jt_err jt_parcel_reject(struct jt_db *db, const struct jt_parcel_row *answer)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, answer);
    return jt_db_change(
        db, "UPDATE parcel SET answer = NULL WHERE node = $1 AND generation = $2 AND answer = $3",
        &p, NULL);
}

enum jt_err jt_parcels_begin(struct jt_db *db, const char *node, const struct jt_parcel_row *after,
                             struct jt_parcel_row *out, size_t *n)
{
    *n = 0;
    enum jt_err err = jt_db_begin(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    jt_params_text(&p, after->node);
    jt_params_u63(&p, after->generation);
    err = read_rows(
        db,
        "SELECT " JT_COLUMNS(
            REQUEST,
            "") " FROM parcel WHERE (node, generation) > "
                "($2, $3) AND node <> $1 AND octet_length(node) BETWEEN 1 AND " JT_SQL_NUMBER(
                    JT_NODE_NAME_MAX) " AND answer IS NULL AND " IS_FRESH
                                      " AND " HAS_LENGTH("request") " ORDER BY node, generation "
                                                                    "LIMIT " JT_SQL_NUMBER(
                                                                        JT_PARCELS_MAX) " FOR "
                                                                                        "UPDATE "
                                                                                        "SKIP "
                                                                                        "LOCKED",
        &p, out, n);
    return err == JT_OK ? JT_OK : jt_db_end(db, err);
}

enum jt_err jt_parcel_answer(struct jt_db *db, const struct jt_parcel_row *answer)
{
    struct jt_params p;
    jt_params_init(&p);
    put_row(&p, answer);
    return jt_db_change_one(
        db, "UPDATE parcel SET answer = $3 WHERE node = $1 AND generation = $2 AND answer IS NULL",
        &p);
}

enum jt_err jt_parcels_end(struct jt_db *db, enum jt_err err)
{
    return jt_db_end(db, err);
}

enum jt_err jt_parcels_sweep(struct jt_db *db)
{
    return jt_db_change(db,
                        "DELETE FROM parcel WHERE ctid IN (SELECT p.ctid FROM parcel p WHERE "
                        "p.at < now() - interval '1 minute' ORDER BY p.at LIMIT 1000 "
                        "FOR UPDATE SKIP LOCKED)",
                        NULL, NULL);
}
