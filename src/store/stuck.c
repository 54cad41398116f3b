/* SPDX-License-Identifier: Apache-2.0 */
#include "store/stuck.h"

#include "store/card_row.h"
#include "store/query.h"
#include "store/statements.h"

/* $1 generation; $2 buckets, $3 ids, ascending, so that two who note the same do not deadlock. */
static void add_places(struct jt_params *p, uint64_t generation, const struct jt_stuck_card *cards,
                       size_t n)
{
    jt_params_init(p);
    jt_params_u63(p, generation);
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, (int16_t)cards[i].at.bucket);
    }
    jt_params_array(p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(p, cards[i].at.id);
    }
}

enum jt_err jt_stuck_put(struct jt_db *db, uint64_t generation, const struct jt_stuck_card *cards,
                         size_t n)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK || n == 0) {
        return err;
    }
    struct jt_params p;
    add_places(&p, generation, cards, n);
    jt_params_array(&p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(&p, cards[i].field);
    }
    jt_params_array(&p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(&p, (int16_t)cards[i].cause);
    }
    return jt_db_change(db,
                        "INSERT INTO stuck_card AS s (generation, bucket, id, field, cause) "
                        "SELECT $1::int8, u.* FROM unnest($2::int2[], $3::int8[], $4::int4[], "
                        "$5::int2[]) AS u (bucket, id, field, cause) ORDER BY 2, 3 "
                        "ON CONFLICT (generation, bucket, id) DO UPDATE SET "
                        "cause = excluded.cause, field = excluded.field "
                        "WHERE (s.cause, s.field) <> (excluded.cause, excluded.field)",
                        &p, NULL);
}

enum jt_err jt_stuck_forget(struct jt_db *db, uint64_t generation,
                            const struct jt_stuck_card *cards, size_t n)
{
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK || n == 0) {
        return err;
    }
    struct jt_params p;
    add_places(&p, generation, cards, n);
    return jt_db_change(db,
                        "DELETE FROM stuck_card s USING unnest($2::int2[], $3::int8[]) AS u "
                        "(bucket, id) WHERE s.generation = $1::int8 AND s.bucket = u.bucket "
                        "AND s.id = u.id",
                        &p, NULL);
}

static enum jt_err read_seen(const PGresult *res, int i, struct jt_stuck_seen *out)
{
    struct jt_row row = jt_row_init(res, i);
    *out = (struct jt_stuck_seen){ 0 };
    out->card.at.bucket = jt_row_u15(&row, 0);
    out->card.at.id = jt_row_u63(&row, 1);
    out->card.field = jt_row_u31(&row, 2);
    out->card.cause = (enum jt_stuck_cause)jt_row_u15(&row, 3);
    jt_row_text(&row, 4, out->first_seen, sizeof out->first_seen);
    out->stands = !jt_row_is_null(&row, 5);
    if (out->stands) {
        jt_card_row_read(&row, 5, &out->row);
        out->row.bucket = out->card.at.bucket;
    }
    return jt_row_status(&row);
}

enum jt_err jt_stuck_list(struct jt_db *db, uint64_t generation, uint8_t key_id,
                          struct jt_card_cursor after, size_t skip, struct jt_stuck_seen *out,
                          size_t max, size_t *n)
{
    *n = 0;
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    jt_params_i16(&p, key_id);
    jt_params_i16(&p, (int16_t)after.bucket);
    jt_params_u63(&p, after.id);
    jt_params_u63(&p, max);
    jt_params_u63(&p, skip);
    PGresult *res;
    err = jt_db_query(db, jt_statements[JT_SQL_STUCK].sql, &p, &res);
    if (err == JT_OK && (size_t)PQntuples(res) > max) {
        err = JT_ERR_DB_FAULT;
    }
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        err = read_seen(res, i, &out[(*n)++]);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_stuck_count(struct jt_db *db, uint64_t generation, struct jt_stuck_counts *out)
{
    *out = (struct jt_stuck_counts){ 0 };
    enum jt_err err = jt_db_ensure(db);
    if (err != JT_OK) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u63(&p, generation);
    PGresult *res;
    err = jt_db_query(db,
                      "SELECT s.cause, count(*) FROM (SELECT c.cause FROM stuck_card c "
                      "WHERE c.generation = $1::int8 "
                      "LIMIT " JT_SQL_NUMBER(JT_STUCK_COUNTED) ") AS s GROUP BY s.cause",
                      &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_row row = jt_row_init(res, i);
        uint16_t cause = jt_row_u15(&row, 0);
        uint64_t n = jt_row_u63(&row, 1);
        err = jt_row_status(&row);
        out->all += n;
        out->by_cause[cause < JT_N_STUCK_CAUSES ? cause : 0] += n;
    }
    PQclear(res);
    return err;
}
