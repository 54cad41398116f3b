/* SPDX-License-Identifier: Apache-2.0 */
#include "store/starts.h"

#include "store/columns.h"
#include "store/query.h"

#include <stdlib.h>

static enum jt_err find_last(struct jt_db *db, const char *node, uint32_t *id)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_text(&p, node);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db,
                                      "SELECT s.id FROM audit_start s WHERE s.node = $1 AND "
                                      "s.id > 0 ORDER BY s.at DESC, s.id LIMIT 1",
                                      &p, &res);
    if (err == JT_OK) {
        struct jt_row row = jt_row_init(res, 0);
        *id = jt_row_u31(&row, 0);
        err = jt_row_status(&row);
    }
    PQclear(res);
    return err == JT_ERR_NO_ROW ? JT_OK : err;
}

/*
 * What was noted last, and what came behind it: no transaction lasts as long as a minute. Nothing
 * noted: the whole run is read.
 */
static const char find_ends[] =
    "SELECT DISTINCT ON (e.connection) e.connection, e.link, e.head FROM ("
    "SELECT h.connection, h.link, h.head FROM audit_head h WHERE h.start = $1 UNION ALL "
    "SELECT a.connection, a.link, a.head FROM audit a WHERE a.start = $1 AND a.head IS NOT NULL "
    "AND a.at >= (SELECT coalesce(s.noted_at - interval '1 minute', s.at) FROM audit_start s "
    "WHERE s.id = $1)) AS e ORDER BY e.connection, e.link DESC";

static enum jt_err take_ends(const PGresult *res, struct jt_audit_end *ends, size_t *n)
{
    if (PQntuples(res) > JT_AUDIT_ENDS_MAX) {
        return JT_ERR_DB_FAULT;
    }
    enum jt_err err = JT_OK;
    for (int i = 0; i < PQntuples(res) && err == JT_OK; i++) {
        struct jt_row row = jt_row_init(res, i);
        struct jt_audit_end *end = &ends[(*n)++];
        end->connection = jt_row_u15(&row, 0);
        end->number = jt_row_u63(&row, 1);
        jt_row_uuid(&row, 2, end->head);
        err = jt_row_status(&row);
    }
    return err;
}

enum jt_err jt_start_find_last(struct jt_db *db, const char *node, uint32_t *id,
                               struct jt_audit_end *ends, size_t *n)
{
    *id = 0;
    *n = 0;
    enum jt_err err = find_last(db, node, id);
    if (err != JT_OK || *id == 0) {
        return err;
    }
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, *id);
    PGresult *res;
    err = jt_db_query(db, find_ends, &p, &res);
    if (err == JT_OK) {
        err = take_ends(res, ends, n);
    }
    PQclear(res);
    return err;
}

enum jt_err jt_start_insert(struct jt_db *db, const struct jt_audit_start *start)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, start->id);
    jt_params_text(&p, start->node);
    jt_params_uuid(&p, start->incarnation);
    jt_params_time(&p, start->at_us);
    jt_params_u31(&p, start->predecessor);
    uint8_t *ends = malloc(start->n_ends * JT_AUDIT_END_LEN + 1);
    if (ends == NULL) {
        jt_params_clear(&p);
        return JT_ERR_NOMEM;
    }
    for (size_t i = 0; i < start->n_ends; i++) {
        jt_audit_end_pack(&start->ends[i], ends + i * JT_AUDIT_END_LEN);
    }
    jt_params_bytes(&p, ends, start->n_ends * JT_AUDIT_END_LEN);
    free(ends);
    jt_params_bytes(&p, start->mac, sizeof start->mac);
    return jt_db_insert_one(db,
                            "INSERT INTO audit_start (id, node, incarnation, at, predecessor, "
                            "ends, mac) VALUES (" JT_SQL_7_PARAMS ")",
                            &p);
}

enum jt_err jt_start_stands(struct jt_db *db, uint32_t id, bool *stands)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, id);
    return jt_db_ask(db, "SELECT EXISTS (SELECT FROM audit_start s WHERE s.id = $1)", &p, stands);
}

static const char note_heads[] =
    "WITH noted AS (INSERT INTO audit_head AS h (start, connection, link, head) "
    "SELECT $1, e.* FROM unnest($3::int2[], $4::int8[], $5::uuid[]) AS e "
    "ON CONFLICT (start, connection) DO UPDATE SET link = excluded.link, head = excluded.head) "
    "UPDATE audit_start SET noted_at = $2 WHERE id = $1";

enum jt_err jt_start_note(struct jt_db *db, uint32_t id, uint64_t at_us,
                          const struct jt_audit_end *ends, size_t n)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, id);
    jt_params_time(&p, at_us);
    jt_params_array(&p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(&p, (int16_t)ends[i].connection);
    }
    jt_params_array(&p, JT_PG_INT8_ARRAY, n, 8);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u63(&p, ends[i].number);
    }
    jt_params_array(&p, JT_PG_UUID_ARRAY, n, JT_PG_UUID_LEN);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_bytes(&p, ends[i].head, sizeof ends[i].head);
    }
    return jt_db_change_one(db, note_heads, &p);
}
