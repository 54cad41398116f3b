/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit.h"

#include "store/audit_params.h"
#include "store/columns.h"
#include "store/query.h"
#include "store/statements.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text_or_empty(const char *text)
{
    return text == NULL ? "" : text;
}

static void add_text(struct jt_params *p, const char *text)
{
    jt_params_add_bytes(p, text_or_empty(text), strlen(text_or_empty(text)));
}

void jt_audit_params(struct jt_params *p, const struct jt_audit *audit)
{
    const struct jt_audit_row *rows = audit->rows;
    size_t n = audit->n;
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].client);
    }
    jt_params_array(p, JT_PG_INT2_ARRAY, n, 2);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_i16(p, (int16_t)rows[i].action);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].field);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].n_items);
    }
    jt_params_array(p, JT_PG_INT4_ARRAY, n, 4);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u31(p, rows[i].n_done);
    }
    jt_params_array(p, JT_PG_BYTEA_ARRAY, n, 16);
    for (size_t i = 0; i < n; i++) {
        jt_params_add_u64s(p, rows[i].ids, rows[i].n_ids);
    }
    jt_params_array(p, JT_PG_TEXT_ARRAY, n, 0);
    for (size_t i = 0; i < n; i++) {
        add_text(p, rows[i].object);
    }
}

void jt_audit_statement(struct jt_params *p, const struct jt_audit *audit)
{
    jt_params_text(p, audit->node);
    jt_audit_params(p, audit);
}

enum jt_err jt_audit_write(struct jt_db *db, const struct jt_audit *audit)
{
    struct jt_params p;
    jt_params_init(&p);
    jt_audit_statement(&p, audit);
    PGresult *res;
    enum jt_err err = jt_db_query_one(db, jt_statements[JT_SQL_AUDIT].sql, &p, &res);
    PQclear(res);
    return err;
}

enum jt_err jt_audit_act(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                         uint32_t field, const char *object)
{
    const struct jt_audit_row row = { .action = action,
                                      .client = act->actor,
                                      .field = field,
                                      .n_items = 1,
                                      .n_done = 1,
                                      .object = object };
    enum jt_err err =
        jt_audit_write(db, &(struct jt_audit){ .node = act->node, .rows = &row, .n = 1 });
    return err == JT_ERR_DB_DUPLICATE || err == JT_ERR_DB_REFUSED ? JT_ERR_DB_FAULT : err;
}

#define READING(FIRST, NEXT, t)         \
    FIRST(U63, t "seq", seq)            \
    NEXT(TEXT, JT_SQL_TIME(t "at"), at) \
    NEXT(TEXT, t "client", client)      \
    NEXT(TEXT, t "node", node)

static JT_COLUMNS_READER(read_reading, READING, struct jt_audit_reading);

/* $1 field, $2 id as 8 bytes, $3 and $4 times, empty: unbounded; $5 at most so many; $6 action */
#define READING_COLUMNS JT_COLUMNS(READING, "a.")
static const char find_readings[] =
    "SELECT " READING_COLUMNS " FROM audit a "
    "WHERE a.action = $6::int2 AND a.field = $1::int4 AND position($2::bytea IN a.ids) > 0 "
    "AND EXISTS (SELECT FROM generate_series(0, octet_length(a.ids) / 8 - 1) i "
    "WHERE substring(a.ids FROM i * 8 + 1 FOR 8) = $2::bytea) "
    "AND a.at >= coalesce(nullif($3::text, '')::timestamptz, '-infinity') "
    "AND a.at < coalesce(nullif($4::text, '')::timestamptz, 'infinity') "
    "ORDER BY a.at, a.seq LIMIT $5::int8";

enum jt_err jt_audit_readings(struct jt_db *db, uint32_t field, uint64_t id, const char *since,
                              const char *until, size_t max, jt_audit_reading_fn *each, void *arg)
{
    uint8_t id_bytes[JT_ROW_ID_LEN];
    jt_put_u64(id_bytes, id);
    struct jt_params p;
    jt_params_init(&p);
    jt_params_u31(&p, field);
    jt_params_bytes(&p, id_bytes, sizeof id_bytes);
    jt_params_text(&p, since);
    jt_params_text(&p, until);
    jt_params_u63(&p, max);
    jt_params_i16(&p, JT_AUDIT_DETOKENIZE);
    PGresult *res;
    enum jt_err err = jt_db_query(db, find_readings, &p, &res);
    for (int i = 0; err == JT_OK && i < PQntuples(res); i++) {
        struct jt_audit_reading reading;
        struct jt_row row = jt_row_init(res, i);
        read_reading(&row, 0, &reading);
        err = jt_row_status(&row);
        if (err == JT_OK) {
            each(arg, &reading);
        }
    }
    PQclear(res);
    return err;
}

enum jt_err jt_audit_record(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            const char *object)
{
    enum jt_err err = jt_db_begin(db);
    return err == JT_OK ? jt_db_end(db, jt_audit_act(db, act, action, 0, object)) : err;
}

enum jt_err jt_audit_act_on(struct jt_db *db, const struct jt_act *act, enum jt_audit_action action,
                            uint64_t generation)
{
    char number[24];
    (void)snprintf(number, sizeof number, "%" PRIu64, generation);
    return jt_audit_act(db, act, action, 0, number);
}
